//! Real servers. Each is a process on a free port of 127.0.0.1 with a temporary directory, and the test that owns it can
//! kill, stop and restart it.
//!
//! A shell watches each server. When this process ends, for any reason, the shell kills the server and removes its
//! directory.

#![allow(dead_code)] // each test binary uses a part of it

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

/// The longest time that a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server for all tests of a binary that do not stop it.
pub fn redis() -> &'static Redis {
    static SHARED: OnceLock<Redis> = OnceLock::new();
    SHARED.get_or_init(Redis::start)
}

/// The server for all tests of a binary that do not stop it.
pub fn postgres() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(Postgres::start)
}

/// A Redis server.
pub struct Redis(Server);

impl Redis {
    /// Starts a server that keeps everything in memory, so that it loses its data when it is killed.
    pub fn start() -> Self {
        Self::with(&["--save", "", "--appendonly", "no"])
    }

    /// Starts a server that writes each change to disk before it replies.
    pub fn durable() -> Self {
        Self::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts a server with these arguments.
    pub fn with(arguments: &[&str]) -> Self {
        let (nest, port) = (Nest::new(), free_port());
        let mut command = vec!["redis-server".to_owned(), "--bind".into(), "127.0.0.1".into()];
        command.extend(["--port".into(), port.to_string(), "--dir".into(), nest.path.display().to_string()]);
        command.extend(arguments.iter().map(ToString::to_string));
        Self(Server::start(nest, port, command, None, answers_as_redis))
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.0.port)
    }
}

/// A PostgreSQL server, with a superuser `postgres` that needs no password.
pub struct Postgres(Server);

impl Postgres {
    /// Starts an empty server.
    pub fn start() -> Self {
        let (binaries, nest, port) = (binaries(), Nest::new(), free_port());
        let directory = nest.path.clone();
        let user = Account::for_postgres();
        let data = directory.join("data");
        if let Some(user) = &user {
            std::os::unix::fs::chown(&directory, Some(user.user), Some(user.group)).unwrap();
        }
        let mut initdb = Command::new(binaries.join("initdb"));
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]);
        run(as_user(initdb.arg("--pgdata").arg(&data).current_dir(&directory), user.as_ref()));
        let command = [
            binaries.join("postgres").display().to_string(),
            "-D".into(),
            data.display().to_string(),
            "-p".into(),
            port.to_string(),
            "-k".into(),
            directory.display().to_string(),
            "-c".into(),
            "listen_addresses=127.0.0.1".into(),
            // The tests kill the server, not the machine.
            "-c".into(),
            "fsync=off".into(),
            // In its directory, which is removed: a killed server leaves shared memory behind.
            "-c".into(),
            "dynamic_shared_memory_type=mmap".into(),
        ];
        Self(Server::start(nest, port, command.into(), user, answers_as_postgres))
    }

    /// The URL of its database `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.0.port)
    }

    /// Stops it as `pg_ctl stop -m immediate` does: it closes every connection and writes nothing. It recovers when it
    /// starts again.
    pub fn stop_immediately(&mut self) {
        let mut child = self.0.child.take().expect("it runs");
        run(Command::new("kill").args(["-QUIT", &child.id().to_string()]));
        child.wait().unwrap();
    }
}

/// Failures that both servers can have.
macro_rules! server {
    ($($server:ident)*) => {$(
        impl $server {
            /// Its port of 127.0.0.1.
            pub fn port(&self) -> u16 {
                self.0.port
            }

            /// Kills it at once. It cannot write anything or close its connections.
            pub fn kill(&mut self) {
                self.0.kill();
            }

            /// Restarts it on the same port, with the data that it had on disk. Returns when it replies.
            pub fn start_again(&mut self) {
                self.0.spawn();
            }

            /// Freezes it: connections stay open, and nothing replies.
            pub fn freeze(&self) {
                self.0.signal("STOP");
            }

            /// Resumes it.
            pub fn thaw(&self) {
                self.0.signal("CONT");
            }
        }
    )*};
}

server!(Redis Postgres);

struct Server {
    nest: Nest,
    port: u16,
    command: Vec<String>,
    user: Option<Account>,
    answers: fn(SocketAddr) -> bool,
    child: Option<Child>,
}

impl Server {
    fn start(
        nest: Nest,
        port: u16,
        command: Vec<String>,
        user: Option<Account>,
        answers: fn(SocketAddr) -> bool,
    ) -> Self {
        let mut server = Self { nest, port, command, user, answers, child: None };
        server.spawn();
        server
    }

    fn spawn(&mut self) {
        self.kill();
        let deadline = Instant::now() + PATIENCE;
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        loop {
            let log = fs::File::options().create(true).append(true).open(self.nest.path.join("log")).unwrap();
            let mut command = Command::new(&self.command[0]);
            command.args(&self.command[1..]).current_dir(&self.nest.path).process_group(0);
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
            let mut child = as_user(&mut command, self.user.as_ref())
                .spawn()
                .unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.command[0]));
            fs::write(self.nest.path.join("pid"), child.id().to_string()).unwrap();
            // It may end: another process took the port, or children of PostgreSQL outlived it for a moment.
            while child.try_wait().unwrap().is_none() {
                if (self.answers)(address) {
                    self.child = Some(child);
                    return;
                }
                assert!(Instant::now() < deadline, "the server does not reply. Its log: {}", self.log());
                thread::sleep(Duration::from_millis(10));
            }
            assert!(Instant::now() < deadline, "the server ended. Its log: {}", self.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // This kills a frozen process too. Its children notice when they are resumed.
            let family = family(child.id());
            child.kill().unwrap();
            child.wait().unwrap();
            // Another process may get its number.
            let _ = fs::remove_file(self.nest.path.join("pid"));
            for member in family {
                let _ =
                    Command::new("kill").args(["-KILL", &member.to_string()]).stderr(Stdio::null()).status();
            }
        }
    }

    fn signal(&self, signal: &str) {
        let child = self.child.as_ref().expect("it runs");
        let mut kill = Command::new("kill");
        kill.arg(format!("-{signal}")).arg(child.id().to_string());
        // A child may have ended meanwhile.
        kill.args(family(child.id()).iter().map(ToString::to_string)).stderr(Stdio::null()).status().unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.nest.path.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The shell that watches it does the rest.
        self.kill();
    }
}

/// A directory for one server, and the shell that watches both.
struct Nest {
    path: PathBuf,
    /// The shell waits for the end of its standard input, which comes when this value is dropped or this process ends.
    _watchdog: Child,
}

impl Nest {
    /// Creates a private directory. Its path is short enough for a socket in it.
    fn new() -> Self {
        // It has its own process group and ignores the signals of a terminal.
        const SCRIPT: &str = r#"
            trap '' INT TERM HUP
            cat >/dev/null
            pid=$(cat "$1/pid" 2>/dev/null) && kill -KILL "$pid" 2>/dev/null
            rm -rf "$1"
            sleep 1 # PostgreSQL's children, and initdb, write a last line to what is gone
            rm -rf "$1"
        "#;
        let path = tempfile::Builder::new().prefix("sealed-session-").tempdir().unwrap().keep();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", SCRIPT, "watchdog"]).arg(&path).process_group(0);
        watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { _watchdog: watchdog.spawn().unwrap(), path }
    }
}

/// An account of the system. PostgreSQL refuses to run as root.
struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// The account `postgres`, which the Debian package creates, if this process runs as root.
    fn for_postgres() -> Option<Self> {
        let ask = |arguments: &[&str]| -> u32 {
            let output = Command::new("id").args(arguments).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            text.trim().parse().expect("there is no account `postgres`: install postgresql")
        };
        (ask(&["-u"]) == 0).then(|| Self { user: ask(&["-u", "postgres"]), group: ask(&["-g", "postgres"]) })
    }
}

fn as_user<'a>(command: &'a mut Command, account: Option<&Account>) -> &'a mut Command {
    match account {
        Some(account) => command.uid(account.user).gid(account.group),
        None => command,
    }
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The directory of the newest PostgreSQL server. On Debian it is not in the path.
fn binaries() -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|entry| {
        let version = entry.ok()?.file_name().to_str()?.parse::<u32>().ok()?;
        Some((version, PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))))
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = std::env::split_paths(&path).map(|directory| (0, directory)).collect::<Vec<_>>();
    debian
        .chain(elsewhere)
        .filter(|(_, directory)| directory.join("initdb").exists())
        .max_by_key(|(version, _)| *version)
        .map(|(_, directory)| directory)
        .expect("initdb is missing: install postgresql")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The children of a process: PostgreSQL has one for each connection.
fn family(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse::<u32>().ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in parentheses and can contain anything. The state and the parent come after it.
        let after_name = &stat[stat.rfind(')')? + 1..];
        let its_parent = after_name.split_whitespace().nth(1)?.parse::<u32>().ok()?;
        (its_parent == parent).then_some(pid)
    });
    processes.collect()
}

fn answers_as_redis(address: SocketAddr) -> bool {
    // The second reply means that it requires a password.
    exchange(address, b"PING\r\n")
        .is_some_and(|answer| answer.starts_with(b"+PONG") || answer.starts_with(b"-NOAUTH"))
}

fn answers_as_postgres(address: SocketAddr) -> bool {
    // A StartupMessage, version 3.0, for the user `postgres`. `R` is a request for authentication, here none. `E` is an
    // error, because the server is still starting.
    let parameters = b"user\0postgres\0\0";
    let length = (8 + parameters.len()) as u32;
    let message = [&length.to_be_bytes()[..], &196_608u32.to_be_bytes(), parameters].concat();
    exchange(address, &message).is_some_and(|answer| answer.first() == Some(&b'R'))
}

fn exchange(address: SocketAddr, message: &[u8]) -> Option<Vec<u8>> {
    use std::io::{Read, Write};
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream.write_all(message).ok()?;
    let mut answer = vec![0; 64];
    let length = stream.read(&mut answer).ok()?;
    answer.truncate(length);
    Some(answer)
}
