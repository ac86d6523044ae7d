//! The way to Redis: a connection that is made anew when it is lost, or of no use.

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

/// A connection that all clones share.
#[derive(Clone)]
pub(super) struct Link(Arc<Mutex<Connection>>);

struct Connection {
    manager: ConnectionManager,
    /// How often it was made anew.
    renewed: u64,
    /// How to. A manager that was given is left as it is.
    client: Option<Client>,
    /// How long calls have waited since the last answer, in vain.
    silence: Duration,
    /// Up to when that is counted: calls wait at the same time, and some longer than for the last answer.
    counted: Instant,
}

/// How long calls wait in vain before the connection is made anew: as long as one waits at most.
const PATIENCE: Duration = Duration::from_secs(1);

impl Link {
    /// One of our own.
    pub(super) async fn connect(url: &str) -> Result<Self, StoreError> {
        let client = client(url).map_err(StoreError::when("reading the URL of Redis"))?;
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

    /// One that was given.
    pub(super) fn of(manager: ConnectionManager) -> Self {
        Self::over(manager, None)
    }

    fn over(manager: ConnectionManager, client: Option<Client>) -> Self {
        let (silence, counted) = (Duration::ZERO, Instant::now());
        Self(Arc::new(Mutex::new(Connection { manager, renewed: 0, client, silence, counted })))
    }

    /// Sends a command and awaits its answer.
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
            Err(error) if error.is_timeout() => drop(call), // given up, by the manager
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
        // Nothing is done under the lock that could leave it half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether Redis has answered so to a command, and would over any connection: it is full, can't write its file, runs a
/// script, or has too few replicas. To connect anew at each of those would only burden it more.
fn is_of_the_command(error: &RedisError) -> bool {
    error.code().is_some_and(|code| ["OOM", "MISCONF", "BUSY", "NOREPLICAS"].contains(&code))
}

impl Connection {
    /// Makes the manager anew.
    ///
    /// It connects again by itself after errors of input and output. But when Redis itself refuses a new connection (it
    /// has too many, or a password is being changed), the manager keeps that answer for good. From here it looks like the
    /// answer to a command, some of which are mended by a new connection as well: that of a server that has become a replica.
    ///
    /// And when a call waits in vain, the manager takes that for a slow answer and keeps the connection, for good if need
    /// be: when the server has vanished without a word, and something in between still takes what is sent. Of a call whose
    /// deadline has passed it learns nothing at all.
    fn renew(&mut self) {
        self.silence = Duration::ZERO;
        let Some(client) = self.client.clone() else { return };
        if let Ok(manager) = ConnectionManager::new_lazy_with_config(client, config()) {
            self.manager = manager;
            self.renewed += 1;
        }
    }
}

/// A call that waits for its answer, and may be given up at any time.
struct Call<'a> {
    link: &'a Link,
    /// Over which connection.
    renewed: u64,
    /// `None` when it is answered.
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
    // By the third version of the protocol, the manager learns at once that a connection is lost, and not by the next
    // request.
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let tcp = TcpSettings::default().set_nodelay(true);
    // A peer that has vanished without a word is given up, where the system can do that, after five seconds and not after
    // a quarter of an hour.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let tcp = tcp.set_user_timeout(Duration::from_secs(5));
    Client::open(info.set_redis_settings(redis).set_tcp_settings(tcp))
}

/// Requests wait meanwhile, and give up after two seconds: nothing here takes as long. The few attempts to connect, within
/// some 200 ms, ride out a restart; after a longer outage the next call tries anew.
fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(1)))
        .set_response_timeout(Some(PATIENCE))
        .set_number_of_retries(3)
        .set_min_delay(Duration::from_millis(25))
        .set_max_delay(Duration::from_millis(100))
}
