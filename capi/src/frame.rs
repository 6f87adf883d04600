//! Records of bytes in a ring of words: a word that says how many bytes, and these, in as many words as they take.
//!
//! A record starts with a word of its own, so its length is never split by the end of the memory; the bytes
//! may be.

use core::ptr;

/// How many words a record of so many bytes takes; none if that cannot be counted.
#[inline]
pub(crate) fn words(bytes: usize) -> Option<usize> {
    bytes.div_ceil(size_of::<u64>()).checked_add(1)
}

/// A run of words in memory, as an address and a length.
pub(crate) type Run<T> = (T, usize);

/// Writes a record to two runs of words, the first of which is not empty.
///
/// # Safety
///
/// - Both runs are valid for writing, and hold [`words`]`(bytes)` words together.
/// - `data` is valid for reading `bytes` bytes, and overlaps neither.
#[inline]
pub(crate) unsafe fn write(runs: [Run<*mut u64>; 2], data: *const u8, bytes: usize) {
    let [(first, first_words), (second, _)] = runs;
    // SAFETY: the first run has a word.
    unsafe { first.write(bytes as u64) };
    let before = bytes.min((first_words - 1) * size_of::<u64>());
    // SAFETY: in the first run, or at its end.
    let place = unsafe { first.add(1) };
    // SAFETY: no more than the first run has left.
    unsafe { ptr::copy_nonoverlapping(data, place.cast::<u8>(), before) };
    // SAFETY: within the data, or at its end.
    let rest = unsafe { data.add(before) };
    // SAFETY: what is left has room in the second run, by the caller's word.
    unsafe { ptr::copy_nonoverlapping(rest, second.cast::<u8>(), bytes - before) };
}

/// Reads the bytes of a record, whose length the caller has read.
///
/// # Safety
///
/// - Both runs are valid for reading, and hold [`words`]`(bytes)` words together; the first is not empty.
/// - `data` is valid for writing `bytes` bytes, and overlaps neither.
#[inline]
pub(crate) unsafe fn read(runs: [Run<*const u64>; 2], data: *mut u8, bytes: usize) {
    let [(first, first_words), (second, _)] = runs;
    let before = bytes.min((first_words - 1) * size_of::<u64>());
    // SAFETY: in the first run, or at its end.
    let place = unsafe { first.add(1) };
    // SAFETY: no more than the first run has left.
    unsafe { ptr::copy_nonoverlapping(place.cast::<u8>(), data, before) };
    // SAFETY: within the data, or at its end.
    let rest = unsafe { data.add(before) };
    // SAFETY: what is left is in the second run, by the caller's word.
    unsafe { ptr::copy_nonoverlapping(second.cast::<u8>(), rest, bytes - before) };
}

/// The runs without their first `words` words, of which there are so many. The first is not empty unless both are.
///
/// # Safety
///
/// Both runs are of valid memory.
#[inline]
pub(crate) unsafe fn skip(runs: [Run<*const u64>; 2], words: usize) -> [Run<*const u64>; 2] {
    let [(first, first_words), (second, second_words)] = runs;
    if words < first_words {
        // SAFETY: within the first run.
        return [(unsafe { first.add(words) }, first_words - words), (second, second_words)];
    }
    let words = words - first_words;
    // SAFETY: within the second run, or at its end.
    let rest = unsafe { second.add(words) };
    [(rest, second_words - words), (rest, 0)]
}
