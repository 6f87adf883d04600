//! Nobody waits.

use super::Wait;

/// For a side of a channel that never waits: it has no blocking calls and no futures, and the other
/// side spends nothing on waking it.
///
/// # Examples
///
/// An interrupt handler sends what there is room for:
///
/// ```
/// use latchless::ring::{Channel, MpmcRing, wait::{NoWait, Wakers}};
///
/// static KEYS: Channel<MpmcRing<u8, 16>, Wakers<1>, NoWait> =
///     Channel::new(MpmcRing::new(), Wakers::new(), NoWait);
///
/// let keyboard_handler = |key| drop(KEYS.try_send(key)); // wakes the task that reads
/// keyboard_handler(b'a');
/// assert_eq!(KEYS.try_recv(), Ok(b'a'));
/// ```
///
/// There is no blocking call to make:
///
/// ```compile_fail,E0599
/// use latchless::ring::{Channel, MpmcRing, wait::NoWait};
///
/// let channel: Channel<MpmcRing<u8, 16>, NoWait> = Channel::new(MpmcRing::new(), NoWait, NoWait);
/// channel.recv();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWait;

impl Wait for NoWait {
    const IS_WOKEN: bool = false;

    #[inline(always)]
    fn is_awaited(&self) -> bool {
        false
    }

    #[inline(always)]
    fn wake_one(&self) {}

    #[inline(always)]
    fn wake_all(&self) {}
}
