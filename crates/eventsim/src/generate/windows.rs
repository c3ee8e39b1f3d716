//! The time of the log, window by window.

use rayon::prelude::*;

use super::days::Day;
use crate::{
    Error, Progress, Sink,
    catalogue::SongRecord,
    clock::{DAY, DAY_MS},
    event::{Event, SCRIPTED},
    row::Context,
    traps::{Reject, Script, Writer, scripts},
    truth::{Checksum, Facts, Row, StarSongs, Tally, Totals, level_change, value},
    user::User,
    world::{Arrivals, USERS_PER_TASK, World, seconds_before},
};

/// The lengths that a window may have, in seconds; each divides a day.
const WINDOWS: [i64; 10] = [DAY, 43_200, 21_600, 10_800, 3_600, 1_800, 900, 300, 60, 10];
/// Events of a window, about, unless there are more users.
const EVENTS_PER_WINDOW: u64 = 120_000;
/// Events of one block of text, which is compressed on its own.
const EVENTS_PER_BLOCK: usize = 4_096;
/// Blocks that are held in memory at a time.
const BLOCKS_AT_ONCE: usize = 32;
/// What a user does in a day, about; in long periods more and more users pay, and hear more.
const EVENTS_PER_USER_AND_DAY: f64 = 3.5;
/// Bad records in the whole log, about, and events for each at least.
const BAD_RECORDS: u64 = 500;
const EVENTS_PER_BAD_RECORD: u64 = 200;

/// A log in the making.
#[derive(Debug)]
pub(super) struct Simulation<'a> {
    world: &'a World,
    records: &'a [SongRecord],
    songs: &'a StarSongs,
    sink: &'a dyn Sink,
    progress: &'a Progress,
    users: Vec<User>,
    facts: Vec<Facts>,
    arrivals: Arrivals,
    scripts: Vec<Script>,
    /// The number of each user's present session.
    sessions: Vec<u64>,
    scripted_sessions: Vec<u64>,
    last_session: u64,
    corrupt_one_in: u64,
    window: i64,
    log: Log,
    buffers: Vec<Vec<u8>>,
}

/// What is known at the end.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) users: Vec<User>,
    pub(super) facts: Vec<Facts>,
    pub(super) scripts: Vec<Script>,
    pub(super) totals: Totals,
    pub(super) songplays: Checksum,
    pub(super) songplays_by_name: Checksum,
    pub(super) time: Checksum,
    pub(super) duplicates: u64,
    pub(super) rejects: Vec<Reject>,
    pub(super) files: Vec<String>,
    pub(super) late_files: Vec<String>,
}

impl<'a> Simulation<'a> {
    pub(super) fn new(
        world: &'a World,
        records: &'a [SongRecord],
        songs: &'a StarSongs,
        users: u32,
        sink: &'a dyn Sink,
        progress: &'a Progress,
    ) -> Self {
        let settings = &world.settings;
        let days = (settings.to.milliseconds() - settings.from.milliseconds()) as f64 / DAY_MS as f64;
        let rhythm = 7.0 / settings.rhythm.days_between_sessions;
        let a_day = f64::from(users) * EVENTS_PER_USER_AND_DAY * rhythm;
        let most = EVENTS_PER_WINDOW.max(u64::from(users)) as f64;
        let window =
            WINDOWS.into_iter().find(|window| a_day * *window as f64 / DAY as f64 <= most).unwrap_or(10);
        let corrupt_one_in = ((a_day * days) as u64 / BAD_RECORDS).max(EVENTS_PER_BAD_RECORD);
        let first_day = settings.from.milliseconds().div_euclid(DAY_MS);
        let last_day = (settings.to.milliseconds() - 1).div_euclid(DAY_MS);
        let scripts = if settings.traps { scripts(world) } else { Vec::new() };
        Self {
            world,
            records,
            songs,
            sink,
            progress,
            users: world.initial(users),
            facts: vec![Facts::default(); users as usize],
            arrivals: Arrivals::new(world, users),
            sessions: vec![0; users as usize],
            scripted_sessions: vec![0; scripts.len()],
            scripts,
            last_session: 0,
            corrupt_one_in: if settings.corrupt { corrupt_one_in } else { 0 },
            window,
            log: Log {
                users: Vec::new(),
                facts: Vec::new(),
                scripts: Vec::new(),
                totals: Totals::new(first_day, last_day),
                songplays: Checksum::default(),
                songplays_by_name: Checksum::default(),
                time: Checksum::default(),
                duplicates: 0,
                rejects: Vec::new(),
                files: Vec::new(),
                late_files: Vec::new(),
            },
            buffers: Vec::new(),
        }
    }

    /// Goes through all days.
    pub(super) fn run(&mut self) -> Result<(), Error> {
        let (from, to) = (self.world.first_ms, self.world.settings.to.milliseconds());
        for day in from.div_euclid(DAY_MS)..=(to - 1).div_euclid(DAY_MS) {
            let mut files = Day::new(day, self.world.settings.compression);
            let midnight = day * DAY_MS;
            let mut begin = midnight;
            while begin < midnight + DAY_MS {
                let end = begin + self.window * 1000;
                if end > from && begin < to {
                    self.progress.check()?;
                    let events = self.simulate(end.min(to), day);
                    self.write(&mut files, &events)?;
                    let done = (end.min(to) - from) * 1000 / (to - from);
                    self.progress.set_permille(done.clamp(0, 1000) as u64);
                }
                begin = end;
            }
            files.finish(&mut self.log)?;
        }
        Ok(())
    }

    /// The end of all sessions.
    pub(super) fn finish(mut self) -> Log {
        let mut tally = Tally::default();
        for facts in self.facts.iter_mut().chain(self.scripts.iter_mut().map(|script| &mut script.facts)) {
            facts.end_session(&mut tally);
        }
        let day = self.log.totals.first_day;
        self.log.totals.add(day, &tally);
        Log { users: self.users, facts: self.facts, scripts: self.scripts, ..self.log }
    }

    /// All events before a time, in milliseconds, in order and with the numbers of their sessions.
    fn simulate(&mut self, until: i64, day: i64) -> Vec<Event> {
        let second = seconds_before(until);
        while let Some(user) = self.arrivals.before(self.world, second) {
            self.users.push(user);
            self.facts.push(Facts::default());
            self.sessions.push(0);
        }
        let world = self.world;
        let tasks = self.users.par_chunks_mut(USERS_PER_TASK).zip(self.facts.par_chunks_mut(USERS_PER_TASK));
        let parts: Vec<(Vec<Event>, Tally, Vec<Change>)> = tasks
            .map(|(users, facts)| {
                let (mut events, mut tally, mut changes) = (Vec::new(), Tally::default(), Vec::new());
                for (user, facts) in users.iter_mut().zip(facts) {
                    user.advance(world, second, |event| {
                        if let Some(from) = facts.note(&event, &mut tally) {
                            changes.push(Change { event, from });
                        }
                        if event.is_play() {
                            world.universe.count_play(event.track);
                        }
                        events.push(event);
                    });
                }
                (events, tally, changes)
            })
            .collect();
        let mut events: Vec<Event> = Vec::with_capacity(parts.iter().map(|(events, ..)| events.len()).sum());
        let (mut tally, mut changes) = (Tally::default(), Vec::new());
        for (part, counted, changed) in parts {
            events.extend(part);
            tally.merge(&counted);
            changes.extend(changed);
        }
        for script in &mut self.scripts {
            let taken = script.take_before(until);
            for event in &script.events[taken] {
                if let Some(from) = script.facts.note(event, &mut tally) {
                    changes.push(Change { event: *event, from });
                }
                if event.is_play() {
                    world.universe.count_play(event.track);
                }
                events.push(*event);
            }
        }
        let (mut row, context) = (Row::default(), self.context());
        for change in changes {
            let who = context.details(change.event.user);
            let names = [value(who.first_name), value(who.last_name)];
            tally.level_changes.add(level_change(&mut row, who.id, names, change.from, &change.event));
        }
        self.log.totals.add(day, &tally);
        events.par_sort_unstable_by_key(Event::key);
        self.number(&mut events);
        events
    }

    /// Sessions are numbered from 1 in the order in which they begin.
    fn number(&mut self, events: &mut [Event]) {
        for event in events {
            let session = match event.user.checked_sub(SCRIPTED) {
                Some(script) => &mut self.scripted_sessions[script as usize],
                None => &mut self.sessions[event.user as usize],
            };
            if event.is_first {
                self.last_session += 1;
                *session = self.last_session;
            }
            event.session = *session;
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            world: self.world,
            users: &self.users,
            scripts: &self.scripts,
            songs: self.songs,
            records: self.records,
        }
    }

    /// Writes the events of a window.
    fn write(&mut self, files: &mut Day, events: &[Event]) -> Result<(), Error> {
        let step = EVENTS_PER_BLOCK * BLOCKS_AT_ONCE;
        for first in (0..events.len()).step_by(step) {
            let last = (first + step).min(events.len());
            let starts: Vec<usize> = (first..last).step_by(EVENTS_PER_BLOCK).collect();
            let mut buffers = std::mem::take(&mut self.buffers);
            buffers.resize_with(starts.len().max(buffers.len()), Vec::new);
            let spare = buffers.split_off(starts.len());
            let writer = Writer { context: self.context(), corrupt_one_in: self.corrupt_one_in };
            let blocks: Vec<_> = starts
                .into_par_iter()
                .zip(buffers)
                .map(|(start, buffer)| {
                    writer.block(events, start..(start + EVENTS_PER_BLOCK).min(last), buffer)
                })
                .collect();
            for block in &blocks {
                self.log.songplays.merge(block.songplays);
                self.log.songplays_by_name.merge(block.songplays_by_name);
                self.log.time.merge(block.time);
                self.log.duplicates += block.duplicates;
            }
            self.buffers = files.write(blocks, self.sink, &mut self.log)?;
            self.buffers.extend(spare);
            self.progress.add_events((last - first) as u64);
            self.progress.check()?;
        }
        Ok(())
    }
}

/// A user's event at another level than the one before.
#[derive(Debug, Clone, Copy)]
struct Change {
    event: Event,
    from: crate::pages::Level,
}
