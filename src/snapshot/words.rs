//! What the words of a snapshot are made of. Pure functions of integers: no atomics, no memory.

/// The slot of the current value, and how many have entered it:
///
/// ```text
///  63      16 15    0
/// [ entries  | slot  ]
/// ```
///
/// The slot is in the low bits, so that the count overflows into nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head(u64);

impl Head {
    const SLOT_BITS: u32 = 16;

    /// How many slots a head can tell apart.
    pub(super) const SLOTS: usize = 1 << Self::SLOT_BITS;

    /// What to add for one entry.
    pub(super) const ENTRY: u64 = 1 << Self::SLOT_BITS;

    /// The head of a slot that so many have entered, modulo 2^48.
    #[inline(always)]
    pub(super) const fn new(slot: u32, entries: u64) -> Self {
        Self(entries << Self::SLOT_BITS | slot as u64)
    }

    #[inline(always)]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline(always)]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(super) const fn slot(self) -> u32 {
        self.0 as u16 as u32
    }

    /// How many have entered the slot, modulo 2^48.
    #[inline(always)]
    pub(super) const fn entries(self) -> u64 {
        self.0 >> Self::SLOT_BITS
    }
}

/// The account of a slot:
///
/// ```text
///  63     49 48      1      0
/// [ ignored | balance | replaced ]
/// ```
///
/// The balance is the number of those who have left, from the replacement on minus the number of those
/// who have entered, modulo 2^48. What it carries and borrows is ignored, and `replaced` lies below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Account(u64);

impl Account {
    /// What to add when one leaves. To subtract it is to enter: only as one who is in already, on
    /// behalf of another.
    pub(super) const LEAVE: u64 = 1 << 1;

    const REPLACED: u64 = 1;
    const IGNORED_BITS: u32 = 15;

    /// An account of which so many have left, and that is not replaced.
    #[inline(always)]
    pub(super) const fn new(left: u64) -> Self {
        Self(left << 1)
    }

    #[inline(always)]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// What to add, once, when so many have entered and nobody will from outside any more.
    #[inline(always)]
    pub(super) const fn settlement(entries: u64) -> u64 {
        Self::REPLACED.wrapping_sub(entries.wrapping_mul(Self::LEAVE))
    }

    /// The account that was `before`, after `change` was added.
    #[inline(always)]
    pub(super) const fn changed(before: u64, change: u64) -> Self {
        Self(before.wrapping_add(change))
    }

    /// Whether the slot is replaced and all have left.
    #[inline(always)]
    pub(super) const fn is_settled(self) -> bool {
        self.0 << Self::IGNORED_BITS == Self::REPLACED << Self::IGNORED_BITS
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, Head};
    use proptest::prelude::*;

    const COUNTS: u64 = 1 << 48;

    #[test]
    fn parts_lie_where_the_pictures_say() {
        assert_eq!(Head::new(0xabcd, 0x1234).bits(), 0x1234_abcd);
        assert_eq!(Account::new(5).bits(), 0b1010);
        assert_eq!(Account::changed(Account::new(5).bits(), Account::settlement(7)).0 as i64, -3);
        assert_eq!(Head::SLOTS, 65_536);
    }

    #[test]
    fn entries_wrap_without_touching_the_slot() {
        let last = Head::new(0xffff, COUNTS - 1);
        let next = Head::from_bits(last.bits().wrapping_add(Head::ENTRY));
        assert_eq!((next.slot(), next.entries()), (0xffff, 0));
    }

    #[test]
    fn account_that_is_not_replaced_is_never_settled() {
        for left in [0, 1, COUNTS - 1, COUNTS, 2 * COUNTS] {
            assert!(!Account::new(left).is_settled());
        }
    }

    proptest! {
        /// Everybody leaves, some before the replacement and some after, wherever the counts began and
        /// whatever the ignored bits are: the last step settles, no other does.
        #[test]
        fn last_step_alone_settles(
            (left, inside) in (0..COUNTS, 0_u64..40),
            (clones, before) in (0_u64..20, 0_u64..40),
            ignored: u64,
        ) {
            let entries = Head::new(7, left + inside).entries();
            let mut account = Account::new(left).bits().wrapping_add(ignored << 49);
            let mut people = inside;
            let mut step = |people: u64, change: u64| {
                account = Account::changed(account, change).bits();
                (Account(account).is_settled(), people)
            };
            if inside > 0 {
                for _ in 0..clones {
                    people += 1;
                    prop_assert!(!step(people, Account::LEAVE.wrapping_neg()).0);
                }
            }
            for _ in 0..before.min(people) {
                people -= 1;
                prop_assert!(!step(people, Account::LEAVE).0, "nobody has replaced it");
            }
            let (is_settled, people_left) = step(people, Account::settlement(entries));
            prop_assert_eq!(is_settled, people_left == 0);
            while people > 0 {
                people -= 1;
                prop_assert_eq!(step(people, Account::LEAVE).0, people == 0);
            }
        }

        /// The settlement of one who stays is that of one more entry.
        #[test]
        fn who_replaces_and_stays_settles_by_leaving(left in 0..COUNTS) {
            let entries = Head::new(0, left).entries() + 1;
            let stays = Account::changed(Account::new(left).bits(), Account::settlement(entries));
            prop_assert!(!stays.is_settled());
            prop_assert!(Account::changed(stays.bits(), Account::LEAVE).is_settled());
        }
    }
}
