//! What a channel needs of a ring.

use core::error::Error;
use core::fmt;
use core::sync::atomic::Ordering::SeqCst;

use crate::atomic::{fence, fence_after_rmw, with_pairs};
use crate::ring::PushError;
use crate::ring::mpmc::{self, IndexEntry, Slot};
use crate::ring::storage::Storage;
with_pairs! {
    use crate::ring::mpmc::{RingOfWords, Word, WordEntry};
}

/// A ring that any number of threads may push to and pop from, and a
/// [`Channel`](super::Channel) be made of.
pub trait SharedRing {
    /// What is in it.
    type Item;

    /// Appends `value`.
    ///
    /// # Errors
    ///
    /// [`Full`](PushError::Full) if the push or pop under way that makes room, or the next one, will
    /// end in success; [`Closed`](PushError::Closed) if the ring is. Either has `value` in it.
    fn push(&self, value: Self::Item) -> Result<(), PushError<Self::Item>>;

    /// Takes the oldest value out. `None` if there is none, or if the push under way that brings one
    /// will end in success.
    fn pop(&self) -> Option<Self::Item>;

    /// Whether a pop may find nothing. Must be `false` if a push that happened before has left
    /// a value that is still there.
    fn is_empty(&self) -> bool;

    /// Whether a push may find no room. Must be `false` if a pop that happened before has made
    /// room that is still there.
    fn is_full(&self) -> bool;

    /// Whether it is closed: no push that starts later succeeds. `false` for ever in a ring that cannot
    /// be closed.
    #[inline(always)]
    fn is_closed(&self) -> bool {
        false
    }

    /// Whether it is closed and no pop will find a value any more, those of pushes under way included.
    /// Once `true`, always `true`.
    #[inline(always)]
    fn is_drained(&self) -> bool {
        false
    }

    /// A `SeqCst` fence, passed after each push and pop that succeeded. A ring whose last write in both
    /// that matters to a later push or pop is a read-modify-write can spare its cost on x86-64.
    #[inline(always)]
    fn fence(&self) {
        fence(SeqCst);
    }
}

/// A ring that can be closed.
pub trait Close: SharedRing {
    /// Refuses pushes from now on; what is in the ring can be popped.
    fn close(&self);
}

macro_rules! shared_ring {
    ([$($generics:tt)*] $ring:ty) => {
        impl<$($generics)*> SharedRing for $ring {
            type Item = T;

            #[inline(always)]
            fn push(&self, value: T) -> Result<(), PushError<T>> {
                self.push(value)
            }

            #[inline(always)]
            fn pop(&self) -> Option<T> {
                self.pop()
            }

            #[inline]
            fn is_empty(&self) -> bool {
                self.is_empty()
            }

            #[inline]
            fn is_full(&self) -> bool {
                self.is_full()
            }

            #[inline]
            fn is_closed(&self) -> bool {
                self.is_closed()
            }

            #[inline]
            fn is_drained(&self) -> bool {
                self.is_drained()
            }

            #[inline(always)]
            fn fence(&self) {
                // What both do last is to exchange a place, but for a hint, which answers nobody's question.
                fence_after_rmw();
            }
        }

        impl<$($generics)*> Close for $ring {
            #[inline]
            fn close(&self) {
                self.close();
            }
        }
    };
}

shared_ring!([T, P: Storage<Item = IndexEntry>, S: Storage<Item = Slot<T>>] mpmc::Ring<T, P, S>);
with_pairs! {
    shared_ring!([T: Word, S: Storage<Item = WordEntry>] RingOfWords<T, S>);
}

/// There was no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PopError {
    /// Not now.
    Empty,
    /// And there will be none any more: it is closed, and all values are taken.
    Closed,
}

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "ring is empty",
            Self::Closed => "ring is closed and empty",
        })
    }
}

impl Error for PopError {}

/// The channel is closed; the value that was not sent comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Closed<T>(pub T);

impl<T> Closed<T> {
    /// Takes the value back.
    #[inline]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Closed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closed(..)")
    }
}

impl<T> fmt::Display for Closed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel is closed")
    }
}

impl<T> Error for Closed<T> {}
