//! A music service that does not exist: its users, what they do, and the log of it, in the exact format of
//! the Sparkify source, at any scale and with known answers.
//!
//! [`generate()`] makes a data set from [`Settings`] and writes it to a [`Sink`], such as a
//! [`LocalDirectory`]. A [`Sample`] is a small one in one call.
//!
//! ```text
//! <directory>/log_data/2018/11/2018-11-01-events.json   one file a day, one JSON object a line
//! <directory>/song_data/A/<x>/<y>/TRA<x><y>….json       one file a song
//! <directory>/log_json_path.json                        the JSONPaths file that names the 18 log keys
//! <directory>/answers.json                              what a load of it must give
//! ```
//!
//! **The model.** Users have a pace of their own, drawn once; sessions come in a daily and weekly rhythm; a
//! session goes from page to page by fixed chances, which depend on whether the user is logged in and pays;
//! a song is played to its end. Users come and go, upgrade and downgrade. Songs are played by a log-normal
//! popularity. The figures are those that shaped the source, so page mix, rhythm, and lengths of sessions are
//! those of the real logs. The people, artists and songs are invented.
//!
//! **Determinism.** The same settings give the same bytes on every machine and with any number of threads:
//! each user draws from a stream of random numbers of their own, functions such as logarithms are computed in
//! software, and events are brought into one order, by time, user and item, before sessions get their numbers.
//!
//! **The answers** (`answers.json`) are computed from the simulation, not from what was written. For each
//! table of the star there is the number of rows and a checksum: each row in its canonical form – the values
//! in the order of the columns, each followed by U+001F; texts as they are, whole numbers in digits, timestamps
//! as Unix milliseconds, floating-point numbers as the 16 hexadecimal digits of their IEEE 754 bits, NULL as
//! U+0000 – is hashed by XXH64 with seed 0, and the hashes are summed modulo 2^64.
//!
//! **Traps** ([`Settings::traps`], [`Settings::corrupt`]) are the difficulties of real data, planted on purpose;
//! the answers account for all of them.
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
//! assert!(directory.join("answers.json").is_file());
//!
//! // What exists is never touched.
//! assert!(matches!(sample.write(&directory), Err(Error::Exists { .. })));
//! # Ok(())
//! # }
//! ```

mod catalogue;
mod clock;
mod error;
mod event;
mod generate;
mod json;
mod pages;
mod people;
mod progress;
mod random;
mod rhythm;
mod row;
mod sample;
mod settings;
mod sink;
mod traps;
mod truth;
mod user;
mod words;
mod world;

pub use clock::{NoTimestamp, Timestamp};
pub use error::Error;
pub use generate::{Written, file_names, generate};
pub use progress::Progress;
pub use rhythm::Rhythm;
pub use sample::Sample;
pub use settings::{Compression, Settings, Volume};
pub use sink::{Existing, LocalDirectory, Part, Sink, SinkFile, foreign_file};

#[cfg(test)]
mod tests;
