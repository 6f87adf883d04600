//! Last-in-first-out structures, and the pool that stands on one.
//!
//! | type | holds | push and pop | for |
//! |---|---|---|---|
//! | [`IndexStack`] | indices below `N` | lock-free, one `lock cmpxchg` | free lists over memory of your own |
//! | [`Pool`] | up to `N` values of `T` | lock-free, one `lock cmpxchg` | an allocator where there is none |
//! | [`Magazine`] | free slots of a `Pool`, for one owner | no locked instruction; `lock cmpxchg` for half a magazine | allocation at full speed |
//! | [`PoolArc`] | a value of a `Pool`, shared | clone and drop wait-free, one `lock xadd` | `Arc` where there is no allocator |
//! | [`KeyedPool`] | up to `N` values of `T`, lent by key | lock-free, one `lock cmpxchg` | numbers that outlive what they stand for |
//! | [`TransferStack`] | nodes of yours, taken all at once | lock-free; taking wait-free, one `xchg` | deferred work, hand-over to one reader |
//! | `TreiberStack` (x86-64) | nodes of yours | lock-free, one `lock cmpxchg`, `cmpxchg16b` | free lists of nodes, of any number |

use crate::atomic::with_pairs;

mod chain;
mod head;
mod index_stack;
mod keyed_pool;
mod linked;
mod magazine;
mod pool;
mod pool_arc;
mod transfer_stack;
with_pairs! {
    mod treiber_stack;
}

pub use self::chain::Chain;
pub use self::index_stack::{IndexStack, OutOfRange};
pub use self::keyed_pool::{Key, KeyedPool};
pub use self::linked::{Link, Linked, Node, NodeRef, TypeStable};
pub use self::magazine::Magazine;
pub(crate) use self::pool::GiveBack;
pub use self::pool::{Exhausted, NotLent, Pool, PoolBox};
pub use self::pool_arc::{Counted, PoolArc};
pub use self::transfer_stack::TransferStack;
with_pairs! {
    pub use self::treiber_stack::TreiberStack;
}
