//! The files of `sql/` as they were at compile time; `build.rs` makes the list.

/// Path below `sql/` and text of each file.
pub(super) static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sql_files.rs"));
