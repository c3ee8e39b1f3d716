//! A sample data set in the exact format of the Sparkify source, for those who have no data.
//!
//! A [`Sample`] says what the data set looks like; [`Sample::write`] makes it on disk:
//!
//! ```text
//! <directory>/log_data/2018/11/2018-11-01-events.json   one file a day, one JSON object a line
//! <directory>/song_data/A/<x>/<y>/TRA<x><y>….json       one file a song
//! <directory>/log_json_path.json                        the JSONPaths file that names the 18 log keys
//! ```
//!
//! The people, places, artists and songs are invented. The oddities of the source are there: users who
//! are logged out have `userId` `""` and nulls for their details, some `userAgent`s carry literal
//! quotes, sessions cross midnight, one `artist_name` is a JSON number, artists have two names, years
//! are 0, locations empty, coordinates missing. About one play in five is of a song in `song_data`, with
//! equal title, artist and duration; the others are known to the log only.
//!
//! **Determinism.** The same [`Sample`] gives the same bytes on every machine: all draws come from a
//! generator in this crate, and everything is computed with integers.
//!
//! # Example
//!
//! ```
//! use sparkify_eventsim::{Error, Sample};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let parent = tempfile::tempdir()?;
//! let directory = parent.path().join("sample");
//! let sample = Sample { users: 10, days: 7, ..Sample::default() };
//! let written = sample.write(&directory)?;
//!
//! assert_eq!(written.songs, 120);
//! assert!(written.plays < written.events);
//! assert!(directory.join("log_data/2018/11/2018-11-01-events.json").is_file());
//!
//! // What exists is never touched.
//! assert!(matches!(sample.write(&directory), Err(Error::Exists { .. })));
//! # Ok(())
//! # }
//! ```

mod calendar;
mod catalogue;
mod error;
mod json;
mod pages;
mod people;
mod random;
mod sample;
mod session;
mod words;
mod write;

pub use error::Error;
pub use sample::{Sample, Written};

#[cfg(test)]
mod tests;
