//! What squeue and sacct say, changed at random: whatever it is, it is read in bounded time and memory.

#[path = "../../../tests/common/fuzz.rs"]
mod common;

use super::squeue::{in_words, parse, parse_sacct};

#[test]
fn queues() {
    let words = ["|", "\n", "PENDING", "COMPLETED", "RUNNING", "_", "[0-3]", "0:0", "é", "\u{0}", "CANCELLED by 1"];
    common::fuzz(
        "squeue",
        &words,
        |_, bytes| bytes,
        |_, bytes| {
            let text = String::from_utf8_lossy(bytes);
            let seen = parse(&text);
            assert!(seen.len() <= text.lines().count());
            let _ = in_words(&seen);
            let _ = in_words(&parse_sacct(&text));
            Ok(())
        },
    );
}
