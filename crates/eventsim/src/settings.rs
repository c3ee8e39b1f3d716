//! What a data set looks like.

use std::io::Write as _;

use crate::{Error, Rhythm, Timestamp, clock::YEAR, world::TRIAL};

/// How large a data set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volume {
    /// So many users at the start.
    Users(u32),
    /// As many users as it takes to have about so many events.
    Events(u64),
}

/// How the data files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip; a large file is a sequence of members, which every gzip reader takes as one.
    Gzip,
    /// Zstandard; a large file is a sequence of frames.
    Zstd,
}

impl Compression {
    /// What settings call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gz",
            Self::Zstd => "zst",
        }
    }

    /// What it adds to the name of a file.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// The data compressed on its own.
    pub(crate) fn apply(self, data: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, Error> {
        Ok(match self {
            Self::None => data.into(),
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(
                    Vec::with_capacity(data.len() / 8),
                    flate2::Compression::fast(),
                );
                encoder.write_all(data).and_then(|()| encoder.finish()).map_err(Error::Compress)?.into()
            }
            Self::Zstd => zstd::bulk::compress(data, 3).map_err(Error::Compress)?.into(),
        })
    }
}

/// What a data set looks like. The same settings give the same bytes, on every machine and with any number of
/// threads.
///
/// The default has 100 users and 1,000 songs in November 2018.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// What all chance comes from.
    pub seed: u64,
    /// How large it is.
    pub volume: Volume,
    /// How many songs `song_data` has.
    pub songs: u32,
    /// How many songs there are in all: most of those that are played are not in `song_data`.
    pub tracks: u32,
    /// The share of plays that are of a song in `song_data`.
    pub match_rate: f64,
    /// The first moment of the log.
    pub from: Timestamp,
    /// The moment at which the log ends, itself outside.
    pub to: Timestamp,
    /// New users a year for each user there is; also, how many years ago the first users registered on
    /// average.
    pub growth_rate: f64,
    /// Users a year who go without a word, for each user there is.
    pub attrition_rate: f64,
    /// When sessions begin and how long pages are looked at.
    pub rhythm: Rhythm,
    /// Whether the known difficulties are planted.
    pub traps: bool,
    /// Whether malformed records are planted.
    pub corrupt: bool,
    /// How files are compressed.
    pub compression: Compression,
    /// How many threads work; 0 is one for each core. The data does not depend on it.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let from = Timestamp::from_milliseconds(1_541_030_400_000);
        Self {
            seed: 1,
            volume: Volume::Users(100),
            songs: 1_000,
            tracks: 385_252,
            match_rate: 0.05,
            from,
            to: from.plus_days(30),
            growth_rate: 0.01,
            attrition_rate: 0.0,
            rhythm: Rhythm::default(),
            traps: false,
            corrupt: false,
            compression: Compression::None,
            threads: 0,
        }
    }
}

/// The most users at the start, and in all, so that numbers fit.
pub(crate) const COUNT_MAX: u32 = 200_000_000;
/// The most events: more users than there may be make no more.
const EVENTS_MAX: u64 = 1_000_000_000_000;
/// The most songs, whose texts, 40 bytes each, must fit 32 bits.
const TRACKS_MAX: u32 = 50_000_000;
const YEARS_MAX: i64 = 100;

impl Settings {
    /// About how many users there are in the end; where the number of events is set, how many there are of those of the
    /// trial that tells what new users do.
    fn users_in_the_end(&self) -> f64 {
        let years = (self.to.milliseconds() - self.from.milliseconds()) as f64 / 1000.0 / YEAR;
        let at_start = match self.volume {
            Volume::Users(users) => users,
            Volume::Events(_) => TRIAL,
        };
        f64::from(at_start) * libm::exp(self.growth_rate * years)
    }

    /// Refuses values that make no sense, as [`generate`](crate::generate()) does.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`].
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |setting, problem: &str| Err(Error::Setting { setting, problem: problem.to_owned() });
        let length = self.to.milliseconds() - self.from.milliseconds();
        let rhythm = &self.rhythm;
        let (second_1970, year_9999) = (0, 253_370_764_800_000);
        match self {
            _ if length <= 0 => wrong("to", "must come after from"),
            _ if self.from.milliseconds() < second_1970 || self.to.milliseconds() > year_9999 => {
                wrong("from", "and to must be between 1970 and 9999")
            }
            _ if length > YEARS_MAX * 366 * 86_400_000 => {
                wrong("to", "must be within a hundred years of from")
            }
            Self { volume: Volume::Users(count), .. } if *count > COUNT_MAX => {
                wrong("users", "must be 200,000,000 at most")
            }
            Self { volume: Volume::Events(count), .. } if *count > EVENTS_MAX => {
                wrong("events", "must be 1,000,000,000,000 at most")
            }
            _ if self.songs > TRACKS_MAX || self.tracks > TRACKS_MAX => {
                wrong("songs", "and tracks must be 50,000,000 at most")
            }
            _ if !(0.0..=1.0).contains(&self.match_rate) => wrong("match_rate", "must be from 0 to 1"),
            _ if !(0.0..=100.0).contains(&self.growth_rate) => wrong("growth_rate", "must be from 0 to 100"),
            _ if self.users_in_the_end() > f64::from(COUNT_MAX) => {
                wrong("growth_rate", "would make more than 200,000,000 users in that time")
            }
            _ if !(0.0..=100.0).contains(&self.attrition_rate) => {
                wrong("attrition_rate", "must be from 0 to 100")
            }
            _ if !(1.0..=86_400.0).contains(&rhythm.seconds_between_pages) => {
                wrong("seconds_between_pages", "must be from 1 to 86400")
            }
            _ if !(0.01..=365.0).contains(&rhythm.days_between_sessions) => {
                wrong("days_between_sessions", "must be from 0.01 to 365")
            }
            _ if rhythm.session_gap > 86_400 => wrong("session_gap", "must be 86400 at most"),
            _ if !(0.0..=0.159).contains(&rhythm.daily_damping) => {
                wrong("daily_damping", "must be from 0 to 0.159")
            }
            _ if !(0.0..=0.99).contains(&rhythm.weekend_damping) => {
                wrong("weekend_damping", "must be from 0 to 0.99")
            }
            _ if rhythm.weekend_offset > 43_200 || rhythm.weekend_scale > 43_200 + rhythm.weekend_offset => {
                wrong("weekend_offset", "and weekend_scale must stay within half a day of midnight")
            }
            _ => Ok(()),
        }
    }
}
