//! Real interruptions of a running thread: POSIX timers and the signals they send.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;

/// Makes `handler` what happens when `signal` arrives. Other signals may interrupt it; system calls
/// that it interrupts start over.
pub(crate) fn handle(signal: c_int, handler: extern "C" fn(c_int)) {
    install(signal, handler as *const () as usize, libc::SA_RESTART);
}

/// Makes `handler`, which takes what `flags` say, what happens when `signal` arrives. Returns what
/// happened until now.
pub(crate) fn install(signal: c_int, handler: usize, flags: c_int) -> libc::sigaction {
    let action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zero is an action: the default one, with no flag and no signal blocked.
    let mut action = unsafe { action.assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    replace(signal, action)
}

/// Makes `action`, whose handler fits its flags, what happens when `signal` arrives. Returns what
/// happened until now.
pub(crate) fn replace(signal: c_int, action: libc::sigaction) -> libc::sigaction {
    let former = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zero is an action, as above.
    let mut former = unsafe { former.assume_init() };
    // SAFETY: the action is valid, and `former` has room for the other.
    let result = unsafe { libc::sigaction(signal, &raw const action, &raw mut former) };
    assert_eq!(result, 0, "signal {signal} can be handled");
    former
}

/// The real-time signal number `offset`. Tests of one file run at once and need one each.
pub(crate) fn real_time_signal(offset: c_int) -> c_int {
    libc::SIGRTMIN() + offset
}

/// Interrupts the thread that made it, over and over, until it is dropped.
#[derive(Debug)]
pub(crate) struct Timer {
    id: libc::timer_t,
}

impl Timer {
    /// Sends `signal` to this thread every `nanoseconds`, or as often as the kernel can.
    pub(crate) fn start(signal: c_int, nanoseconds: i64) -> Self {
        let event = MaybeUninit::<libc::sigevent>::zeroed();
        // SAFETY: all zero is an event: integers and unused room.
        let mut event = unsafe { event.assume_init() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal;
        // SAFETY: it takes nothing and always succeeds.
        event.sigev_notify_thread_id = unsafe { libc::gettid() };

        let mut id: libc::timer_t = ptr::null_mut();
        // SAFETY: the event is filled in, and `id` has room for the answer.
        let result =
            unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut id) };
        assert_eq!(result, 0, "the kernel has a timer to give");

        let period = libc::timespec { tv_sec: 0, tv_nsec: nanoseconds };
        let times = libc::itimerspec { it_interval: period, it_value: period };
        // SAFETY: the timer exists, and the times are filled in.
        let result = unsafe { libc::timer_settime(id, 0, &raw const times, ptr::null_mut()) };
        assert_eq!(result, 0, "the timer can be set");
        Self { id }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the timer was created by `start` and is deleted once.
        let result = unsafe { libc::timer_delete(self.id) };
        debug_assert_eq!(result, 0, "the timer existed");
    }
}
