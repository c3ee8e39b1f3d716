//! Users whose every step is written down here, each a difficulty.

use super::songs::doubly_encoded;
use crate::{
    clock::DAY_MS,
    event::{Event, NO_TRACK, SCRIPTED},
    pages::{Auth, Level, Page, State},
    truth::Facts,
    world::World,
};
use Level::{Free, Paid};
use Page::{Downgrade, Home, Login, NextSong, Settings, SubmitDowngrade, SubmitUpgrade, Upgrade};

/// Ids from here on fit 64 bits, and not the 53 of a floating-point number.
const FIRST_ID: i64 = 9_007_199_254_740_993;

/// What the log says of a scripted user.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) gender: String,
    pub(crate) location: String,
    pub(crate) user_agent: String,
    pub(crate) registration: i64,
}

/// A scripted user with all events, in order.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) person: Person,
    pub(crate) events: Vec<Event>,
    /// How many of the events have been taken.
    pub(crate) taken: usize,
    pub(crate) facts: Facts,
}

/// A step: session, item, milliseconds since the script's start, page, login, level, track.
type Step = (u32, u32, i64, Page, Auth, Level, u32);

/// All scripts. What falls out of the time of the log is left out.
pub(crate) fn scripts(world: &World) -> Vec<Script> {
    let from = world.first_ms;
    let song = world.universe.traps.start;
    let (known, unknown) = (Auth::LoggedIn, Auth::LoggedOut);
    let person = |first: &str, last: &str| Person {
        id: 0,
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        gender: "F".to_owned(),
        location: "Sitka, AK".to_owned(),
        user_agent: "Script/1.0 (traps, of course)".to_owned(),
        registration: from - DAY_MS,
    };
    let midnight = (from.div_euclid(DAY_MS) + 1) * DAY_MS - from;
    let mut all: Vec<(Person, Vec<Step>)> = vec![
        // Free, paid, free within minutes.
        (
            person("Thereand", "Backagain"),
            vec![
                (0, 0, 60_000, Upgrade, known, Free, NO_TRACK),
                (0, 1, 61_000, SubmitUpgrade, known, Free, NO_TRACK),
                (0, 2, 62_000, Home, known, Paid, NO_TRACK),
                (0, 3, 63_000, NextSong, known, Paid, song),
                (0, 4, 190_000, Downgrade, known, Paid, NO_TRACK),
                (0, 5, 191_000, SubmitDowngrade, known, Paid, NO_TRACK),
                (0, 6, 192_000, Home, known, Free, NO_TRACK),
                (0, 7, 193_000, NextSong, known, Free, song + 1),
            ],
        ),
        // The newest event is told by the session, then by the item: all have the same time.
        (
            person("Equal", "Times"),
            vec![
                (0, 0, 100_000, Home, known, Free, NO_TRACK),
                (0, 1, 700_000, NextSong, known, Free, song),
                (0, 2, 700_000, Home, known, Free, NO_TRACK),
                (1, 0, 700_000, Home, known, Free, NO_TRACK),
                (1, 1, 700_000, NextSong, known, Paid, song + 1),
            ],
        ),
        // A play of nobody is no play.
        (
            person("Logged", "Out"),
            vec![
                (0, 0, 5_000, Home, unknown, Free, NO_TRACK),
                (0, 1, 6_000, NextSong, unknown, Free, song),
                (0, 2, 7_000, Login, unknown, Free, NO_TRACK),
                (0, 3, 8_000, Home, known, Free, NO_TRACK),
                (0, 4, 9_000, NextSong, known, Free, song + 1),
            ],
        ),
        (
            Person {
                location: "Zürich 𝄞 \"😀\", \\CH/".to_owned(),
                user_agent: "\"Odd\\Agent/1.0 (\u{18}\t; 'x') <b>\u{1f600}</b>\"".to_owned(),
                ..person("Anne \"Bo\" \\ Lee", &doubly_encoded("Brændström"))
            },
            vec![
                (0, 0, 10_000, NextSong, known, Paid, song + 2),
                (0, 1, 20_000, NextSong, known, Paid, song + 3),
            ],
        ),
        (
            Person {
                gender: String::new(),
                location: " \t ".to_owned(),
                user_agent: String::new(),
                ..person("", "  ")
            },
            vec![
                (0, 0, 15_000, Home, known, Free, NO_TRACK),
                (0, 1, 16_000, NextSong, known, Free, song + 4),
            ],
        ),
        (
            person("Never", "Plays"),
            vec![
                (0, 0, 30_000, Home, known, Paid, NO_TRACK),
                (0, 1, 31_000, Settings, known, Paid, NO_TRACK),
            ],
        ),
        // The highest item there can be.
        (
            person("Many", "Items"),
            vec![
                (0, 0, 40_000, NextSong, known, Free, song),
                (0, 1_048_575, 50_000, NextSong, known, Free, song + 1),
            ],
        ),
        // Two users play at the same milliseconds around midnight, in a session over two days.
        (person("Mid", "Night"), around(midnight, song)),
        (person("Noc", "Turnal"), around(midnight, song + 5)),
    ];
    // Every trap is played.
    let tracks = world.universe.traps.clone();
    let plays = (0..).zip(tracks).map(|(item, track)| {
        (item / 10, item % 10, i64::from(item) * 20_000 + 120_123, NextSong, known, Paid, track)
    });
    all.push((person("Hears", "Everything"), plays.collect()));
    (0..).zip(all).map(|(number, (person, steps))| script(world, number, person, &steps)).collect()
}

fn around(midnight: i64, song: u32) -> Vec<Step> {
    (0..)
        .zip([-1, 0, 1])
        .map(|(item, after)| (0, item, midnight + after, NextSong, Auth::LoggedIn, Free, song + item))
        .collect()
}

fn script(world: &World, number: u32, person: Person, steps: &[Step]) -> Script {
    let written = world.first_ms..world.settings.to.milliseconds();
    let mut events: Vec<Event> = steps
        .iter()
        .map(|&(ordinal, item, after, page, auth, level, track)| Event {
            at: world.first_ms + after,
            session: 0,
            user: SCRIPTED + number,
            ordinal,
            item,
            track,
            state: State { page, auth, level },
            is_first: false,
            is_late: false,
        })
        .filter(|event| written.contains(&event.at))
        .collect();
    events.sort_unstable_by_key(Event::key);
    for index in 0..events.len() {
        events[index].is_first = index == 0 || events[index - 1].ordinal != events[index].ordinal;
    }
    let person = Person { id: FIRST_ID + i64::from(number), ..person };
    Script { person, events, taken: 0, facts: Facts::default() }
}

impl Script {
    /// The events before a time, in milliseconds, that were not taken yet.
    pub(crate) fn take_before(&mut self, until: i64) -> std::ops::Range<usize> {
        let count = self.events[self.taken..].iter().take_while(|event| event.at < until).count();
        let range = self.taken..self.taken + count;
        self.taken = range.end;
        range
    }
}
