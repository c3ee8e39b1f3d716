//! The rows of songs and artists.

use std::collections::HashMap;

use twox_hash::XxHash64;

use super::{Checksum, Row};
use crate::catalogue::{Catalogue, SongRecord};

/// The value of a text of the source: blank is NULL.
pub(crate) fn value(text: &str) -> Option<&str> {
    (!text.bytes().all(|byte| byte.is_ascii_whitespace())).then_some(text)
}

/// Texts are compared without trailing blanks.
fn trimmed(text: &str) -> &str {
    text.trim_end_matches(' ')
}

/// A row of the star, with its surrogate keys.
#[derive(Debug)]
struct Keyed {
    /// The index of the record that it is made from.
    record: usize,
    /// When all is loaded at once.
    id: i64,
    /// When what is late is loaded by a second run.
    id_in_two: i64,
}

/// The songs and artists of the star, and which song a play matches.
#[derive(Debug)]
pub(crate) struct StarSongs {
    songs: Vec<Keyed>,
    artists: Vec<Keyed>,
    /// By the length: the records of which one is played, and the songs that they stand for.
    by_duration: HashMap<i64, Vec<(usize, u32)>>,
    /// The same by the hash of title and artist.
    by_name: HashMap<u64, Vec<(usize, u32)>>,
}

/// A hash of a title and an artist.
fn name_hash(title: &str, artist: &str) -> u64 {
    XxHash64::oneshot(XxHash64::oneshot(0, trimmed(title).as_bytes()), trimmed(artist).as_bytes())
}

impl StarSongs {
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        let records = &catalogue.records;
        let mut is_early = vec![false; records.len()];
        for file in catalogue.files.iter().filter(|file| !file.late) {
            is_early[file.records.clone()].fill(true);
        }
        let songs = choose(
            records,
            &is_early,
            |record| record.song_id.as_str(),
            |a, b| {
                let key =
                    |record: &SongRecord| (record.year == 0, record.title.clone(), record.artist_id.clone());
                (key(a), a.duration, a.year).cmp(&(key(b), b.duration, b.year))
            },
        );
        let artists = choose(
            records,
            &is_early,
            |record| record.artist_id.as_str(),
            |a, b| {
                let key = |record: &SongRecord| {
                    let name = trimmed(&record.name);
                    (
                        record.coordinates.is_none(),
                        value(&record.location).is_none(),
                        name.chars().count(),
                        record.name.clone(),
                        record.song_id.clone(),
                    )
                };
                key(a)
                    .cmp(&key(b))
                    .then_with(|| a.location.cmp(&b.location))
                    .then_with(|| a.coordinates.cmp(&b.coordinates))
            },
        );
        let place: HashMap<&str, u32> =
            (0..).zip(&songs).map(|(place, song)| (records[song.record].song_id.as_str(), place)).collect();
        let mut by_duration: HashMap<i64, Vec<(usize, u32)>> = HashMap::with_capacity(records.len());
        let mut by_name: HashMap<u64, Vec<(usize, u32)>> = HashMap::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            let known = (index, place[record.song_id.as_str()]);
            by_duration.entry(record.duration).or_default().push(known);
            by_name.entry(name_hash(&record.title, &record.name)).or_default().push(known);
        }
        Self { songs, artists, by_duration, by_name }
    }

    /// The song that a play of a title by an artist of a length matches: of several the one with the smallest
    /// id, which has the smallest place.
    pub(crate) fn matching(
        &self,
        records: &[SongRecord],
        title: &str,
        artist: &str,
        duration: i64,
    ) -> Option<u32> {
        first(records, self.by_duration.get(&duration)?, title, artist)
    }

    /// The same where the length has no meaning.
    pub(crate) fn matching_by_name(&self, records: &[SongRecord], title: &str, artist: &str) -> Option<u32> {
        first(records, self.by_name.get(&name_hash(title, artist))?, title, artist)
    }

    /// The record that a song's row is made from.
    pub(crate) fn record<'a>(&self, records: &'a [SongRecord], song: u32) -> &'a SongRecord {
        &records[self.songs[song as usize].record]
    }

    /// The record that the row of a song's artist is made from.
    pub(crate) fn artist_of<'a>(&self, records: &'a [SongRecord], song: u32) -> &'a SongRecord {
        let id = &self.record(records, song).artist_id;
        let found = self.artists.binary_search_by(|artist| records[artist.record].artist_id.cmp(id));
        // Each song's artist has a row.
        &records[self.artists[found.unwrap_or_default()].record]
    }

    /// The checksums of songs and artists: with the ids of one load, with the ids of two, and without.
    pub(crate) fn checksums(&self, records: &[SongRecord]) -> [[Checksum; 3]; 2] {
        let songs = sum(&self.songs, |row, id, record| {
            let song = &records[record];
            row.begin();
            if let Some(id) = id {
                row.integer(id);
            }
            row.text(Some(&song.song_id))
                .text(value(&song.title))
                .text(Some(&song.artist_id))
                .optional_integer((song.year != 0).then_some(i64::from(song.year)))
                .hundred_thousandths(Some(song.duration));
        });
        let artists = sum(&self.artists, |row, id, record| {
            let artist = &records[record];
            let (latitude, longitude) = artist.coordinates.unzip();
            row.begin();
            if let Some(id) = id {
                row.integer(id);
            }
            row.text(Some(&artist.artist_id))
                .text(value(&artist.name))
                .text(value(&artist.location))
                .hundred_thousandths(latitude.map(i64::from))
                .hundred_thousandths(longitude.map(i64::from));
        });
        [songs, artists]
    }
}

/// Of candidates the first song with a title and an artist.
fn first(records: &[SongRecord], candidates: &[(usize, u32)], title: &str, artist: &str) -> Option<u32> {
    let same = |one: &str, other: &str| value(one).is_some() && trimmed(one) == trimmed(other);
    candidates
        .iter()
        .filter(|(index, _)| same(&records[*index].title, title) && same(&records[*index].name, artist))
        .map(|(_, song)| *song)
        .min()
}

fn sum(rows: &[Keyed], write: impl Fn(&mut Row, Option<i64>, usize)) -> [Checksum; 3] {
    let mut row = Row::default();
    let mut sums = [Checksum::default(); 3];
    for keyed in rows {
        for (sum, id) in sums.iter_mut().zip([Some(keyed.id), Some(keyed.id_in_two), None]) {
            write(&mut row, id, keyed.record);
            sum.add(&row);
        }
    }
    sums
}

/// Of the records with one id takes the first by an order; gives surrogate keys by the order of the ids.
fn choose<'a>(
    records: &'a [SongRecord],
    is_early: &[bool],
    id: impl Fn(&'a SongRecord) -> &'a str,
    order: impl Fn(&SongRecord, &SongRecord) -> std::cmp::Ordering,
) -> Vec<Keyed> {
    let mut indexes: Vec<usize> = (0..records.len()).collect();
    indexes.sort_unstable_by(|a, b| {
        id(&records[*a]).cmp(id(&records[*b])).then_with(|| order(&records[*a], &records[*b])).then(a.cmp(b))
    });
    let groups = || indexes.chunk_by(|a, b| id(&records[*a]) == id(&records[*b]));
    let is_early = |group: &[usize]| group.iter().any(|index| is_early[*index]);
    let early = groups().filter(|group| is_early(group)).count() as i64;
    let (mut early_ids, mut late_ids) = (1.., early + 1..);
    (1..)
        .zip(groups())
        .filter_map(|(id, group)| {
            let id_in_two = if is_early(group) { early_ids.next()? } else { late_ids.next()? };
            Some(Keyed { record: *group.first()?, id, id_in_two })
        })
        .collect()
}
