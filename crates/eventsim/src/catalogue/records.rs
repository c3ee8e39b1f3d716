//! The catalogue: records of songs, as the files of song_data have them.

use std::ops::Range;

use super::names::Names;
use crate::{
    random::{Random, mix},
    traps,
    words::{FAR_PLACES, PLACES, Place, places},
};

/// The stream of an artist is this plus the artist's number.
const ARTISTS: u64 = 2 << 40;

/// Of ten thousand artists so many have one song, two songs, and so on.
const SONGS_PER_ARTIST: [u64; 9] = [6494, 2176, 835, 316, 122, 38, 10, 6, 3];
/// Files in a folder, about.
const FILES_PER_LETTER: u64 = 20_000;

/// A record of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SongRecord {
    pub(crate) song_id: String,
    pub(crate) artist_id: String,
    pub(crate) name: String,
    /// Whether the name is written as a JSON number.
    pub(crate) numeric: bool,
    pub(crate) location: String,
    /// Latitude and longitude in hundred-thousandths of a degree.
    pub(crate) coordinates: Option<(i32, i32)>,
    pub(crate) title: String,
    /// In hundred-thousandths of a second.
    pub(crate) duration: i64,
    pub(crate) year: u16,
}

/// How the records of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// An object a line.
    Lines,
    /// All on one line.
    OneLine,
    /// Each over several lines.
    Pretty,
    /// UTF-8 instead of escapes, and the keys in another order.
    OtherOrder,
}

/// A file of song_data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SongFile {
    /// The track id, which is its name.
    pub(crate) id: String,
    pub(crate) records: Range<usize>,
    pub(crate) layout: Layout,
    /// Whether it is delivered after the logs.
    pub(crate) late: bool,
}

impl SongFile {
    /// Its path without what a compression adds.
    pub(crate) fn path(&self) -> String {
        let mut folders = self.id.chars().skip(2);
        let mut folder = || folders.next().unwrap_or('A');
        format!("song_data/{}/{}/{}/{}.json", folder(), folder(), folder(), self.id)
    }
}

/// All records and files.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) records: Vec<SongRecord>,
    /// How popular each record's song is.
    pub(crate) popularity: Vec<f64>,
    pub(crate) files: Vec<SongFile>,
    /// The plain names of the artists.
    pub(crate) artists: Vec<String>,
    /// The first of the records that are traps; each is played.
    pub(crate) trap_records: usize,
}

impl Catalogue {
    pub(crate) fn new(seed: u64, songs: u32, with_traps: bool) -> Self {
        let names = Names::new();
        let (near, far) = (places(PLACES), places(FAR_PLACES));
        let songs = songs as usize;
        let mut catalogue = Self {
            records: Vec::with_capacity(songs),
            popularity: Vec::with_capacity(songs),
            files: Vec::with_capacity(songs),
            artists: Vec::new(),
            trap_records: songs,
        };
        let letters = (songs as u64 / FILES_PER_LETTER).clamp(1, 26);
        while catalogue.records.len() < songs {
            let number = catalogue.artists.len() as u64;
            let mut random = Random::stream(seed, ARTISTS + number);
            let artist = Artist::draw(number, &names, &near, &far, &mut random);
            for song in 0..artist.songs.min(songs - catalogue.records.len()) {
                let index = catalogue.records.len();
                catalogue.popularity.push(popularity(&mut random));
                catalogue.records.push(artist.record(index, song, &names, &mut random));
                let folders = random.below(letters * 26 * 26);
                let prefix = [b'T', b'R', letter(folders / 676), letter(folders / 26), letter(folders)];
                catalogue.files.push(SongFile {
                    id: id(
                        &prefix.map(char::from).iter().collect::<String>(),
                        "128F",
                        index as u64,
                        &mut random,
                    ),
                    records: index..index + 1,
                    layout: Layout::Lines,
                    late: with_traps && traps::is_late_song(seed, index),
                });
            }
            catalogue.artists.push(artist.names.into_iter().next().unwrap_or_default());
        }
        if with_traps {
            traps::add_records(&mut catalogue);
        }
        catalogue
    }

    /// Adds a file of its own for records.
    pub(crate) fn add(&mut self, records: Vec<SongRecord>, layout: Layout, late: bool) {
        let first = self.records.len();
        let mut random = Random::stream(mix(first as u64), ARTISTS);
        self.popularity.extend(records.iter().map(|_| 1.0));
        self.records.extend(records);
        let id = id("TRZZ", "128F", first as u64, &mut random);
        self.files.push(SongFile { id, records: first..self.records.len(), layout, late });
    }
}

/// The weight of a song among all songs.
pub(super) fn popularity(random: &mut Random) -> f64 {
    libm::exp(2.19 * random.normal())
}

/// The length of a song in hundred-thousandths of a second: most are near four minutes, some are anything.
pub(super) fn duration(random: &mut Random) -> i64 {
    let (middle, spread) = if random.chance(809) { (5.450, 0.2225) } else { (5.4335, 0.6735) };
    let seconds = libm::exp(middle + spread * random.normal());
    (seconds.clamp(6.4, 2_700.0) * 100_000.0) as i64
}

struct Artist {
    id: String,
    /// One or two.
    names: Vec<String>,
    numeric: bool,
    location: &'static str,
    coordinates: Option<(i32, i32)>,
    songs: usize,
}

impl Artist {
    /// The first artists are those that are out of the ordinary.
    fn draw(number: u64, names: &Names, near: &[Place], far: &[Place], random: &mut Random) -> Self {
        let songs = match number {
            0 | 1 => 1,
            2 => 2,
            _ => {
                let mut left = random.below(10_000);
                let counts = SONGS_PER_ARTIST.iter().take_while(|share| {
                    let more = left >= **share;
                    left = left.saturating_sub(**share);
                    more
                });
                (counts.count() + 1).min(SONGS_PER_ARTIST.len())
            }
        };
        let mut all = vec![match number {
            0 => "112".to_owned(),
            1 => "Åse Brændström".to_owned(),
            _ => names.artist(number),
        }];
        if number == 2 || (songs > 1 && random.chance(110)) {
            all.push(format!("{} / {}", all[0], names.artist(random.below(1_000))));
        }
        let places = if random.chance(700) { near } else { far };
        let place = random.pick(places);
        let exact = |hundredths: i32, random: &mut Random| hundredths * 1_000 + random.below(1_000) as i32;
        let coordinates =
            random.chance(354).then(|| (exact(place.latitude, random), exact(place.longitude, random)));
        Self {
            id: id("AR", "1187", number, random),
            names: all,
            numeric: number == 0,
            location: if number < 3 || random.chance(450) { "" } else { place.name },
            coordinates: coordinates.filter(|_| number != 0),
            songs,
        }
    }

    fn record(&self, index: usize, song: usize, names: &Names, random: &mut Random) -> SongRecord {
        let title = names.title(random);
        let year = 2010_i64 - (random.exponential(10.0) as i64).min(85);
        SongRecord {
            song_id: id("SO", "12A8", index as u64, random),
            artist_id: self.id.clone(),
            name: self.names[song % self.names.len()].clone(),
            numeric: self.numeric,
            location: self.location.to_owned(),
            coordinates: self.coordinates,
            title: if index == 2 { "The \"Lantern\" Song".to_owned() } else { title },
            duration: duration(random),
            year: if index == 0 || random.chance(320) { 0 } else { year as u16 },
        }
    }
}

/// An identifier of 18 characters: a prefix, letters up to the seventh, a middle of four, and seven hex
/// digits that no two indexes share up to 2^28 of them (the multiplier is odd).
pub(crate) fn id(prefix: &str, middle: &str, index: u64, random: &mut Random) -> String {
    let mut id = prefix.to_owned();
    while id.len() < 7 {
        id.push(char::from(letter(random.below(26))));
    }
    format!("{id}{middle}{:07X}", index.wrapping_add(1).wrapping_mul(0x09e3_779b) & 0x0fff_ffff)
}

const fn letter(number: u64) -> u8 {
    b'A' + (number % 26) as u8
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::Catalogue;

    #[test]
    fn identifiers_are_unique_and_18_characters_long() {
        let catalogue = Catalogue::new(1, 20_000, true);
        let files: HashSet<_> = catalogue.files.iter().map(|file| file.id.as_str()).collect();
        assert_eq!(files.len(), catalogue.files.len());
        let plain = &catalogue.records[..catalogue.trap_records];
        let songs: HashSet<_> = plain.iter().map(|record| record.song_id.as_str()).collect();
        assert_eq!(songs.len(), 20_000);
        assert!(songs.iter().chain(&files).all(|id| id.len() == 18));
    }

    #[test]
    fn the_catalogue_is_made_like_the_real_one() {
        let catalogue = Catalogue::new(1, 20_000, false);
        let records = &catalogue.records;
        let share = |is: &dyn Fn(&super::SongRecord) -> bool| {
            records.iter().filter(|record| is(record)).count() as f64 / records.len() as f64
        };
        for (name, found, expected) in [
            ("year 0", share(&|record| record.year == 0), 0.32),
            ("no location", share(&|record| record.location.is_empty()), 0.45),
            ("no coordinates", share(&|record| record.coordinates.is_none()), 0.646),
            ("names beyond ASCII", share(&|record| !record.name.is_ascii()), 0.026),
        ] {
            assert!((found - expected).abs() < 0.02, "{name}: {found}");
        }
        let mut by_artist: HashMap<&str, HashSet<&str>> = HashMap::new();
        for record in records {
            by_artist.entry(&record.artist_id).or_default().insert(&record.name);
        }
        let songs_per_artist = records.len() as f64 / by_artist.len() as f64;
        assert!((1.45..1.7).contains(&songs_per_artist), "{songs_per_artist}");
        let several =
            by_artist.values().filter(|names| names.len() > 1).count() as f64 / by_artist.len() as f64;
        assert!((0.03..0.05).contains(&several), "{several}");
        let mean =
            records.iter().map(|record| record.duration as f64 / 1e5).sum::<f64>() / records.len() as f64;
        assert!((235.0..255.0).contains(&mean), "{mean}");
    }
}
