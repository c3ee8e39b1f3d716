//! The songs: those of the catalogue, which have a file each, and those that only the log knows.

mod alias;
mod files;
mod names;
mod records;
mod universe;

pub(crate) use files::write_files;
pub(crate) use records::{Catalogue, Layout, SongFile, SongRecord};
pub(crate) use universe::{Draft, LogText, NO_SONG, Universe};
