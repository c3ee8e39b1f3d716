//! The songs: those of the catalogue, and those that only the log knows.

use std::collections::HashSet;

use crate::random::Random;
use crate::words::{ADJECTIVES, FIRST_NAMES, LAST_NAMES, NOUNS, PLACES, VERBS};

/// The chance in a thousand that a play is of a song in the catalogue.
const KNOWN: u64 = 200;

/// The artist of a catalogue song.
#[derive(Debug)]
pub(crate) struct Artist {
    pub(crate) id: String,
    /// One or two.
    names: Vec<String>,
    /// Whether the name is written as a JSON number.
    pub(crate) numeric: bool,
    pub(crate) location: &'static str,
    /// Latitude and longitude in hundred-thousandths of a degree.
    pub(crate) coordinates: Option<(i64, i64)>,
}

/// What the log says of a song.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) artist: String,
    pub(crate) title: String,
    /// In hundred-thousandths of a second.
    pub(crate) duration: u64,
}

/// A song of the catalogue.
#[derive(Debug)]
pub(crate) struct Song {
    pub(crate) track: Track,
    /// The index of its artist.
    pub(crate) artist: usize,
    pub(crate) id: String,
    /// The name of its file, without the extension.
    pub(crate) file: String,
    pub(crate) year: u64,
}

/// All songs.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) artists: Vec<Artist>,
    pub(crate) songs: Vec<Song>,
    others: Vec<Track>,
}

impl Catalogue {
    /// Makes so many songs, and five times as many, though at least a hundred, that are not among them.
    pub(crate) fn new(songs: u32, random: &mut Random) -> Self {
        let mut names = HashSet::new();
        let artists: Vec<Artist> =
            (0..(u64::from(songs) * 3 / 5).max(4)).map(|index| artist(index, &mut names, random)).collect();
        // No two songs have the same artist and title, so that a play matches one song or none.
        let mut taken = HashSet::new();
        let songs: Vec<Song> = (0..songs).map(|index| song(index, &artists, &mut taken, random)).collect();
        let others = (0..(songs.len() * 5).max(100))
            .map(|_| {
                let artist = if random.chance(600) {
                    let known = &artists[random.rank(artists.len())];
                    known.names[0].clone()
                } else {
                    artist_name(random)
                };
                track(artist, None, &mut taken, random)
            })
            .collect();
        Self { artists, songs, others }
    }

    /// Chooses a song to play; the first ones are the most popular.
    pub(crate) fn choose(&self, random: &mut Random) -> &Track {
        if !self.songs.is_empty() && random.chance(KNOWN) {
            &self.songs[random.rank(self.songs.len())].track
        } else {
            &self.others[random.rank(self.others.len())]
        }
    }
}

fn artist(index: u64, taken: &mut HashSet<String>, random: &mut Random) -> Artist {
    let mut name = match index {
        0 => "112".to_owned(),
        1 => "Åse Brændström".to_owned(),
        _ => artist_name(random),
    };
    if taken.contains(&name) {
        name = format!("{name} {index}");
    }
    taken.insert(name.clone());
    let mut names = vec![name];
    if index % 20 == 2 {
        names.push(format!("{} / {}", names[0], artist_name(random)));
    }
    let (place, latitude, longitude) = random.pick(&PLACES);
    Artist {
        id: id("AR", "1187", index as u32, random),
        names,
        numeric: index == 0,
        location: if random.chance(450) { "" } else { place },
        coordinates: random.chance(360).then_some((latitude, longitude)),
    }
}

fn song(index: u32, artists: &[Artist], taken: &mut HashSet<(String, String)>, random: &mut Random) -> Song {
    // The first songs are by the artists that are out of the ordinary.
    let (artist, name) = match index {
        0..=2 => (index as usize, 0),
        3 => (2, 1),
        _ => (random.below(artists.len() as u64) as usize, 0),
    };
    let title = (index == 4).then(|| "The \"Lantern\" Song".to_owned());
    let name = artists[artist].names[name].clone();
    let folders = random.below(26 * 26);
    Song {
        track: track(name, title, taken, random),
        artist,
        id: id("SO", "12A8", index, random),
        // The folders are the letters after TR, and the sample has the A of the first.
        file: id(&format!("TRA{}{}", letter(folders / 26), letter(folders % 26)), "128F", index, random),
        year: if random.chance(320) { 0 } else { 2010 - random.rank(40) as u64 },
    }
}

fn track(
    artist: String,
    title: Option<String>,
    taken: &mut HashSet<(String, String)>,
    random: &mut Random,
) -> Track {
    let mut title = title.unwrap_or_else(|| song_title(random));
    let plain = title.clone();
    let mut take = 1;
    while !taken.insert((artist.clone(), title.clone())) {
        take += 1;
        title = format!("{plain} (Take {take})");
    }
    // From 1:30 to 6:45, mostly around 4:00.
    let duration = 9_000_000 + (0..3).map(|_| random.below(10_500_000)).sum::<u64>();
    Track { artist, title, duration }
}

fn artist_name(random: &mut Random) -> String {
    match random.below(4) {
        0 => format!("The {} {}s", random.pick(&ADJECTIVES), random.pick(&LAST_NAMES)),
        1 => format!("{} {}", random.pick(&FIRST_NAMES).0, random.pick(&LAST_NAMES)),
        2 => format!("{} & {}", random.pick(&LAST_NAMES), random.pick(&LAST_NAMES)),
        _ => format!("{} {}", random.pick(&ADJECTIVES), random.pick(&NOUNS)),
    }
}

fn song_title(random: &mut Random) -> String {
    let title = match random.below(4) {
        0 => format!("{} {}", random.pick(&ADJECTIVES), random.pick(&NOUNS)),
        1 => format!("{} the {}", random.pick(&VERBS), random.pick(&NOUNS)),
        2 => format!("{} and {}", random.pick(&NOUNS), random.pick(&NOUNS)),
        _ => format!("{} in the {} {}", random.pick(&NOUNS), random.pick(&ADJECTIVES), random.pick(&NOUNS)),
    };
    if random.chance(60) { format!("{title} (Album Version)") } else { title }
}

/// An identifier of 18 characters: a prefix, letters up to the seventh, a middle of four, and seven hex
/// digits that no two indexes share up to 2^28 of them (the multiplier is odd).
fn id(prefix: &str, middle: &str, index: u32, random: &mut Random) -> String {
    let mut id = prefix.to_owned();
    while id.len() < 7 {
        id.push(letter(random.below(26)));
    }
    format!("{id}{middle}{:07X}", index.wrapping_add(1).wrapping_mul(0x09e3_779b) & 0x0fff_ffff)
}

fn letter(number: u64) -> char {
    char::from(b'A' + (number % 26) as u8)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Catalogue;
    use crate::random::Random;

    #[test]
    fn identifiers_are_unique_and_18_characters_long() {
        let catalogue = Catalogue::new(20_000, &mut Random::stream(1, 2));
        let songs: HashSet<_> = catalogue.songs.iter().map(|song| song.id.as_str()).collect();
        let files: HashSet<_> = catalogue.songs.iter().map(|song| song.file.as_str()).collect();
        let artists: HashSet<_> = catalogue.artists.iter().map(|artist| artist.id.as_str()).collect();
        assert_eq!((songs.len(), files.len(), artists.len()), (20_000, 20_000, 12_000));
        assert!(songs.iter().chain(&files).chain(&artists).all(|id| id.len() == 18));
    }

    #[test]
    fn no_two_songs_have_the_same_artist_and_title() {
        let catalogue = Catalogue::new(5_000, &mut Random::stream(3, 2));
        let tracks = catalogue.songs.iter().map(|song| &song.track).chain(&catalogue.others);
        let distinct: HashSet<_> = tracks.map(|track| (&track.artist, &track.title)).collect();
        assert_eq!(distinct.len(), 30_000);
    }

    #[test]
    fn low_ranks_are_played_most() {
        let catalogue = Catalogue::new(100, &mut Random::stream(1, 2));
        let mut random = Random::stream(1, 3);
        let mut plays = [0; 2];
        for _ in 0..10_000 {
            let track = catalogue.choose(&mut random);
            if let Some(rank) = catalogue.songs.iter().position(|song| std::ptr::eq(&song.track, track)) {
                plays[rank / 50] += 1;
            }
        }
        assert!(plays[0] > 4 * plays[1], "{plays:?}");
    }
}
