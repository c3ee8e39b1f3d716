//! The answers to the questions of the catalogue.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{StarSongs, Totals, facts::Activity};
use crate::{
    catalogue::{NO_SONG, SongRecord, Universe},
    clock::{Date, iso_week, monday},
    pages::Level,
};

/// Rows of an answer that has a limit.
pub(crate) const TOP: usize = 10;

/// Rows as a JSON array of arrays.
pub(super) type Rows = Vec<Vec<Value>>;

/// What is known of the users with plays, summed up.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    /// Listeners and plays by gender; blank is null.
    pub(super) by_gender: HashMap<Option<String>, (u64, u64)>,
    /// Listeners and plays by place, without blank ones.
    pub(super) by_location: HashMap<String, (u64, u64)>,
    /// Listeners by level.
    pub(super) by_level: [u64; 2],
    /// Plays, user id, first and last name, level.
    pub(super) top: Vec<(u64, i64, [Value; 3])>,
}

/// Texts are compared and shown without trailing blanks.
fn trimmed(text: &str) -> &str {
    text.trim_end_matches(' ')
}

/// The artists that were played most, as the log names them, with plays.
pub(crate) fn top_artists(universe: &Universe) -> Vec<(String, u64)> {
    let mut plays: HashMap<&str, u64> = HashMap::new();
    for (track, count) in universe.played() {
        let artist = trimmed(universe.track(track).artist.as_str());
        if super::value(artist).is_some() {
            *plays.entry(artist).or_default() += count;
        }
    }
    top(plays).into_iter().map(|(artist, plays)| (artist.to_owned(), plays)).collect()
}

/// The largest counts; equal ones by key.
fn top<K: Ord>(counts: HashMap<K, u64>) -> Vec<(K, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by(|(key, count), (other, more)| more.cmp(count).then_with(|| key.cmp(other)));
    counts.truncate(TOP);
    counts
}

/// The song that a play of a track matches, or [`NO_SONG`].
pub(super) type Matching<'a> = &'a dyn Fn(u32) -> u32;

pub(super) fn top_songs(universe: &Universe, song: Matching<'_>) -> Rows {
    let mut plays: HashMap<(&str, &str), (u64, bool)> = HashMap::new();
    for (index, count) in universe.played() {
        let track = universe.track(index);
        let entry = plays.entry((trimmed(track.title.as_str()), trimmed(track.artist.as_str()))).or_default();
        entry.0 += count;
        entry.1 |= song(index) != NO_SONG;
    }
    let counts = plays.iter().filter(|((title, _), _)| super::value(title).is_some());
    top(counts.map(|(key, (count, _))| (*key, *count)).collect())
        .into_iter()
        .map(|(key, count)| {
            let in_catalogue = if plays.get(&key).is_some_and(|(_, known)| *known) { "yes" } else { "no" };
            vec![json!(key.0), json!(key.1), json!(in_catalogue), json!(count)]
        })
        .collect()
}

/// The songs of the catalogue that were played most, and how many plays there were of all of them.
pub(super) fn matched_songs(
    universe: &Universe,
    song: Matching<'_>,
    songs: &StarSongs,
    records: &[SongRecord],
) -> (Rows, u64) {
    let mut plays: HashMap<u32, u64> = HashMap::new();
    for (track, count) in universe.played() {
        let song = song(track);
        if song != NO_SONG {
            *plays.entry(song).or_default() += count;
        }
    }
    let matched = plays.values().sum();
    let counts: HashMap<_, _> = plays
        .into_iter()
        .map(|(song, count)| {
            let record = songs.record(records, song);
            ((record.title.as_str(), record.song_id.as_str(), song), count)
        })
        .collect();
    let rows = top(counts).into_iter().map(|((title, _, song), count)| {
        vec![json!(title), json!(super::value(&songs.artist_of(records, song).name)), json!(count)]
    });
    (rows.collect(), matched)
}

pub(super) fn plays_by_hour(totals: &Totals) -> Rows {
    let hours = (0..).zip(totals.by_hour).filter(|(_, plays)| *plays > 0);
    hours.map(|(hour, plays): (i64, u64)| vec![json!(hour), json!(plays)]).collect()
}

pub(super) fn plays_by_weekday(totals: &Totals) -> Rows {
    let names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    let days = names.iter().zip(totals.by_weekday()).enumerate().filter(|(_, (_, plays))| *plays > 0);
    days.map(|(day, (name, plays))| vec![json!(day), json!(name), json!(plays)]).collect()
}

pub(super) fn plays_by_week(totals: &Totals) -> Rows {
    weeks(totals)
        .filter(|(_, week)| week.plays > 0)
        .map(|(first, week)| {
            let (year, number) = iso_week(first);
            vec![json!(year), json!(number), json!(Date::of(first).to_string()), json!(week.plays)]
        })
        .collect()
}

pub(super) fn plays_by_day(totals: &Totals) -> Rows {
    days(totals)
        .filter(|(_, day)| day.plays > 0)
        .map(|(day, activity)| vec![json!(Date::of(day).to_string()), json!(activity.plays)])
        .collect()
}

pub(super) fn daily_active_users(totals: &Totals) -> Rows {
    active_users(days(totals))
}

pub(super) fn weekly_active_users(totals: &Totals) -> Rows {
    active_users(weeks(totals))
}

fn active_users<'a>(periods: impl Iterator<Item = (i64, &'a Activity)>) -> Rows {
    periods
        .filter(|(_, activity)| activity.active > 0)
        .map(|(day, activity)| {
            vec![
                json!(Date::of(day).to_string()),
                json!(activity.plays),
                json!(activity.listening),
                json!(activity.active),
            ]
        })
        .collect()
}

fn days(totals: &Totals) -> impl Iterator<Item = (i64, &Activity)> {
    (totals.first_day..).zip(&totals.days)
}

fn weeks(totals: &Totals) -> impl Iterator<Item = (i64, &Activity)> {
    (0..).zip(&totals.weeks).map(|(week, activity)| (monday(totals.first_day) + 7 * week, activity))
}

pub(super) fn plays_by_level(totals: &Totals, listeners: &Listeners) -> Rows {
    let counts =
        Level::ALL.map(|level| (level, listeners.by_level[level as usize], totals.by_level[level as usize]));
    let mut counts: Vec<_> = counts.into_iter().filter(|(.., plays)| *plays > 0).collect();
    counts.sort_by_key(|(level, _, plays)| (std::cmp::Reverse(*plays), level.name()));
    counts
        .into_iter()
        .map(|(level, users, plays)| vec![json!(level.name()), json!(users), json!(plays)])
        .collect()
}

pub(super) fn plays_by_gender(listeners: &Listeners) -> Rows {
    let mut counts: Vec<_> = listeners.by_gender.iter().collect();
    counts.sort_by_key(|(gender, (_, plays))| (std::cmp::Reverse(*plays), (*gender).clone()));
    counts
        .into_iter()
        .map(|(gender, (users, plays))| vec![json!(gender), json!(users), json!(plays)])
        .collect()
}

pub(super) fn plays_by_location(listeners: &Listeners) -> Rows {
    let plays = listeners.by_location.iter().map(|(place, (_, plays))| (place.as_str(), *plays)).collect();
    top(plays)
        .into_iter()
        .map(|(place, plays)| {
            let users = listeners.by_location.get(place).map(|(users, _)| users);
            vec![json!(place), json!(users), json!(plays)]
        })
        .collect()
}

pub(super) fn top_users(listeners: &Listeners) -> Rows {
    listeners
        .top
        .iter()
        .map(|(plays, id, [first, last, level])| {
            vec![json!(id), first.clone(), last.clone(), level.clone(), json!(plays)]
        })
        .collect()
}

pub(super) fn sessions(totals: &Totals) -> Rows {
    let sessions = &totals.sessions;
    let empty = sessions.count == 0;
    // Without a session the average and the most are NULL.
    let number = |number: Value| if empty { Value::Null } else { number };
    let plays = totals.plays;
    vec![vec![
        json!(sessions.count),
        json!(sessions.with_play),
        number(json!(rounded(totals.events, sessions.count))),
        number(json!(sessions.events_max)),
        number(json!(rounded(plays, sessions.count))),
        number(json!(sessions.plays_max)),
    ]]
}

/// A quotient as the queries round it: to six decimals, then to two.
fn rounded(sum: u64, count: u64) -> f64 {
    hundredths(sum as f64 / count.max(1) as f64)
}

fn hundredths(number: f64) -> f64 {
    let millionths = libm::round(number * 1e6) as u64;
    ((millionths + 5_000) / 10_000) as f64 / 100.0
}

pub(super) fn session_length(totals: &Totals) -> Rows {
    let classes = [
        "0 (one event)",
        "up to 5",
        "up to 15",
        "up to 30",
        "up to 60",
        "up to 120",
        "up to 240",
        "over 240",
    ];
    let counts = classes.iter().zip(totals.sessions.by_length).filter(|(_, count)| *count > 0);
    counts.map(|(class, count)| vec![json!(class), json!(count)]).collect()
}

pub(super) fn match_rate(totals: &Totals, matched: u64) -> Rows {
    let percent = (totals.plays > 0).then(|| hundredths(100.0 * matched as f64 / totals.plays as f64));
    vec![vec![json!(totals.plays), json!(matched), json!(percent)]]
}
