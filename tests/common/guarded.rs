//! A value on pages of its own that fault when they are touched, so that a test can stop a thread
//! between any two of its accesses to the value, in any build and without any luck.
//!
//! While a [`Watcher`] is in charge the pages are closed. An access faults; the handler asks the
//! watcher, which may run anything, as long as it likes, before this access happens; then it lets
//! the one instruction pass under the trap flag, with the pages open, and closes them again.

use core::ffi::{c_int, c_void};
use core::ops::Deref;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::signals::{install, replace};

/// What is to happen when the pages are touched.
pub(crate) trait Watcher {
    /// The thread's instruction at this address is about to touch the pages, which are closed.
    fn before_access(&self, pages: &Pages, instruction: usize) -> Access;
}

/// How an access goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// It happens, and the pages are closed again.
    Single,
    /// It happens, and the pages stay open.
    AndAllLater,
}

/// Whole pages of memory.
#[derive(Debug)]
pub(crate) struct Pages {
    start: *mut c_void,
    bytes: usize,
}

// SAFETY: an address and a length. Who may touch what lies there is `Guarded`'s business, and the
// kernel orders changes of the protection.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    const SIZE: usize = 4096;

    fn map(bytes: usize) -> Self {
        let bytes = bytes.next_multiple_of(Self::SIZE);
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new pages, wherever the kernel likes.
        let start = unsafe { libc::mmap(ptr::null_mut(), bytes, access, kind, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED, "there is memory for a few pages");
        Self { start, bytes }
    }

    /// Lets every access pass.
    pub(crate) fn open(&self) {
        self.protect(libc::PROT_READ | libc::PROT_WRITE);
    }

    /// Lets every access fault.
    pub(crate) fn close(&self) {
        self.protect(libc::PROT_NONE);
    }

    fn protect(&self, access: c_int) {
        // SAFETY: the pages were mapped by `map`. Their contents stay as they are.
        let result = unsafe { libc::mprotect(self.start, self.bytes, access) };
        assert_eq!(result, 0, "the pages are mapped");
    }

    fn contains(&self, address: *mut c_void) -> bool {
        (self.start.addr()..self.start.addr() + self.bytes).contains(&address.addr())
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the pages were mapped by `map`, and nobody uses them any more.
        let result = unsafe { libc::munmap(self.start, self.bytes) };
        debug_assert_eq!(result, 0, "the pages were mapped");
    }
}

/// A value on pages of its own.
#[derive(Debug)]
pub(crate) struct Guarded<T> {
    value: *mut T,
    pages: Pages,
}

// SAFETY: it owns its value, as a box does, and shares it as a reference does.
unsafe impl<T: Send> Send for Guarded<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        assert!(align_of::<T>() <= Pages::SIZE, "pages are aligned to their size");
        let pages = Pages::map(size_of::<T>());
        let place = pages.start.cast::<T>();
        // SAFETY: the pages are large enough, aligned, writable and nobody else's.
        unsafe { place.write(value) };
        Self { value: place, pages }
    }

    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Runs `work` with `watcher` in charge.
    pub(crate) fn watched(&self, watcher: &dyn Watcher, work: impl FnOnce()) {
        /// The handlers are the process's, so one watch at a time.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        FORMER_ACTIONS.get_or_init(|| {
            let flags = libc::SA_SIGINFO | libc::SA_NODEFER;
            [
                install(libc::SIGSEGV, on_fault as *const () as usize, flags),
                install(libc::SIGTRAP, on_step as *const () as usize, flags),
            ]
        });
        let watch = Watch { pages: &self.pages, watcher };
        WATCH.store(ptr::from_ref(&watch).cast_mut().cast(), SeqCst);
        self.pages.close();
        work();
        self.pages.open();
        WATCH.store(ptr::null_mut(), SeqCst);
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `new` wrote a value there, and it stays until `drop`.
        unsafe { &*self.value }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: the value is there, and nobody sees it again.
        unsafe { self.value.drop_in_place() };
    }
}

// === The handlers ===

struct Watch<'w> {
    pages: &'w Pages,
    watcher: &'w dyn Watcher,
}

/// The watch of the test whose turn it is.
static WATCH: AtomicPtr<Watch<'static>> = AtomicPtr::new(ptr::null_mut());

fn current_watch<'w>() -> Option<&'w Watch<'w>> {
    // SAFETY: null, or a watch that `watched` keeps alive while it is there; what runs under it
    // ends before.
    unsafe { WATCH.load(SeqCst).as_ref() }
}

/// What happened at a fault and at a trap before there were the handlers.
static FORMER_ACTIONS: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

/// Leaves `signal` to whoever handled it before, such as a fuzzer: it will come again.
fn disown(signal: c_int) {
    let [on_fault, on_step] =
        FORMER_ACTIONS.get().copied().unwrap_or_else(|| std::process::abort());
    replace(signal, if signal == libc::SIGSEGV { on_fault } else { on_step });
}

/// The flag that makes the CPU trap after one instruction.
const TRAP_FLAG: i64 = 1 << 8;

/// A register of the interrupted code.
///
/// # Safety
///
/// `context` is what the kernel passed to a signal handler that has not returned.
unsafe fn register<'a>(context: *mut c_void, number: c_int) -> &'a mut i64 {
    // SAFETY: by the caller's word it is a context, which the handler may change.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    &mut context.uc_mcontext.gregs[number as usize]
}

extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a description of the signal.
    let info = unsafe { &*info };
    // SAFETY: the signal is a fault, so the description has an address.
    let address = unsafe { info.si_addr() };
    match current_watch() {
        Some(watch) if watch.pages.contains(address) => {
            // SAFETY: the kernel passed the context to this handler.
            let instruction = *unsafe { register(context, libc::REG_RIP) } as usize;
            let access = watch.watcher.before_access(watch.pages, instruction);
            watch.pages.open();
            if access == Access::Single {
                // SAFETY: the kernel passed the context to this handler.
                *unsafe { register(context, libc::REG_EFL) } |= TRAP_FLAG;
            }
        }
        // A fault of somebody else.
        _ => disown(signal),
    }
}

extern "C" fn on_step(signal: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    match current_watch() {
        Some(watch) => {
            watch.pages.close();
            // SAFETY: the kernel passed the context to this handler.
            *unsafe { register(context, libc::REG_EFL) } &= !TRAP_FLAG;
        }
        None => disown(signal),
    }
}
