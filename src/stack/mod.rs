//! Last-in-first-out structures, and the pool that stands on one.
//!
//! | type | holds | push and pop | for |
//! |---|---|---|---|
//! | [`IndexStack`] | indices below `N` | lock-free, one `lock cmpxchg` | free lists over memory of your own |
//! | [`Pool`] | up to `N` values of `T` | lock-free, one `lock cmpxchg` | an allocator where there is none |
//! | [`TransferStack`] | nodes of yours, taken all at once | lock-free; taking wait-free, one `xchg` | deferred work, hand-over to one reader |
//! | `TreiberStack` (x86-64) | nodes of yours | lock-free, one `lock cmpxchg`, `cmpxchg16b` | free lists of nodes, of any number |

use crate::atomic::with_pairs;

mod chain;
mod head;
mod index_stack;
mod linked;
mod pool;
mod transfer_stack;
with_pairs! {
    mod treiber_stack;
}

pub use self::chain::Chain;
pub use self::index_stack::{IndexStack, OutOfRange};
pub use self::linked::{Link, Linked, Node, NodeRef, TypeStable};
pub(crate) use self::pool::GiveBack;
pub use self::pool::{Exhausted, NotLent, Pool, PoolBox};
pub use self::transfer_stack::TransferStack;
with_pairs! {
    pub use self::treiber_stack::TreiberStack;
}
