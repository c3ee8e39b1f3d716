//! From the bytes of a file to Arrow record batches.
//!
//! Each record is first decoded by the [fast path](fast), which writes values straight into column
//! buffers and gives up at anything unusual. What it gives up on goes to the [careful path](careful),
//! which either makes the same row or says exactly what is wrong.

mod careful;
mod columns;
mod fast;
mod jsonpaths;
mod moment;
mod number;
mod reject;
mod shape;
mod split;

pub use jsonpaths::JsonPaths;
pub use reject::{Reason, Refusal, Reject};
pub(crate) use reject::{completed, excerpt};
pub use shape::RecordShape;
pub use sparkify_warehouse::RECORD_BYTES_MAX;
pub(crate) use split::{Decoder, Position, count_lines, last_record_start, whole_objects_end};
