//! Sessions that end before they expire (B71 to B73): in one process, in a fleet of nodes, and while the log fails.

#[path = "../kit/mod.rs"]
mod kit;

mod ends;
mod fleet;
mod follower;
mod node;
mod setup;
mod stored;
