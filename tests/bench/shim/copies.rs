//! A library to preload (`LD_PRELOAD`): counts the bytes that pass through `memcpy` and `memmove`, then lets the
//! C library copy them. Only counting passes load it; what is timed runs without it.
//!
//! Not counted: copies that the compiler inlined (a few words of known length), copies within the C library
//! itself (`realloc`), and bytes that a cipher moves while it works on them.
#![no_std]

use core::ffi::{c_char, c_void};
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed};

type Copy = unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> *mut c_void;

/// `RTLD_NEXT` of glibc: the next library that defines the symbol.
const NEXT: *mut c_void = usize::MAX as *mut c_void;

static BYTES: AtomicU64 = AtomicU64::new(0);
static MEMCPY: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static MEMMOVE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

#[link(name = "c")]
unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn abort() -> !;
}

#[inline(always)]
unsafe fn real(slot: &AtomicPtr<c_void>, name: *const c_char) -> Copy {
    let mut found = slot.load(Relaxed);
    if found.is_null() {
        found = unsafe { dlsym(NEXT, name) };
        slot.store(found, Relaxed);
    }
    unsafe { transmute::<*mut c_void, Copy>(found) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut c_void, from: *const c_void, n: usize) -> *mut c_void {
    BYTES.fetch_add(n as u64, Relaxed);
    unsafe { real(&MEMCPY, c"memcpy".as_ptr())(to, from, n) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut c_void, from: *const c_void, n: usize) -> *mut c_void {
    BYTES.fetch_add(n as u64, Relaxed);
    unsafe { real(&MEMMOVE, c"memmove".as_ptr())(to, from, n) }
}

/// Bytes counted so far.
#[unsafe(no_mangle)]
pub extern "C" fn bench_copied_bytes() -> u64 {
    BYTES.load(Relaxed)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe { abort() }
}
