//! Counters that need no lock.
//!
//! | counter | cost of an `add` | reads | for |
//! |---|---|---|---|
//! | [`Counter`] | one `lock add` on a shared line | exact | events that a few CPUs count |

mod plain;

pub use self::plain::Counter;
