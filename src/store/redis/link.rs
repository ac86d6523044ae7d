//! A connection to Redis that is replaced when it is lost or has become useless.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{
    Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo, ProtocolVersion, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};

use super::{super::clear, StoreError};

/// A connection that all clones of a store share.
#[derive(Clone)]
pub(super) struct Link(Arc<Mutex<Connection>>);

struct Connection {
    manager: ConnectionManager,
    /// The number of times that the manager was replaced.
    renewed: u64,
    /// The client that makes a new manager. `None` for a manager of the application, which is never replaced.
    client: Option<Client>,
    /// The time for which calls have waited without an answer since the last answer.
    silence: Duration,
    /// The time up to which `silence` is counted. Calls overlap, so each adds only the time since then.
    counted: Instant,
}

/// The time for which calls wait without an answer before the connection is replaced. It is also the timeout of a
/// single call.
const PATIENCE: Duration = Duration::from_secs(1);

impl Link {
    /// Connects to a URL.
    pub(super) async fn connect(url: &str) -> Result<Self, StoreError> {
        let client = client(url).map_err(StoreError::when("parsing the URL of Redis"))?;
        if let ConnectionAddr::Tcp(host, _) = client.get_connection_info().addr()
            && !clear::is_loopback(host)
        {
            clear::warn(
                "RedisStore",
                host,
                "enable one of redis's TLS features, and connect to a rediss:// URL",
            );
        }
        let manager = ConnectionManager::new_with_config(client.clone(), config())
            .await
            .map_err(StoreError::when("connecting to Redis"))?;
        Ok(Self::over(manager, Some(client)))
    }

    /// Uses a manager of the application.
    pub(super) fn of(manager: ConnectionManager) -> Self {
        Self::over(manager, None)
    }

    fn over(manager: ConnectionManager, client: Option<Client>) -> Self {
        let (silence, counted) = (Duration::ZERO, Instant::now());
        Self(Arc::new(Mutex::new(Connection { manager, renewed: 0, client, silence, counted })))
    }

    /// Sends a command and waits for its answer.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let (mut manager, renewed) = {
            let mut connection = self.connection();
            if connection.silence >= PATIENCE {
                connection.renew();
            }
            (connection.manager.clone(), connection.renewed)
        };
        let mut call = Call { link: self, renewed, began: Some(Instant::now()) };
        let answer = command.query_async(&mut manager).await;
        match &answer {
            Err(error) if error.is_timeout() => drop(call), // the manager has given up
            _ => call.is_answered(),
        }
        if answer.as_ref().is_err_and(|error| !error.is_io_error() && !is_of_the_command(error)) {
            let mut connection = self.connection();
            if connection.renewed == renewed {
                connection.renew();
            }
        }
        answer
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // No code under the lock can leave the connection half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns true if Redis would give this answer over any connection: it is out of memory, cannot write its file, is
/// running a script, or has too few replicas. Reconnecting after each of these would only add to its load.
fn is_of_the_command(error: &RedisError) -> bool {
    error.code().is_some_and(|code| ["OOM", "MISCONF", "BUSY", "NOREPLICAS"].contains(&code))
}

impl Connection {
    /// Replaces the manager.
    ///
    /// The manager reconnects after I/O errors, but there are two cases that it does not handle:
    ///
    /// - Redis rejects a new connection, because it has too many or because a password is being changed. The manager then
    ///   keeps that answer forever. Here it looks like the answer to a command. Some answers to commands are cured by a new
    ///   connection too, such as that of a server that has become a replica.
    /// - A call gets no answer. The manager takes this for a slow answer and keeps the connection, possibly forever: the
    ///   server may have disappeared without closing it, while a device on the way still accepts what is sent. The manager
    ///   does not even notice a call that is dropped at its deadline.
    fn renew(&mut self) {
        self.silence = Duration::ZERO;
        let Some(client) = self.client.clone() else { return };
        if let Ok(manager) = ConnectionManager::new_lazy_with_config(client, config()) {
            self.manager = manager;
            self.renewed += 1;
        }
    }
}

/// A call that waits for its answer. It may be dropped at any time.
struct Call<'a> {
    link: &'a Link,
    /// The connection that it uses, by the value of [`Connection::renewed`].
    renewed: u64,
    /// `None` once it is answered.
    began: Option<Instant>,
}

impl Call<'_> {
    fn is_answered(&mut self) {
        self.began = None;
        let mut connection = self.link.connection();
        if connection.renewed == self.renewed {
            (connection.silence, connection.counted) = (Duration::ZERO, Instant::now());
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let Some(began) = self.began else { return };
        let mut connection = self.link.connection();
        if connection.renewed == self.renewed {
            let (now, since) = (Instant::now(), began.max(connection.counted));
            connection.silence += now.saturating_duration_since(since);
            connection.counted = now;
        }
    }
}

fn client(url: &str) -> Result<Client, RedisError> {
    let info = url.into_connection_info()?;
    // With version 3 of the protocol, the manager learns at once that a connection is lost, not at the next request.
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let tcp = TcpSettings::default().set_nodelay(true);
    // Where the operating system supports it, a peer that has disappeared without closing the connection is given up
    // after five seconds instead of a quarter of an hour.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let tcp = tcp.set_user_timeout(Duration::from_secs(5));
    Client::open(info.set_redis_settings(redis).set_tcp_settings(tcp))
}

/// Returns the timeouts, which are short because requests wait and give up after two seconds. The three attempts to
/// connect, within about 200 ms, cover a restart of Redis. After a longer outage, the next call tries again.
fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(1)))
        .set_response_timeout(Some(PATIENCE))
        .set_number_of_retries(3)
        .set_min_delay(Duration::from_millis(25))
        .set_max_delay(Duration::from_millis(100))
}
