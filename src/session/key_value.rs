//! The payload of sessions without a type: keys and values, as express-session and tower-sessions have them.

use std::{borrow::Borrow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Visitor},
};

use serde_fingerprint::named;

use crate::{
    KeyRing, Session, Sessions, SessionsBuilder,
    error::{Error, Kind},
};

/// Keys and values. Each value has its own type, chosen by the code that inserts and gets it.
///
/// Values are MessagePack with the names of fields, as [`Encoding::SelfDescribing`](crate::Encoding) writes them: a
/// struct that gained a field with `#[serde(default)]` still reads. The map is sorted by key. Names cost bytes: for
/// data that you know, a struct of your own is a third smaller, and typed.
///
/// ```
/// use sealed_session::SessionMap;
///
/// let mut map = SessionMap::default();
/// map.insert("views", &3)?;
/// assert_eq!(map.get::<u32>("views")?, Some(3));
/// assert_eq!(map.get::<u32>("nothing")?, None);
/// assert!(map.get::<String>("views").is_err());
/// # Ok::<(), sealed_session::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMap(BTreeMap<String, Value>);

/// One value, as MessagePack.
#[derive(Clone, PartialEq, Eq)]
struct Value(Vec<u8>);

impl SessionMap {
    /// Sets the value of a key.
    ///
    /// # Errors
    ///
    /// If the value can't be serialized or nests more than 128 levels deep. The map is then unchanged.
    pub fn insert(&mut self, key: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        let mut bytes = Vec::new();
        // No cause is given: what serde says may hold a piece of the value.
        named::encode_into(value, &mut bytes).map_err(|_| Kind::Value("can't be serialized"))?;
        self.0.insert(key.into(), Value(bytes));
        Ok(())
    }

    /// Returns the value of a key as the requested type, or `None` if the key has no value.
    ///
    /// # Errors
    ///
    /// If the value does not fit the type. It is never guessed: a list is not a struct, and a number is not a
    /// variant. Where serde buffers a part before it decides what it is (`flatten`, `untagged`, `tag`), serde decides. As
    /// in JSON, `Some(None)` reads as `None`.
    pub fn get<V: DeserializeOwned>(&self, key: &str) -> Result<Option<V>, Error> {
        let read = |value: &Value| {
            named::decode(&value.0).map_err(|_| Kind::Value("is not of the requested type").into())
        };
        self.0.get(key).map(read).transpose()
    }

    /// Removes a key, and returns whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        self.0.remove(key).is_some()
    }

    /// Returns true if the key has a value.
    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Returns the keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(Borrow::borrow)
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if the map has no keys.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SessionMap {
    /// Shows only the number of keys, because names and values are a visitor's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionMap({} keys)", self.len())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
                Ok(Value(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
                Ok(Value(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

impl Sessions<SessionMap> {
    /// Begins the configuration of sessions without a type, as express-session and tower-sessions have them: a
    /// [`Session`] of keys and values.
    ///
    /// ```
    /// use sealed_session::{Error, KeyRing, Session, Sessions};
    ///
    /// async fn count(session: Session) -> Result<String, Error> {
    ///     let views = session.get::<u32>("views")?.unwrap_or(0) + 1;
    ///     session.insert("views", &views)?;
    ///     Ok(views.to_string())
    /// }
    ///
    /// let sessions = Sessions::key_value(KeyRing::generate()?).realm("shop").build()?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn key_value(ring: KeyRing) -> SessionsBuilder<SessionMap> {
        Self::builder(ring)
    }
}

/// Keys and values. Each call is one closure of [`read`](Session::read) or [`try_update`](Session::try_update) on
/// the [`SessionMap`].
impl Session<SessionMap> {
    /// Sets the value of a key.
    ///
    /// # Errors
    ///
    /// If the value can't be serialized, or the response's head has already been sent.
    pub fn insert(&self, key: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.try_update(|map| map.insert(key, value))?
    }

    /// Returns the value of a key as the requested type, or `None` if the key has no value.
    ///
    /// # Errors
    ///
    /// If the value does not fit the type.
    pub fn get<V: DeserializeOwned>(&self, key: &str) -> Result<Option<V>, Error> {
        self.read(|map| map.get(key))
    }

    /// Removes a key, and returns whether it was there.
    ///
    /// # Errors
    ///
    /// If the response's head has already been sent.
    pub fn remove(&self, key: &str) -> Result<bool, Error> {
        self.try_update(|map| map.remove(key))
    }

    /// Returns true if the key has a value.
    pub fn contains(&self, key: &str) -> bool {
        self.read(|map| map.contains(key))
    }

    /// Returns the keys, sorted.
    pub fn keys(&self) -> Vec<String> {
        self.read(|map| map.keys().map(str::to_owned).collect())
    }
}
