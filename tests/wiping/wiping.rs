//! A search for keys in the memory of a thread that has sealed and opened sessions. On Linux, a process can read its
//! own memory as a file.

#![cfg(target_os = "linux")]

use std::{
    fs::File,
    hint::{black_box, spin_loop},
    mem::ManuallyDrop,
    os::unix::fs::FileExt,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    thread,
    time::SystemTime,
};

use aes::{Aes256Enc, cipher::KeyInit};
use sealed_session::{KeyRing, Refusal, Sealer};

/// The size of the part of the stack that is searched, in bytes.
const SEARCHED: usize = 65_536;

/// Overwrites that part, because a new thread gets the stack of one that has ended.
#[inline(never)]
fn clear_stack() {
    black_box(&mut [0_u8; SEARCHED]);
}

/// Returns what functions that have returned left below this address of a thread's stack.
fn stack_below(address: u64) -> Vec<u8> {
    let mut bytes = vec![0; SEARCHED];
    File::open("/proc/self/mem").unwrap().read_exact_at(&mut bytes, address - SEARCHED as u64).unwrap();
    bytes
}

/// Runs `work` in a new thread, and returns the number of key schedules that remain on its stack.
fn left_behind(work: &(dyn Fn() + Sync)) -> usize {
    let (address, is_seen) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            clear_stack();
            // A call that is not inlined, so that all that it uses is below `local`.
            black_box(work)();
            let local = black_box(0_u8);
            address.store(std::ptr::from_ref(&local).addr() as u64, SeqCst);
            // A call would overwrite a part of the stack.
            while !is_seen.load(SeqCst) {
                spin_loop();
            }
        });
        while address.load(SeqCst) == 0 {
            thread::yield_now();
        }
        let found = schedules(&stack_below(address.load(SeqCst)));
        is_seen.store(true, SeqCst);
        found
    })
}

/// Returns the number of places that look like the key schedule of an AES-256 key, by the relation of 16 words
/// (FIPS 197, section 5.2).
fn schedules(memory: &[u8]) -> usize {
    let (words, _) = memory.as_chunks::<4>();
    let words: Vec<u32> = words.iter().copied().map(u32::from_ne_bytes).collect();
    let follows = |w: &[u32]| [9, 10, 11, 13, 14, 15].iter().all(|at| w[*at] == w[at - 8] ^ w[at - 1]);
    words.windows(16).filter(|w| !w.contains(&0) && follows(w)).count()
}

/// Leaves a key schedule on the stack.
#[inline(never)]
fn forget_a_cipher(key: [u8; 32]) {
    black_box(&ManuallyDrop::new(Aes256Enc::new(&key.into())));
}

#[test]
fn a_key_schedule_that_nobody_wipes_is_found_on_the_stack() {
    assert!(aes::hardware_accelerated(), "only the schedules of AES instructions are known here");
    assert_eq!(left_behind(&|| {}), 0);
    assert_ne!(left_behind(&|| forget_a_cipher(*b"a key that nobody will wipe away")), 0);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "needs an optimized build: scripts/test makes one")]
fn no_key_schedule_of_a_message_is_left_on_the_stack() {
    let sealer = Sealer::<u64>::builder(KeyRing::generate().unwrap(), "visit").build().unwrap();
    let now = SystemTime::now();
    let sealed = sealer.seal(&7, now).unwrap();
    let (_, metadata) = sealer.open(&sealed, now).unwrap();
    assert_eq!(left_behind(&|| drop(sealer.seal(&7, now).unwrap())), 0, "after sealing");
    assert_eq!(left_behind(&|| drop(sealer.reseal(&7, &metadata, now).unwrap())), 0, "after sealing again");
    assert_eq!(left_behind(&|| assert!(sealer.open(&sealed, now).is_ok())), 0, "after opening");
    let mut forged = sealed.clone();
    forged.replace_range(60..61, if &sealed[60..61] == "A" { "B" } else { "A" });
    let reject = || assert_eq!(sealer.open(&forged, now).err(), Some(Refusal::Forged));
    assert_eq!(left_behind(&reject), 0, "after rejecting");
}
