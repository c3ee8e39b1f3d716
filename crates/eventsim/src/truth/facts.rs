//! What is counted while users are simulated.

use super::{Checksum, Row};
use crate::{
    clock::{DAY_MS, monday, weekday},
    event::Event,
    pages::Level,
};

/// The longest sessions of each class of session_length, in milliseconds.
const SESSION_CLASSES: [i64; 6] = [300_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000];

/// No day yet.
const NEVER: i32 = i32::MIN;

/// What is known of one user so far. There is one for each user all the time, so it is small.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) plays: u32,
    /// Of the newest event that names the user.
    pub(crate) level: Option<Level>,
    /// Whether an event that is not late names the user.
    pub(crate) is_early: bool,
    /// Whether anything was played at the level: free, paid.
    pub(crate) played: [bool; 2],
    last_active: i32,
    last_played: i32,
    session: Session,
}

#[derive(Debug, Clone, Copy, Default)]
struct Session {
    events: u32,
    plays: u32,
    first: i64,
    last: i64,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            plays: 0,
            level: None,
            is_early: false,
            played: [false; 2],
            last_active: NEVER,
            last_played: NEVER,
            session: Session::default(),
        }
    }
}

impl Facts {
    /// Notes the user's next event; returns the level before it, if that was another one.
    #[inline]
    pub(crate) fn note(&mut self, event: &Event, tally: &mut Tally) -> Option<Level> {
        if event.is_first {
            self.end_session(tally);
            self.session.first = event.at;
        }
        tally.events += 1;
        let is_play = event.is_play();
        self.session.events += 1;
        self.session.plays += u32::from(is_play);
        self.session.last = event.at;
        if !event.state.auth.is_known() {
            return None;
        }
        let day = (event.at.div_euclid(DAY_MS)) as i32;
        if self.last_active != day {
            tally.active += 1;
            tally.active_week += u64::from(!same_week(self.last_active, day));
            self.last_active = day;
        }
        if is_play {
            if self.last_played != day {
                tally.listening += 1;
                tally.listening_week += u64::from(!same_week(self.last_played, day));
                self.last_played = day;
            }
            self.plays += 1;
            self.played[event.state.level as usize] = true;
            tally.plays += 1;
            tally.by_level[event.state.level as usize] += 1;
            tally.by_hour[(event.at.rem_euclid(DAY_MS) / 3_600_000) as usize] += 1;
        }
        self.is_early |= !event.is_late;
        let before = self.level.replace(event.state.level);
        before.filter(|before| *before != event.state.level)
    }

    /// Notes that the present session, if there is one, has ended.
    pub(crate) fn end_session(&mut self, tally: &mut Tally) {
        let session = std::mem::take(&mut self.session);
        if session.events == 0 {
            return;
        }
        let length = session.last - session.first;
        let class = if session.events == 1 {
            0
        } else {
            1 + SESSION_CLASSES.iter().take_while(|longest| length > **longest).count()
        };
        tally.sessions.count += 1;
        tally.sessions.with_play += u64::from(session.plays > 0);
        tally.sessions.events_max = tally.sessions.events_max.max(u64::from(session.events));
        tally.sessions.plays_max = tally.sessions.plays_max.max(u64::from(session.plays));
        tally.sessions.by_length[class] += 1;
    }
}

fn same_week(one: i32, other: i32) -> bool {
    one != NEVER && monday(i64::from(one)) == monday(i64::from(other))
}

/// Counts of sessions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sessions {
    pub(crate) count: u64,
    pub(crate) with_play: u64,
    pub(crate) events_max: u64,
    pub(crate) plays_max: u64,
    pub(crate) by_length: [u64; 8],
}

impl Sessions {
    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.with_play += other.with_play;
        self.events_max = self.events_max.max(other.events_max);
        self.plays_max = self.plays_max.max(other.plays_max);
        for (sum, more) in self.by_length.iter_mut().zip(other.by_length) {
            *sum += more;
        }
    }
}

/// What is counted within one day, or a part of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) events: u64,
    pub(crate) plays: u64,
    by_hour: [u64; 24],
    by_level: [u64; 2],
    active: u64,
    listening: u64,
    active_week: u64,
    listening_week: u64,
    sessions: Sessions,
    pub(crate) level_changes: Checksum,
}

impl Tally {
    /// Adds another one, of the same day.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.plays += other.plays;
        for (sum, more) in self.by_hour.iter_mut().zip(other.by_hour) {
            *sum += more;
        }
        for (sum, more) in self.by_level.iter_mut().zip(other.by_level) {
            *sum += more;
        }
        self.active += other.active;
        self.listening += other.listening;
        self.active_week += other.active_week;
        self.listening_week += other.listening_week;
        self.sessions.merge(&other.sessions);
        self.level_changes.merge(other.level_changes);
    }
}

/// A day, or a week.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Activity {
    pub(crate) plays: u64,
    pub(crate) listening: u64,
    pub(crate) active: u64,
}

/// The counts of all days.
#[derive(Debug)]
pub(crate) struct Totals {
    pub(crate) events: u64,
    pub(crate) plays: u64,
    pub(crate) by_hour: [u64; 24],
    pub(crate) by_level: [u64; 2],
    pub(crate) sessions: Sessions,
    pub(crate) level_changes: Checksum,
    /// The first day, counted from 1970-01-01.
    pub(crate) first_day: i64,
    pub(crate) days: Vec<Activity>,
    pub(crate) weeks: Vec<Activity>,
}

impl Totals {
    pub(crate) fn new(first_day: i64, last_day: i64) -> Self {
        let weeks = (monday(last_day) - monday(first_day)) / 7 + 1;
        Self {
            events: 0,
            plays: 0,
            by_hour: [0; 24],
            by_level: [0; 2],
            sessions: Sessions::default(),
            level_changes: Checksum::default(),
            first_day,
            days: vec![Activity::default(); (last_day - first_day + 1) as usize],
            weeks: vec![Activity::default(); weeks as usize],
        }
    }

    /// Adds what was counted within a day.
    pub(crate) fn add(&mut self, day: i64, tally: &Tally) {
        self.events += tally.events;
        self.plays += tally.plays;
        for (sum, more) in self.by_hour.iter_mut().zip(tally.by_hour) {
            *sum += more;
        }
        for (sum, more) in self.by_level.iter_mut().zip(tally.by_level) {
            *sum += more;
        }
        self.sessions.merge(&tally.sessions);
        self.level_changes.merge(tally.level_changes);
        let week = (monday(day) - monday(self.first_day)) / 7;
        for (of, listening, active) in [
            (&mut self.days[(day - self.first_day) as usize], tally.listening, tally.active),
            (&mut self.weeks[week as usize], tally.listening_week, tally.active_week),
        ] {
            of.plays += tally.plays;
            of.listening += listening;
            of.active += active;
        }
    }

    /// Plays by weekday, from Sunday.
    pub(crate) fn by_weekday(&self) -> [u64; 7] {
        let mut plays = [0; 7];
        for (day, activity) in (self.first_day..).zip(&self.days) {
            plays[weekday(day) as usize] += activity.plays;
        }
        plays
    }
}

/// The row of level_changes.
pub(crate) fn level_change<'a>(
    row: &'a mut Row,
    id: i64,
    names: [Option<&str>; 2],
    from: Level,
    event: &Event,
) -> &'a Row {
    row.begin()
        .integer(id)
        .text(names[0])
        .text(names[1])
        .text(Some(from.name()))
        .text(Some(event.state.level.name()))
        .integer(event.at)
}
