use std::hash::BuildHasher;

use super::*;

const SESSION: u64 = 1 << 32;

fn entry(key: u64, stamp: u32, until: u32) -> RevocationEntry {
    RevocationEntry { key, stamp, until }
}

#[test]
fn of_several_revocations_of_a_subject_the_latest_counts() {
    for order in [[100, 300, 200], [300, 100, 200]] {
        let index = Index::new();
        for stamp in order {
            index.insert(entry(7, stamp, 1000));
        }
        assert_eq!(index.stamp(Target(7)), Some(300));
        assert_eq!(index.len(), 1);
    }
}

#[test]
fn of_several_ends_of_a_session_the_earliest_counts() {
    for order in [[100, 300, 200], [300, 100, 200]] {
        let index = Index::new();
        for stamp in order {
            index.insert(entry(SESSION | 7, stamp, 1000));
        }
        assert_eq!(index.stamp(Target(SESSION | 7)), Some(100));
    }
}

#[test]
fn an_entry_is_kept_for_as_long_as_the_longest_of_its_target() {
    let index = Index::new();
    index.insert(entry(7, 100, 2000));
    index.insert(entry(7, 300, 1000));
    index.purge(1999);
    assert_eq!(index.stamp(Target(7)), Some(300));
    index.purge(2000);
    assert_eq!((index.stamp(Target(7)), index.len()), (None, 0));
}

#[test]
fn an_entry_is_covered_if_it_would_change_nothing() {
    let index = Index::new();
    assert!(!index.covers(&entry(7, 100, 1000)));
    index.insert(entry(7, 100, 1000));
    assert!(index.covers(&entry(7, 100, 1000)));
    assert!(index.covers(&entry(7, 99, 999)));
    assert!(!index.covers(&entry(7, 101, 1000)));
    assert!(!index.covers(&entry(7, 100, 1001)));
}

#[test]
fn all_entries_of_all_shards_are_listed() {
    let index = Index::new();
    let mut keys: Vec<u64> = (0..1000_u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    for key in &keys {
        index.insert(entry(*key, 1, 2));
    }
    let mut listed: Vec<u64> = index.entries().map(|entry| entry.key).collect();
    listed.sort_unstable();
    keys.sort_unstable();
    assert_eq!(listed, keys);
    assert_eq!(index.len(), 1000);
    assert!(index.shards.iter().all(|shard| !shard.read().unwrap().is_empty()), "each shard has a part");
}

#[test]
fn a_shard_gives_back_the_memory_of_entries_that_are_no_longer_needed() {
    let index = Index::new();
    for key in 0..1000 {
        index.insert(entry(key, 1, if key < 10 { 2000 } else { 1000 }));
    }
    index.purge(1500);
    assert_eq!(index.len(), 10);
    assert!(index.shard(Target(0)).read().unwrap().capacity() < 100);
}

#[test]
fn a_key_is_its_own_hash() {
    let hash = |key: u64| BuildHasherDefault::<AlreadyHashed>::default().hash_one(key);
    assert_eq!([hash(0), hash(7), hash(u64::MAX)], [0, 7, u64::MAX]);
}

#[test]
#[should_panic = "a target is one u64"]
fn nothing_but_a_key_is_hashed() {
    AlreadyHashed::default().write(b"text");
}
