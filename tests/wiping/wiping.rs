//! A search for keys in the memory of a thread that has sealed and opened sessions. On Linux, a process can read its
//! own memory as a file.

#![cfg(target_os = "linux")]

use std::{
    fs::File,
    hint::{black_box, spin_loop},
    os::unix::fs::FileExt,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    thread,
    time::SystemTime,
};

use sealed_session::{KeyRing, Refusal, Sealer};

/// The size of the part of the stack that is searched, in bytes.
const SEARCHED: usize = 65_536;

/// The byte that this part is filled with first.
const UNUSED: u8 = 0xa5;

/// Fills it, because a new thread gets the stack of one that has ended.
#[inline(never)]
fn fill_stack() {
    black_box(&mut [UNUSED; SEARCHED]);
}

/// Returns the part of a thread's stack below this address. It begins where a word does.
fn stack_below(address: u64) -> Vec<u8> {
    let mut bytes = vec![0; SEARCHED];
    let begin = (address - SEARCHED as u64).next_multiple_of(16);
    File::open("/proc/self/mem").unwrap().read_exact_at(&mut bytes, begin).unwrap();
    bytes
}

/// Runs `work` in a new thread, and returns a part of its stack afterwards.
fn stack_after(work: &(dyn Fn() + Sync)) -> Vec<u8> {
    let (address, is_seen) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            fill_stack();
            // A call that is not inlined, so that all of its frames are below `local`.
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
        let stack = stack_below(address.load(SeqCst));
        is_seen.store(true, SeqCst);
        stack
    })
}

/// Returns true if the deepest kilobyte of all that was used is zeros.
fn is_overwritten_to_its_end(stack: &[u8]) -> bool {
    let deepest = stack.iter().position(|byte| *byte != UNUSED).unwrap();
    // The function that writes the zeros has a frame itself.
    let begin = deepest + 256;
    stack.get(begin..begin + 1_024).is_some_and(|bytes| *bytes == [0; 1_024])
}

/// Returns the number of places that look like the key schedule of an AES-256 key, by the relation of 16 words
/// (FIPS 197, section 5.2). Code for wide registers repeats each round key, two or four times, and may store them in
/// reverse order.
fn schedules(memory: &[u8]) -> usize {
    let word = |at: usize| u32::from_ne_bytes(memory[at..at + 4].try_into().unwrap());
    let is_schedule = |at: usize, round_keys: [usize; 4]| {
        let w: [u32; 16] = std::array::from_fn(|i| word(at + round_keys[i / 4] + i % 4 * 4));
        ![0, u32::from_ne_bytes([UNUSED; 4])].iter().any(|same| w.contains(same))
            && [9, 10, 11, 13, 14, 15].iter().all(|i| w[*i] == w[i - 8] ^ w[i - 1])
    };
    let layouts = [16, 32, 64].map(|distance| [0, 1, 2, 3].map(|n| n * distance));
    let reversed = layouts.map(|[a, b, c, d]| [d, c, b, a]);
    let found_as = |layout: &[usize; 4]| {
        let places = (0..memory.len() - layout.iter().max().unwrap() - 16).step_by(4);
        places.filter(|at| is_schedule(*at, *layout)).count()
    };
    layouts.iter().chain(&reversed).map(found_as).sum()
}

/// The first round keys of an expanded key (FIPS 197, appendix A.3).
const ROUND_KEYS: [[u32; 4]; 4] = [
    [0x603d_eb10, 0x15ca_71be, 0x2b73_aef0, 0x857d_7781],
    [0x1f35_2c07, 0x3b61_08d7, 0x2d98_10a3, 0x0914_dff4],
    [0x9ba3_5411, 0x8e69_25af, 0xa51a_8b5f, 0x2067_fcde],
    [0xa8b0_9c1a, 0x93d1_94cd, 0xbe49_846e, 0xb75d_5b9a],
];

/// Leaves them on the stack.
#[inline(never)]
fn forget(round_keys: [[u32; 4]; 4]) {
    black_box(&{ round_keys });
}

#[test]
fn a_key_schedule_that_nobody_wipes_is_found_on_the_stack() {
    assert_eq!(schedules(&stack_after(&|| {})), 0);
    let stack = stack_after(&|| forget(black_box(ROUND_KEYS)));
    assert_ne!(schedules(&stack), 0);
    assert!(!is_overwritten_to_its_end(&stack));
}

#[test]
fn a_key_schedule_of_wide_registers_is_found() {
    for copies in [1, 2, 4] {
        let mut wide = ROUND_KEYS.map(|round_key| round_key.repeat(copies));
        assert_ne!(schedules(&around(&wide)), 0, "{copies} copies");
        wide.reverse();
        assert_ne!(schedules(&around(&wide)), 0, "{copies} copies, reversed");
        wide[0].iter_mut().skip(1).step_by(4).for_each(|word| *word ^= 1);
        assert_eq!(schedules(&around(&wide)), 0, "{copies} copies of something else");
    }
}

/// Returns these words as bytes between zeros.
fn around(words: &[Vec<u32>]) -> Vec<u8> {
    let zeros = vec![0; 256];
    let bytes = words.concat().into_iter().flat_map(u32::to_ne_bytes).collect();
    [zeros.clone(), bytes, zeros].concat()
}

#[test]
#[cfg_attr(debug_assertions, ignore = "needs an optimized build: scripts/test makes one")]
fn no_key_schedule_of_a_message_is_left_on_the_stack() {
    let sealer = Sealer::<String>::builder(KeyRing::generate().unwrap(), "visit").build().unwrap();
    let now = SystemTime::now();
    for length in [7, 700, 2_000] {
        let text = "x".repeat(length);
        let sealed = sealer.seal(&text, now).unwrap();
        let (_, metadata) = sealer.open(&sealed, now).unwrap();
        let check = |after: &str, work: &(dyn Fn() + Sync)| {
            let stack = stack_after(work);
            assert_eq!(schedules(&stack), 0, "after {after} {length} characters");
            assert!(is_overwritten_to_its_end(&stack), "after {after} {length} characters");
        };
        check("sealing", &|| drop(sealer.seal(&text, now).unwrap()));
        check("sealing again", &|| drop(sealer.reseal(&text, &metadata, now).unwrap()));
        check("opening", &|| assert!(sealer.open(&sealed, now).is_ok()));
        let mut forged = sealed.clone();
        forged.replace_range(60..61, if &sealed[60..61] == "A" { "B" } else { "A" });
        check("rejecting", &|| assert_eq!(sealer.open(&forged, now).err(), Some(Refusal::Forged)));
    }
}
