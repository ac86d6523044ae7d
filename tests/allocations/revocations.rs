//! The memory that a revocation takes in each process.

#[path = "../../benches/full_log/mod.rs"]
mod full_log;

use full_log::FullLog;
use sealed_session::{Key, Revocations};

#[tokio::test]
async fn a_revocation_costs_at_most_40_bytes_of_memory() {
    // Just after a table has grown, each entry costs most.
    for entries in [100_000, 230_000, 460_000, 920_000, 1_000_000] {
        let before = crate::allocations::in_use();
        let revocations = Revocations::builder(Key::generate().unwrap())
            .start(FullLog { entries, stamp: 1_000_000_000 })
            .await
            .unwrap();
        let each = (crate::allocations::in_use() - before) as f64 / entries as f64;
        println!("{entries} entries: {each:.1} bytes each");
        assert_eq!(revocations.len() as u64, entries);
        assert!(each <= 40.0, "{entries} entries: {each} bytes each");
    }
}
