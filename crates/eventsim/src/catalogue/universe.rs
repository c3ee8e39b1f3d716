//! Everything that can be played: the songs of the catalogue as the log names them, and the songs that are
//! not in it.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering},
};

use rayon::prelude::*;

use super::{
    Catalogue, SongRecord,
    alias::Alias,
    names::Names,
    records::{duration, popularity},
};
use crate::{
    json::{Slash, is_plain, push_string},
    random::Random,
    traps,
    truth::StarSongs,
};

/// The stream of a song that is not in the catalogue is this plus its number.
const OTHERS: u64 = 3 << 40;
/// The chance in a thousand that such a song is by an artist of the catalogue.
const KNOWN_ARTIST: u64 = 630;

/// No song of the catalogue.
pub(crate) const NO_SONG: u32 = u32::MAX;

/// A song as the log names it, not yet stored.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) artist: String,
    pub(crate) title: String,
    pub(crate) duration: i64,
    pub(crate) weight: f64,
}

/// What the log says of a song: a part of the texts, and numbers.
#[derive(Debug, Clone, Copy)]
struct Track {
    start: u32,
    artist: TextLength,
    title: TextLength,
    /// In hundred-thousandths of a second.
    duration: u32,
    song: u32,
}

/// The length of a text in bytes; the highest bit says that it is written without escapes.
#[derive(Debug, Clone, Copy)]
struct TextLength(u16);

impl TextLength {
    const PLAIN: u16 = 1 << 15;

    fn of(text: &str) -> Self {
        Self(text.len() as u16 | if is_plain(text, Slash::Escaped) { Self::PLAIN } else { 0 })
    }

    const fn bytes(self) -> usize {
        (self.0 & !Self::PLAIN) as usize
    }

    const fn is_plain(self) -> bool {
        self.0 & Self::PLAIN != 0
    }
}

/// A view of a track.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrackView<'a> {
    pub(crate) artist: LogText<'a>,
    pub(crate) title: LogText<'a>,
    /// In hundred-thousandths of a second.
    pub(crate) duration: i64,
}

/// A text of the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogText<'a> {
    bytes: &'a [u8],
    is_plain: bool,
}

impl<'a> LogText<'a> {
    /// The text.
    pub(crate) fn as_str(self) -> &'a str {
        // It was text when it was stored.
        std::str::from_utf8(self.bytes).unwrap_or_default()
    }

    /// Appends it as a JSON string.
    #[inline]
    pub(crate) fn push(self, out: &mut Vec<u8>) {
        if self.is_plain {
            out.push(b'"');
            out.extend_from_slice(self.bytes);
            out.push(b'"');
        } else {
            push_string(out, self.as_str(), Slash::Escaped);
        }
    }
}

/// All tracks, with how often each was played.
#[derive(Debug)]
pub(crate) struct Universe {
    texts: Vec<u8>,
    tracks: Vec<Track>,
    /// Whole seconds, apart from the rest since the simulation needs nothing else.
    seconds: Vec<u16>,
    alias: Alias,
    plays: Vec<AtomicU32>,
    /// The songs of the tracks that match another one, or one at all, if the length has no meaning.
    by_name: HashMap<u32, u32>,
    /// The first of the tracks that are traps, each of which is to be played.
    pub(crate) traps: std::ops::Range<u32>,
}

impl Universe {
    /// Of the plays, a share of `match_rate` is of catalogue songs, by popularity; there are `tracks` songs
    /// in all, if the catalogue does not have more.
    pub(crate) fn new(
        seed: u64,
        catalogue: &Catalogue,
        songs: &StarSongs,
        match_rate: f64,
        tracks: u32,
        with_traps: bool,
    ) -> Self {
        let plain = catalogue.trap_records;
        let mut known: Vec<Draft> = catalogue.records[..plain]
            .iter()
            .zip(&catalogue.popularity)
            .map(|(record, weight)| Draft {
                artist: record.name.clone(),
                title: record.title.clone(),
                duration: record.duration,
                weight: *weight,
            })
            .collect();
        if with_traps {
            traps::distort(seed, &mut known);
        }
        let mut others = others(seed, catalogue, (tracks as usize).saturating_sub(plain).max(100));
        scale(&mut known, match_rate);
        scale(&mut others, if known.is_empty() { 1.0 } else { 1.0 - match_rate });
        let mut drafts = known;
        drafts.append(&mut others);
        // What is played often lies together, and so in the processor's cache.
        drafts.par_sort_by(|one, other| other.weight.total_cmp(&one.weight));
        let first_trap = drafts.len() as u32;
        if with_traps {
            drafts.extend(catalogue.records[plain..].iter().map(|record| Draft {
                artist: record.name.clone(),
                title: record.title.clone(),
                duration: record.duration,
                weight: traps::WEIGHT,
            }));
            drafts.extend(traps::unknown_tracks());
        }
        Self::store(&drafts, &catalogue.records, songs, first_trap)
    }

    fn store(drafts: &[Draft], records: &[SongRecord], songs: &StarSongs, first_trap: u32) -> Self {
        let mut texts = Vec::with_capacity(drafts.len() * 36);
        let mut by_name = HashMap::new();
        let tracks: Vec<Track> = (0..)
            .zip(drafts)
            .map(|(index, draft)| {
                // So few tracks may there be that it fits.
                let start = texts.len() as u32;
                texts.extend_from_slice(draft.artist.as_bytes());
                texts.extend_from_slice(draft.title.as_bytes());
                let song = songs.matching(records, &draft.title, &draft.artist, draft.duration);
                let other = songs.matching_by_name(records, &draft.title, &draft.artist);
                if let Some(other) = other.filter(|other| Some(*other) != song) {
                    by_name.insert(index, other);
                }
                Track {
                    start,
                    artist: TextLength::of(&draft.artist),
                    title: TextLength::of(&draft.title),
                    duration: draft.duration as u32,
                    song: song.unwrap_or(NO_SONG),
                }
            })
            .collect();
        let weights: Vec<f64> = drafts.iter().map(|draft| draft.weight).collect();
        Self {
            texts,
            seconds: drafts.iter().map(|draft| (draft.duration / 100_000) as u16).collect(),
            alias: Alias::new(&weights),
            by_name,
            plays: tracks.iter().map(|_| AtomicU32::new(0)).collect(),
            traps: first_trap..tracks.len() as u32,
            tracks,
        }
    }

    /// Chooses a track to play.
    #[inline]
    pub(crate) fn choose(&self, random: &mut Random) -> u32 {
        self.alias.draw(random)
    }

    /// How long a track is, in whole seconds.
    #[inline]
    pub(crate) fn seconds(&self, track: u32) -> i64 {
        i64::from(self.seconds[track as usize])
    }

    /// Notes a play.
    #[inline]
    pub(crate) fn count_play(&self, track: u32) {
        self.plays[track as usize].fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn track(&self, index: u32) -> TrackView<'_> {
        let track = &self.tracks[index as usize];
        let texts = &self.texts[track.start as usize..];
        let (artist, texts) = texts.split_at(track.artist.bytes());
        TrackView {
            artist: LogText { bytes: artist, is_plain: track.artist.is_plain() },
            title: LogText { bytes: &texts[..track.title.bytes()], is_plain: track.title.is_plain() },
            duration: i64::from(track.duration),
        }
    }

    /// The index of the song of the star that a play matches, or [`NO_SONG`].
    #[inline]
    pub(crate) fn song(&self, track: u32) -> u32 {
        self.tracks[track as usize].song
    }

    /// The song that a play matches if the length has no meaning, where that is another one, or one at all.
    #[inline]
    pub(crate) fn other_song(&self, track: u32) -> Option<u32> {
        self.by_name.get(&track).copied()
    }

    /// The tracks that were played, with how often.
    pub(crate) fn played(&self) -> impl Iterator<Item = (u32, u64)> {
        let plays = self.plays.iter().map(|plays| u64::from(plays.load(Ordering::Relaxed)));
        (0..).zip(plays).filter(|(_, plays)| *plays > 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.tracks.len()
    }
}

/// Gives the weights a sum.
fn scale(drafts: &mut [Draft], sum: f64) {
    let present: f64 = drafts.iter().map(|draft| draft.weight).sum();
    for draft in drafts {
        // A table of weights needs positive ones.
        draft.weight = (draft.weight * sum / present).max(f64::MIN_POSITIVE);
    }
}

/// The songs that the catalogue does not have.
fn others(seed: u64, catalogue: &Catalogue, count: usize) -> Vec<Draft> {
    let names = Names::new();
    let known = catalogue.artists.len();
    let draft = |number: usize| {
        let mut random = Random::stream(seed, OTHERS + number as u64);
        let artist = if known > 0 && random.chance(KNOWN_ARTIST) {
            catalogue.artists[random.rank(known)].clone()
        } else {
            names.artist((known + random.rank(count / 4 + 20)) as u64)
        };
        let title = names.title(&mut random);
        Draft { artist, title, duration: duration(&mut random), weight: popularity(&mut random) }
    };
    (0..count).into_par_iter().map(draft).collect()
}
