//! Which ends of a ring between one producer and one consumer somebody holds.
//!
//! The edge between the holders of an end, each of whom may be anybody's:
//!
//! | release | acquire | publishes |
//! |---|---|---|
//! | a handle is dropped: `store(false)` | its end is [taken](take), or found abandoned: `load` | what was done with it |

use core::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::atomic::{AtomicBool, const_fn};

/// Which handles there are.
pub(super) struct Held {
    pub(super) producer: AtomicBool,
    pub(super) consumer: AtomicBool,
}

impl Held {
    const_fn! {
        /// Nobody holds either end.
        #[inline]
        pub(super) const fn neither() -> Self {
            Self { producer: AtomicBool::new(false), consumer: AtomicBool::new(false) }
        }
    }

    /// Both ends are held, by whoever has the ring to himself and says so.
    #[inline]
    pub(super) fn both() -> Self {
        Self { producer: AtomicBool::new(true), consumer: AtomicBool::new(true) }
    }
}

/// Takes an end; whether it was there to be taken.
#[inline]
pub(super) fn take(held: &AtomicBool) -> bool {
    // ORDERING: Acquire, the edge above. What the last holder of the end did happened before. Relaxed
    // on failure: nothing is done.
    held.compare_exchange(false, true, Acquire, Relaxed).is_ok()
}
