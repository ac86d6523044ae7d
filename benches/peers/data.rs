//! The data of sessions.

#![allow(dead_code)] // each benchmark uses a part

use std::{fmt::Debug, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    cart5::{Cart, cart},
    login::Visit,
};

/// A session that the application's pages read and change.
pub trait Data:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Looks at what a page would show. A change adds one.
    fn sum(&self) -> u64;

    fn change(&mut self);
}

impl Data for Visit {
    fn sum(&self) -> u64 {
        self.user.unwrap_or_default() + self.since
    }

    fn change(&mut self) {
        self.since += 1;
    }
}

impl Data for Cart {
    /// Looks at every line.
    fn sum(&self) -> u64 {
        self.user_id + self.items.iter().map(|item| u64::from(item.qty) * item.price_cents).sum::<u64>()
    }

    fn change(&mut self) {
        self.user_id += 1;
    }
}

/// A cart of 20 kB, with many small values.
pub fn large_cart() -> Arc<Cart> {
    Arc::new(cart(1047))
}

/// One string of 20 kB: what costs least to serialize, and as much as any other to encrypt.
pub fn large_text() -> Arc<Cart> {
    Arc::new(Cart { flash: vec!["x".repeat(20_000)], ..cart(0) })
}

/// The lengths of a value in each encoding.
pub fn lengths<T: Data>(value: &T) -> String {
    let (postcard, json) = (postcard::to_allocvec(value).unwrap(), serde_json::to_vec(value).unwrap());
    format!("{} bytes of postcard, {} of JSON", postcard.len(), json.len())
}
