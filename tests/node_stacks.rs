//! Defends the invariants of `TreiberStack` and `TransferStack`: a node has one owner, the stack or whoever
//! has its handle (INV-1), nodes come out in the order that they are to, no node is lost, and each handle
//! is dropped once.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect should stop"
)]

mod common;

use core::cell::RefCell;
use std::collections::VecDeque;

#[cfg(not(latchless_native))]
use latchless::stack::TreiberStack;
use latchless::stack::{Chain, Node, NodeRef, TransferStack};
use proptest::prelude::*;

use common::calls::{Numbered, Stack, StackCall, WithNodes};
use common::linearizability::{Event, Recording, Worker, check_rounds};
use common::property_config;
use common::random::Random;
use common::specs::LifoCall;
use common::team::Team;

type Deferred<const N: usize> = WithNodes<TransferStack<Numbered>, N>;
#[cfg(not(latchless_native))]
type Free<const N: usize> = WithNodes<TreiberStack<Numbered>, N>;

fn nodes<const N: usize>() -> [Node<usize>; N] {
    core::array::from_fn(Node::new)
}

// === Nodes and chains ===

#[test]
fn node_is_claimed_once() {
    let mut node = Node::new(1);
    {
        let mut owner = node.try_claim().unwrap();
        *owner += 1;
        assert_eq!(*owner, 2);
        assert!(node.try_claim().is_none());
    }
    assert!(node.try_claim().is_none(), "not even when its owner is gone");
    assert_eq!(*node.get_mut(), 2);
}

#[test]
fn memory_is_what_the_documentation_states() {
    assert_eq!(size_of::<TransferStack<NodeRef<'_, u8>>>(), 128);
    #[cfg(not(latchless_native))]
    assert_eq!(size_of::<TreiberStack<NodeRef<'_, u8>>>(), 128);
    assert_eq!(size_of::<NodeRef<'_, u8>>(), size_of::<usize>());
    assert_eq!(size_of::<Node<u32>>(), 2 * size_of::<usize>());
}

#[test]
fn zero_sized_type() {
    let nodes = [const { Node::new(()) }; 3];
    let stack = TransferStack::new();
    nodes.iter().filter_map(Node::try_claim).for_each(|node| _ = stack.push(node));
    assert_eq!(stack.take_all().count(), 3);
}

#[test]
fn over_aligned_value_keeps_its_alignment() {
    #[repr(align(4096))]
    struct Page([u8; 4096]);

    let nodes = [const { Node::new(Page([7; 4096])) }; 2];
    let stack = TransferStack::new();
    nodes.iter().filter_map(Node::try_claim).for_each(|node| _ = stack.push(node));
    for page in stack.take_all() {
        assert_eq!(core::ptr::from_ref::<Page>(&page).addr() % 4096, 0);
        assert_eq!(page.0, [7; 4096]);
    }
}

#[derive(Clone, Copy, Debug)]
enum ChainOp {
    PushFront,
    PushBack,
    Pop,
    Reverse,
    /// Through a stack, which forgets the last node.
    Transfer,
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn chain_agrees_with_a_deque(ops in prop::collection::vec(prop::sample::select(&[
        ChainOp::PushFront, ChainOp::PushBack, ChainOp::Pop, ChainOp::Reverse, ChainOp::Transfer,
    ][..]), 0..40)) {
        let nodes = nodes::<40>();
        let mut fresh = nodes.iter().filter_map(Node::try_claim);
        let (mut chain, mut model) = (Chain::new(), VecDeque::new());
        let stack = TransferStack::new();
        for op in ops {
            match op {
                ChainOp::PushFront => {
                    let node = fresh.next().unwrap();
                    model.push_front(*node);
                    chain.push_front(node);
                }
                ChainOp::PushBack => {
                    let node = fresh.next().unwrap();
                    model.push_back(*node);
                    chain.push_back(node);
                }
                ChainOp::Pop => assert_eq!(chain.next().map(|node| *node), model.pop_front()),
                ChainOp::Reverse => {
                    chain = chain.reversed();
                    model = model.into_iter().rev().collect();
                }
                ChainOp::Transfer => {
                    let given = core::mem::take(&mut chain);
                    assert_eq!(stack.push_chain(given), !model.is_empty());
                    chain = stack.take_all();
                }
            }
            assert_eq!(chain.is_empty(), model.is_empty());
        }
        assert!(chain.map(|node| *node).eq(model));
    }
}

#[cfg(feature = "alloc")]
#[test]
fn drops_each_once() {
    use common::drops::Ledger;

    let ledger = Ledger::new(40);
    let boxed = || Box::new(Node::new(ledger.issue()));
    let stack = TransferStack::new();
    (0..10).for_each(|_| _ = stack.push(boxed()));
    assert_eq!(ledger.alive(), 10);
    let mut taken = stack.take_all();
    drop(taken.next());
    assert_eq!(ledger.alive(), 9);
    drop(taken);
    assert_eq!(ledger.alive(), 0);
    (0..10).for_each(|_| _ = stack.push(boxed()));
    stack.push_chain((0..10).map(|_| boxed()).collect());
    assert_eq!(ledger.alive(), 20);
    drop(stack);
    ledger.assert_all_dropped_once();
}

#[test]
fn push_tells_whether_the_stack_was_empty() {
    let nodes = nodes::<4>();
    let mut fresh = nodes.iter().filter_map(Node::try_claim);
    let stack = TransferStack::new();
    assert!(!stack.push_chain(Chain::new()));
    assert!(stack.is_empty());
    assert!(stack.push(fresh.next().unwrap()));
    assert!(!stack.push(fresh.next().unwrap()));
    assert!(!stack.push_chain(Chain::new()));
    assert_eq!(stack.take_all().count(), 2);
    assert!(stack.take_all().is_empty());
    assert!(stack.push_chain(fresh.collect()));
    assert!(stack.take_all().reversed().map(|node| *node).eq([3, 2]));
}

#[cfg(not(latchless_native))]
#[test]
fn len_empty_full() {
    let nodes = nodes::<5>();
    let stack = TreiberStack::new();
    assert!(stack.is_empty());
    assert!(stack.pop().is_none());
    assert!(stack.pop_many(3).is_empty());
    assert!(stack.pop_all().is_empty());
    stack.push_chain(nodes.iter().filter_map(Node::try_claim).collect());
    assert!(!stack.is_empty());
    assert!(stack.pop_many(0).is_empty());
    let two = stack.pop_many(2);
    assert_eq!(stack.pop().map(|node| *node), Some(2));
    stack.push_chain(two);
    assert!(stack.pop_many(usize::MAX).map(|node| *node).eq([0, 1, 3, 4]));
    assert!(stack.is_empty());
}

#[test]
fn debug_shows_the_shape() {
    let node = Node::new(3);
    let stack = TransferStack::new();
    stack.push(node.try_claim().unwrap());
    assert_eq!(format!("{stack:?}"), "TransferStack { is_empty: false, .. }");
    assert_eq!(format!("{node:?}"), "Node { .. }");
    let chain = stack.take_all();
    assert_eq!(format!("{chain:?}"), "Chain { is_empty: false, .. }");
    assert_eq!(format!("{:?}", chain.last().unwrap()), "3");
}

// === Many threads ===

/// Nodes that are not atomic: two owners would lose a write, and so would one who does not see what
/// the last one did.
#[cfg(not(latchless_native))]
#[test]
fn node_has_one_owner_at_a_time() {
    const THREADS: usize = 3;
    const TURNS: usize = 10_000;
    let nodes = [const { Node::new(0_usize) }; 8];
    let free = TreiberStack::new();
    nodes.iter().filter_map(Node::try_claim).for_each(|node| free.push(node));
    let written: usize = Team::run_alike(THREADS, |_, me| {
        let mut random = Random::new(me as u64);
        let mut written = 0;
        for _ in 0..TURNS {
            let mut taken = match random.below(8) {
                0 => free.pop_all(),
                1 | 2 => free.pop_many(1 + random.below(3)),
                _ => free.pop().into_iter().collect(),
            };
            let mut given = Chain::new();
            for mut node in taken.by_ref() {
                *node += 1;
                written += 1;
                if random.coin() { free.push(node) } else { given.push_back(node) }
            }
            free.push_chain(given);
        }
        written
    })
    .into_iter()
    .sum();
    let left: Vec<usize> = free.pop_all().map(|node| *node).collect();
    assert_eq!(left.len(), 8, "each node is back, once");
    assert_eq!(left.iter().sum::<usize>(), written);
}

#[test]
fn each_sender_is_heard_in_order() {
    const TURNS: usize = 5_000;
    let nodes: Vec<Node<(usize, usize)>> =
        (0..2 * TURNS).map(|at| Node::new((at / TURNS, at % TURNS))).collect();
    let mail = &TransferStack::new();
    let heard = Team::run_alike(3, |team, me| {
        let mut next = [0; 2];
        if me < 2 {
            for node in nodes[me * TURNS..][..TURNS].iter().filter_map(Node::try_claim) {
                mail.push(node);
            }
            return 0;
        }
        while next != [TURNS; 2] {
            let some = team.wait_for(|| Some(mail.take_all()).filter(|some| !some.is_empty()));
            for node in some.reversed() {
                let (sender, number) = *node;
                assert_eq!(number, next[sender]);
                next[sender] += 1;
            }
        }
        next.iter().sum()
    });
    assert_eq!(heard, [0, 0, 2 * TURNS]);
}

// === Linearizability ===

fn round<S: Stack, const THREADS: usize>(
    random: &mut Random,
) -> (common::specs::Lifo, Vec<Event<LifoCall>>) {
    let stack = &S::new();
    stack.fill();
    let workers = (0..THREADS).map(|_| -> Worker<'_, LifoCall> {
        let mut random = Random::new(random.word());
        Box::new(move |log| {
            let kept = RefCell::new(VecDeque::with_capacity(8));
            for _ in 0..14 / THREADS {
                let call = S::CALLS[random.below(S::CALLS.len())];
                let call = if random.below(3) == 0 { S::TAKE } else { call };
                call.make(stack, &kept, log);
            }
        })
    });
    let recording = Recording::of(workers.collect());
    (S::spec(), recording.then(|log| StackCall::empty(stack, log)))
}

#[test]
fn linearizable() {
    check_rounds(400, round::<Deferred<2>, 2>);
    check_rounds(400, round::<Deferred<4>, 3>);
}

#[cfg(not(latchless_native))]
#[test]
fn treiber_stack_is_linearizable() {
    check_rounds(400, round::<Free<1>, 2>);
    check_rounds(400, round::<Free<3>, 2>);
    check_rounds(400, round::<Free<4>, 3>);
}
