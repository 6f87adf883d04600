//! Pools: an owned block at a time, written when it is taken and read when it is given back.

use std::hint::black_box;
use std::sync::Mutex;

use crossbeam_queue::ArrayQueue;
use heapless::pool::boxed::{Box as HeaplessBox, BoxBlock};
use latchless::stack::{Magazine, Pool, PoolBox};
use sharded_slab::Slab;

use super::limit;
use super::queue::{Line, leak};
use super::store::{self, Store};
use crate::case::Shape;
use crate::contestant::{Contestant, Side};

pub(super) fn contestants() -> Vec<Contestant> {
    vec![
        Contestant::new("latchless Pool", Side::Ours, |case, bench| match case.capacity {
            64 => store::run::<Latchless<64>>(case, bench),
            1024 => store::run::<Latchless<1024>>(case, bench),
            _ => store::run::<Latchless<65536>>(case, bench),
        }),
        Contestant::new("latchless Pool, magazine", Side::Ours, |case, bench| {
            match case.capacity {
                64 => store::run::<WithMagazine<64>>(case, bench),
                1024 => store::run::<WithMagazine<1024>>(case, bench),
                _ => store::run::<WithMagazine<65536>>(case, bench),
            }
        }),
        Contestant::new("heapless box_pool", Side::Rival, store::run::<Heapless>),
        Contestant::new("sharded-slab", Side::Rival, store::run::<Sharded>),
        Contestant::new("malloc and free", Side::Rival, store::run::<Malloc>),
        Contestant::new("ArrayQueue of boxes", Side::Rival, store::run::<Boxes<Queued>>),
        Contestant::new("spin Mutex<Vec> of boxes", Side::Rival, store::run::<Boxes<Spinning>>),
        Contestant::new(
            "parking_lot Mutex<Vec> of boxes",
            Side::Rival,
            store::run::<Boxes<Parking>>,
        ),
        Contestant::new("std Mutex<Vec> of boxes", Side::Rival, store::run::<Boxes<Std>>),
        Contestant::new("(limit) a list of each thread's own", Side::Limit, limit::own_list)
            .only(|case| case.shape != Shape::Memory),
    ]
}

// === latchless ===

#[derive(Clone)]
struct Latchless<const N: usize>(&'static Pool<Line, N>);

impl<const N: usize> Store for Latchless<N> {
    type Block = PoolBox<'static, Line, N>;

    fn open(_: usize) -> Self {
        Self(leak(Pool::new()))
    }

    #[inline(always)]
    fn take(&mut self, line: Line) -> Option<Self::Block> {
        self.0.alloc(line).ok()
    }

    #[inline(always)]
    fn give(&mut self, block: Self::Block) -> Line {
        block.into_inner()
    }
}

/// A magazine a thread.
struct WithMagazine<const N: usize>(Magazine<'static, Line, N, 32>);

impl<const N: usize> Clone for WithMagazine<N> {
    fn clone(&self) -> Self {
        Self(self.0.pool().magazine())
    }
}

impl<const N: usize> Store for WithMagazine<N> {
    type Block = PoolBox<'static, Line, N>;

    fn open(_: usize) -> Self {
        Self(leak(Pool::<Line, N>::new()).magazine())
    }

    #[inline(always)]
    fn take(&mut self, line: Line) -> Option<Self::Block> {
        self.0.alloc(line).ok()
    }

    #[inline(always)]
    fn give(&mut self, block: Self::Block) -> Line {
        self.0.take(block).unwrap_or_default()
    }
}

// === heapless ===

heapless::box_pool!(BLOCKS: Line);

#[derive(Clone)]
struct Heapless;

impl Store for Heapless {
    type Block = HeaplessBox<BLOCKS>;

    fn open(capacity: usize) -> Self {
        let blocks = (0..capacity).map(|_| BoxBlock::new()).collect::<Vec<_>>();
        for block in blocks.leak() {
            BLOCKS.manage(block);
        }
        Self
    }

    #[inline(always)]
    fn take(&mut self, line: Line) -> Option<Self::Block> {
        BLOCKS.alloc(line).ok()
    }

    #[inline(always)]
    fn give(&mut self, block: Self::Block) -> Line {
        *block
    }
}

// === sharded-slab ===

#[derive(Clone)]
struct Sharded(&'static Slab<Line>);

impl Store for Sharded {
    type Block = usize;

    fn open(_: usize) -> Self {
        Self(leak(Slab::new()))
    }

    #[inline(always)]
    fn take(&mut self, line: Line) -> Option<usize> {
        self.0.insert(line)
    }

    #[inline(always)]
    fn give(&mut self, key: usize) -> Line {
        self.0.take(key).unwrap_or_default()
    }
}

// === the allocator ===

#[derive(Clone)]
struct Malloc;

impl Store for Malloc {
    type Block = Box<Line>;

    fn open(_: usize) -> Self {
        Self
    }

    #[inline(always)]
    fn take(&mut self, line: Line) -> Option<Box<Line>> {
        // Opaque, or the allocation is optimized away.
        Some(black_box(Box::new(line)))
    }

    #[inline(always)]
    fn give(&mut self, block: Box<Line>) -> Line {
        *block
    }
}

// === boxes in somebody's container ===

/// A container of boxes that any thread may put in and take out.
trait Container: Sync + Send + 'static {
    fn with_room(capacity: usize) -> Self;
    fn put(&self, block: Box<Line>);
    fn take(&self) -> Option<Box<Line>>;
}

struct Boxes<C: 'static>(&'static C);

impl<C> Clone for Boxes<C> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<C: Container> Store for Boxes<C> {
    type Block = Box<Line>;

    fn open(capacity: usize) -> Self {
        let container = C::with_room(capacity);
        (0..capacity).for_each(|_| container.put(Box::default()));
        Self(leak(container))
    }

    #[inline(always)]
    fn take(&mut self, line: Line) -> Option<Box<Line>> {
        let mut block = self.0.take()?;
        *block = line;
        Some(block)
    }

    #[inline(always)]
    fn give(&mut self, block: Box<Line>) -> Line {
        let line = *block;
        self.0.put(block);
        line
    }
}

type Queued = ArrayQueue<Box<Line>>;
type Spinning = spin::Mutex<Vec<Box<Line>>>;
type Parking = parking_lot::Mutex<Vec<Box<Line>>>;
type Std = Mutex<Vec<Box<Line>>>;

/// Implements `Container`.
macro_rules! container {
    ($container:ty, |$capacity:ident| $new:expr; put |$putter:ident, $block:ident| $put:expr;
        take |$taker:ident| $take:expr;) => {
        impl Container for $container {
            fn with_room($capacity: usize) -> Self {
                $new
            }

            #[inline(always)]
            fn put(&self, $block: Box<Line>) {
                let $putter = self;
                $put
            }

            #[inline(always)]
            fn take(&self) -> Option<Box<Line>> {
                let $taker = self;
                $take
            }
        }
    };
}

container! {
    Queued, |capacity| ArrayQueue::new(capacity);
    put |queue, block| queue.push(block).expect("there is room for every block");
    take |queue| queue.pop();
}

container! {
    Spinning, |capacity| Self::new(Vec::with_capacity(capacity));
    put |list, block| list.lock().push(block);
    take |list| list.lock().pop();
}

container! {
    Parking, |capacity| Self::new(Vec::with_capacity(capacity));
    put |list, block| list.lock().push(block);
    take |list| list.lock().pop();
}

container! {
    Std, |capacity| Self::new(Vec::with_capacity(capacity));
    put |list, block| list.lock().expect("nobody panicked").push(block);
    take |list| list.lock().expect("nobody panicked").pop();
}
