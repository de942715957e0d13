//! From a file to matrices: read, check the label, split, prepare.
//!
//! ```text
//! source ─parts, dialect─> cells ─understand─> Table ─label, weight, suspect─> Source
//!         ─split + fit on training rows + transform─> Replicate
//! ```
//! A [`focalsweep_core::prepared::Replicate`] is built once and shared by all jobs that train on it; where many large
//! ones would take too much room their features are let go and made [`Again`] replicate by replicate. Its
//! [`focalsweep_core::prepared::Preprocessing`] is kept beside the models, so that new files can be prepared in the
//! same way. What several of these files need (a format, a choice of columns, a row's place, a file's name) has a file
//! of its own, so that none of them knows one that knows it.

mod address;
mod again;
mod copies;
mod decode;
mod describe;
mod dialect;
mod done;
mod download;
mod error;
mod fault;
mod fingerprint;
mod fit;
mod format;
mod glob;
mod hand_over;
mod label;
mod missing;
mod number;
mod parquet_plan;
mod parts;
mod pick;
mod place;
mod prepare;
mod publish;
mod read;
mod read_csv;
mod read_parquet;
mod reading;
mod records;
mod remark;
mod repeated;
mod row_place;
mod served;
mod split;
mod split_check;
mod streamed;
mod suspect;
mod synth;
mod table;
mod time;
mod transform;
mod understand;
mod unfamiliar;
mod weight;

pub use again::Again;
pub use copies::copies_across;
pub use describe::{ColumnDescription, Description, LevelCount, describe};
pub use done::Read;
pub use download::{DownloadProgress, fetch};
pub use error::DataError;
pub use fault::{ColumnFault, Matter, Purpose, Remedy, Stray};
pub use hand_over::{NameTaken, bytes_of, check_names, columns_of, hand_over, hand_over_columns, hand_over_features};
pub use label::{Source, load};
pub use pick::Pick;
pub use place::Place;
pub use prepare::{prepare, prepare_all, prepare_first, prepare_onward};
pub use publish::free_space;
pub use read::read_table;
pub use reading::Reading;
pub use served::{ServedLabel, read_served, read_served_columns};
pub use split::Splits;
pub use split_check::{SplitCheck, split_check};
pub use streamed::take_stream;
pub use synth::write_synthetic;
pub use table::{Column, Levels, Table, Values};
pub use transform::Transform;
pub use unfamiliar::{Unfamiliar, unfamiliar};

#[cfg(test)]
mod tests;
