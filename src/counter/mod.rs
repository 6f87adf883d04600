//! Counters that need no lock.
//!
//! | counter | an `add` | a read | for |
//! |---|---|---|---|
//! | [`Counter`], [`SignedCounter`] | one `lock add` on a shared line | exact, one load | events that a few CPUs count |
//! | [`ShardedCounter`] | one `lock add` on a line of the CPU's own | a sum over the cells | events that all CPUs count |
//! | [`ShardedCounter::local`] | one `add`, no `lock` | the same | a thread or CPU that counts all the time |
//!
//! All of them wrap modulo 2^64.

mod plain;
pub mod sharded;
mod signed;
mod source;

pub use self::plain::Counter;
pub use self::sharded::ShardedCounter;
pub use self::signed::SignedCounter;
#[cfg(feature = "std")]
pub use self::source::ByThread;
pub use self::source::{ByCpu, ByStack, ShardSource};
