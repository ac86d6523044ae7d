//! The choices of an application, as plain values.

pub(crate) mod cookie;
pub(crate) mod policy;
pub(crate) mod selection;
pub(crate) mod timeouts;
