//! Defends the invariants and the edge E1 of `latchless::stack`: an index has one owner, also when
//! it comes back while another pop is under way (ABA), and what one owner did with the memory
//! behind it is visible to the next.

use core::mem::ManuallyDrop;

use latchless::stack::{
    Chain, Counted, IndexStack, Key, KeyedPool, Node, NodeRef, Pool, PoolArc, TransferStack,
    TreiberStack,
};
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

    /// The same, of several.
    fn acquire_many(&self, indices: &mut [u32]) -> usize {
        let count = self.free.pop_many(indices);
        for &index in &indices[..count] {
            // SAFETY: the removal made this thread the owner.
            self.owned[index as usize].with_mut(|uses| unsafe { *uses += 1 });
        }
        count
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

/// The same, when both go and 0 comes back in steps of many.
#[test]
fn stalled_pop_fails_after_pop_many() {
    model("stalled_pop_fails_after_pop_many", None, || {
        let blocks = Blocks::<3>::full();
        let other = thread::spawn({
            let blocks = Arc::clone(&blocks);
            move || {
                let mut taken = [0; 2];
                let count = blocks.acquire_many(&mut taken);
                let (back, kept) = taken[..count].split_at(count.min(1));
                blocks.free.push_many(back).unwrap();
                kept.to_vec()
            }
        });
        let popped = blocks.acquire();
        let mut owned = other.join().unwrap();
        owned.extend(popped);
        owned.extend(blocks.drain());
        assert_eq!(sorted(owned), [0, 1, 2]);
    });
}

/// A removal of many is under way while its top is taken and comes back over something else.
#[test]
fn stalled_pop_many_of_indices_fails_when_its_top_comes_back() {
    model("stalled_pop_many_of_indices_fails_when_its_top_comes_back", None, || {
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
        let mut taken = [0; 2];
        let count = blocks.acquire_many(&mut taken);
        let mut owned = taken[..count].to_vec();
        owned.extend(other.join().unwrap());
        owned.extend(blocks.drain());
        assert_eq!(sorted(owned), [0, 1, 2]);
    });
}

/// E1 for chains: what the owner of each index did before is seen by who pops it.
#[test]
fn pops_race_push_many() {
    let expected = [vec![], vec![0, 1]];
    outcomes("pops_race_push_many", None, &expected, || {
        let blocks = Blocks::<2>::full();
        let mut both = [0; 2];
        assert_eq!(blocks.acquire_many(&mut both), 2);
        let releaser = thread::spawn({
            let blocks = Arc::clone(&blocks);
            move || {
                for index in both {
                    // SAFETY: popped above.
                    blocks.owned[index as usize].with_mut(|uses| unsafe { *uses += 1 });
                }
                blocks.free.push_many(&both).unwrap();
            }
        });
        let popped: Vec<u32> = (0..2).map_while(|_| blocks.acquire()).collect();
        releaser.join().unwrap();
        popped
    });
}

/// What one magazine gives back another one gets, with what was done in the slot.
#[test]
fn magazines_share_a_pool() {
    outcomes("magazines_share_a_pool", None, &[(true, true), (true, false), (false, true)], || {
        let pool = Arc::new(Pool::<u32, 1>::new());
        let run = |pool: &Pool<u32, 1>, value| {
            let mut magazine = pool.magazine::<1>();
            let Ok(owned) = magazine.alloc(value) else { return false };
            assert_eq!(*owned, value);
            assert_eq!(magazine.take(owned).ok(), Some(value));
            true
        };
        let other = thread::spawn({
            let pool = Arc::clone(&pool);
            move || run(&pool, 1)
        });
        let results = (run(&pool, 2), other.join().unwrap());
        assert!(pool.alloc(3).is_ok(), "the slot has come back");
        results
    });
}

/// A value that is shared, and looked at by those who hold it; its drop comes after all that.
struct Looked {
    at: UnsafeCell<u32>,
    drops: Arc<loom::sync::atomic::AtomicUsize>,
}

// SAFETY: `at` is a checked cell: loom fails the test if accesses to it race.
unsafe impl Sync for Looked {}

impl Looked {
    fn new(drops: &Arc<loom::sync::atomic::AtomicUsize>) -> Self {
        Self { at: UnsafeCell::new(7), drops: Arc::clone(drops) }
    }

    fn look(&self) -> u32 {
        // SAFETY: shared, as long as somebody holds it.
        self.at.with(|at| unsafe { *at })
    }
}

impl Drop for Looked {
    fn drop(&mut self) {
        // SAFETY: nobody holds it any more.
        self.at.with_mut(|at| unsafe { *at = 0 });
        self.drops.fetch_add(1, loom::sync::atomic::Ordering::Relaxed);
    }
}

type Shared = Pool<Counted<Looked>, 1>;

#[test]
fn holders_drop_a_shared_value_once() {
    model("holders_drop_a_shared_value_once", None, || {
        let drops = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let pool = Arc::new(Shared::new());
        // SAFETY: the pool outlives what is in it: `pool` is dropped at the end, after the join.
        let shared: &'static Shared = unsafe { &*Arc::as_ptr(&pool) };
        let mine = PoolArc::new(shared, Looked::new(&drops)).unwrap();
        let theirs = mine.clone();
        let other = thread::spawn(move || {
            assert_eq!(theirs.look(), 7);
            drop(theirs);
        });
        assert_eq!(mine.look(), 7);
        drop(mine);
        other.join().unwrap();
        assert_eq!(drops.load(loom::sync::atomic::Ordering::Relaxed), 1);
        assert!(!pool.is_exhausted(), "the slot has come back");
    });
}

#[test]
fn exclusive_access_races_the_drop_of_the_other_holder() {
    let name = "exclusive_access_races_the_drop_of_the_other_holder";
    outcomes(name, None, &[(false, 1), (true, 1)], || {
        let drops = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
        let pool = Arc::new(Shared::new());
        // SAFETY: the pool outlives what is in it: `pool` is dropped at the end, after the join.
        let shared: &'static Shared = unsafe { &*Arc::as_ptr(&pool) };
        let mut mine = PoolArc::new(shared, Looked::new(&drops)).unwrap();
        let theirs = mine.clone();
        let other = thread::spawn(move || {
            assert_eq!(theirs.look(), 7);
            drop(theirs);
        });
        let was_alone = PoolArc::get_mut(&mut mine).is_some_and(|looked| {
            // SAFETY: exclusive.
            looked.at.with_mut(|at| unsafe { *at += 1 });
            true
        });
        drop(mine);
        other.join().unwrap();
        (was_alone, drops.load(loom::sync::atomic::Ordering::Relaxed))
    });
}

/// Has `f` look at the value of a key, as `KeyedPool::with` does, but for the drop of the value should the
/// model fail at that moment.
fn with<R>(pool: &KeyedPool<u32, 1>, key: Key<u32>, f: impl FnOnce(&mut u32) -> R) -> Option<R> {
    let mut owned = ManuallyDrop::new(pool.claim(key)?);
    let result = f(&mut owned);
    assert!(pool.put(ManuallyDrop::into_inner(owned)).is_ok_and(|again| again == key));
    Some(result)
}

/// E1 of the keys: one has the value at a time, and sees what the last one did.
#[test]
fn claims_of_one_key_race() {
    let expected = [(false, true, 2), (true, false, 2), (true, true, 3)];
    outcomes("claims_of_one_key_race", None, &expected, || {
        let pool = Arc::new(KeyedPool::<u32, 1>::new());
        let key = pool.insert(1).unwrap();
        let other = thread::spawn({
            let pool = Arc::clone(&pool);
            move || with(&pool, key, |value| *value += 1).is_some()
        });
        let mine = with(&pool, key, |value| *value += 1).is_some();
        let theirs = other.join().unwrap();
        (mine, theirs, pool.claim(key).expect("both are done").into_inner())
    });
}

/// E1 of the keys: who claims sees what was inserted, also if his key came by a way that orders nothing.
#[test]
fn claim_races_the_insertion() {
    outcomes("claim_races_the_insertion", None, &[None, Some(1)], || {
        let pool = Arc::new(KeyedPool::<u32, 1>::new());
        // The first key of any such pool.
        let key = KeyedPool::<u32, 1>::new().insert(0).unwrap();
        let inserter = thread::spawn({
            let pool = Arc::clone(&pool);
            move || assert!(pool.insert(1).unwrap() == key)
        });
        let found = with(&pool, key, |value| *value);
        inserter.join().unwrap();
        found
    });
}

/// A key fits its value and nothing that comes later into the same slot.
#[test]
fn key_of_what_is_gone_finds_nothing() {
    outcomes("key_of_what_is_gone_finds_nothing", None, &[None, Some(1)], || {
        let pool = Arc::new(KeyedPool::<u32, 1>::new());
        let key = pool.insert(1).unwrap();
        let other = thread::spawn({
            let pool = Arc::clone(&pool);
            move || {
                let is_mine = pool.claim(key).map(drop).is_some();
                // The slot is free, unless the other one has the value.
                let new = pool.insert(2);
                assert!(!is_mine || new.is_ok_and(|new| pool.contains(new)));
            }
        });
        let found = with(&pool, key, |value| *value);
        other.join().unwrap();
        found
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
