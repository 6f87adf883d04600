//! Interrupts at every access: a value on pages of its own that fault when they are touched.
//!
//! The pages are closed while a call runs. Each access to the value faults; the handler counts it,
//! opens the pages, lets the one instruction pass under the trap flag, and closes them again. At the
//! access that the test chose, the handler makes another call first, as an interrupt handler that
//! comes between these two instructions would. So all places at which an interruption can make a
//! difference are tried one after the other, in any build and without any luck.

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::ops::Deref;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::SeqCst};
use std::sync::{Mutex, Once, PoisonError};

use super::signals::install;

/// A value on pages of its own.
#[derive(Debug)]
pub(crate) struct Guarded<T> {
    value: *mut T,
}

impl<T> Guarded<T> {
    const BYTES: usize = size_of::<T>().next_multiple_of(4096);

    pub(crate) fn new(value: T) -> Self {
        assert!(align_of::<T>() <= 4096, "pages are aligned to their size");
        // SAFETY: new pages, wherever the kernel likes.
        let pages = unsafe {
            libc::mmap(
                ptr::null_mut(),
                Self::BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(pages, libc::MAP_FAILED, "there is memory for a few pages");
        let place = pages.cast::<T>();
        // SAFETY: the pages are large enough, aligned, writable and nobody else's.
        unsafe { place.write(value) };
        Self { value: place }
    }

    /// Makes `call(0)`; before its access number `at[0]` to the value, `call(1)`; before that
    /// one's access number `at[1]`, `call(2)`; and so on. Returns the number of the last call that
    /// was made: less than `at.len()` if one of them ended before the access it was to be
    /// interrupted at.
    pub(crate) fn interrupt(&self, at: &[usize], call: &dyn Fn(usize)) -> usize {
        /// The handlers are the process's, so one watch at a time.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        static HANDLERS: Once = Once::new();

        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        HANDLERS.call_once(|| {
            let flags = libc::SA_SIGINFO | libc::SA_NODEFER;
            install(libc::SIGSEGV, on_fault as *const () as usize, flags);
            install(libc::SIGTRAP, on_step as *const () as usize, flags);
        });

        let watch = Watch {
            start: self.value.cast(),
            bytes: Self::BYTES,
            at,
            call,
            level: Cell::new(0),
            accesses: Cell::new(0),
            deepest: Cell::new(0),
        };
        WATCH.store(ptr::from_ref(&watch).cast_mut().cast(), SeqCst);
        watch.close();
        call(0);
        watch.open();
        WATCH.store(ptr::null_mut(), SeqCst);
        watch.deepest.get()
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
        // SAFETY: the pages are those of `new`.
        let result = unsafe { libc::munmap(self.value.cast(), Self::BYTES) };
        debug_assert_eq!(result, 0, "the pages were mapped");
    }
}

// === The handlers ===

/// The watch of the test whose turn it is, for the handlers.
static WATCH: AtomicPtr<Watch<'static>> = AtomicPtr::new(ptr::null_mut());

/// The flag that makes the CPU trap after one instruction.
const TRAP_FLAG: i64 = 1 << 8;

/// The pages, and what is to happen when they are touched.
struct Watch<'c> {
    start: *mut c_void,
    bytes: usize,
    at: &'c [usize],
    call: &'c dyn Fn(usize),
    /// The call that runs now.
    level: Cell<usize>,
    /// How many accesses it has made.
    accesses: Cell<usize>,
    deepest: Cell<usize>,
}

impl Watch<'_> {
    fn protect(&self, protection: c_int) {
        // SAFETY: the pages are those of the `Guarded` that is being watched.
        let result = unsafe { libc::mprotect(self.start, self.bytes, protection) };
        assert_eq!(result, 0, "the pages are mapped");
    }

    fn open(&self) {
        self.protect(libc::PROT_READ | libc::PROT_WRITE);
    }

    fn close(&self) {
        self.protect(libc::PROT_NONE);
    }

    fn contains(&self, address: *mut c_void) -> bool {
        (self.start.addr()..self.start.addr() + self.bytes).contains(&address.addr())
    }

    /// The call of this level is about to touch the pages.
    fn on_access(&self, flags: &mut i64) {
        let level = self.level.get();
        let accesses = self.accesses.get();
        if self.at.get(level) == Some(&accesses) {
            self.make_nested_call(level + 1);
            self.level.set(level);
            // The rest of the call is not interrupted again.
            self.open();
        } else {
            self.accesses.set(accesses + 1);
            self.open();
            *flags |= TRAP_FLAG;
        }
    }

    fn make_nested_call(&self, level: usize) {
        self.level.set(level);
        self.deepest.set(self.deepest.get().max(level));
        self.accesses.set(0);
        if level == self.at.len() {
            self.open();
        }
        (self.call)(level);
    }

    /// The instruction that was let through is done.
    fn on_step(&self, flags: &mut i64) {
        self.close();
        *flags &= !TRAP_FLAG;
    }
}

/// The flags register of the interrupted code.
///
/// # Safety
///
/// `context` is what the kernel passed to a signal handler that has not returned.
unsafe fn flags<'a>(context: *mut c_void) -> &'a mut i64 {
    // SAFETY: by the caller's word it is a context, which the handler may change.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    &mut context.uc_mcontext.gregs[libc::REG_EFL as usize]
}

extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: null, or a watch that `interrupt` keeps alive while it is there.
    let watch = unsafe { WATCH.load(SeqCst).as_ref() };
    // SAFETY: the kernel passes a description of the signal.
    let info = unsafe { &*info };
    // SAFETY: the signal is a fault, so the description has an address.
    let address = unsafe { info.si_addr() };
    match watch {
        Some(watch) if watch.contains(address) => {
            // SAFETY: the kernel passed the context to this handler.
            watch.on_access(unsafe { flags(context) });
        }
        // A fault of somebody else: let it happen again, without a handler.
        _ => install(signal, libc::SIG_DFL, 0),
    }
}

extern "C" fn on_step(signal: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: null, or a watch that `interrupt` keeps alive while it is there.
    let watch = unsafe { WATCH.load(SeqCst).as_ref() };
    match watch {
        // SAFETY: the kernel passed the context to this handler.
        Some(watch) => watch.on_step(unsafe { flags(context) }),
        None => install(signal, libc::SIG_DFL, 0),
    }
}
