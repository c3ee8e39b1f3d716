//! `answers.json`: what a load of the data set must give.

use serde_json::{Map, Value, json};
use twox_hash::XxHash64;

use super::{
    Checksum, Facts, Row, StarSongs, Totals,
    analytics::{self, Listeners, Rows, TOP},
    value,
};
use crate::{
    Settings, Timestamp, Volume,
    catalogue::{SongRecord, Universe},
    pages::Level,
    row::Details,
    traps::Reject,
};

/// The version of the form of the file.
const FORM: u32 = 1;
/// What makes it, before its version.
const GENERATOR: &str = "sparkify ";

/// The names of files, for telling whether a directory has others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileSet {
    pub(crate) count: u64,
    pub(crate) names: u64,
}

impl FileSet {
    pub(crate) fn add(&mut self, name: &str) {
        self.count += 1;
        self.names = self.names.wrapping_add(XxHash64::oneshot(0, name.as_bytes()));
    }

    /// The files that a data set says it has; nothing if the answers are not of a generated one.
    pub(crate) fn read(answers: &str) -> Option<Self> {
        let answers: Value = serde_json::from_str(answers).ok()?;
        answers["generator"].as_str()?.strip_prefix(GENERATOR)?;
        let names = u64::from_str_radix(answers["files"]["names"].as_str()?, 16).ok()?;
        Some(Self { count: answers["files"]["count"].as_u64()?, names })
    }
}

/// The rows of users, and what their plays sum up to.
#[derive(Debug, Default)]
pub(crate) struct Users {
    /// With the ids of one load, with the ids of two, and without.
    sums: [Checksum; 3],
    seen: i64,
    early: i64,
    late: i64,
    listeners: Listeners,
    row: Row,
}

impl Users {
    /// `early` is how many users of all have an event that is not late.
    fn new(early: i64) -> Self {
        Self { early, ..Self::default() }
    }

    /// Adds the next user, in the order of their ids.
    fn add(&mut self, details: &Details<'_>, facts: &Facts) {
        let Some(level) = facts.level else { return };
        self.seen += 1;
        let id_in_two = if facts.is_early {
            self.seen - self.late
        } else {
            self.late += 1;
            self.early + self.late
        };
        let [first, last, gender] = [details.first_name, details.last_name, details.gender].map(value);
        for (sum, id) in self.sums.iter_mut().zip([Some(self.seen), Some(id_in_two), None]) {
            self.row.begin();
            if let Some(id) = id {
                self.row.integer(id);
            }
            self.row.integer(details.id).text(first).text(last).text(gender).text(Some(level.name()));
            sum.add(&self.row);
        }
        if facts.plays == 0 {
            return;
        }
        let listeners = &mut self.listeners;
        let played = u64::from(facts.plays);
        let add = |(users, plays): &mut (u64, u64)| {
            *users += 1;
            *plays += played;
        };
        add(listeners.by_gender.entry(gender.map(str::to_owned)).or_default());
        if let Some(place) = value(details.location) {
            let place = place.trim_end_matches(' ');
            match listeners.by_location.get_mut(place) {
                Some(counts) => add(counts),
                None => add(listeners.by_location.entry(place.to_owned()).or_default()),
            }
        }
        for level in Level::ALL {
            listeners.by_level[level as usize] += u64::from(facts.played[level as usize]);
        }
        // Users come in the order of their ids, so a later one needs more plays.
        let top = &mut listeners.top;
        if top.len() < TOP || top.last().is_some_and(|(plays, ..)| played > *plays) {
            let place = top.partition_point(|(plays, ..)| *plays >= played);
            top.insert(place, (played, details.id, [json!(first), json!(last), json!(level.name())]));
            top.truncate(TOP);
        }
    }
}

/// Everything that is true of a data set.
#[derive(Debug)]
pub(crate) struct Answers<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) users_at_start: u32,
    pub(crate) universe: &'a Universe,
    pub(crate) songs: &'a StarSongs,
    pub(crate) records: &'a [SongRecord],
    pub(crate) totals: &'a Totals,
    pub(crate) songplays: Checksum,
    pub(crate) songplays_by_name: Checksum,
    pub(crate) time: Checksum,
    /// Listeners of each of the top artists.
    pub(crate) artists: Vec<(String, u64, u64)>,
    /// Song records that are there more than once.
    pub(crate) song_duplicates: u64,
    pub(crate) event_duplicates: u64,
    pub(crate) files: &'a FileSet,
    pub(crate) data_files: u64,
    pub(crate) late_files: Vec<String>,
    pub(crate) rejects: &'a [Reject],
}

impl Answers<'_> {
    /// The file. `users` are all users, in the order of their ids.
    pub(crate) fn write<'u>(&self, users: impl Iterator<Item = (Details<'u>, &'u Facts)> + Clone) -> String {
        let early = users.clone().filter(|(_, facts)| facts.level.is_some() && facts.is_early).count();
        let mut sums = Users::new(early as i64);
        for (details, facts) in users {
            sums.add(&details, facts);
        }
        let [songs, artists] = self.songs.checksums(self.records);
        let songplays = [self.songplays; 3];
        let time = [self.time; 3];
        let tables = [
            ("users", sums.sums),
            ("artists", artists),
            ("songs", songs),
            ("time", time),
            ("songplays", songplays),
        ];
        let analytics = self.analytics(&tables, &sums.listeners);
        let staged_songs = self.records.len() as u64 - self.song_duplicates;
        let duplicates = self.event_duplicates + self.song_duplicates;
        let staged = self.totals.events + staged_songs;
        let rejected = self.rejects.len() as u64;
        let object = json!({
            "form": FORM,
            "generator": format!("{GENERATOR}{}", env!("CARGO_PKG_VERSION")),
            "settings": self.settings(),
            "files": {"count": self.files.count, "names": format!("{:016x}", self.files.names)},
            "records": {
                "read": staged + duplicates + rejected,
                "staged": staged,
                "duplicate": duplicates,
                "rejected": rejected,
            },
            "staging": {"staging_events": self.totals.events, "staging_songs": staged_songs},
            "tables": object(tables.iter().map(|(name, sums)| (*name, sum(&sums[0])))),
            "tables_after_two_loads": object(tables.iter().map(|(name, sums)| (*name, sum(&sums[1])))),
            "tables_without_id": object(tables[..3].iter().map(|(name, sums)| (*name, sum(&sums[2])))),
            "analytics": analytics,
            "with_match_rule_title_artist": {
                "tables": {"songplays": sum(&self.songplays_by_name)},
                "analytics": object(self.of_songs(&|track| {
                    self.universe.other_song(track).unwrap_or_else(|| self.universe.song(track))
                })),
            },
            "late_files": self.late_files,
            "rejects": self.rejects.iter().map(|reject| {
                json!({"file": reject.file, "line": reject.line, "reason": reject.reason})
            }).collect::<Vec<_>>(),
        });
        let mut text = String::new();
        push_readable(&mut text, &object, 0);
        text.push('\n');
        text
    }

    fn settings(&self) -> Value {
        let settings = self.settings;
        let events = match settings.volume {
            Volume::Events(events) => Some(events),
            Volume::Users(_) => None,
        };
        let time = |time: Timestamp| time.to_string();
        let rhythm = &settings.rhythm;
        json!({
            "seed": settings.seed, "users": self.users_at_start, "events": events, "songs": settings.songs,
            "tracks": settings.tracks, "match_rate": settings.match_rate,
            "from": time(settings.from), "to": time(settings.to),
            "growth_rate": settings.growth_rate, "attrition_rate": settings.attrition_rate,
            "seconds_between_pages": rhythm.seconds_between_pages,
            "days_between_sessions": rhythm.days_between_sessions, "session_gap": rhythm.session_gap,
            "daily_damping": rhythm.daily_damping, "weekend_damping": rhythm.weekend_damping,
            "weekend_offset": rhythm.weekend_offset, "weekend_scale": rhythm.weekend_scale,
            "traps": settings.traps, "corrupt": settings.corrupt, "compress": settings.compression.name(),
            "match_rule": "exact",
        })
    }

    /// The answers that depend on the song that each track matches.
    fn of_songs(&self, song: analytics::Matching<'_>) -> [(&'static str, Value); 3] {
        let (matched_songs, matched) =
            analytics::matched_songs(self.universe, song, self.songs, self.records);
        [
            ("top_songs", json!(analytics::top_songs(self.universe, song))),
            ("matched_songs", json!(matched_songs)),
            ("match_rate", json!(analytics::match_rate(self.totals, matched))),
        ]
    }

    fn analytics(&self, tables: &[(&'static str, [Checksum; 3])], listeners: &Listeners) -> Value {
        let totals = self.totals;
        let staged_songs = self.records.len() as u64 - self.song_duplicates;
        let ledger = [
            ("loaded_files", self.data_files),
            ("load_runs", 1),
            ("load_errors", self.rejects.len() as u64),
            ("staging_events", totals.events),
            ("staging_songs", staged_songs),
        ];
        let star = tables.iter().map(|(name, sums)| (*name, sums[0].rows));
        let row_counts: Rows =
            ledger.into_iter().chain(star).map(|(name, rows)| vec![json!(name), json!(rows)]).collect();
        let top_artists: Rows = self
            .artists
            .iter()
            .map(|(name, listeners, plays)| vec![json!(name), json!(listeners), json!(plays)])
            .collect();
        let level_changes = sum(&totals.level_changes);
        let mut answers: Map<String, Value> = [
            ("row_counts", row_counts),
            ("top_artists", top_artists),
            ("plays_by_hour", analytics::plays_by_hour(totals)),
            ("plays_by_weekday", analytics::plays_by_weekday(totals)),
            ("plays_by_week", analytics::plays_by_week(totals)),
            ("plays_by_day", analytics::plays_by_day(totals)),
            ("plays_by_level", analytics::plays_by_level(totals, listeners)),
            ("plays_by_gender", analytics::plays_by_gender(listeners)),
            ("plays_by_location", analytics::plays_by_location(listeners)),
            ("top_users", analytics::top_users(listeners)),
            ("sessions", analytics::sessions(totals)),
            ("session_length", analytics::session_length(totals)),
            ("daily_active_users", analytics::daily_active_users(totals)),
            ("weekly_active_users", analytics::weekly_active_users(totals)),
        ]
        .into_iter()
        .map(|(name, rows)| (name, json!(rows)))
        .chain(self.of_songs(&|track| self.universe.song(track)))
        .map(|(name, rows)| (name.to_owned(), rows))
        .collect();
        // As many rows as there are changes: the checksum will do.
        answers.insert("level_changes".to_owned(), level_changes);
        Value::Object(answers)
    }
}

fn sum(checksum: &Checksum) -> Value {
    json!({"rows": checksum.rows, "checksum": checksum.hex()})
}

fn object(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// How deep the file is indented; below, a value takes one line.
const INDENTED: usize = 3;

/// Writes a value indented to a point, so that people can read it and compare two of them line by line.
fn push_readable(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth + 1);
    let (open, close, entries): (char, char, Vec<(Option<&String>, &Value)>) = match value {
        Value::Object(entries) if depth < INDENTED && !entries.is_empty() => {
            ('{', '}', entries.iter().map(|(key, value)| (Some(key), value)).collect())
        }
        Value::Array(entries) if depth < INDENTED && !entries.is_empty() => {
            ('[', ']', entries.iter().map(|value| (None, value)).collect())
        }
        _ => return out.push_str(&value.to_string()),
    };
    out.push(open);
    for (index, (key, value)) in entries.into_iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&indent);
        if let Some(key) = key {
            out.push_str(&format!("{}: ", json!(key)));
        }
        push_readable(out, value, depth + 1);
    }
    out.push('\n');
    out.push_str(&indent[2..]);
    out.push(close);
}
