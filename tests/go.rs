//! Defends docs/GO.md: each of the 39 functions and 8 types of Go's `sync/atomic` has a counterpart
//! here that does the same, and the table is the one that these tests have.

use core::sync::atomic::Ordering::SeqCst;

use latchless::atomic::{
    AtomicBool, AtomicI32, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize,
};
use latchless::snapshot::Snapshot;

/// What Go calls it, and what it is here.
type Row = (&'static str, &'static str);

/// The functions on one integer type: a test each, and their rows.
macro_rules! integer {
    (
        $rows:ident, $go:literal, $atomic:ident, $int:ident;
        $add:ident $and:ident $compare_and_swap:ident $load:ident $or:ident $store:ident $swap:ident
    ) => {
        const $rows: [Row; 7] = [
            (concat!("Add", $go), concat!(stringify!($atomic), "::add_fetch")),
            (concat!("And", $go), concat!(stringify!($atomic), "::fetch_and")),
            (
                concat!("CompareAndSwap", $go),
                concat!(stringify!($atomic), "::compare_exchange(…).is_ok()"),
            ),
            (concat!("Load", $go), concat!(stringify!($atomic), "::load")),
            (concat!("Or", $go), concat!(stringify!($atomic), "::fetch_or")),
            (concat!("Store", $go), concat!(stringify!($atomic), "::store")),
            (concat!("Swap", $go), concat!(stringify!($atomic), "::swap")),
        ];

        #[test]
        fn $add() {
            let word = $atomic::new($int::MAX);
            assert_eq!(word.add_fetch(2, SeqCst), $int::MIN + 1, "the new value, wrapped");
            // Go subtracts by adding the complement.
            assert_eq!(word.add_fetch(!0, SeqCst), $int::MIN);
        }

        #[test]
        fn $and() {
            let word = $atomic::new(0b1100);
            assert_eq!(word.fetch_and(0b0110, SeqCst), 0b1100, "the old value");
            assert_eq!(word.load(SeqCst), 0b0100);
        }

        #[test]
        fn $compare_and_swap() {
            let word = $atomic::new(1);
            assert!(word.compare_exchange(2, 3, SeqCst, SeqCst).is_err());
            assert!(word.compare_exchange(1, 3, SeqCst, SeqCst).is_ok());
            assert_eq!(word.load(SeqCst), 3);
        }

        #[test]
        fn $load() {
            assert_eq!($atomic::default().load(SeqCst), 0, "the zero value is ready for use");
            assert_eq!($atomic::new($int::MIN).load(SeqCst), $int::MIN);
        }

        #[test]
        fn $or() {
            let word = $atomic::new(0b1100);
            assert_eq!(word.fetch_or(0b0110, SeqCst), 0b1100, "the old value");
            assert_eq!(word.load(SeqCst), 0b1110);
        }

        #[test]
        fn $store() {
            let word = $atomic::new(1);
            word.store($int::MAX, SeqCst);
            assert_eq!(word.load(SeqCst), $int::MAX);
        }

        #[test]
        fn $swap() {
            let word = $atomic::new(1);
            assert_eq!(word.swap(2, SeqCst), 1, "the old value");
            assert_eq!(word.load(SeqCst), 2);
        }
    };
}

integer!(INT32, "Int32", AtomicI32, i32;
    add_int32 and_int32 compare_and_swap_int32 load_int32 or_int32 store_int32 swap_int32);
integer!(INT64, "Int64", AtomicI64, i64;
    add_int64 and_int64 compare_and_swap_int64 load_int64 or_int64 store_int64 swap_int64);
integer!(UINT32, "Uint32", AtomicU32, u32;
    add_uint32 and_uint32 compare_and_swap_uint32 load_uint32 or_uint32 store_uint32 swap_uint32);
integer!(UINT64, "Uint64", AtomicU64, u64;
    add_uint64 and_uint64 compare_and_swap_uint64 load_uint64 or_uint64 store_uint64 swap_uint64);
integer!(UINTPTR, "Uintptr", AtomicUsize, usize;
    add_uintptr and_uintptr compare_and_swap_uintptr load_uintptr or_uintptr store_uintptr
    swap_uintptr);

const POINTER: [Row; 4] = [
    ("CompareAndSwapPointer", "AtomicPtr::compare_exchange(…).is_ok()"),
    ("LoadPointer", "AtomicPtr::load"),
    ("StorePointer", "AtomicPtr::store"),
    ("SwapPointer", "AtomicPtr::swap"),
];

#[test]
fn compare_and_swap_pointer() {
    let [mut one, mut other] = [1_u8, 2];
    let word = AtomicPtr::new(&raw mut one);
    assert!(word.compare_exchange(&raw mut other, &raw mut other, SeqCst, SeqCst).is_err());
    assert!(word.compare_exchange(&raw mut one, &raw mut other, SeqCst, SeqCst).is_ok());
    assert_eq!(word.load(SeqCst), &raw mut other);
}

#[test]
fn load_pointer() {
    assert!(AtomicPtr::<u8>::default().load(SeqCst).is_null(), "the zero value is nil");
}

#[test]
fn store_pointer() {
    let mut value = 1_u8;
    let word = AtomicPtr::default();
    word.store(&raw mut value, SeqCst);
    assert_eq!(word.load(SeqCst), &raw mut value);
}

#[test]
fn swap_pointer() {
    let mut value = 1_u8;
    let word = AtomicPtr::new(&raw mut value);
    assert_eq!(word.swap(core::ptr::null_mut(), SeqCst), &raw mut value);
    assert!(word.load(SeqCst).is_null());
}

const TYPES: [Row; 8] = [
    ("Bool", "AtomicBool"),
    ("Int32", "AtomicI32"),
    ("Int64", "AtomicI64"),
    ("Pointer[T]", "Snapshot<Option<T>, N>"),
    ("Uint32", "AtomicU32"),
    ("Uint64", "AtomicU64"),
    ("Uintptr", "AtomicUsize"),
    ("Value", "Snapshot<Option<T>, N>"),
];

/// The methods of an integer type: those of its functions.
macro_rules! integer_type {
    ($name:ident, $atomic:ident) => {
        #[test]
        fn $name() {
            static WORD: $atomic = $atomic::new(0);
            WORD.store(4, SeqCst);
            assert_eq!(WORD.add_fetch(2, SeqCst), 6);
            assert_eq!(WORD.fetch_and(3, SeqCst), 6);
            assert_eq!(WORD.fetch_or(8, SeqCst), 2);
            assert_eq!(WORD.swap(7, SeqCst), 10);
            assert!(WORD.compare_exchange(7, 1, SeqCst, SeqCst).is_ok());
            assert_eq!(WORD.load(SeqCst), 1);
        }
    };
}

integer_type!(type_int32, AtomicI32);
integer_type!(type_int64, AtomicI64);
integer_type!(type_uint32, AtomicU32);
integer_type!(type_uint64, AtomicU64);
integer_type!(type_uintptr, AtomicUsize);

#[test]
fn type_bool() {
    static FLAG: AtomicBool = AtomicBool::new(false);
    FLAG.store(true, SeqCst);
    assert!(FLAG.swap(false, SeqCst));
    assert!(FLAG.compare_exchange(true, true, SeqCst, SeqCst).is_err());
    assert!(FLAG.compare_exchange(false, true, SeqCst, SeqCst).is_ok());
    assert!(FLAG.load(SeqCst));
}

#[test]
fn type_pointer() {
    static CONFIG: Snapshot<Option<[u32; 2]>, 4> = Snapshot::new(None);
    let nil = CONFIG.load();
    assert!(nil.is_none(), "the zero value is nil");
    assert!(CONFIG.compare_and_swap(&nil, Some([1, 2])).is_ok());
    assert!(CONFIG.compare_and_swap(&nil, Some([3, 4])).is_err(), "it is nil no more");
    drop(nil);
    let before = CONFIG.swap(Some([5, 6])).unwrap();
    assert_eq!(*before, Some([1, 2]));
    CONFIG.store(None).unwrap();
    assert_eq!((*before, *CONFIG.load()), (Some([1, 2]), None), "what was loaded stays");
}

#[test]
fn type_value() {
    // Any type, and never another one: Go panics at run time, this does not compile.
    static NAMES: Snapshot<Option<String>, 4> = Snapshot::new(None);
    assert!(NAMES.load().is_none());
    NAMES.store(Some("one".into())).unwrap();
    let first = NAMES.load();
    assert_eq!(NAMES.swap(Some("two".into())).unwrap().as_deref(), Some("one"));
    // Go compares values; so can the caller, and the swap is then of that very one.
    let current = NAMES.load();
    assert_eq!(current.as_deref(), Some("two"));
    NAMES.compare_and_swap(&current, Some("three".into())).unwrap();
    assert_eq!(first.as_deref(), Some("one"));
    assert_eq!(NAMES.load().as_deref(), Some("three"));
}

// === The table ===

/// Rows in Go's order, in Markdown.
fn table(what: &str, rows: &[Row]) -> String {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    let mut table = format!("| {what} | latchless |\n|---|---|\n");
    for (go, ours) in rows {
        table += &format!("| `{go}` | `{ours}` |\n");
    }
    table
}

#[test]
fn table_in_the_documentation_is_this_one() {
    let functions =
        [&INT32[..], &INT64[..], &UINT32[..], &UINT64[..], &UINTPTR[..], &POINTER[..]].concat();
    assert_eq!((functions.len(), TYPES.len()), (39, 8), "what Go 1.23 and later have");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/GO.md");
    let document = std::fs::read_to_string(path).unwrap();
    for table in [table("`sync/atomic` function", &functions), table("`sync/atomic` type", &TYPES)]
    {
        assert!(document.contains(&table), "docs/GO.md should have this table:\n{table}");
    }
}
