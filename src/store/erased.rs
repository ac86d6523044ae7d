//! A store whose type is forgotten, so that `Sessions<T>` names only the payload. Its calls are boxed; nothing else is.

use std::{error::Error, pin::Pin, time::SystemTime};

use super::{BlobId, Generation, Store, Written};

/// The error of any store.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

type Call<'a, R> = Pin<Box<dyn Future<Output = Result<R, BoxError>> + Send + 'a>>;

/// [`Store`], callable without knowing which.
pub(crate) trait ErasedStore: Send + Sync {
    fn load(&self, index: BlobId, most: usize) -> Call<'_, Option<Vec<u8>>>;
    fn create<'a>(&'a self, index: BlobId, blob: &'a [u8], expires: SystemTime) -> Call<'a, Written>;
    fn replace<'a>(
        &'a self,
        index: BlobId,
        expected: Generation,
        blob: &'a [u8],
        expires: SystemTime,
    ) -> Call<'a, Written>;
    fn set_expiry(&self, index: BlobId, expected: Generation, expires: SystemTime) -> Call<'_, Written>;
    fn delete(&self, index: BlobId, expected: Option<Generation>) -> Call<'_, Written>;
}

impl<S: Store> ErasedStore for S {
    fn load(&self, index: BlobId, most: usize) -> Call<'_, Option<Vec<u8>>> {
        boxed(Store::load(self, index, most))
    }

    fn create<'a>(&'a self, index: BlobId, blob: &'a [u8], expires: SystemTime) -> Call<'a, Written> {
        boxed(Store::create(self, index, blob, expires))
    }

    fn replace<'a>(
        &'a self,
        index: BlobId,
        expected: Generation,
        blob: &'a [u8],
        expires: SystemTime,
    ) -> Call<'a, Written> {
        boxed(Store::replace(self, index, expected, blob, expires))
    }

    fn set_expiry(&self, index: BlobId, expected: Generation, expires: SystemTime) -> Call<'_, Written> {
        boxed(Store::set_expiry(self, index, expected, expires))
    }

    fn delete(&self, index: BlobId, expected: Option<Generation>) -> Call<'_, Written> {
        boxed(Store::delete(self, index, expected))
    }
}

fn boxed<'a, R, E>(call: impl Future<Output = Result<R, E>> + Send + 'a) -> Call<'a, R>
where
    E: Error + Send + Sync + 'static,
{
    Box::pin(async move { call.await.map_err(|error| Box::new(error) as BoxError) })
}
