//! How events are laid out in files: in order, each once, on time – or with traps, not.

use super::corrupt::{contradict, spoil};
use crate::{
    clock::{DAY_MS, Date, iso_week, weekday},
    event::Event,
    random::mix,
    row::Context,
    truth::{Checksum, Row},
};

/// Of so many events one comes twice in its file, and one comes again in another file, spelled differently.
const REPEATED: u64 = 250;
/// Of so many blocks of a file one is backwards.
const BACKWARDS: u64 = 5;

/// The files of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    /// The day's events.
    Main,
    /// Some of them again.
    Again,
    /// Those that come late.
    Late,
}

impl Files {
    pub(crate) const ALL: [Self; 3] = [Self::Main, Self::Again, Self::Late];

    /// The path of the day's file without what a compression adds.
    pub(crate) fn path(self, day: i64) -> String {
        let date = Date::of(day);
        let suffix = match self {
            Self::Main => "",
            Self::Again => "-again",
            Self::Late => "-late",
        };
        format!("log_data/{:04}/{:02}/{date}-events{suffix}.json", date.year, date.month)
    }
}

/// Rows for one file. Each is preceded by a newline, of which the first one is left out where a file begins.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: u64,
}

impl Part {
    fn row(&mut self) -> &mut Vec<u8> {
        self.rows += 1;
        self.bytes.push(b'\n');
        &mut self.bytes
    }
}

/// Some events of a day in their written form, with what is true of them.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// For [`Files::ALL`].
    pub(crate) parts: [Part; 3],
    pub(crate) songplays: Checksum,
    /// The same if lengths have no meaning for the song.
    pub(crate) songplays_by_name: Checksum,
    pub(crate) time: Checksum,
    pub(crate) duplicates: u64,
    /// The rows of the main part that cannot be loaded, counted from 0, with the classes of the reasons.
    pub(crate) rejects: Vec<(u64, &'static str)>,
}

/// Writes blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) context: Context<'a>,
    /// One in so many events is followed by a bad record; 0 is none.
    pub(crate) corrupt_one_in: u64,
}

impl Writer<'_> {
    /// Writes the events of a range of those that are given, which are in order. The bytes go into the
    /// buffer that is given, which is empty.
    pub(crate) fn block(&self, events: &[Event], range: std::ops::Range<usize>, buffer: Vec<u8>) -> Block {
        let mut block = Block::default();
        block.parts[0].bytes = buffer;
        self.facts(&mut block, events, range.clone());
        let events = &events[range];
        if !self.context.world.settings.traps && self.corrupt_one_in == 0 {
            for event in events {
                self.context.push(block.parts[0].row(), event);
            }
            return block;
        }
        let traps = self.context.world.settings.traps;
        let backwards =
            traps && events.first().is_some_and(|event| self.hash(event, 1).is_multiple_of(BACKWARDS));
        let write = |block: &mut Block, event: &Event| {
            let part = if event.is_late { Files::Late } else { Files::Main };
            self.context.push(block.parts[part as usize].row(), event);
        };
        if backwards {
            events.iter().rev().for_each(|event| write(&mut block, event));
        } else {
            events.iter().for_each(|event| write(&mut block, event));
        }
        for event in events {
            if traps {
                self.repeat(&mut block, event);
            }
            if self.corrupt_one_in > 0 && !event.is_late {
                self.corrupt(&mut block, event);
            }
        }
        block
    }

    /// What is true of the events, however they are delivered.
    fn facts(&self, block: &mut Block, events: &[Event], range: std::ops::Range<usize>) {
        let mut row = Row::default();
        // A start time of the block before was counted there.
        let before = events[..range.start].iter().rev();
        let first = events[range.clone()].first().map_or(0, |event| event.at);
        let mut last =
            before.take_while(|event| event.at == first).find(|event| event.is_play()).map(|event| event.at);
        for event in events[range].iter().filter(|event| event.is_play()) {
            let songplay = self.context.songplay(&mut row, event);
            block.songplays.add(songplay);
            match self.context.world.universe.other_song(event.track) {
                None => block.songplays_by_name.add(songplay),
                Some(song) => block.songplays_by_name.add(self.context.songplay_of(&mut row, event, song)),
            }
            if last != Some(event.at) {
                block.time.add(time(&mut row, event.at));
                last = Some(event.at);
            }
        }
    }

    /// A number that depends on the event and a salt alone.
    fn hash(&self, event: &Event, salt: u64) -> u64 {
        let user = u64::from(event.user) << 32 | u64::from(event.ordinal);
        mix(mix(self.context.world.settings.seed ^ salt) ^ mix(user) ^ u64::from(event.item))
    }

    fn repeat(&self, block: &mut Block, event: &Event) {
        match self.hash(event, 2) % REPEATED {
            0 => {
                let part = if event.is_late { Files::Late } else { Files::Main };
                self.context.push(block.parts[part as usize].row(), event);
                block.duplicates += 1;
            }
            1 if !event.is_late => {
                self.context.push_otherwise(block.parts[Files::Again as usize].row(), event);
                block.duplicates += 1;
            }
            _ => {}
        }
    }

    fn corrupt(&self, block: &mut Block, event: &Event) {
        let hash = self.hash(event, 3);
        if !hash.is_multiple_of(self.corrupt_one_in) {
            return;
        }
        let choice = hash / self.corrupt_one_in;
        let mut good = Vec::new();
        self.context.push(&mut good, event);
        let (bad, reason) = if choice.is_multiple_of(12) {
            (contradict(&good), "key_conflict")
        } else {
            spoil(&good, choice / 12)
        };
        let part = &mut block.parts[Files::Main as usize];
        block.rejects.push((part.rows, reason));
        part.row().extend_from_slice(&bad);
        if reason == "truncated" {
            // What breaks off goes on to the next object, which the next bad record may not be.
            part.row().extend_from_slice(&good);
            block.duplicates += 1;
        }
    }
}

/// The row of time.
fn time(row: &mut Row, at: i64) -> &Row {
    let day = at.div_euclid(DAY_MS);
    let date = Date::of(day);
    row.begin()
        .integer(at)
        .integer(at)
        .integer(at.rem_euclid(DAY_MS) / 3_600_000)
        .integer(date.day)
        .integer(iso_week(day).1)
        .integer(date.month)
        .integer(date.year)
        .integer(weekday(day))
}
