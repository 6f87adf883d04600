//! Where things lie in memory, and how to wait a little: what every structure needs.

mod backoff;
mod cache_padded;
mod slot;

pub use self::backoff::Backoff;
pub(crate) use self::backoff::comes_soon;
pub use self::cache_padded::{CACHE_LINE_BYTES, CachePadded, DESTRUCTIVE_BYTES};
pub(crate) use self::slot::Slot;
