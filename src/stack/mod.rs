//! Last-in-first-out structures, and the pool that stands on one.
//!
//! | type | holds | push and pop | for |
//! |---|---|---|---|
//! | [`IndexStack`] | indices below `N` | lock-free, one `lock cmpxchg` | free lists over memory of your own |
//! | [`Pool`] | up to `N` values of `T` | lock-free, one `lock cmpxchg` | an allocator where there is none |

mod head;
mod index_stack;
mod pool;

pub use self::index_stack::{IndexStack, OutOfRange};
pub(crate) use self::pool::GiveBack;
pub use self::pool::{Exhausted, Pool, PoolBox};
