//! Slots in allocated memory (feature `alloc`).

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use static_assertions::{assert_impl_all, assert_not_impl_any};

use super::sealed;
use crate::atomic::{CellsView, UnsafeCellsAt};
use crate::mem::DESTRUCTIVE_BYTES;

/// Slots in allocated memory, from the start of a pair of cache lines on.
///
/// A ring of references that live long is no ring of references that live shorter:
///
/// ```compile_fail
/// # use latchless::ring::SpscHeapRing;
/// fn shorten<'a>(ring: &'a SpscHeapRing<&'static u8>) -> &'a SpscHeapRing<&'a u8> {
///     ring
/// }
/// ```
pub struct Heap<T> {
    slots: UnsafeCellsAt<T>,
    /// Owned, and shared by two who write: for no shorter lifetime than that of `T`.
    values: PhantomData<UnsafeCell<T>>,
}

assert_impl_all!(Heap<core::cell::Cell<u8>>: Send);
assert_not_impl_any!(Heap<u8>: Sync);
assert_not_impl_any!(Heap<*const u8>: Send);

impl<T> Heap<T> {
    /// As many slots as the least power of two that is not less than `least`.
    pub(in crate::ring) fn new(least: usize) -> Self {
        let layout = least
            .checked_next_power_of_two()
            .and_then(|capacity| Some((capacity, Self::layout(capacity)?)));
        let Some((capacity, layout)) = layout else { panic!("capacity overflow") };
        let first = if layout.size() == 0 {
            NonNull::dangling()
        } else {
            // SAFETY: the layout has a size.
            let memory = unsafe { alloc(layout) };
            NonNull::new(memory.cast()).unwrap_or_else(|| handle_alloc_error(layout))
        };
        // SAFETY: just allocated for so many; freed when this is dropped.
        let slots = unsafe { UnsafeCellsAt::new(first, capacity) };
        Self { slots, values: PhantomData }
    }

    fn layout(capacity: usize) -> Option<Layout> {
        Layout::array::<T>(capacity).ok()?.align_to(DESTRUCTIVE_BYTES).ok()
    }
}

// SAFETY: as many cells as were allocated, a power of two.
unsafe impl<T> sealed::Slots for Heap<T> {
    type Item = T;
    type View = CellsView<T>;

    #[inline(always)]
    fn view(&self) -> CellsView<T> {
        self.slots.view()
    }

    #[inline(always)]
    fn capacity(&self, view: CellsView<T>) -> usize {
        let capacity = self.slots.len(view);
        // SAFETY: `new` has made it so.
        unsafe { core::hint::assert_unchecked(capacity.is_power_of_two()) };
        capacity
    }

    #[inline(always)]
    unsafe fn as_ptr(&self, view: CellsView<T>, index: usize, count: usize) -> *const T {
        // SAFETY: the caller's word.
        unsafe { self.slots.as_ptr(view, index, count) }
    }

    #[inline(always)]
    unsafe fn as_mut_ptr(&self, view: CellsView<T>, index: usize, count: usize) -> *mut T {
        // SAFETY: the caller's word.
        unsafe { self.slots.as_mut_ptr(view, index, count) }
    }
}

impl<T> Drop for Heap<T> {
    fn drop(&mut self) {
        let view = self.slots.view();
        let layout = Self::layout(self.slots.len(view)).filter(|layout| layout.size() > 0);
        if let Some(layout) = layout {
            // SAFETY: their own view, and no slot is asked for.
            let first = unsafe { self.slots.as_mut_ptr(view, 0, 0) };
            // SAFETY: allocated by `new` with this layout; the ring has dropped what was in it.
            unsafe { dealloc(first.cast(), layout) };
        }
    }
}

impl<T> fmt::Debug for Heap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap")
            .field("capacity", &self.slots.len(self.slots.view()))
            .finish_non_exhaustive()
    }
}
