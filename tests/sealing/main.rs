//! The sealed format by itself, without a framework or a store: hostile input, randomness, the handling of secrets, and
//! an independent implementation in Python.

#[path = "../kit/mod.rs"]
mod kit;
#[path = "../kit/proofs.rs"]
mod proofs;

mod hostile;
mod house;
mod python_interop;
mod randomness;
mod secrets;
