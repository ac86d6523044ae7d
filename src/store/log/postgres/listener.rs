//! The connection on which a process waits for notifications.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{
    Error, PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    runtime::Handle,
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::error::chain;

/// The time after which a silent connection is tested, and a lost one replaced.
const SILENCE: Duration = Duration::from_secs(60);

/// The time to wait for a server.
const PATIENCE: Duration = Duration::from_secs(5);

/// A task that listens, shared by all clones of a store. It begins with the first call that waits, and ends when the
/// last clone is dropped.
#[derive(Default)]
pub(in crate::store) struct Listener {
    heard: Arc<Notify>,
    /// The task, if it is running. It is aborted when the set is dropped.
    task: Mutex<JoinSet<()>>,
}

impl Listener {
    /// Waits for a notification.
    pub(super) async fn wait(&self, pool: &PgPool) {
        let heard = self.heard.notified();
        self.start(pool);
        heard.await;
    }

    fn start(&self, pool: &PgPool) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        while task.try_join_next().is_some() {}
        let (true, Ok(runtime)) = (task.is_empty(), Handle::try_current()) else { return };
        // The pool of the store may have a single connection, which a listener would keep for itself.
        let options = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
        let pool = options
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with((*pool.connect_options()).clone());
        let heard = Arc::clone(&self.heard);
        let listen_forever = async move {
            loop {
                if let Err(error) = listen(&pool, &heard).await {
                    tracing::warn!(
                        store = "PostgresStore",
                        error = %chain(&error),
                        "cannot listen for revocations by other processes, which are found by polling instead; will \
                         retry"
                    );
                }
                sleep(SILENCE).await;
            }
        };
        task.spawn_on(listen_forever, &runtime);
    }
}

/// Listens until the connection is lost.
async fn listen(pool: &PgPool, heard: &Notify) -> Result<(), Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen("sealed_revocations").await?;
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(received) => drop(received?),
            // Nothing was sent, or nothing arrives any more.
            Err(_) => {
                let answer = timeout(PATIENCE, sqlx::query("SELECT 1").execute(&mut listener)).await;
                answer.map_err(|_| Error::PoolTimedOut)??;
            }
        }
        // Also after a lost connection: something may have been sent meanwhile.
        heard.notify_waiters();
    }
}
