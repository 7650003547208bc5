//! Who owns the bytes that cross the border?
//!
//! - A request: the host gets memory from `alloc`, writes, calls, and gives it back
//!   with `dealloc`. The plugin only reads it.
//! - An answer: the plugin leaves it in memory; the host reads it and gives it
//!   back with `dealloc`.
//! - An answer of a host function: the host gets memory from `alloc` and writes; from
//!   then on it's the plugin's.
//!
//! All three are blocks of alignment 1 and of the size asked for, at least one
//! byte, so that no length has a special case.
//!
//! Pointers are `i32`, as in the ABI. On a host that isn't 32 bits wide this
//! module is meaningless; it exists to be compiled for WebAssembly.
#![expect(
    unsafe_code,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "the border of the module: numbers of the ABI become memory and back"
)]

use std::alloc::Layout;

/// The layout of a block of `len` bytes; `None` for a negative or impossible length.
fn layout(len: i32) -> Option<Layout> {
    let size = usize::try_from(len).ok()?.max(1);
    Layout::from_size_align(size, 1).ok()
}

/// A block of `len` bytes, or 0 if there's no memory for it.
pub fn alloc(len: i32) -> i32 {
    match layout(len) {
        // SAFETY: the size of `layout` is never zero.
        Some(layout) => unsafe { std::alloc::alloc(layout) as usize as i32 },
        None => 0,
    }
}

/// Frees a block that [`alloc`] or [`output`] made with the same `len`.
pub fn dealloc(ptr: i32, len: i32) {
    if let (Some(layout), false) = (layout(len), ptr == 0) {
        // SAFETY: the ABI says that the host passes only pairs it got from this
        // module, each once; a host that doesn't can only harm this instance.
        unsafe { std::alloc::dealloc(ptr as u32 as usize as *mut u8, layout) }
    }
}

/// The request that the host wrote; it stays the host's.
pub(crate) fn input<'a>(ptr: i32, len: i32) -> &'a [u8] {
    if ptr == 0 || len <= 0 {
        return &[];
    }
    // SAFETY: the host wrote `len` bytes into a block from `alloc` and frees it only
    // after the call returned. Nothing keeps the slice longer than the call.
    unsafe { std::slice::from_raw_parts(ptr as u32 as usize as *const u8, len as usize) }
}

/// Leaves `bytes` in memory for the host and returns where: pointer in the high half,
/// length in the low.
pub(crate) fn output(bytes: Vec<u8>) -> i64 {
    debug_assert!(!bytes.is_empty(), "an answer is an envelope, never empty");
    // A boxed slice has exactly the layout that `dealloc` will be called with.
    let block = Box::leak(bytes.into_boxed_slice());
    let (ptr, len) = (block.as_ptr() as usize as u32, block.len() as u32);
    ((u64::from(ptr) << 32) | u64::from(len)) as i64
}

/// Takes over what a host function wrote, and frees its block.
#[cfg(target_arch = "wasm32")]
pub(crate) fn take(packed: i64) -> Vec<u8> {
    let (ptr, len) = ((packed as u64 >> 32) as i32, packed as u32 as i32);
    let bytes = input(ptr, len).to_vec();
    dealloc(ptr, len);
    bytes
}
