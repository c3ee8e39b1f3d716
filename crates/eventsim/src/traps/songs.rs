//! Difficulties of the songs.

use crate::{
    catalogue::{Catalogue, Draft, Layout, SongRecord},
    random::mix,
};

/// How popular a trap is: as many others, since it is played by a script anyway.
pub(crate) const WEIGHT: f64 = 1e-5;

/// One song in so many is delivered late.
const LATE_SONGS: u64 = 30;
/// What tells these chances from others of the same seed.
const SONGS: u64 = 0x50_4e47;

/// Whether a song is played before it is in the catalogue: its file is delivered late.
pub(crate) fn is_late_song(seed: u64, index: usize) -> bool {
    hash(seed, index).is_multiple_of(LATE_SONGS)
}

/// A number that depends on the seed and a song.
fn hash(seed: u64, index: usize) -> u64 {
    mix(mix(seed ^ SONGS) ^ index as u64)
}

/// Adds records with difficulties of all kinds.
pub(crate) fn add_records(catalogue: &mut Catalogue) {
    let plain = SongRecord {
        song_id: String::new(),
        artist_id: String::new(),
        name: "The Difficulties".to_owned(),
        numeric: false,
        location: "Portland, ME".to_owned(),
        coordinates: Some((4_366_147, -7_025_533)),
        title: String::new(),
        duration: 12_345_678,
        year: 1999,
    };
    let record = |number: u32, artist: u32, title: &str| SongRecord {
        song_id: format!("SOTRAPS12A8{number:07}"),
        artist_id: format!("ARTRAPS1187{artist:07}"),
        title: title.to_owned(),
        ..plain.clone()
    };
    let texts = [
        "\"Quoted\" and \\back\\slashed\\",
        "Emoji 😀, clef 𝄞, ideograph 𠀋",
        "Control \u{18}\u{19} characters",
        "No-break\u{a0}blank and  two blanks",
        "Slash / and <a href=\"http:\\/\\/example.com\">anchor</a> &amp; entity",
        "0\" (Interlude)",
        "Ends with blanks  ",
        " Begins with a blank",
        "Tab\tand\nnew line",
        "NULL",
        "'; DROP TABLE songs; --",
        "1e5",
    ];
    for (number, text) in (0..).zip(texts) {
        let artist = SongRecord { name: format!("{text} by {text}"), ..record(number, number, text) };
        catalogue.add(vec![artist], Layout::Lines, false);
    }
    // A name that is a JSON number, one that looks like a number and is a text.
    catalogue.add(
        vec![
            SongRecord { name: "27".to_owned(), numeric: true, ..record(100, 100, "Number") },
            SongRecord { name: "1.50".to_owned(), numeric: true, ..record(101, 101, "Number with a nought") },
        ],
        Layout::Lines,
        false,
    );
    // Two ids for one song, the larger of them in the earlier file: a play matches the smaller one.
    for number in [111, 110] {
        catalogue.add(vec![record(number, 110, "One song, two ids")], Layout::Lines, false);
    }
    // One id for two records that differ, and one record twice.
    let known = SongRecord { year: 2001, ..record(120, 120, "With a year") };
    let unknown = SongRecord { year: 0, title: "Before the year was known".to_owned(), ..known.clone() };
    catalogue.add(vec![unknown], Layout::Lines, false);
    catalogue.add(vec![known], Layout::Pretty, false);
    // Several objects on one line; an object over several lines; other spelling.
    catalogue.add(
        vec![record(130, 130, "First on the line"), record(131, 131, "Second on the line")],
        Layout::OneLine,
        false,
    );
    catalogue.add(
        vec![record(132, 132, "Over several lines"), record(133, 133, "And one more")],
        Layout::Pretty,
        false,
    );
    catalogue.add(vec![record(134, 134, "Ünïcödé ünescäped 😀")], Layout::OtherOrder, false);
    // One artist with several names, places and coordinates: one whole record counts.
    for (number, name, location, coordinates) in [
        (140, "Many Names", "", None),
        (141, "Many Names feat. Somebody", "Bend, OR", Some((4_405_817, -12_131_531))),
        (142, "Many", " ", Some((1, -1))),
        (143, "Many Names and More", "Sitka, AK", Some((5_705_306, -13_533_000))),
        (144, "M", "Boise, ID", None),
        (145, "Nany Names and More", "\t", Some((5_705_306, -13_533_000))),
    ] {
        let title = format!("Of many names {number}");
        let of = SongRecord {
            name: name.to_owned(),
            location: location.to_owned(),
            coordinates,
            ..record(number, 140, &title)
        };
        // The best record of the artist comes late, so that the artist changes.
        catalogue.add(vec![of], Layout::Lines, number == 143);
    }
    // One name for two artists.
    for artist in [150, 151] {
        let of =
            SongRecord { name: "Same Name".to_owned(), ..record(artist, artist, &format!("Of {artist}")) };
        catalogue.add(vec![of], Layout::Lines, false);
    }
    // A song of an artist whom only a late file has.
    catalogue.add(vec![record(160, 160, "Played before it is in the catalogue")], Layout::Lines, true);
}

/// Tracks that no record has exactly.
pub(crate) fn unknown_tracks() -> Vec<Draft> {
    [
        // The lengths differ from the catalogue's.
        ("Same Name", "Of 150", 12_345_679),
        ("Same Name", "Of 151", 12_845_678),
        // Blanks at the end do not count, at the beginning they do.
        ("The Difficulties ", "First on the line   ", 12_345_678),
        ("The Difficulties", " Second on the line", 12_345_678),
        // Capitals count.
        ("The Difficulties", "over several lines", 12_345_678),
        // The other names of an artist.
        ("Many Names", "Of many names 141", 12_345_678),
        ("😀😀", "𝄞", 10_000_000),
        ("\u{18}\u{19}", "\"\\", 10_000_001),
    ]
    .map(|(artist, title, duration)| Draft {
        artist: artist.to_owned(),
        title: title.to_owned(),
        duration,
        weight: WEIGHT,
    })
    .into()
}

/// Makes what the log says of the catalogue's songs differ from the catalogue here and there.
pub(crate) fn distort(seed: u64, tracks: &mut Vec<Draft>) {
    let mut drifted = Vec::new();
    for (index, track) in tracks.iter_mut().enumerate() {
        let hash = hash(seed, index) / LATE_SONGS;
        match hash % 40 {
            0 => track.title.push_str("  "),
            1 => track.artist.push(' '),
            2 => track.title.insert(0, ' '),
            3..=4 => {
                // Some plays are of another length.
                let drift = [13_000, -47_000, 26_131, 6_004_000][(hash / 40 % 4) as usize];
                let mut other = track.clone();
                other.duration = (other.duration + drift).max(100_000);
                track.weight /= 2.0;
                other.weight /= 2.0;
                drifted.push(other);
            }
            _ => {}
        }
        if !track.artist.is_ascii() && !(hash / 160).is_multiple_of(3) {
            track.artist = doubly_encoded(&track.artist);
        }
        if !track.title.is_ascii() && !(hash / 160).is_multiple_of(3) {
            track.title = doubly_encoded(&track.title);
        }
    }
    tracks.append(&mut drifted);
}

/// A text whose UTF-8 was read as Latin-1, twice.
pub(crate) fn doubly_encoded(text: &str) -> String {
    let once: String = text.bytes().map(char::from).collect();
    once.bytes().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::doubly_encoded;

    #[test]
    fn text_is_doubly_encoded_as_in_the_real_logs() {
        assert_eq!(doubly_encoded("Björk"), "BjÃ\u{83}Â¶rk");
    }
}
