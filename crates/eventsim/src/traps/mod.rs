//! The known difficulties of such data, planted on purpose.

mod corrupt;
mod delivery;
mod script;
mod songs;

pub(crate) use corrupt::{BAD_SONG_FILES, Reject};
pub(crate) use delivery::{Block, Files, Writer};
pub(crate) use script::{Script, scripts};
pub(crate) use songs::{WEIGHT, add_records, distort, is_late_song, unknown_tracks};

use crate::random::mix;

/// One session in so many is delivered late.
const LATE_SESSIONS: u64 = 40;

/// Whether the events of a session come in a file of their own, later than the others.
pub(crate) fn is_late_session(seed: u64, user: u32, ordinal: u32) -> bool {
    mix(mix(seed) ^ (u64::from(user) << 32 | u64::from(ordinal))).is_multiple_of(LATE_SESSIONS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Catalogue, Draft};

    /// That something of which there are 400 is there for about one in so many, and for others with another seed.
    fn assert_depends_on_the_seed(one_in: usize, of: impl Fn(u64) -> Vec<bool>) {
        let seeds: Vec<Vec<bool>> = (1..=5).map(of).collect();
        for (number, chosen) in seeds.iter().enumerate() {
            let count = chosen.iter().filter(|is| **is).count();
            assert!(count > 400 / one_in / 4 && count < 400 / one_in * 4, "{count} of 400");
            assert!(seeds[..number].iter().all(|other| other != chosen));
        }
    }

    #[test]
    fn another_seed_plants_other_difficulties() {
        assert_depends_on_the_seed(40, |seed| {
            (0..400).map(|user| is_late_session(seed, user, user % 3)).collect()
        });
        assert_depends_on_the_seed(30, |seed| {
            let catalogue = Catalogue::new(seed, 400, true);
            catalogue.files[..400].iter().map(|file| file.late).collect()
        });
        let draft = Draft { artist: "Åse".to_owned(), title: "Song".to_owned(), duration: 1, weight: 1.0 };
        let is_changed = |seed, is: &dyn Fn(&Draft) -> bool| {
            let mut tracks = vec![draft.clone(); 400];
            distort(seed, &mut tracks);
            tracks[..400].iter().map(is).collect()
        };
        assert_depends_on_the_seed(10, |seed| {
            is_changed(seed, &|track| track.weight < 1.0 || track.title != "Song")
        });
        assert_depends_on_the_seed(2, |seed| is_changed(seed, &|track| track.artist.starts_with('Ã')));
    }
}
