//! Payloads of former types that the application declares.

use std::any::type_name;

use serde::{Serialize, de::DeserializeOwned};
use serde_fingerprint::{Fingerprint, Samples, Schema};

use crate::error::{Refusal, SetupError, SetupKind};

/// A former type whose payloads are read and converted to `T`.
pub(crate) struct Migration<T> {
    pub(super) fingerprint: Fingerprint,
    read: Box<Read<T>>,
}

impl<T> Migration<T> {
    pub(super) fn read(&self, payload: &[u8]) -> Result<T, Refusal> {
        (self.read)(payload)
    }
}

type Read<T> = dyn Fn(&[u8]) -> Result<T, Refusal> + Send + Sync;

/// A declaration of a former type, which `build()` traces.
pub(crate) type Declaration<T> = Box<dyn FnOnce(&Samples) -> Result<Migration<T>, SetupError> + Send + Sync>;

/// Declares that payloads of `Old` are read and converted to `T`.
pub(crate) fn declare<Old, T>(convert: fn(Old) -> T) -> Declaration<T>
where
    Old: Serialize + DeserializeOwned + 'static,
    T: 'static,
{
    Box::new(move |samples| {
        let schema =
            Schema::<Old>::trace_with(samples).map_err(|error| SetupKind::Schema.error(error.to_string()))?;
        Ok(Migration {
            fingerprint: schema.fingerprint(),
            read: Box::new(move |payload| {
                schema.decode(payload).map(convert).map_err(|_| Refusal::Undecodable)
            }),
        })
    })
}

/// Traces the declarations, and rejects two of the same shape.
pub(super) fn trace<T>(
    declarations: Vec<Declaration<T>>,
    samples: &Samples,
    current: Option<Fingerprint>,
) -> Result<Vec<Migration<T>>, SetupError> {
    let mut migrations: Vec<Migration<T>> = Vec::with_capacity(declarations.len());
    for declaration in declarations {
        let migration = declaration(samples)?;
        let fingerprint = migration.fingerprint;
        let known =
            current == Some(fingerprint) || migrations.iter().any(|known| known.fingerprint == fingerprint);
        if known {
            return Err(SetupError::configuration(format!(
                "two of the types that `{}` is read from have the same shape (fingerprint {fingerprint}): declare \
                 each former shape once, and never the present one",
                type_name::<T>()
            )));
        }
        migrations.push(migration);
    }
    Ok(migrations)
}
