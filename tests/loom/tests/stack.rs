//! Defends the invariants and the edge E1 of `latchless::stack`: an index has one owner, also when
//! it comes back while another pop is under way (ABA), and what one owner did with the memory
//! behind it is visible to the next.

use latchless::stack::{Chain, IndexStack, Node, NodeRef, Pool, TransferStack, TreiberStack};
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

/// Of two who free the same pointer one is refused, and the slot is free once.
#[test]
fn frees_of_one_pointer_race() {
    outcomes("frees_of_one_pointer_race", None, &[(false, true), (true, false)], || {
        let pool = Arc::new(Pool::<u32, 2>::new());
        let pointer = pool.alloc(1).unwrap().into_raw();
        let address = pointer.as_ptr().expose_provenance();
        let other = thread::spawn({
            let pool = Arc::clone(&pool);
            move || {
                let pointer = std::ptr::with_exposed_provenance_mut(address);
                let pointer = std::ptr::NonNull::new(pointer).unwrap();
                // SAFETY: nobody uses the slot.
                unsafe { pool.free_raw(pointer) }.is_ok()
            }
        });
        // SAFETY: nobody uses the slot.
        let freed = (unsafe { pool.free_raw(pointer) }.is_ok(), other.join().unwrap());
        let [one, two, three] =
            [2, 3, 4].map(|value| pool.alloc(value).is_ok_and(|owned| *owned.leak() == value));
        assert_eq!([one, two, three], [true, true, false]);
        freed
    });
}

// === Nodes ===

type Owner = NodeRef<'static, usize>;

/// A stack and nodes, whose values are checked cells that only the owner of a node may touch.
struct WithNodes<S, const N: usize> {
    stack: S,
    nodes: [Node<usize>; N],
}

impl<S: Default, const N: usize> WithNodes<S, N> {
    fn new() -> Arc<Self> {
        Arc::new(Self { stack: S::default(), nodes: std::array::from_fn(Node::new) })
    }

    /// The owners of all nodes.
    fn claim(&self) -> [Owner; N] {
        // SAFETY: each thread has an `Arc` for as long as it uses a node.
        let nodes: &'static [Node<usize>; N] = unsafe { &*std::ptr::from_ref(&self.nodes) };
        nodes.each_ref().map(|node| node.try_claim().expect("it was not claimed yet"))
    }
}

/// Writes to the value of a node as its owner, who leaves it as it was.
fn use_node(owner: &mut Owner) -> usize {
    let number = &mut **owner;
    *number ^= 8;
    core::mem::replace(number, *number ^ 8) ^ 8
}

/// A pop is under way with 0 on top and 1 below while another thread takes some off, keeps 1, and
/// returns 0: the top is the same as before, what lies below is not.
fn stalled_pop_fails(
    name: &str,
    remove: impl Fn(&TreiberStack<Owner>) -> Chain<Owner> + Send + Sync + Copy + 'static,
) {
    model(name, Some(3), move || {
        let nodes = WithNodes::<TreiberStack<Owner>, 3>::new();
        nodes.stack.push_chain(Chain::from_iter(nodes.claim()));
        let other = thread::spawn({
            let nodes = Arc::clone(&nodes);
            move || {
                let mut removed = remove(&nodes.stack);
                if let Some(mut first) = removed.next() {
                    use_node(&mut first);
                    nodes.stack.push(first);
                }
                removed.map(|mut owner| use_node(&mut owner)).collect::<Vec<_>>()
            }
        });
        let mut owned: Vec<usize> = nodes.stack.pop().iter_mut().map(use_node).collect();
        owned.extend(other.join().unwrap());
        let left = nodes.stack.pop_all();
        owned.extend(left.take(4).map(|mut owner| use_node(&mut owner)));
        owned.sort_unstable();
        assert_eq!(owned, [0, 1, 2]);
    });
}

#[test]
fn stalled_node_pop_fails_after_pops() {
    stalled_pop_fails("stalled_node_pop_fails_after_pops", |stack| {
        let (first, second) = (stack.pop(), stack.pop());
        first.into_iter().chain(second).collect()
    });
}

#[test]
fn stalled_node_pop_fails_after_pop_many() {
    stalled_pop_fails("stalled_node_pop_fails_after_pop_many", |stack| stack.pop_many(2));
}

#[test]
fn stalled_node_pop_fails_after_pop_all() {
    stalled_pop_fails("stalled_node_pop_fails_after_pop_all", TreiberStack::pop_all);
}

/// The same with a removal of several that is under way.
#[test]
fn stalled_pop_many_fails_when_its_top_comes_back() {
    model("stalled_pop_many_fails_when_its_top_comes_back", None, || {
        let nodes = WithNodes::<TreiberStack<Owner>, 3>::new();
        nodes.stack.push_chain(Chain::from_iter(nodes.claim()));
        let other = thread::spawn({
            let nodes = Arc::clone(&nodes);
            move || {
                let (first, mut second) = (nodes.stack.pop(), nodes.stack.pop());
                if let Some(owner) = first {
                    nodes.stack.push(owner);
                }
                second.iter_mut().map(use_node).collect::<Vec<_>>()
            }
        });
        let mut owned: Vec<usize> =
            nodes.stack.pop_many(2).map(|mut owner| use_node(&mut owner)).collect();
        owned.extend(other.join().unwrap());
        owned.extend(nodes.stack.pop_all().take(4).map(|mut owner| use_node(&mut owner)));
        owned.sort_unstable();
        assert_eq!(owned, [0, 1, 2]);
    });
}

#[test]
fn node_pop_races_pushes_on_an_empty_stack() {
    let expected = [None, Some(0), Some(1)];
    outcomes("node_pop_races_pushes_on_an_empty_stack", Some(2), &expected, || {
        let nodes = WithNodes::<TreiberStack<Owner>, 2>::new();
        let pushers = nodes.claim().map(|mut owner| {
            let nodes = Arc::clone(&nodes);
            thread::spawn(move || {
                use_node(&mut owner);
                nodes.stack.push(owner);
            })
        });
        let popped = nodes.stack.pop().map(|mut owner| use_node(&mut owner));
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        let left = nodes.stack.pop_many(3).map(|mut owner| use_node(&mut owner)).count();
        assert_eq!(left + popped.iter().len(), 2);
        popped
    });
}

#[test]
fn take_all_races_pushes() {
    let expected: [&[usize]; 5] = [&[], &[0], &[1], &[0, 1], &[1, 0]];
    let expected = expected.map(<[usize]>::to_vec);
    outcomes("take_all_races_pushes", None, &expected, || {
        let nodes = WithNodes::<TransferStack<Owner>, 2>::new();
        let pushers = nodes.claim().map(|mut owner| {
            let nodes = Arc::clone(&nodes);
            thread::spawn(move || {
                use_node(&mut owner);
                nodes.stack.push(owner);
            })
        });
        let taken: Vec<usize> =
            nodes.stack.take_all().map(|mut owner| use_node(&mut owner)).collect();
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        let left = nodes.stack.take_all().map(|mut owner| use_node(&mut owner)).count();
        assert_eq!(left + taken.len(), 2);
        taken
    });
}

/// Nodes that were taken may come back at once: a push needs no generation.
#[test]
fn push_races_take_all_and_push_chain() {
    model("push_races_take_all_and_push_chain", None, || {
        let nodes = WithNodes::<TransferStack<Owner>, 3>::new();
        let [mut first, second, third] = nodes.claim();
        nodes.stack.push(third);
        nodes.stack.push(second);
        let other = thread::spawn({
            let nodes = Arc::clone(&nodes);
            move || {
                let mut taken = nodes.stack.take_all();
                let mut kept: Vec<usize> = taken.next().iter_mut().map(use_node).collect();
                nodes.stack.push_chain(taken.reversed());
                kept.extend(nodes.stack.take_all().map(|mut owner| use_node(&mut owner)));
                kept
            }
        });
        use_node(&mut first);
        nodes.stack.push(first);
        let mut all = other.join().unwrap();
        all.extend(nodes.stack.take_all().take(4).map(|mut owner| use_node(&mut owner)));
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
    });
}
