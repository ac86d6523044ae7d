//! The implementation of [`Store`](super::Store) that the two SQL stores share.

/// Implements `Store` with one SQL statement for each call.
///
/// A single statement is atomic, even if the future is dropped while it runs. `$now` is the database's clock in SQL, and
/// `$expires` converts the second parameter, milliseconds since 1970, to the type of the column. The store has the methods
/// `sweep`, `read` and `write`.
macro_rules! impl_store {
    ($store:ident, $now:literal, $expires:literal) => {
        #[async_trait]
        impl Store for $store {
            async fn load(&self, id: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
                let statement = sqlx::query_scalar(concat!(
                    "SELECT substr(blob, 1, $2) FROM sealed_sessions WHERE id = $1 AND expires > ",
                    $now
                ));
                let most = i32::try_from(most).unwrap_or(i32::MAX);
                self.read("loading a blob", statement.bind(&id.as_bytes()[..]).bind(most)).await
            }

            async fn create(
                &self,
                id: BlobId,
                blob: &[u8],
                expires: SystemTime,
            ) -> Result<Written, StoreError> {
                self.sweep();
                let statement = sqlx::query(concat!(
                    "INSERT INTO sealed_sessions (id, expires, blob) VALUES ($1, ",
                    $expires,
                    ", $3) ON CONFLICT (id) DO UPDATE SET expires = excluded.expires, blob = excluded.blob
                        WHERE sealed_sessions.expires <= ",
                    $now
                ));
                let statement = statement.bind(&id.as_bytes()[..]).bind(unix_millis(expires)).bind(blob);
                self.write("creating a blob", statement).await
            }

            async fn replace(
                &self,
                id: BlobId,
                expected: Generation,
                blob: &[u8],
                expires: SystemTime,
            ) -> Result<Written, StoreError> {
                let statement = sqlx::query(concat!(
                    "UPDATE sealed_sessions SET expires = ",
                    $expires,
                    ", blob = $4 WHERE id = $1 AND substr(blob, 6, 8) = $3 AND expires > ",
                    $now
                ));
                let statement = statement.bind(&id.as_bytes()[..]).bind(unix_millis(expires));
                self.write("replacing a blob", statement.bind(expected.to_be_bytes().to_vec()).bind(blob)).await
            }

            async fn set_expiry(
                &self,
                id: BlobId,
                expected: Generation,
                expires: SystemTime,
            ) -> Result<Written, StoreError> {
                let statement = sqlx::query(concat!(
                    "UPDATE sealed_sessions SET expires = ",
                    $expires,
                    " WHERE id = $1 AND substr(blob, 6, 8) = $3 AND expires > ",
                    $now
                ));
                let statement = statement.bind(&id.as_bytes()[..]).bind(unix_millis(expires));
                self.write("setting an expiry", statement.bind(expected.to_be_bytes().to_vec())).await
            }

            async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
                let expected = expected.map(|generation| generation.to_be_bytes().to_vec());
                let statement = sqlx::query(concat!(
                    "DELETE FROM sealed_sessions
                        WHERE id = $1 AND ($2 IS NULL OR substr(blob, 6, 8) = $2) AND expires > ",
                    $now
                ));
                self.write("deleting a blob", statement.bind(&id.as_bytes()[..]).bind(expected)).await
            }
        }
    };
}

pub(super) use impl_store;
