//! Where a data set goes.

mod local;

#[cfg(test)]
pub(crate) use local::moves;
pub use local::{Existing, LocalDirectory};

use std::fmt::Debug;

use crate::{Error, truth::FileSet};

/// The last file of a data set.
pub(crate) const ANSWERS: &str = "answers.json";
/// What a data set consists of.
const ENTRIES: [&str; 4] = [ANSWERS, "log_data", "song_data", "log_json_path.json"];

/// A place for the files of one data set.
///
/// # Contract
///
/// Files are created, filled and finished by several threads at once, each file once. Nothing of it counts
/// before [`publish`](Self::publish), which is called once, after all files are finished; what was there
/// before stays until then. The file `answers.json` is the last one to be finished: a place where a data set
/// may become visible bit by bit takes it as the sign that the set is whole. If anything fails, or the run is
/// stopped, [`discard`](Self::discard) is called instead, and takes away what was written.
pub trait Sink: Debug + Send + Sync {
    /// Where it is, for messages; never with a secret.
    fn location(&self) -> String;

    /// Begins a file. The name is a relative path with `/`.
    ///
    /// # Errors
    ///
    /// When the file cannot be made.
    fn create(&self, name: &str) -> Result<Box<dyn SinkFile>, Error>;

    /// Makes the finished files the data set.
    ///
    /// # Errors
    ///
    /// When this cannot be done.
    fn publish(&self) -> Result<(), Error>;

    /// Takes away what was written since the start, as far as it can.
    fn discard(&self);
}

/// A part of a file. The parts of a file are numbered from 0 and lie one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Its number.
    pub number: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// A file of a [`Sink`].
pub trait SinkFile: Debug + Send + Sync {
    /// Writes a part. Parts come in any order, from several threads at once.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn write(&self, part: Part<'_>) -> Result<(), Error>;

    /// Says that the file has all its parts.
    ///
    /// # Errors
    ///
    /// When the file cannot be completed.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

/// Of the files of a place, by their relative paths, one that does not belong to the data set that was generated
/// there; `answers` is what its `answers.json` holds, if there is one.
///
/// ```
/// use sparkify_eventsim::foreign_file;
///
/// assert_eq!(foreign_file([].into_iter(), None), None);
/// assert_eq!(foreign_file(["log_data/mine.json"].into_iter(), None), Some("log_data/mine.json".to_owned()));
/// assert_eq!(foreign_file(["answers.json"].into_iter(), Some("{}")), Some("answers.json".to_owned()));
/// ```
pub fn foreign_file<'a>(names: impl Iterator<Item = &'a str>, answers: Option<&str>) -> Option<String> {
    let known = answers.and_then(FileSet::read);
    let mut found = FileSet::default();
    let mut example = None;
    for name in names {
        let entry = name.split('/').next().unwrap_or_default();
        // Others write a file of this name as well.
        if !ENTRIES.contains(&entry) || (name == ANSWERS && known.is_none()) {
            return Some(name.to_owned());
        }
        if name != ANSWERS {
            found.add(name);
            example.get_or_insert(name);
        }
    }
    example.filter(|_| known != Some(found)).map(str::to_owned)
}

/// Writes a small file in one piece.
pub(crate) fn write_file(sink: &dyn Sink, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let file = sink.create(name)?;
    file.write(Part { number: 0, offset: 0, bytes })?;
    file.finish()
}
