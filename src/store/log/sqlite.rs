//! The log of an [`SqliteStore`].

use async_trait::async_trait;

use super::{
    super::{SqliteStore, StoreError},
    RevocationEntry, RevocationLog, RevocationPage, SWEPT, sql,
};

#[async_trait]
impl RevocationLog for SqliteStore {
    async fn append(&self, entries: &[RevocationEntry]) -> Result<(), StoreError> {
        let row = |entry: &RevocationEntry| {
            format!("[{},{},{}]", entry.key.cast_signed(), entry.stamp, entry.until)
        };
        let rows: Vec<_> = entries.iter().map(row).collect();
        let statement = sqlx::query(
            "INSERT INTO sealed_revocations (key, stamp, until)
                SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1) AS entries ORDER BY entries.key",
        );
        let statement = statement.bind(format!("[{}]", rows.join(",")));
        let _ = self.write("appending revocations", statement).await?;
        // If this fails, the entries have been appended all the same, and the next call removes what this one did not.
        let statement = sqlx::query(sql::remove_expired!("unixepoch()"));
        let _ = self.write("removing revocations", statement.bind((SWEPT + entries.len()) as i64)).await;
        Ok(())
    }

    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError> {
        let (from, most) = sql::parameters(from, most);
        let statement = sqlx::query_as(sql::read_page!("CAST(unixepoch('subsec') * 1000 AS INTEGER)"));
        let rows = statement.bind(from).bind(most).fetch_all(&self.pool).await;
        sql::page(rows.map_err(StoreError::when("reading revocations"))?)
    }
}
