//! Sessions of keys and values, as in express-session and tower-sessions.

use std::{borrow::Borrow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Visitor},
};

use serde_fingerprint::named;

use crate::{
    Session,
    error::{Error, Kind},
};

/// Session data without a declared type: keys and values. Each value has its own type, chosen by the code that inserts
/// and gets it.
///
/// Values are MessagePack with the names of fields, as [`Encoding::SelfDescribing`](crate::Encoding) writes them: a
/// struct that gained a field with `#[serde(default)]` still reads. The map is sorted by key. Names cost bytes. If you
/// know the data in advance, a struct of your own is a third smaller, and typed.
///
/// ```
/// use sealed_session::SessionMap;
///
/// let mut map = SessionMap::default();
/// map.insert("user", "ada")?;
/// assert_eq!(map.get::<String>("user")?, Some("ada".to_owned()));
/// assert!(map.get::<u32>("user").is_err());
/// assert_eq!(map.get::<String>("nothing")?, None);
///
/// let views = map.update("views", |views: Option<u32>| views.unwrap_or(0) + 1)?;
/// assert_eq!(views, 1);
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
    /// Returns an error if the value cannot be serialized or is nested more than 128 levels deep ([`Error::is_value`]).
    /// The map is then unchanged.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Serialize) -> Result<(), Error> {
        let value = Value::of(&value)?;
        self.0.insert(key.into(), value);
        Ok(())
    }

    /// Returns the value of a key as the requested type, or `None` if the key has no value.
    ///
    /// # Errors
    ///
    /// Returns an error if the value does not fit the type ([`Error::is_value`]). Types are never guessed: a list is
    /// not a struct, and a number is not an enum variant. Where serde buffers a part before it knows the type
    /// (`flatten`, `untagged`, `tag`), serde decides. As in JSON, `Some(None)` reads as `None`.
    pub fn get<V: DeserializeOwned>(&self, key: &str) -> Result<Option<V>, Error> {
        self.0.get(key).map(Value::read).transpose()
    }

    /// Removes a key and returns its value as the requested type, or `None` if the key had no value.
    ///
    /// # Errors
    ///
    /// Returns an error if the value does not fit the type ([`Error::is_value`]). The key is removed even then. To
    /// remove a key whatever its value is, ask for a [`serde::de::IgnoredAny`], which every value fits.
    pub fn remove<V: DeserializeOwned>(&mut self, key: &str) -> Result<Option<V>, Error> {
        self.0.remove(key).map(|value| value.read()).transpose()
    }

    /// Sets the value of a key to the result of `change`, which gets the present value or `None`, and returns the new
    /// value.
    ///
    /// # Errors
    ///
    /// Returns an error if the present value does not fit the type, or if the new one cannot be serialized
    /// ([`Error::is_value`]). The map is then unchanged.
    pub fn update<V: Serialize + DeserializeOwned>(
        &mut self,
        key: impl Into<String>,
        change: impl FnOnce(Option<V>) -> V,
    ) -> Result<V, Error> {
        let key = key.into();
        let value = change(self.get(&key)?);
        self.insert(key, &value)?;
        Ok(value)
    }

    /// Returns true if the key has a value.
    pub fn contains_key(&self, key: &str) -> bool {
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

impl Value {
    // Neither error has a cause, because serde's message may contain a part of the value.
    fn of(value: &impl Serialize) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        named::encode_into(value, &mut bytes).map_err(|_| {
            Kind::Value(
                "cannot be serialized: make its `Serialize` succeed, and nest it at most 128 levels deep",
            )
        })?;
        Ok(Self(bytes))
    }

    fn read<V: DeserializeOwned>(&self) -> Result<V, Error> {
        named::decode(&self.0).map_err(|_| {
            Kind::Value("is not of the requested type: ask for the type that was inserted").into()
        })
    }
}

impl fmt::Debug for SessionMap {
    /// Shows only the number of keys, because the keys and values are session data.
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

/// Methods for keys and values. Each is one call to [`read`](Session::read) or [`try_update`](Session::try_update) with
/// the method of [`SessionMap`] that it is named after.
///
/// A method that changes the session fails with an error that [is finished](Error::is_finished) if the session has
/// already been committed to a response.
impl Session<SessionMap> {
    /// Sets the value of a key.
    ///
    /// # Errors
    ///
    /// Returns an error if the value cannot be serialized ([`Error::is_value`]), or if the session has already been
    /// committed.
    pub fn insert(&self, key: impl Into<String>, value: impl Serialize) -> Result<(), Error> {
        self.try_update(|map| map.insert(key, value))?
    }

    /// Returns the value of a key as the requested type, or `None` if the key has no value.
    ///
    /// # Errors
    ///
    /// Returns an error if the value does not fit the type ([`Error::is_value`]).
    pub fn get<V: DeserializeOwned>(&self, key: &str) -> Result<Option<V>, Error> {
        self.read(|map| map.get(key))
    }

    /// Removes a key and returns its value as the requested type, or `None` if the key had no value.
    ///
    /// # Errors
    ///
    /// Returns an error if the value does not fit the type ([`Error::is_value`]). The key is removed even then. Also
    /// returns an error if the session has already been committed.
    pub fn remove<V: DeserializeOwned>(&self, key: &str) -> Result<Option<V>, Error> {
        self.try_update(|map| map.remove(key))?
    }

    /// Sets the value of a key to the result of `change`, which gets the present value or `None`, and returns the new
    /// value. No other handle of the same session can change it in between.
    ///
    /// # Errors
    ///
    /// Returns an error if the present value does not fit the type, if the new one cannot be serialized
    /// ([`Error::is_value`]), or if the session has already been committed. The session is then unchanged.
    ///
    /// ```
    /// use sealed_session::{Error, Session};
    ///
    /// fn add_to_cart(session: &Session, item: String) -> Result<usize, Error> {
    ///     let cart = session.update_value("cart", |cart: Option<Vec<String>>| {
    ///         let mut cart = cart.unwrap_or_default();
    ///         cart.push(item);
    ///         cart
    ///     })?;
    ///     Ok(cart.len())
    /// }
    /// ```
    pub fn update_value<V: Serialize + DeserializeOwned>(
        &self,
        key: impl Into<String>,
        change: impl FnOnce(Option<V>) -> V,
    ) -> Result<V, Error> {
        self.try_update(|map| map.update(key, change))?
    }

    /// Returns true if the key has a value.
    pub fn contains_key(&self, key: &str) -> bool {
        self.read(|map| map.contains_key(key))
    }

    /// Returns the keys, sorted.
    pub fn keys(&self) -> Vec<String> {
        self.read(|map| map.keys().map(str::to_owned).collect())
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.read(SessionMap::len)
    }

    /// Returns true if the session has no keys.
    pub fn is_empty(&self) -> bool {
        self.read(SessionMap::is_empty)
    }
}
