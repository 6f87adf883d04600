//! Rivals in C and C++, behind the feature `native-peers`; their side is `native/peers.h`.

use std::ffi::c_void;
use std::marker::PhantomData;

use super::queue::{self, Item, Line, Pop, Push, Queue};
use super::stack::{FreeList, Slots};
use super::store;
use crate::case::{Family, Payload, Shape};
use crate::contestant::{Contestant, Side};

pub(super) fn contestants(family: Family) -> Vec<Contestant> {
    match family {
        Family::Spsc => {
            vec![entry::<BoostSpsc>("boost spsc_queue (C++)"), entry::<CkSpsc>("ck_ring spsc (C)")]
        }
        Family::Mpmc => vec![
            entry::<BoostMpmc>("boost lockfree::queue (C++)"),
            entry::<CkMpmc>("ck_ring mpmc (C)"),
            // Its memory comes from an allocator of its own, whose books are not read.
            entry::<Tbb>("oneTBB bounded queue (C++)").only(|case| case.shape != Shape::Memory),
            entry::<Moodycamel>("moodycamel tokens (C++, unbounded)"),
        ],
        Family::Stack => vec![
            Contestant::new(
                "boost lockfree::stack (C++)",
                Side::Rival,
                store::run::<Slots<BoostList>>,
            ),
            Contestant::new("ck_stack (C)", Side::Rival, store::run::<Slots<CkList>>),
        ],
        Family::Pool | Family::Snapshot | Family::Counter | Family::Atomic => Vec::new(),
    }
}

fn entry<R: NativeQueue>(name: &'static str) -> Contestant {
    Contestant::new(name, Side::Rival, |case, bench| match case.payload {
        Payload::Word => queue::run::<u64, Native<R>>(case, bench),
        Payload::Line => queue::run::<Line, Native<R>>(case, bench),
    })
}

// === queues ===

/// `struct queue_api`.
#[repr(C)]
struct QueueApi {
    open: extern "C" fn(usize) -> *mut c_void,
    tx: extern "C" fn(*mut c_void) -> *mut c_void,
    rx: extern "C" fn(*mut c_void) -> *mut c_void,
    push: unsafe extern "C" fn(*mut c_void, *const c_void) -> bool,
    pop: unsafe extern "C" fn(*mut c_void, *mut c_void) -> bool,
    push_batch: Option<unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> usize>,
    pop_batch: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> usize>,
}

// SAFETY: all of it is written in `native/`, never changes, and is what `peers.h` says.
unsafe extern "C" {
    safe static boost_spsc_word: QueueApi;
    safe static boost_spsc_line: QueueApi;
    safe static boost_mpmc_word: QueueApi;
    safe static boost_mpmc_line: QueueApi;
    safe static ck_spsc_word: QueueApi;
    safe static ck_spsc_line: QueueApi;
    safe static ck_mpmc_word: QueueApi;
    safe static ck_mpmc_line: QueueApi;
    safe static moodycamel_word: QueueApi;
    safe static moodycamel_line: QueueApi;
    safe static tbb_word: QueueApi;
    safe static tbb_line: QueueApi;
    safe static boost_list: ListApi;
    safe static ck_list: ListApi;
}

/// A rival: the same queue for each size of item.
trait NativeQueue: 'static {
    const WORD: &'static QueueApi;
    const LINE: &'static QueueApi;

    /// The one for items of `T`.
    #[inline(always)]
    fn of<T>() -> &'static QueueApi {
        if size_of::<T>() == size_of::<u64>() { Self::WORD } else { Self::LINE }
    }
}

macro_rules! native_queue {
    ($name:ident, $word:ident, $line:ident) => {
        struct $name;

        impl NativeQueue for $name {
            const WORD: &'static QueueApi = &$word;
            const LINE: &'static QueueApi = &$line;
        }
    };
}

native_queue!(BoostSpsc, boost_spsc_word, boost_spsc_line);
native_queue!(BoostMpmc, boost_mpmc_word, boost_mpmc_line);
native_queue!(CkSpsc, ck_spsc_word, ck_spsc_line);
native_queue!(CkMpmc, ck_mpmc_word, ck_mpmc_line);
native_queue!(Tbb, tbb_word, tbb_line);
native_queue!(Moodycamel, moodycamel_word, moodycamel_line);

/// A contestant around a rival.
struct Native<R>(PhantomData<R>);

/// One end of a queue; a thread's own.
struct End<R>(*mut c_void, PhantomData<R>);

// SAFETY: the queue on the other side is made for threads, and an end is used by one at a time.
unsafe impl<R> Send for End<R> {}

impl<T: Item, R: NativeQueue> Queue<T> for Native<R> {
    type Tx = End<R>;
    type Rx = End<R>;

    fn open(capacity: usize, ends: usize) -> (Vec<End<R>>, Vec<End<R>>) {
        let api = R::of::<T>();
        let queue = (api.open)(capacity);
        let txs = (0..ends).map(|_| End((api.tx)(queue), PhantomData));
        let rxs = (0..ends).map(|_| End((api.rx)(queue), PhantomData));
        (txs.collect(), rxs.collect())
    }
}

impl<T: Item, R: NativeQueue> Push<T> for End<R> {
    #[inline(always)]
    fn push(&mut self, item: T) -> bool {
        // SAFETY: the end came from this very interface; the item is as large as its items are.
        unsafe { (R::of::<T>().push)(self.0, (&raw const item).cast()) }
    }

    #[inline(always)]
    fn push_batch(&mut self, items: &[T]) -> usize {
        match R::of::<T>().push_batch {
            // SAFETY: as for `push`, and there are as many items as it is told.
            Some(push_batch) => unsafe { push_batch(self.0, items.as_ptr().cast(), items.len()) },
            None => queue::push_one_by_one(self, items),
        }
    }
}

impl<T: Item, R: NativeQueue> Pop<T> for End<R> {
    #[inline(always)]
    fn pop(&mut self) -> Option<T> {
        let mut item = T::default();
        // SAFETY: the end came from this very interface; the place is as large as its items are.
        unsafe { (R::of::<T>().pop)(self.0, (&raw mut item).cast()) }.then_some(item)
    }

    #[inline(always)]
    fn pop_batch(&mut self, places: &mut [T]) -> usize {
        match R::of::<T>().pop_batch {
            // SAFETY: as for `pop`, and there are as many places as it is told.
            Some(pop_batch) => unsafe {
                pop_batch(self.0, places.as_mut_ptr().cast(), places.len())
            },
            None => queue::pop_one_by_one(self, places),
        }
    }
}

// === lists of indices ===

/// `struct list_api`.
#[repr(C)]
struct ListApi {
    full: extern "C" fn(u32) -> *mut c_void,
    take: unsafe extern "C" fn(*mut c_void, *mut u32) -> bool,
    give: unsafe extern "C" fn(*mut c_void, u32),
}

macro_rules! native_list {
    ($name:ident, $api:ident) => {
        struct $name(*mut c_void);

        // SAFETY: the list on the other side is made for threads.
        unsafe impl Send for $name {}
        // SAFETY: as above.
        unsafe impl Sync for $name {}

        impl FreeList for $name {
            fn full(capacity: u32) -> Self {
                Self(($api.full)(capacity))
            }

            #[inline(always)]
            fn take(&self) -> Option<u32> {
                let mut index = 0;
                // SAFETY: the list came from this very interface.
                unsafe { ($api.take)(self.0, &raw mut index) }.then_some(index)
            }

            #[inline(always)]
            fn give(&self, index: u32) {
                // SAFETY: the list came from this very interface, as did the index.
                unsafe { ($api.give)(self.0, index) }
            }
        }
    };
}

native_list!(BoostList, boost_list);
native_list!(CkList, ck_list);
