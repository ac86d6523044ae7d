//! The seed of the choices in this run.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

pub use crate::kit::random::Random;

pub fn seed() -> u64 {
    match env::var("OUTAGES_SEED") {
        Ok(seed) => seed.parse().expect("OUTAGES_SEED is a number"),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 % 1_000_000_007,
    }
}
