//! The settings of `generate`: its flags, `SPARKIFY_GENERATE_*` variables, and the section `[generate]` of the
//! configuration file.

use sparkify_eventsim::{Compression, Rhythm, Settings, Timestamp, Volume};

use super::{ConfigFile, Environment, Found, Origin, SourceUrl};
use crate::{args::GenerateArgs, exit::UsageError};

/// The name of the section.
pub(super) const SECTION: &str = "generate";

/// The names that the section may use.
pub(super) const KEYS: [&str; 21] = [
    "out",
    "users",
    "events",
    "songs",
    "tracks",
    "match_rate",
    "from",
    "to",
    "seed",
    "growth_rate",
    "attrition_rate",
    "compress",
    "traps",
    "corrupt",
    "seconds_between_pages",
    "days_between_sessions",
    "session_gap",
    "daily_damping",
    "weekend_damping",
    "weekend_offset",
    "weekend_scale",
];

/// Days of the log, if its end is not named.
const DAYS: u32 = 30;

/// What to generate, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateSettings {
    /// A directory, or a prefix of a bucket.
    pub out: SourceUrl,
    /// What the data set looks like.
    pub settings: Settings,
    /// Whether data that was not generated is replaced.
    pub force: bool,
}

impl GenerateSettings {
    /// Reads the settings. `threads` is that of all commands.
    ///
    /// # Errors
    ///
    /// When a value is not of its kind, or no place is named.
    pub fn read(
        arguments: &GenerateArgs,
        threads: usize,
        environment: Environment<'_>,
        file: &ConfigFile,
    ) -> anyhow::Result<Self> {
        let layers = Layers { environment, file };
        let defaults = Settings::default();
        let from = layers.time("from", arguments.from.as_deref())?.unwrap_or(defaults.from);
        let rate =
            |key, flag: Option<&str>, default| layers.number(key, flag, "a number such as 0.05", default);
        let whole = |key, flag: Option<&str>, default| layers.number(key, flag, "a whole number", default);
        let rhythm = Rhythm::default();
        let settings = Settings {
            seed: layers.number("seed", arguments.seed.as_deref(), "a whole number", defaults.seed)?,
            volume: layers.volume(arguments)?.unwrap_or(defaults.volume),
            songs: whole("songs", arguments.songs.as_deref(), defaults.songs)?,
            tracks: whole("tracks", arguments.tracks.as_deref(), defaults.tracks)?,
            match_rate: rate("match_rate", arguments.match_rate.as_deref(), defaults.match_rate)?,
            from,
            to: layers.time("to", arguments.to.as_deref())?.unwrap_or_else(|| from.plus_days(DAYS)),
            growth_rate: rate("growth_rate", arguments.growth_rate.as_deref(), defaults.growth_rate)?,
            attrition_rate: rate(
                "attrition_rate",
                arguments.attrition_rate.as_deref(),
                defaults.attrition_rate,
            )?,
            rhythm: Rhythm {
                seconds_between_pages: rate("seconds_between_pages", None, rhythm.seconds_between_pages)?,
                days_between_sessions: rate("days_between_sessions", None, rhythm.days_between_sessions)?,
                session_gap: whole("session_gap", None, rhythm.session_gap)?,
                daily_damping: rate("daily_damping", None, rhythm.daily_damping)?,
                weekend_damping: rate("weekend_damping", None, rhythm.weekend_damping)?,
                weekend_offset: whole("weekend_offset", None, rhythm.weekend_offset)?,
                weekend_scale: whole("weekend_scale", None, rhythm.weekend_scale)?,
            },
            traps: arguments.traps || layers.switch("traps")?,
            corrupt: arguments.corrupt || layers.switch("corrupt")?,
            compression: layers.compression(arguments.compress.as_deref())?,
            threads,
        };
        let out = match layers.find("out", arguments.out.as_deref()) {
            Some(found) => found.source(file)?.value,
            None => {
                return Err(UsageError::with_hint(
                    "it was not said where the data set goes",
                    "name a directory with --out DIR, or a bucket with --out s3://BUCKET/PREFIX",
                )
                .into());
            }
        };
        Ok(Self { out, settings, force: arguments.force })
    }
}

/// Flags, environment and section.
struct Layers<'a> {
    environment: Environment<'a>,
    file: &'a ConfigFile,
}

impl Layers<'_> {
    fn find(&self, key: &'static str, flag: Option<&str>) -> Option<Found> {
        if let Some(text) = flag {
            return Some(Found { key, text: text.to_owned(), origin: Origin::Flag });
        }
        let variable = format!("SPARKIFY_GENERATE_{}", key.to_uppercase());
        if let Some(text) = (self.environment)(&variable).filter(|text| !text.is_empty()) {
            return Some(Found { key, text, origin: Origin::Environment(variable) });
        }
        let text = self.file.get_in(SECTION, key)?;
        Some(Found { key, text, origin: Origin::File(self.file.path().to_owned()) })
    }

    fn number<T: std::str::FromStr>(
        &self,
        key: &'static str,
        flag: Option<&str>,
        expected: &str,
        default: T,
    ) -> anyhow::Result<T> {
        match self.find(key, flag) {
            Some(found) => Ok(found.parse(expected, super::parse_number)?.value),
            None => Ok(default),
        }
    }

    fn time(&self, key: &'static str, flag: Option<&str>) -> anyhow::Result<Option<Timestamp>> {
        self.find(key, flag)
            .map(|found| {
                let parsed = found
                    .parse("a date such as 2018-11-01 or a time such as 2018-11-01T20:57:10", |text| {
                        text.parse().map_err(|_| None)
                    })?;
                Ok(parsed.value)
            })
            .transpose()
    }

    fn switch(&self, key: &'static str) -> anyhow::Result<bool> {
        match self.find(key, None) {
            Some(found) => Ok(found.parse("true or false", |text| text.parse().map_err(|_| None))?.value),
            None => Ok(false),
        }
    }

    fn compression(&self, flag: Option<&str>) -> anyhow::Result<Compression> {
        match self.find("compress", flag) {
            Some(found) => Ok(found
                .parse("gz, zst or none", |text| {
                    let all = [Compression::Gzip, Compression::Zstd, Compression::None];
                    all.into_iter().find(|known| known.name() == text).ok_or(None)
                })?
                .value),
            None => Ok(Compression::None),
        }
    }

    /// Users or events, whichever was said more strongly.
    fn volume(&self, arguments: &GenerateArgs) -> anyhow::Result<Option<Volume>> {
        let users = self.find("users", arguments.users.as_deref());
        let events = self.find("events", arguments.events.as_deref());
        let strength = |found: &Option<Found>| match found.as_ref().map(|found| &found.origin) {
            Some(Origin::Flag) => 3,
            Some(Origin::Environment(_)) => 2,
            Some(Origin::File(_) | Origin::Default) => 1,
            None => 0,
        };
        match strength(&users).cmp(&strength(&events)) {
            std::cmp::Ordering::Less => self
                .number("events", arguments.events.as_deref(), "a whole number", 0)
                .map(Volume::Events)
                .map(Some),
            std::cmp::Ordering::Greater => self
                .number("users", arguments.users.as_deref(), "a whole number", 0)
                .map(Volume::Users)
                .map(Some),
            std::cmp::Ordering::Equal if users.is_none() => Ok(None),
            std::cmp::Ordering::Equal => Err(UsageError::with_hint(
                "users and events were both named",
                "name one of them: with --events, as many users are made as it takes",
            )
            .into()),
        }
    }
}
