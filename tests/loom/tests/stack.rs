//! Defends the invariants and the edge E1 of `latchless::stack`: an index has one owner, also when
//! it comes back while another pop is under way (ABA), and what one owner did with the memory
//! behind it is visible to the next.

use latchless::stack::{IndexStack, Pool};
use latchless_loom::{model, outcomes};
use loom::cell::UnsafeCell;
use loom::{sync::Arc, thread};

/// An index stack with memory behind each index that only its owner may touch.
struct Blocks<const N: usize> {
    free: IndexStack<N>,
    owned: [UnsafeCell<u32>; N],
}

impl<const N: usize> Blocks<N> {
    fn full() -> Arc<Self> {
        let owned = core::array::from_fn(|_| UnsafeCell::new(0));
        Arc::new(Self { free: IndexStack::full(), owned })
    }

    /// Pops an index and writes to its memory. loom fails the test if the last owner's write did
    /// not happen before.
    fn acquire(&self) -> Option<u32> {
        let index = self.free.pop()?;
        // SAFETY: the pop made this thread the owner.
        self.owned[index as usize].with_mut(|uses| unsafe { *uses += 1 });
        Some(index)
    }

    fn release(&self, index: u32) {
        self.free.push(index).unwrap();
    }

    /// What is in the stack now. Fails if the chain has become a cycle.
    fn drain(&self) -> Vec<u32> {
        let drained: Vec<u32> = (0..=N).map_while(|_| self.acquire()).collect();
        assert!(drained.len() <= N, "an index is in the stack twice: {drained:?}");
        drained
    }
}

fn sorted(mut indices: Vec<u32>) -> Vec<u32> {
    indices.sort_unstable();
    indices
}

#[test]
fn pop_and_push_race_pop_and_push() {
    model("pop_and_push_race_pop_and_push", None, || {
        let blocks = Blocks::<2>::full();
        let cycle = |blocks: &Blocks<2>| {
            let index = blocks.acquire().expect("two indices, two threads");
            blocks.release(index);
        };
        let other = thread::spawn({
            let blocks = Arc::clone(&blocks);
            move || cycle(&blocks)
        });
        cycle(&blocks);
        other.join().unwrap();
        assert_eq!(sorted(blocks.drain()), [0, 1]);
    });
}

#[test]
fn pops_race_for_the_last_index() {
    let expected = [(None, Some(0)), (Some(0), None)];
    outcomes("pops_race_for_the_last_index", None, &expected, || {
        let blocks = Blocks::<1>::full();
        let other = thread::spawn({
            let blocks = Arc::clone(&blocks);
            move || blocks.acquire()
        });
        (blocks.acquire(), other.join().unwrap())
    });
}

#[test]
fn pop_races_push_on_an_empty_stack() {
    outcomes("pop_races_push_on_an_empty_stack", None, &[None, Some(0)], || {
        let blocks = Blocks::<1>::full();
        let index = blocks.acquire().unwrap();
        let releaser = thread::spawn({
            let blocks = Arc::clone(&blocks);
            move || blocks.release(index)
        });
        let popped = blocks.acquire();
        releaser.join().unwrap();
        popped
    });
}

#[test]
fn pop_races_two_pushes() {
    model("pop_races_two_pushes", None, || {
        let blocks = Blocks::<3>::full();
        for _ in 0..2 {
            blocks.acquire().unwrap();
        }
        // Index 2 is in the stack, 0 and 1 are released.
        let releasers = [0, 1].map(|index| {
            let blocks = Arc::clone(&blocks);
            thread::spawn(move || blocks.release(index))
        });
        let mut popped = vec![blocks.acquire().expect("index 2 is there all the time")];
        for releaser in releasers {
            releaser.join().unwrap();
        }
        popped.extend(blocks.drain());
        assert_eq!(sorted(popped), [0, 1, 2]);
    });
}

/// A pop is under way with 0 on top and 1 below while another thread pops both and returns 0:
/// the top is the same as before, what lies below is not.
#[test]
fn stalled_pop_fails_when_its_top_comes_back() {
    model("stalled_pop_fails_when_its_top_comes_back", None, || {
        let blocks = Blocks::<3>::full();
        let other = thread::spawn({
            let blocks = Arc::clone(&blocks);
            move || {
                let (first, second) = (blocks.acquire(), blocks.acquire());
                if let Some(index) = first {
                    blocks.release(index);
                }
                second
            }
        });
        let popped = blocks.acquire();
        let mut owned: Vec<u32> = other.join().unwrap().into_iter().chain(popped).collect();
        owned.extend(blocks.drain());
        assert_eq!(sorted(owned), [0, 1, 2]);
    });
}

/// The slots of a pool are checked cells: a value written before its slot's last owner is done
/// with it fails.
#[test]
fn alloc_races_drop() {
    outcomes("alloc_races_drop", None, &[Err(2), Ok(2)], || {
        let pool = Arc::new(Pool::<u32, 1>::new());
        // SAFETY: the pool outlives the boxes: `pool` is dropped at the end, after the join.
        let shared: &'static Pool<u32, 1> = unsafe { &*Arc::as_ptr(&pool) };
        let boxed = shared.alloc(1).unwrap();
        let dropper = thread::spawn(move || {
            assert_eq!(*boxed, 1);
            drop(boxed);
        });
        let second = shared.alloc(2).map(|boxed| boxed.into_inner()).map_err(|full| full.0);
        dropper.join().unwrap();
        assert_eq!(*shared.alloc(3).unwrap(), 3);
        second
    });
}
