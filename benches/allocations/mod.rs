//! The system's allocator, with two counters for each thread: how often it allocated, and the bytes that it allocated
//! and did not free. A buffer that grows counts as another allocation.

#![allow(dead_code)] // each user needs a part

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static IN_USE: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn uses(bytes: usize) {
    IN_USE.set(IN_USE.get() + bytes as isize);
}

fn frees(bytes: usize) {
    IN_USE.set(IN_USE.get() - bytes as isize);
}

// SAFETY: every call is passed on unchanged to the system's allocator. The counters have no destructors and need no
// initialization, so that using them allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        uses(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        frees(layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        frees(layout.size());
        uses(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Returns how many allocations it takes to run this, and its result.
pub fn count<R>(run: impl FnOnce() -> R) -> (usize, R) {
    let before = COUNT.get();
    let result = black_box(run());
    (COUNT.get() - before, result)
}

/// Returns the bytes that this thread has allocated and not freed.
pub fn in_use() -> isize {
    IN_USE.get()
}

/// Returns the bytes of memory that the process has, as Linux sees it, or 0 elsewhere.
pub fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = status.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}
