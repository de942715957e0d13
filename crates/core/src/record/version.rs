//! The version of the record.

/// Version of the run directory's layout that this program writes.
pub const FORMAT_VERSION: u32 = 2;
/// Draft of that version, until it is released: others are refused.
pub const DRAFT: u32 = 3;
