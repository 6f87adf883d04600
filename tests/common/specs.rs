//! The sequential specifications: what each structure does when nothing happens at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use latchless::ring::turn::{self, PopError};
use latchless::ring::{ForcePushError, PushError};

use super::linearizability::{Spec, UnderWay};

// === First in, first out ===

/// A bounded queue.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Fifo {
    values: VecDeque<u64>,
    capacity: usize,
    calls_hold_slots: bool,
    is_closed: bool,
}

/// A call on a queue and what it returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FifoCall {
    Pushed(u64),
    /// A push was refused for want of room, or the queue called itself full.
    Full,
    /// A push into a full queue took the oldest value, the first of these, out for its own.
    Replaced(u64, u64),
    Popped(u64),
    /// A value was taken out that nobody saw.
    Skipped,
    Peeked(u64),
    /// A pop or peek found nothing, or the queue called itself empty.
    Empty,
    /// The queue said how many values are in it.
    Length(usize),
    /// The queue was closed.
    Close,
    /// A push was refused for one of the two reasons.
    Refused,
    /// A push was refused because the queue is closed, or the queue said that it is.
    IsClosed,
    /// The queue said that it is closed and empty.
    IsDrained,
}

impl FifoCall {
    /// What a push that returned `result` did.
    pub(crate) fn of_push(value: u64, result: Result<(), impl Into<PushError<u64>>>) -> Self {
        let error = match result.map_err(Into::into) {
            Ok(()) => return Self::Pushed(value),
            Err(error) => error,
        };
        let call = match error {
            PushError::Full(_) => Self::Full,
            PushError::Closed(_) => Self::IsClosed,
        };
        assert_eq!(error.into_inner(), value, "the value that comes back is the one that went in");
        call
    }

    /// What a push that may evict the oldest value did, all of it at once or one after the other.
    pub(crate) fn of_force_push(
        value: u64,
        result: Result<Option<u64>, ForcePushError<u64>>,
        is_at_once: bool,
    ) -> Vec<Self> {
        match result {
            Ok(None) => vec![Self::Pushed(value)],
            Ok(Some(evicted)) if is_at_once => vec![Self::Replaced(evicted, value)],
            Ok(Some(evicted)) => vec![Self::Popped(evicted), Self::Pushed(value)],
            Err(error) => {
                assert!(!is_at_once || error.evicted.is_none());
                let refused = Self::of_push(value, Err(error.refused));
                error.evicted.map(Self::Popped).into_iter().chain([refused]).collect()
            }
        }
    }

    /// What a pop that returned `result` did.
    pub(crate) fn of_pop(result: Option<u64>) -> Self {
        result.map_or(Self::Empty, Self::Popped)
    }

    /// What a peek that returned `result` saw.
    pub(crate) fn of_peek(result: Option<&u64>) -> Self {
        result.map_or(Self::Empty, |&value| Self::Peeked(value))
    }
}

impl Fifo {
    /// Refuses a push only when `capacity` values are in it.
    pub(crate) fn exact(capacity: usize) -> Self {
        Self { values: VecDeque::new(), capacity, calls_hold_slots: false, is_closed: false }
    }

    /// As [`exact`](Self::exact), but a call under way may hold a slot too: a push before its
    /// value is in the queue, a pop after its value has left it.
    pub(crate) fn lending(capacity: usize) -> Self {
        Self { calls_hold_slots: true, ..Self::exact(capacity) }
    }

    fn is_full(&self, others: &UnderWay<'_, FifoCall>) -> bool {
        self.values.len() + self.slots_held(others) >= self.capacity
    }

    fn slots_held(&self, others: &UnderWay<'_, FifoCall>) -> usize {
        if !self.calls_hold_slots {
            return 0;
        }
        others.most(|call, has_taken_effect| match call {
            FifoCall::Pushed(_) => !has_taken_effect,
            FifoCall::Popped(_) | FifoCall::Skipped => has_taken_effect,
            // A push that finds out late.
            FifoCall::Refused | FifoCall::IsClosed => true,
            FifoCall::Full
            | FifoCall::Replaced(..)
            | FifoCall::Peeked(_)
            | FifoCall::Empty
            | FifoCall::Length(_)
            | FifoCall::Close
            | FifoCall::IsDrained => false,
        })
    }
}

impl Spec for Fifo {
    type Call = FifoCall;

    fn after(&self, call: &FifoCall, others: &UnderWay<'_, FifoCall>) -> Option<Self> {
        let mut next = self.clone();
        let is_possible = match *call {
            FifoCall::Pushed(value) => {
                next.values.push_back(value);
                next.values.len() <= self.capacity && !self.is_closed
            }
            FifoCall::Replaced(evicted, value) => {
                next.values.push_back(value);
                next.values.pop_front() == Some(evicted)
                    && self.values.len() == self.capacity
                    && !self.is_closed
            }
            FifoCall::Full => self.is_full(others),
            FifoCall::Refused => self.is_closed || self.is_full(others),
            FifoCall::Popped(value) => next.values.pop_front() == Some(value),
            FifoCall::Skipped => next.values.pop_front().is_some(),
            FifoCall::Peeked(value) => self.values.front() == Some(&value),
            FifoCall::Empty => self.values.is_empty(),
            FifoCall::Length(length) => self.values.len() == length,
            FifoCall::Close => !core::mem::replace(&mut next.is_closed, true),
            FifoCall::IsClosed => self.is_closed,
            FifoCall::IsDrained => self.is_closed && self.values.is_empty(),
        };
        is_possible.then_some(next)
    }
}

// === First in, first out, or busy ===

/// A bounded queue that can be closed, and in which a call may be refused because of another one that has
/// taken effect and is still under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct BusyFifo {
    values: VecDeque<u64>,
    capacity: usize,
    is_closed: bool,
}

/// A call on such a queue and what it returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum BusyFifoCall {
    /// All these were pushed, side by side.
    Pushed(Vec<u64>),
    /// There was no room for so many.
    NoRoomFor(usize),
    PushBusy,
    /// A push that makes room found another one that has not put its value in yet.
    ForcePushBusy,
    PushClosed,
    /// A batch of so many was refused, without a reason.
    PushRefused(usize),
    /// All these were popped, side by side.
    Popped(Vec<u64>),
    /// There were not so many.
    NoSuchMany(usize),
    PopBusy,
    /// The queue is closed, and so many will never be in it.
    PopClosed(usize),
    /// A batch of so many was not there, without a reason.
    PopRefused(usize),
    /// The first was pushed into the full queue, the second came back.
    Replaced(u64, u64),
    /// The queue was closed; whether by this call.
    Closed(bool),
    /// The queue called itself closed, or not.
    IsClosed(bool),
    /// The queue called itself empty.
    IsEmpty,
    /// The queue called itself full.
    IsFull,
}

impl BusyFifoCall {
    /// What a push of `count` values that was refused did.
    pub(crate) fn of_push_error<T>(error: turn::PushError<T>, count: usize) -> Self {
        match error {
            turn::PushError::Full(_) => Self::NoRoomFor(count),
            turn::PushError::Busy(_) => Self::PushBusy,
            turn::PushError::Closed(_) => Self::PushClosed,
        }
    }

    /// What a pop of `count` values that was refused did.
    pub(crate) fn of_pop_error(error: PopError, count: usize) -> Self {
        match error {
            PopError::Empty => Self::NoSuchMany(count),
            PopError::Busy => Self::PopBusy,
            PopError::Closed => Self::PopClosed(count),
        }
    }

    /// What a push that returned `result` did.
    pub(crate) fn of_push(value: u64, result: Result<(), turn::PushError<u64>>) -> Self {
        match result {
            Ok(()) => Self::Pushed(vec![value]),
            Err(error) => {
                assert_eq!(error.into_inner(), value, "the value that comes back went in");
                Self::of_push_error(error, 1)
            }
        }
    }

    /// What a pop that returned `result` did.
    pub(crate) fn of_pop(result: Result<u64, PopError>) -> Self {
        match result {
            Ok(value) => Self::Popped(vec![value]),
            Err(error) => Self::of_pop_error(error, 1),
        }
    }

    /// Whether it may keep a slot from a push, or a value from a pop, after it has taken effect.
    fn keeps_slots(&self, from_push: bool) -> bool {
        match self {
            Self::Popped(_) | Self::Replaced(..) => true,
            Self::Pushed(_) => !from_push,
            _ => false,
        }
    }
}

impl BusyFifo {
    pub(crate) fn of(capacity: usize) -> Self {
        Self { values: VecDeque::new(), capacity, is_closed: false }
    }
}

impl Spec for BusyFifo {
    type Call = BusyFifoCall;

    fn after(&self, call: &BusyFifoCall, others: &UnderWay<'_, BusyFifoCall>) -> Option<Self> {
        let is_kept =
            |push| others.most(|call, is_effective| is_effective && call.keeps_slots(push)) > 0;
        let has_room_for = |count| self.values.len() + count <= self.capacity;
        let mut next = self.clone();
        let is_possible = match *call {
            BusyFifoCall::Pushed(ref values) => {
                next.values.extend(values);
                !self.is_closed && has_room_for(values.len())
            }
            BusyFifoCall::NoRoomFor(count) => !self.is_closed && !has_room_for(count),
            // Also if it was closed meanwhile.
            BusyFifoCall::PushBusy => is_kept(true),
            BusyFifoCall::ForcePushBusy => is_kept(false),
            BusyFifoCall::PushClosed => self.is_closed,
            BusyFifoCall::PushRefused(count) => {
                self.is_closed || !has_room_for(count) || is_kept(true)
            }
            BusyFifoCall::Popped(ref values) => {
                values.iter().all(|&value| next.values.pop_front() == Some(value))
            }
            BusyFifoCall::NoSuchMany(count) => !self.is_closed && self.values.len() < count,
            BusyFifoCall::PopBusy => is_kept(false),
            BusyFifoCall::PopClosed(count) => self.is_closed && self.values.len() < count,
            BusyFifoCall::PopRefused(count) => self.values.len() < count || is_kept(false),
            BusyFifoCall::Replaced(value, oldest) => {
                next.values.push_back(value);
                !self.is_closed && !has_room_for(1) && next.values.pop_front() == Some(oldest)
            }
            BusyFifoCall::Closed(by_this_call) => {
                next.is_closed = true;
                by_this_call != self.is_closed
            }
            BusyFifoCall::IsClosed(said) => said == self.is_closed,
            BusyFifoCall::IsEmpty => self.values.is_empty(),
            BusyFifoCall::IsFull => !has_room_for(1),
        };
        is_possible.then_some(next)
    }
}

// === The latest values ===

/// A queue in which a push beyond the capacity evicts the oldest value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Latest {
    values: VecDeque<u64>,
    capacity: usize,
    evicted: u64,
}

/// A call on such a queue and what it returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LatestCall {
    /// A value was pushed, and this one came back.
    Pushed(u64, Option<u64>),
    /// A value was popped, and the consumer told how many were lost before it.
    Popped(u64, u64),
    /// A pop found nothing, and the consumer told how many were lost.
    Empty(u64),
    /// The queue called itself empty, or not.
    IsEmpty(bool),
    /// The queue said how many values are in it.
    Length(usize),
    /// The producer said how many came back.
    Evicted(u64),
    /// The consumer said how many were lost: no more than have come back.
    Lost(u64),
}

impl Latest {
    pub(crate) fn of(capacity: usize) -> Self {
        Self { values: VecDeque::new(), capacity, evicted: 0 }
    }
}

impl Spec for Latest {
    type Call = LatestCall;

    fn after(&self, call: &LatestCall, _: &UnderWay<'_, LatestCall>) -> Option<Self> {
        let mut next = self.clone();
        let is_possible = match *call {
            LatestCall::Pushed(value, back) => {
                let is_full = self.values.len() == self.capacity;
                let oldest = if is_full { next.values.pop_front() } else { None };
                next.values.push_back(value);
                next.evicted += u64::from(is_full);
                back == oldest
            }
            LatestCall::Popped(value, lost) => {
                next.values.pop_front() == Some(value) && lost == self.evicted
            }
            LatestCall::Empty(lost) => self.values.is_empty() && lost == self.evicted,
            LatestCall::IsEmpty(said) => self.values.is_empty() == said,
            LatestCall::Length(length) => self.values.len() == length,
            LatestCall::Evicted(count) => self.evicted == count,
            LatestCall::Lost(count) => self.evicted >= count,
        };
        is_possible.then_some(next)
    }
}

// === Last in, first out ===

/// A stack.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Lifo {
    values: Vec<u32>,
}

/// A call on a stack and what it returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LifoCall {
    Pushed(u32),
    Popped(u32),
    /// A pop found nothing, or the stack called itself empty.
    Empty,
    /// These and no others were pushed in one step, the first one uppermost.
    PushedMany(Few),
    /// These were popped in one step, the first one from the top.
    PoppedMany(Few),
    /// The same, and nothing was left.
    PoppedAll(Few),
}

/// A few values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Few {
    values: [u32; Self::MOST],
    count: usize,
}

impl Few {
    pub(crate) const MOST: usize = 4;

    pub(crate) fn of(values: impl IntoIterator<Item = u32>) -> Self {
        let mut few = Self::default();
        for value in values {
            few.values[few.count] = value;
            few.count += 1;
        }
        few
    }

    pub(crate) fn as_slice(&self) -> &[u32] {
        &self.values[..self.count]
    }
}

impl LifoCall {
    /// What a pop that returned `result` did.
    pub(crate) fn of_pop(result: Option<u32>) -> Self {
        result.map_or(Self::Empty, Self::Popped)
    }
}

impl Lifo {
    /// A stack with these values, the last one on top.
    pub(crate) fn of(values: Vec<u32>) -> Self {
        Self { values }
    }

    /// Whether these could be popped, which they are.
    fn pop_each(&mut self, few: Few) -> bool {
        few.as_slice().iter().all(|&value| self.values.pop() == Some(value))
    }
}

impl Spec for Lifo {
    type Call = LifoCall;

    fn after(&self, call: &LifoCall, _: &UnderWay<'_, LifoCall>) -> Option<Self> {
        let mut next = self.clone();
        let is_possible = match *call {
            LifoCall::Pushed(value) => {
                next.values.push(value);
                true
            }
            LifoCall::Popped(value) => next.values.pop() == Some(value),
            LifoCall::Empty => self.values.is_empty(),
            LifoCall::PushedMany(few) => {
                next.values.extend(few.as_slice().iter().rev());
                true
            }
            LifoCall::PoppedMany(few) => next.pop_each(few),
            LifoCall::PoppedAll(few) => next.pop_each(few) && next.values.is_empty(),
        };
        is_possible.then_some(next)
    }
}

// === Slots to hand out ===

/// An allocator of slots, which are told apart by any number, such as their address.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Slots {
    owned: BTreeSet<usize>,
    capacity: usize,
}

/// A call on an allocator and what it returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SlotsCall {
    Allocated(usize),
    /// An allocation was refused, or the pool called itself exhausted.
    Exhausted,
    Freed(usize),
}

impl Slots {
    /// An allocator whose slots are all free.
    pub(crate) fn free(capacity: usize) -> Self {
        Self { owned: BTreeSet::new(), capacity }
    }
}

impl Spec for Slots {
    type Call = SlotsCall;

    fn after(&self, call: &SlotsCall, _: &UnderWay<'_, SlotsCall>) -> Option<Self> {
        let mut next = self.clone();
        let is_possible = match *call {
            SlotsCall::Allocated(slot) => {
                next.owned.insert(slot) && next.owned.len() <= self.capacity
            }
            SlotsCall::Exhausted => self.owned.len() == self.capacity,
            SlotsCall::Freed(slot) => next.owned.remove(&slot),
        };
        is_possible.then_some(next)
    }
}

// === One value ===

/// A value that is replaced by others, each of which there is once, and the views of it that are held.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Register {
    current: u64,
    /// How many views there are of each value.
    views: BTreeMap<u64, usize>,
    slots: usize,
}

/// A call on a register and what it returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RegisterCall {
    /// There is a view more of the current value.
    Loaded(u64),
    /// There is a view more of a value of which there was one.
    Cloned(u64),
    Left(u64),
    Stored(u64),
    /// The first was current and there is a view more of it; the second is current.
    Swapped(u64, u64),
    /// The first was current, and the second is.
    Exchanged(u64, u64),
    /// An exchange was refused because this value was not current.
    NotCurrent(u64),
    /// A value was refused.
    Exhausted,
}

impl Register {
    /// A register that holds `value` and has room for `slots` values at a time.
    pub(crate) fn of(value: u64, slots: usize) -> Self {
        Self { current: value, views: BTreeMap::new(), slots }
    }

    /// How many slots are in use, calls under way included: a writer has one slot for the new value
    /// or for the old one, and a view that ends may have the slot of what it drops.
    fn slots_in_use(&self, others: &UnderWay<'_, RegisterCall>) -> usize {
        let others = others.most(|call, has_taken_effect| match call {
            RegisterCall::Loaded(_) | RegisterCall::Cloned(_) | RegisterCall::Exhausted => false,
            RegisterCall::Left(_) => has_taken_effect,
            RegisterCall::Stored(_)
            | RegisterCall::Swapped(..)
            | RegisterCall::Exchanged(..)
            | RegisterCall::NotCurrent(_) => true,
        });
        let viewed = self.views.keys().filter(|&&value| value != self.current).count();
        1 + viewed + others
    }

    fn enter(&mut self, value: u64) {
        *self.views.entry(value).or_default() += 1;
    }

    /// Whether there was a view of `value`.
    fn leave(&mut self, value: u64) -> bool {
        let Some(views) = self.views.get_mut(&value) else { return false };
        *views -= 1;
        if *views == 0 {
            self.views.remove(&value);
        }
        true
    }
}

impl Spec for Register {
    type Call = RegisterCall;

    fn after(&self, call: &RegisterCall, others: &UnderWay<'_, RegisterCall>) -> Option<Self> {
        let mut next = self.clone();
        let is_possible = match *call {
            RegisterCall::Loaded(value) => {
                next.enter(value);
                value == self.current
            }
            RegisterCall::Cloned(value) => {
                next.enter(value);
                self.views.contains_key(&value)
            }
            RegisterCall::Left(value) => next.leave(value),
            RegisterCall::Stored(value) => {
                next.current = value;
                true
            }
            RegisterCall::Swapped(before, value) => {
                next.enter(before);
                next.current = value;
                before == self.current
            }
            RegisterCall::Exchanged(before, value) => {
                next.current = value;
                before == self.current
            }
            RegisterCall::NotCurrent(value) => value != self.current,
            RegisterCall::Exhausted => self.slots_in_use(others) >= self.slots,
        };
        is_possible.then_some(next)
    }
}

// === A count ===

/// A wrapping counter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Count(pub(crate) u64);

/// A call on a counter and what it returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CountCall {
    Added(u64),
    Subtracted(u64),
    Got(u64),
    Took(u64),
}

impl Spec for Count {
    type Call = CountCall;

    fn after(&self, call: &CountCall, _: &UnderWay<'_, CountCall>) -> Option<Self> {
        match *call {
            CountCall::Added(n) => Some(Self(self.0.wrapping_add(n))),
            CountCall::Subtracted(n) => Some(Self(self.0.wrapping_sub(n))),
            CountCall::Got(seen) => (seen == self.0).then_some(*self),
            CountCall::Took(seen) => (seen == self.0).then_some(Self(0)),
        }
    }
}
