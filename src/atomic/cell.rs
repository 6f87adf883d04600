//! The data cell of the two real backends: core's, under the closure form that loom's needs.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// Memory whose readers and writers are kept apart by a protocol, which the model backend checks.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    #[inline(always)]
    pub(crate) const fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    /// Calls `f` with a pointer for reading. In the model, a concurrent writer fails the test.
    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer for writing. In the model, any concurrent access fails the test.
    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// `N` such memories side by side, each with a value or without.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct UnsafeCells<T, const N: usize>([UnsafeCell<MaybeUninit<T>>; N]);

impl<T, const N: usize> UnsafeCells<T, N> {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self(array![UnsafeCell::new(MaybeUninit::uninit()); N])
    }

    /// Each with what `values` has for it.
    #[inline(always)]
    pub(crate) const fn of(values: [MaybeUninit<T>; N]) -> Self {
        // SAFETY: the cells are as transparent as their array, and nothing here has a drop.
        unsafe { core::mem::transmute_copy(&values) }
    }

    /// A pointer for reading `count` of them, of which the first is that of `index`. In the model, a
    /// concurrent writer of any of them fails the test.
    ///
    /// # Safety
    ///
    /// `index + count` is at most `N`.
    #[inline(always)]
    pub(crate) unsafe fn as_ptr(&self, index: usize, count: usize) -> *const T {
        // SAFETY: as the caller's word.
        unsafe { self.as_mut_ptr(index, count) }
    }

    /// As [`as_ptr`](Self::as_ptr), for writing. In the model, any concurrent access to one of them
    /// fails the test.
    ///
    /// # Safety
    ///
    /// As for [`as_ptr`](Self::as_ptr).
    #[inline(always)]
    pub(crate) unsafe fn as_mut_ptr(&self, index: usize, _count: usize) -> *mut T {
        // SAFETY: `index` is at most `N`; the cells are as transparent as their array.
        unsafe { self.0.as_ptr().cast::<T>().cast_mut().add(index) }
    }
}

/// As [`UnsafeCells`], in memory that somebody else provides.
#[derive(Debug)]
pub(crate) struct UnsafeCellsAt<T>(CellsView<T>);

/// Where [`UnsafeCellsAt`] are, and how many: what their users keep at hand.
#[derive(Debug)]
pub struct CellsView<T> {
    first: NonNull<T>,
    len: usize,
}

// SAFETY: an address. Whoever uses it answers for what he does.
unsafe impl<T> Send for CellsView<T> {}

impl<T> Clone for CellsView<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CellsView<T> {}

impl<T> UnsafeCellsAt<T> {
    /// # Safety
    ///
    /// `first` is valid for reading and writing `len` values, and for nobody else, as long as this is
    /// in use.
    #[inline(always)]
    pub(crate) const unsafe fn new(first: NonNull<T>, len: usize) -> Self {
        Self(CellsView { first, len })
    }

    #[inline(always)]
    pub(crate) const fn view(&self) -> CellsView<T> {
        self.0
    }

    #[inline(always)]
    pub(crate) const fn len(&self, view: CellsView<T>) -> usize {
        view.len
    }

    /// As [`UnsafeCells::as_ptr`].
    ///
    /// # Safety
    ///
    /// - `view` is that of these cells.
    /// - `index + count` is at most [`len`](Self::len).
    #[inline(always)]
    pub(crate) unsafe fn as_ptr(&self, view: CellsView<T>, index: usize, count: usize) -> *const T {
        // SAFETY: as the caller's word.
        unsafe { self.as_mut_ptr(view, index, count) }
    }

    /// As [`UnsafeCells::as_mut_ptr`].
    ///
    /// # Safety
    ///
    /// As for [`as_ptr`](Self::as_ptr).
    #[inline(always)]
    pub(crate) unsafe fn as_mut_ptr(
        &self,
        view: CellsView<T>,
        index: usize,
        _count: usize,
    ) -> *mut T {
        // SAFETY: `index` is at most `len`.
        unsafe { view.first.as_ptr().add(index) }
    }
}
