//! The bodies of the fuzz targets. cargo-fuzz runs each on any input, and `tests/fuzz.rs` includes this very file to
//! replay the corpus on stable.

pub mod authentic_payload;
pub mod cookie_header;
pub mod key_text;
pub mod map_values;
pub mod stored_blob;

/// Names of what happened to an input. Each target lists all of its names in `OUTCOMES`.
pub type Outcomes = Vec<&'static str>;
