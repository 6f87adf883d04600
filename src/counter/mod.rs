//! Counters that need no lock.
//!
//! | counter | an `add` | a read | for |
//! |---|---|---|---|
//! | [`Counter`], [`SignedCounter`] | one `lock add` on a shared line | exact, one load | events that a few CPUs count |
//! | [`ShardedCounter`] | one `lock add` on a line of the CPU's own | a sum over the cells | events that all CPUs count |
//! | [`ShardedCounter::local`] | one `add`, no `lock` | the same | a thread or CPU that counts all the time |
//! | [`sharded::Tally`] | one `mov` to memory | the same | a loop that counts each turn |
//! | [`BatchedCounter`] | one `lock xadd`, mostly | an estimate with a stated error: one load | limits that are seldom near |
//! | [`Histogram`] | one `lock inc` | counts and quantiles | latencies, sizes |
//!
//! These wrap modulo 2^64. The others do not:
//!
//! | counter | at the end of its range | a call | for |
//! |---|---|---|---|
//! | [`RefCount`] | parks there and leaks | `lock xadd` | who holds a thing |
//! | [`BoundedCounter`] | refuses | one `lock cmpxchg` alone | permits, credits |
//! | [`HighWater`] | stays | one load, mostly | the greatest value seen |
//! | [`Sequence`] | refuses | one `lock xadd`, for a block of ids too | ids that never come twice |
//!
//! [`Export`] writes them for Prometheus.

pub mod batched;
pub mod bounded;
mod export;
mod high_water;
pub mod histogram;
mod plain;
pub mod refcount;
pub mod sequence;
pub mod sharded;
mod signed;
mod source;

pub use self::batched::BatchedCounter;
pub use self::bounded::BoundedCounter;
pub use self::export::Export;
pub use self::high_water::HighWater;
pub use self::histogram::Histogram;
pub use self::plain::Counter;
pub use self::refcount::RefCount;
pub use self::sequence::Sequence;
pub use self::sharded::ShardedCounter;
pub use self::signed::SignedCounter;
#[cfg(feature = "std")]
pub use self::source::ByThread;
pub use self::source::{ByCpu, ByStack, ShardSource};
