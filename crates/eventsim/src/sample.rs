//! The sample: a small data set for those who have none.

use std::path::Path;

use crate::{Error, Existing, LocalDirectory, Progress, Settings, Volume, Written, generate};

/// A small data set: November 2018, where about one play in five is of a song in `song_data`.
///
/// The default is seed 1 with 60 users and 120 songs in 30 days, about 6,000 events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// What all chance comes from: another seed gives another sample of the same size, roughly.
    pub seed: u64,
    /// How many users there are. One in six pays at the start; some never show up.
    pub users: u32,
    /// How many songs `song_data` has. From five on, the odd artists and titles are all among them.
    pub songs: u32,
    /// How many days the log covers, from 2018-11-01. A day without events has no file.
    pub days: u32,
}

impl Default for Sample {
    fn default() -> Self {
        Self { seed: 1, users: 60, songs: 120, days: 30 }
    }
}

impl Sample {
    /// The settings that make it.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let defaults = Settings::default();
        Settings {
            seed: self.seed,
            volume: Volume::Users(self.users),
            songs: self.songs,
            tracks: self.songs.saturating_mul(6),
            match_rate: 0.2,
            to: defaults.from.plus_days(self.days.max(1)),
            ..defaults
        }
    }

    /// Writes the sample as a new directory, and says what is in it.
    ///
    /// All or nothing: everything goes into a directory `<directory>.partial-<process id>` beside it,
    /// which in the end gets its name. A run that fails removes that directory; a run that is killed
    /// leaves it behind. Missing parent directories are made.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if there is anything at `directory`, which is then not touched;
    /// [`Error::Unnamed`] if the path ends in no name; [`Error::Io`] if something cannot be written.
    pub fn write(&self, directory: &Path) -> Result<Written, Error> {
        let sink = LocalDirectory::create(directory, Existing::Refuse)?;
        generate(&self.settings(), &sink, &Progress::default())
    }
}
