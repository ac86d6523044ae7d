//! A typical session: somebody is signed in. 29 bytes of postcard, 74 of JSON.

#![allow(dead_code)] // each user needs a part

use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    pub user: Option<u64>,
    pub name: String,
    pub roles: Vec<String>,
    pub since: u64,
}

pub fn login() -> Visit {
    Visit {
        user: Some(123_456),
        name: "Ada Lovelace".into(),
        roles: vec!["admin".into()],
        since: 1_700_000_000,
    }
}
