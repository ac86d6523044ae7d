//! The seal without HTTP: a job ticket for a queue, sealed here and opened by a worker.
//!
//! ```text
//! cargo run --example seal_only              # seals a ticket, and opens it
//! cargo run --example seal_only -- TICKET    # opens one (with the same SESSION_KEYS)
//! ```

#[path = "start/mod.rs"]
mod start;

use std::{
    env,
    time::{Duration, SystemTime},
};

use sealed_session::Sealer;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Job {
    user: u64,
    report: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let quarter = Duration::from_secs(15 * 60);
    let sealer = Sealer::<Job>::builder(start::key_ring()?, "job-ticket")
        .realm("reports")
        .timeouts(|t| t.idle_timeout(quarter).absolute_timeout(quarter))
        .build()?;

    let now = SystemTime::now();
    let ticket = match env::args().nth(1) {
        Some(ticket) => ticket,
        None => {
            let ticket = sealer.seal(&Job { user: 7, report: "turnover".into() }, now)?;
            println!("sealed: {ticket}");
            ticket
        }
    };
    match sealer.open(&ticket, now) {
        Ok((job, metadata)) => println!("opened: {job:?}, sealed at {:?}", metadata.issued_at()),
        Err(refusal) => println!("rejected: {refusal}"),
    }
    if let Err(refusal) = sealer.open(&ticket, now + quarter) {
        println!("in a quarter of an hour: {refusal}");
    }
    Ok(())
}
