//! The log of a [`PostgresStore`].

mod listener;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, raw_sql};

pub(in crate::store) use self::listener::Listener;
use super::{
    super::{PostgresStore, StoreError},
    RevocationEntry, RevocationLog, RevocationPage, SWEPT, sql,
};

/// Returns the SQL that appends entries.
///
/// The statements are one message, which PostgreSQL runs as one transaction without waiting for this process. A process
/// that stopped between two messages would make all others wait for the lock. A message of several statements has no
/// parameters, so the numbers are part of it.
///
/// Positions follow the highest one. Under the lock, whose number spells "sealrevo", they are in the order of commits.
/// A sequence could start again after a failover, because logical replication leaves it out.
fn append(entries: &[RevocationEntry]) -> String {
    let list = |number: fn(&RevocationEntry) -> i64| {
        let numbers: Vec<_> = entries.iter().map(|entry| number(entry).to_string()).collect();
        format!("'{{{}}}'::bigint[]", numbers.join(","))
    };
    let most = (SWEPT + entries.len()).to_string();
    format!(
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        SELECT pg_advisory_xact_lock({lock});
        INSERT INTO sealed_revocations (position, key, stamp, until)
            SELECT coalesce((SELECT max(position) FROM sealed_revocations), 0) + nth, key, stamp, until
            FROM unnest({keys}, {stamps}, {untils}) WITH ORDINALITY AS entries (key, stamp, until, nth);
        {remove_expired};
        NOTIFY sealed_revocations",
        lock = i64::from_be_bytes(*b"sealrevo"),
        keys = list(|entry| entry.key.cast_signed()),
        stamps = list(|entry| entry.stamp.into()),
        untils = list(|entry| entry.until.into()),
        remove_expired =
            sql::remove_expired!("floor(extract(epoch FROM now()))::bigint").replace("$1", &most),
    )
}

#[async_trait]
impl RevocationLog for PostgresStore {
    async fn append(&self, entries: &[RevocationEntry]) -> Result<(), StoreError> {
        let statements = raw_sql(AssertSqlSafe(append(entries)));
        let done = async { statements.execute(self.borrow().await?.connection()).await };
        done.await.map(drop).map_err(StoreError::when("appending revocations"))
    }

    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError> {
        let (from, most) = sql::parameters(from, most);
        let statement = sqlx::query_as(sql::read_page!(
            "floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint"
        ));
        let statement = statement.bind(from).bind(most);
        let rows = async { statement.fetch_all(self.borrow().await?.connection()).await };
        sql::page(rows.await.map_err(StoreError::when("reading revocations"))?)
    }

    /// Waits for a notification, on a connection of its own. Without one, it waits forever.
    async fn wait(&self) {
        self.listener.wait(&self.pool).await;
    }
}
