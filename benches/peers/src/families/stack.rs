//! Free lists of indices: who owns an index owns a slot.

use std::cell::UnsafeCell;
use std::sync::{Mutex, PoisonError};

use crossbeam_queue::{ArrayQueue, SegQueue};
use latchless::stack::IndexStack;

use super::limit;
use super::queue::{Line, leak};
use super::store::{self, Store};
use crate::case::Shape;
use crate::contestant::{Contestant, Side};

/// Enters a list into the contest; one whose capacity is part of its type, for each capacity that
/// there is a case of.
macro_rules! entry {
    ($text:literal, $side:ident, $list:ident<const N>) => {
        Contestant::new($text, Side::$side, |case, bench| match case.capacity {
            64 => store::run::<Slots<$list<64>>>(case, bench),
            1024 => store::run::<Slots<$list<1024>>>(case, bench),
            _ => store::run::<Slots<$list<65536>>>(case, bench),
        })
    };
    ($text:literal, $side:ident, $list:ty) => {
        Contestant::new($text, Side::$side, store::run::<Slots<$list>>)
    };
}

pub(super) fn contestants() -> Vec<Contestant> {
    vec![
        entry!("latchless IndexStack", Ours, IndexStack<const N>),
        entry!("crossbeam ArrayQueue", Rival, ArrayQueue<u32>),
        entry!("crossbeam SegQueue", Rival, SegQueue<u32>),
        entry!("lockfree Stack", Rival, lockfree::stack::Stack<u32>),
        entry!("spin Mutex<Vec>", Rival, spin::Mutex<Vec<u32>>),
        entry!("parking_lot Mutex<Vec>", Rival, parking_lot::Mutex<Vec<u32>>),
        entry!("std Mutex<Vec>", Rival, Mutex<Vec<u32>>),
        Contestant::new("(limit) a list of each thread's own", Side::Limit, limit::own_list)
            .only(|case| case.shape != Shape::Memory),
    ]
}

/// A list of indices that any thread may take from and give to.
pub(super) trait FreeList: Sync + Send + 'static {
    /// Makes a list of all indices below `capacity`.
    fn full(capacity: u32) -> Self;
    fn take(&self) -> Option<u32>;
    fn give(&self, index: u32);
}

/// A list and the slots that its indices stand for.
pub(super) struct Slots<L: 'static>(&'static (L, Lines));

/// Slots, each touched by the owner of its index only: that is what is measured, and checked.
struct Lines(Vec<UnsafeCell<Line>>);

// SAFETY: a list hands each index to one owner at a time, who alone touches its slot. A list that
// fails to is found out by the checks of the numbers in the slots.
unsafe impl Sync for Lines {}

impl Lines {
    #[inline(always)]
    fn slot(&self, index: u32) -> *mut Line {
        self.0.get(index as usize).expect("the list made up an index").get()
    }
}

impl<L> Clone for Slots<L> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<L: FreeList> Store for Slots<L> {
    type Block = u32;

    fn open(capacity: usize) -> Self {
        let lines = Lines((0..capacity).map(|_| UnsafeCell::default()).collect());
        Self(leak((L::full(capacity as u32), lines)))
    }

    #[inline(always)]
    fn take(&mut self, line: Line) -> Option<u32> {
        let (list, lines) = self.0;
        let index = list.take()?;
        // SAFETY: this call owns the index.
        unsafe { lines.slot(index).write(line) };
        Some(index)
    }

    #[inline(always)]
    fn give(&mut self, index: u32) -> Line {
        let (list, lines) = self.0;
        // SAFETY: this call owns the index until it gives it back below.
        let line = unsafe { lines.slot(index).read() };
        list.give(index);
        line
    }
}

impl<const N: usize> FreeList for IndexStack<N> {
    fn full(_: u32) -> Self {
        IndexStack::full()
    }

    #[inline(always)]
    fn take(&self) -> Option<u32> {
        self.pop()
    }

    #[inline(always)]
    fn give(&self, index: u32) {
        self.push(index).expect("the index came out of this stack");
    }
}

/// Implements `FreeList`: how a full list is made, how an index is taken and given back.
macro_rules! free_list {
    ($list:ty, |$capacity:ident| $full:expr; take |$taker:ident| $take:expr;
        give |$giver:ident, $index:ident| $give:expr;) => {
        impl FreeList for $list {
            fn full($capacity: u32) -> Self {
                $full
            }

            #[inline(always)]
            fn take(&self) -> Option<u32> {
                let $taker = self;
                $take
            }

            #[inline(always)]
            fn give(&self, $index: u32) {
                let $giver = self;
                $give
            }
        }
    };
}

/// An empty list, filled by giving it every index.
pub(super) fn filled<L: FreeList>(list: L, capacity: u32) -> L {
    (0..capacity).for_each(|index| list.give(index));
    list
}

free_list! {
    ArrayQueue<u32>, |capacity| filled(ArrayQueue::new(capacity as usize), capacity);
    take |list| list.pop();
    give |list, index| list.push(index).expect("there is room for every index");
}

free_list! {
    SegQueue<u32>, |capacity| filled(SegQueue::new(), capacity);
    take |list| list.pop();
    give |list, index| list.push(index);
}

free_list! {
    lockfree::stack::Stack<u32>, |capacity| filled(lockfree::stack::Stack::new(), capacity);
    take |list| list.pop();
    give |list, index| list.push(index);
}

free_list! {
    spin::Mutex<Vec<u32>>, |capacity| spin::Mutex::new((0..capacity).collect());
    take |list| list.lock().pop();
    give |list, index| list.lock().push(index);
}

free_list! {
    parking_lot::Mutex<Vec<u32>>, |capacity| parking_lot::Mutex::new((0..capacity).collect());
    take |list| list.lock().pop();
    give |list, index| list.lock().push(index);
}

free_list! {
    Mutex<Vec<u32>>, |capacity| Mutex::new((0..capacity).collect());
    take |list| list.lock().unwrap_or_else(PoisonError::into_inner).pop();
    give |list, index| list.lock().unwrap_or_else(PoisonError::into_inner).push(index);
}
