//! The stores of this crate do what `overflow::Store` says, and the suite that shows it is not vacuous.

#[cfg(feature = "memory")]
mod memory;
mod mutants;
#[cfg(feature = "sqlite")]
mod sqlite;
