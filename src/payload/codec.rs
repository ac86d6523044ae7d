//! The two encodings. The schema number of a payload identifies its encoding and, if it is compact, the shape of its
//! type.

use std::{any::type_name, fmt, sync::OnceLock};

use serde::{Serialize, de::DeserializeOwned};
use serde_fingerprint::{EncodeError, Fingerprint, Samples, Schema, SchemaError, named};

use super::migration::{self, Declaration, Migration};
use crate::error::{Refusal, SetupError, SetupKind, chain};

/// The schema number of a self-describing payload. Fingerprints begin at 16.
const SELF_DESCRIBING: u32 = 1;

/// The encoding of session data. Sessions in either encoding are read, so switching ends no session.
///
/// After a switch to [`SelfDescribing`](Self::SelfDescribing), compact sessions are read only if the compact encoding
/// supports the type, with its [samples](crate::SessionsBuilder::samples) if it needs any.
///
/// ```
/// use std::collections::BTreeMap;
/// use sealed_session::{Encoding, KeyRing, Sessions};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Visit {
///     user: Option<u64>,
///     #[serde(flatten)]
///     extra: BTreeMap<String, String>,
/// }
///
/// let sessions = Sessions::<Visit>::builder(KeyRing::generate()?)
///     .encoding(Encoding::SelfDescribing)
///     .build()?;
/// # Ok::<(), sealed_session::SetupError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Encodes with postcard, and adds a fingerprint of the type's shape, so that data is never read as another type.
    /// The default, and the smaller and faster encoding.
    ///
    /// Appending a field with `#[serde(default)]` to the session type ends no session. Any other change to the type
    /// needs [`migrating_from`](crate::SessionsBuilder::migrating_from). `build()` fails for types that need a
    /// self-describing format (`flatten`, `untagged`, `tag`, `skip_serializing_if`, `serde_json::Value`).
    #[default]
    Compact,
    /// Encodes with MessagePack, with the names of fields and variants, following serde's own rules.
    ///
    /// `default`, `alias`, `flatten`, `untagged`, `tag` and `serde_json::Value` work as they do with JSON. Names take
    /// space in the cookie. Only names connect data with its type, so a field whose meaning changes needs a new name.
    ///
    /// As in JSON, `Some(None)` reads as `None`, without an error. A 128-bit number inside `flatten`, `tag` or
    /// `untagged` can be written but not read. `build()` detects this only in the type's default value.
    SelfDescribing,
}

/// Encodes and decodes the values of one type.
pub(crate) struct Codec<T> {
    own: Own<T>,
    migrations: Vec<Migration<T>>,
}

enum Own<T> {
    Compact(Schema<T>),
    /// The compact schema is traced when a compact payload first arrives, because a type that was never sealed
    /// compactly need not be traceable.
    SelfDescribing {
        compact: OnceLock<Option<Schema<T>>>,
        samples: Samples,
    },
}

impl<T: Serialize + DeserializeOwned> Codec<T> {
    /// Traces the type, and the declared former types.
    pub(crate) fn new(
        encoding: Encoding,
        samples: Samples,
        declarations: Vec<Declaration<T>>,
    ) -> Result<Self, SetupError> {
        let former = |current| migration::trace(declarations, &samples, current);
        Ok(match encoding {
            Encoding::Compact => {
                let schema = Schema::trace_with(&samples).map_err(|error| {
                    SetupKind::Schema.error(format!(
                        "{error}. Or choose `Encoding::SelfDescribing`, which follows serde's own rules"
                    ))
                })?;
                Self { migrations: former(Some(schema.fingerprint()))?, own: Own::Compact(schema) }
            }
            Encoding::SelfDescribing => Self {
                migrations: former(None)?,
                own: Own::SelfDescribing { compact: OnceLock::new(), samples },
            },
        })
    }

    /// Returns the schema number of the payloads that this codec writes.
    pub(crate) fn schema(&self) -> u32 {
        match &self.own {
            Own::Compact(schema) => schema.fingerprint().into(),
            Own::SelfDescribing { .. } => SELF_DESCRIBING,
        }
    }

    /// Encodes a value, and appends the bytes to `out`.
    pub(crate) fn encode_into(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match &self.own {
            Own::Compact(schema) => schema.encode_into(value, out),
            Own::SelfDescribing { .. } => named::encode_into(value, out),
        }
    }

    /// Decodes a payload of `T`, of a declared former type, or of `T` without its last fields, in that order.
    pub(crate) fn decode(&self, schema: u32, payload: &[u8]) -> Result<T, Refusal> {
        if schema == SELF_DESCRIBING {
            return named::decode(payload).map_err(|_| Refusal::Undecodable);
        }
        let fingerprint = Fingerprint::from(schema);
        let compact = self.compact();
        if let Some(compact) = compact
            && compact.fingerprint() == fingerprint
        {
            return compact.decode(payload).map_err(|_| Refusal::Undecodable);
        }
        if let Some(migration) = self.migrations.iter().find(|former| former.fingerprint == fingerprint) {
            return migration.read(payload);
        }
        let read = compact.and_then(|compact| compact.decode_prefix(fingerprint, payload));
        read.ok_or(Refusal::UnknownSchema)?.map_err(|_| Refusal::Undecodable)
    }

    fn compact(&self) -> Option<&Schema<T>> {
        match &self.own {
            Own::Compact(schema) => Some(schema),
            Own::SelfDescribing { compact, samples } => {
                let traced = compact.get_or_init(|| {
                    let warn = |error: &SchemaError| tracing::warn!(error = %chain(error), "compact sessions are not read");
                    Schema::trace_with(samples).inspect_err(warn).ok()
                });
                traced.as_ref()
            }
        }
    }

    /// Returns the bytes of the type's default value, after checking that they read back as that value. The check
    /// ignores the order of the bytes, because a hash map may write its entries in another order.
    pub(crate) fn empty(&self) -> Result<Vec<u8>, SetupError>
    where
        T: Default,
    {
        let mut empty = Vec::new();
        let write = self.encode_into(&T::default(), &mut empty);
        write.map_err(|error| SetupKind::Schema.error(error.to_string()))?;
        let mut again = Vec::new();
        if let Ok(value) = self.decode(self.schema(), &empty)
            && self.encode_into(&value, &mut again).is_ok()
        {
            let mut sorted = empty.clone();
            sorted.sort_unstable();
            again.sort_unstable();
            if sorted == again {
                return Ok(empty);
            }
        }
        Err(SetupKind::Schema.error(format!(
            "the default value of `{}` does not read back as itself: make the type's `Deserialize` read what its \
             `Serialize` writes (look for `skip_serializing`, `skip_deserializing` and `rename(serialize = ...)`)",
            type_name::<T>()
        )))
    }
}

impl<T> fmt::Debug for Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.own {
            Own::Compact(schema) => schema.fmt(f),
            Own::SelfDescribing { .. } => write!(f, "SelfDescribing<{}>", type_name::<T>()),
        }
    }
}
