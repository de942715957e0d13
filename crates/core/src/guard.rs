//! Readers of others that panic where a file lies: caught, and not told as a fault of the program.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// What `read` gives, or `None` where it panicked. For readers that take what a file says of itself for granted
/// (arrow's and parquet's do), and that are left behind afterwards. On this thread alone: not what `read` hands to
/// others.
pub fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    let before = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(before);
    outcome.ok()
}

/// Whether this thread is in [`guarded`]: a panic hook has nothing to tell then.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_none_and_the_guard_ends() {
        assert_eq!(guarded(|| (is_guarded(), 7)), Some((true, 7)));
        assert_eq!(guarded(|| guarded(|| assert!(!is_guarded(), "caught"))), Some(None));
        assert!(!is_guarded());
    }
}
