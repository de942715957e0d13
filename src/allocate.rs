//! Memory that the system does not give ends the program with a sentence and an exit code.
//!
//! What is large is estimated before it is taken (`focalsweep_engine::memory`). What is left to fail is small,
//! anywhere, and in libraries too, where Rust ends the process by a signal. Nothing can be mended there, since mending
//! takes memory; but nothing is lost either: trials that had ended are on disk, and `--resume` goes on.

#![expect(unsafe_code, reason = "an allocator is an unsafe trait; this one hands everything on to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Write};

use crate::output::ENVIRONMENT;

/// The system's allocator, which never answers that there is no memory.
#[derive(Debug, Clone, Copy)]
pub struct OrExit;

// SAFETY: every call is the system allocator's with the same arguments, whose contract is this one's; where it answers
// null, which a caller must expect, this does not return.
unsafe impl GlobalAlloc for OrExit {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that are asked for.
        given(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; the block came from the same allocator.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above; the block came from the same allocator.
        given(unsafe { System.realloc(block, layout, size) }, size)
    }
}

/// The block, if there is one.
fn given(block: *mut u8, size: usize) -> *mut u8 {
    if block.is_null() { give_up(size) } else { block }
}

/// Says so without taking memory, and ends the process without running what might take some.
#[cold]
fn give_up(size: usize) -> ! {
    let _ = writeln!(
        io::stderr(),
        "focalsweep: the system gives no more memory ({size} bytes were asked for).\n\
         A run that was under way goes on with --resume, with more memory (`ulimit -v`, the limit of the job or \
         container), fewer columns (`data.drop`) or fewer cores (`taskset`)."
    );
    signal_hook::low_level::exit(i32::from(ENVIRONMENT))
}
