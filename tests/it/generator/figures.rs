//! The figures of a log: how often which page comes after which, when, and for how long.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Counts by a name or number.
pub(super) type Counts = BTreeMap<String, u64>;

/// What is counted in a log.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// Rows by page.
    pub(super) pages: Counts,
    /// By login, level and page: how often which page came next in the session; `END` at its end.
    pub(super) transitions: BTreeMap<String, Counts>,
    /// By login and level: the pages that sessions begin with; of those of which the log has the beginning.
    pub(super) first_pages: BTreeMap<String, Counts>,
    /// Rows by hour of the day.
    pub(super) hours: Counts,
    /// Session starts by weekday, from Sunday.
    pub(super) weekdays: Counts,
    /// Sessions by their number of events.
    pub(super) session_lengths: Counts,
    /// By user: seconds from an event to the next one of the session, where neither a song nor a redirect
    /// decides.
    pub(super) waits: BTreeMap<String, Vec<i64>>,
    /// Seconds from a song to the next one, where nothing comes between.
    pub(super) songs: Counts,
    /// Seconds from any event to a redirect that follows it.
    pub(super) redirects: Counts,
    /// Seconds from the end of a song, whole seconds of it, to the next one, where it still played at the event before.
    pub(super) song_ends: Counts,
    /// Minutes from the end of a session to the next one of the user.
    pub(super) session_gaps: Counts,
}

/// An event, as far as it is of interest.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) ts: i64,
    session: u64,
    item: u64,
    user: String,
    place: String,
    page: String,
    length: Option<f64>,
    status: u64,
}

impl Row {
    pub(super) fn read(line: &str) -> Self {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        Self {
            ts: row["ts"].as_i64().unwrap(),
            session: row["sessionId"].as_u64().unwrap(),
            item: row["itemInSession"].as_u64().unwrap(),
            user: text("userId"),
            place: format!("{}/{}/{}", text("auth"), text("level"), text("page")),
            page: text("page"),
            length: row["length"].as_f64(),
            status: row["status"].as_u64().unwrap(),
        }
    }
}

impl Figures {
    pub(super) fn of(mut rows: Vec<Row>) -> Self {
        fn count(counts: &mut Counts, key: impl ToString) {
            *counts.entry(key.to_string()).or_default() += 1;
        }
        let mut figures = Self::default();
        rows.sort_by_key(|row| (row.session, row.item));
        let mut ends: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        for session in rows.chunk_by(|one, next| one.session == next.session) {
            count(&mut figures.session_lengths, session.len());
            let (first, last) = (session[0].ts, session[session.len() - 1].ts);
            count(&mut figures.weekdays, (first.div_euclid(86_400_000) + 4) % 7);
            let known = session.iter().find(|row| !row.user.is_empty()).map(|row| row.user.clone());
            if let Some(user) = &known {
                ends.entry(user.clone()).or_default().push((first, last));
            }
            let user = known.unwrap_or_else(|| format!("session {}", session[0].session));
            if session[0].item == 0 {
                let begins = session[0].place.rsplit_once('/').map_or("", |(begins, _)| begins);
                count(figures.first_pages.entry(begins.to_owned()).or_default(), &session[0].page);
            }
            let mut song_ends = i64::MIN;
            for (index, row) in session.iter().enumerate() {
                count(&mut figures.pages, &row.page);
                count(&mut figures.hours, row.ts.rem_euclid(86_400_000) / 3_600_000);
                if let Some(length) = row.length {
                    song_ends = row.ts + length as i64 * 1000;
                }
                let next = session.get(index + 1);
                let after = figures.transitions.entry(row.place.clone()).or_default();
                count(after, next.map_or("END", |next| &next.page));
                let Some(next) = next else { continue };
                let seconds = (next.ts - row.ts) / 1000;
                if (300..399).contains(&next.status) {
                    count(&mut figures.redirects, seconds);
                }
                if next.page == "NextSong" && song_ends > row.ts {
                    count(&mut figures.song_ends, (next.ts - song_ends) / 1000);
                }
                if row.page == "NextSong" && next.page == "NextSong" {
                    count(&mut figures.songs, seconds);
                } else if !(300..399).contains(&next.status)
                    && (next.page != "NextSong" || song_ends <= row.ts)
                {
                    figures.waits.entry(user.clone()).or_default().push(seconds);
                }
            }
        }
        for sessions in ends.values_mut() {
            sessions.sort_unstable();
            for pair in sessions.windows(2) {
                count(&mut figures.session_gaps, (pair[1].0 - pair[0].1) / 60_000);
            }
        }
        figures
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "pages": self.pages, "transitions": self.transitions, "first_pages": self.first_pages,
            "redirects": self.redirects, "song_ends": self.song_ends, "hours": self.hours, "weekdays": self.weekdays,
            "session_lengths": self.session_lengths, "waits": self.waits, "songs": self.songs,
            "session_gaps": self.session_gaps,
        })
    }

    pub(super) fn from_json(value: &Value) -> Self {
        let counts = |value: &Value| -> Counts { serde_json::from_value(value.clone()).unwrap() };
        let by_place = |value: &Value| -> BTreeMap<String, Counts> {
            value.as_object().unwrap().iter().map(|(place, found)| (place.clone(), counts(found))).collect()
        };
        Self {
            pages: counts(&value["pages"]),
            transitions: by_place(&value["transitions"]),
            first_pages: by_place(&value["first_pages"]),
            redirects: counts(&value["redirects"]),
            song_ends: counts(&value["song_ends"]),
            hours: counts(&value["hours"]),
            weekdays: counts(&value["weekdays"]),
            session_lengths: counts(&value["session_lengths"]),
            waits: serde_json::from_value(value["waits"].clone()).unwrap(),
            songs: counts(&value["songs"]),
            session_gaps: counts(&value["session_gaps"]),
        }
    }
}

/// Half the sum of the differences of the shares: the least part of one that must be moved to get the other.
pub(super) fn total_variation(one: &Counts, other: &Counts) -> f64 {
    let share = |counts: &Counts, key: &String| {
        *counts.get(key).unwrap_or(&0) as f64 / counts.values().sum::<u64>().max(1) as f64
    };
    let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    keys.into_iter().map(|key| (share(one, key) - share(other, key)).abs()).sum::<f64>() / 2.0
}

/// Values with weights.
pub(super) type Weighted = Vec<(f64, f64)>;

/// The keys of counts, which are numbers, weighted by their counts.
pub(super) fn weighted(counts: &Counts) -> Weighted {
    counts.iter().map(|(key, count)| (key.parse().unwrap(), *count as f64)).collect()
}

/// The largest difference of the two distribution functions, after Kolmogorov and Smirnov.
pub(super) fn kolmogorov_smirnov(one: Weighted, other: Weighted) -> f64 {
    let total = |values: &Weighted| values.iter().map(|(_, weight)| weight).sum::<f64>();
    let (all_of_one, all_of_other) = (total(&one), total(&other));
    let mut steps: Vec<(f64, f64)> =
        one.into_iter().map(|(value, weight)| (value, weight / all_of_one)).collect();
    steps.extend(other.into_iter().map(|(value, weight)| (value, -weight / all_of_other)));
    steps.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut difference, mut largest) = (0.0, 0.0_f64);
    for equal in steps.chunk_by(|one, next| one.0 == next.0) {
        difference += equal.iter().map(|(_, step)| step).sum::<f64>();
        largest = largest.max(difference.abs());
    }
    largest
}
