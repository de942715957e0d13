//! The version of the record.

/// Version of the run directory's layout that this program writes.
pub const FORMAT_VERSION: u32 = 2;
/// Draft of that version: 0, it is released. Programs before the release wrote others, which are refused.
pub const DRAFT: u32 = 0;
