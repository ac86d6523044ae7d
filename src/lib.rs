//! Web sessions without a session server: the whole session, sealed, in one cookie.
#![forbid(unsafe_code)]

pub mod schema;
