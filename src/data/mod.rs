//! From a file to matrices: read, check the label, split, prepare.
//!
//! ```text
//! source ─read─> Table ─label─> Source ─split + fit on training rows + transform─> Replicate
//! ```
//! A [`Replicate`] is built once and shared by all jobs that train on it.

mod describe;
mod download;
mod error;
mod label;
mod prepare;
mod read;
mod split;
mod synth;
mod table;

pub use describe::{Description, describe};
pub use download::{DownloadProgress, fetch};
pub use error::DataError;
pub use label::{Source, load};
pub use prepare::{Preprocessing, Replicate, Rows, prepare};
pub use read::read_table;
pub use synth::write_synthetic;
pub use table::{Column, Table, Values};
