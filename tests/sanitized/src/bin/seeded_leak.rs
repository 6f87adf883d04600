//! A planted bug: pool boxes are forgotten, so what their values own is never freed. memcheck and
//! LeakSanitizer must report it.

use core::mem;

use latchless::stack::Pool;

fn main() {
    let pool = Box::new(Pool::<Box<[u64; 8]>, 64>::new());
    let mut forgotten = 0;
    while let Ok(owned) = pool.alloc(Box::new([forgotten; 8])) {
        mem::forget(owned);
        forgotten += 1;
    }
    println!("forgot {forgotten}");
}
