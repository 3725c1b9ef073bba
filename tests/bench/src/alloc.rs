//! The counters: a global allocator that counts, and the reader of the preloaded copy counter. The only unsafe
//! code of the program.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

/// The system's allocator with counters, which are off (one load a call) until [`track`] turns them on.
pub struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicI64 = AtomicI64::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// What the counters say.
#[derive(Clone, Copy)]
pub struct Counts {
    /// Calls of `alloc` and `realloc`.
    pub calls: u64,
    /// Bytes asked for; of a `realloc`, the growth.
    pub bytes: u64,
    /// Bytes asked for and not given back.
    pub live: i64,
    /// Bytes through `memcpy` and `memmove`; `None` unless the copy counter is preloaded.
    pub copied: Option<u64>,
}

/// Starts counting.
pub fn track() {
    ON.store(true, Relaxed);
}

/// The counters as they stand.
pub fn counts() -> Counts {
    Counts {
        calls: CALLS.load(Relaxed),
        bytes: BYTES.load(Relaxed),
        live: LIVE.load(Relaxed),
        copied: copied_bytes(),
    }
}

fn note(fresh: usize, freed: usize) {
    if ON.load(Relaxed) {
        LIVE.fetch_add(fresh as i64 - freed as i64, Relaxed);
        if fresh > 0 {
            CALLS.fetch_add(1, Relaxed);
            BYTES.fetch_add(fresh.saturating_sub(freed) as u64, Relaxed);
        }
    }
}

// SAFETY: every call goes to the system's allocator with the arguments as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, layout.size());
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        unsafe { System.realloc(at, layout, size) }
    }
}

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

fn copied_bytes() -> Option<u64> {
    // SAFETY: a null handle is glibc's `RTLD_DEFAULT`, and only `shim/copies.rs` exports this name.
    unsafe {
        let found = dlsym(std::ptr::null_mut(), c"bench_copied_bytes".as_ptr());
        (!found.is_null()).then(|| std::mem::transmute::<*mut c_void, extern "C" fn() -> u64>(found)())
    }
}
