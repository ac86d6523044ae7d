//! A server of SecantusDB: a process on a free port of 127.0.0.1, with a directory for its files, which the test that
//! owns it can kill, freeze and restart.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The longest time that it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Secantus {
    port: u16,
    directory: PathBuf,
    server: Option<Child>,
    /// A shell that waits for the end of its standard input, which comes when this process ends for any reason. Then it
    /// kills the server and removes its directory.
    watchdog: Child,
}

impl Secantus {
    /// Starts an empty server that writes each change to disk before it replies.
    pub fn start() -> Self {
        const WATCHDOG: &str = r#"
            trap '' INT TERM HUP
            cat >/dev/null
            pid=$(cat "$1/pid" 2>/dev/null) && kill -KILL "$pid" 2>/dev/null
            rm -rf "$1"
        "#;
        let directory = tempfile::Builder::new().prefix("sealed-session-").tempdir().unwrap().keep();
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG, "watchdog"]).arg(&directory).process_group(0).stdin(Stdio::piped());
        let watchdog = watchdog.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { port, directory, server: None, watchdog };
        server.start_again();
        server
    }

    /// The URL of a database.
    pub fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/tests", self.port)
    }

    /// Kills it at once. It cannot write anything.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
            fs::remove_file(self.directory.join("pid")).unwrap();
        }
    }

    /// Restarts it on the same port, with the data that it had on disk. Returns when it accepts connections.
    pub fn start_again(&mut self) {
        self.kill();
        let program = std::env::var_os("SECANTUSDB").unwrap_or_else(|| "secantusd-py".into());
        let log = fs::File::create(self.directory.join("log")).unwrap();
        let mut command = Command::new(&program);
        command.args(["--storage-path", "data", "--sync-on-commit"]);
        command.args(["--enable-test-commands", "--log-level", "ERROR", "--host", "127.0.0.1", "--port"]);
        command.arg(self.port.to_string()).current_dir(&self.directory).process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut server = command.spawn().unwrap_or_else(|error| {
            panic!("{program:?} cannot be started: {error}. See the top of tests/mongodb/main.rs")
        });
        fs::write(self.directory.join("pid"), server.id().to_string()).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            assert!(server.try_wait().unwrap().is_none(), "the server ended. Its log: {}", log());
            assert!(Instant::now() < deadline, "the server does not start. Its log: {}", log());
            thread::sleep(Duration::from_millis(20));
        }
        self.server = Some(server);
    }

    /// Freezes it: connections stay open, and nothing replies.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Resumes it.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let server = self.server.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &server]).status().unwrap().success());
    }
}

impl Drop for Secantus {
    fn drop(&mut self) {
        self.kill();
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}
