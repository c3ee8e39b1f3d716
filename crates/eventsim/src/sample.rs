//! The crate's front: what a sample is, and what was written.

use std::path::Path;

use crate::calendar::DAY;
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::people::people;
use crate::random::Random;
use crate::session::events;
use crate::write;

/// The streams of chance: one for the users, one for the songs, and one for what each user does.
const PEOPLE: u64 = 0;
const SONGS: u64 = 1;
const SESSIONS: u64 = 1 << 32;

/// What the sample looks like.
///
/// The default is seed 1 with 40 users, 120 songs and 30 days: November 2018, about 5,000 events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// What all chance comes from: another seed gives another sample of the same size, roughly.
    pub seed: u64,
    /// How many users there are. One in five pays at the start; some never show up.
    pub users: u32,
    /// How many songs `song_data` has. From five on, the odd artists and titles are all among them.
    pub songs: u32,
    /// How many days the log covers, from 2018-11-01. A day without events has no file.
    pub days: u32,
}

impl Default for Sample {
    fn default() -> Self {
        Self { seed: 1, users: 40, songs: 120, days: 30 }
    }
}

impl Sample {
    /// Writes the sample as a new directory, and says what is in it.
    ///
    /// All or nothing: everything goes into a directory `<directory>.partial-<process id>` beside it,
    /// which in the end gets its name. A run that fails removes that directory; a run that is killed
    /// leaves it behind. Missing parent directories are made. The sample is made in memory.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if there is anything at `directory`, which is then not touched;
    /// [`Error::Unnamed`] if the path ends in no name; [`Error::Io`] if something cannot be written.
    pub fn write(&self, directory: &Path) -> Result<Written, Error> {
        let people = people(self.users, &mut Random::stream(self.seed, PEOPLE));
        let catalogue = Catalogue::new(self.songs, &mut Random::stream(self.seed, SONGS));
        let events = events(&people, &catalogue, u64::from(self.days) * DAY, |person| {
            Random::stream(self.seed, SESSIONS + person)
        });
        write::sample(directory, &events, &catalogue)
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Lines of all log files.
    pub events: u64,
    /// How many of them are plays, that is of page `NextSong`.
    pub plays: u64,
    /// Songs in `song_data`.
    pub songs: u64,
    /// Files of all three kinds.
    pub files: u64,
}
