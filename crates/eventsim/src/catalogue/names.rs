//! Names of artists and titles of songs.

use crate::{
    random::Random,
    words::{ADJECTIVES, LAST_NAMES, MEN, NOUNS, VERBS, WOMEN, list},
};

/// An odd number that scatters the indexes, so that names of all forms are among the first ones.
const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;

/// What names are made of.
#[derive(Debug)]
pub(super) struct Names {
    first: Vec<&'static str>,
    last: Vec<&'static str>,
    adjectives: Vec<&'static str>,
    nouns: Vec<&'static str>,
    verbs: Vec<&'static str>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            first: list(WOMEN).into_iter().chain(list(MEN)).collect(),
            last: list(LAST_NAMES),
            adjectives: list(ADJECTIVES),
            nouns: list(NOUNS),
            verbs: list(VERBS),
        }
    }

    /// The artist name of an index; no two indexes have the same.
    pub(super) fn artist(&self, index: u64) -> String {
        let [first, last, adjectives, nouns] =
            [&self.first, &self.last, &self.adjectives, &self.nouns].map(|words| words.len() as u64);
        let forms = [adjectives * nouns, first * last, last * last, adjectives * nouns, first * nouns];
        let all: u64 = forms.iter().sum();
        let (round, mut place) = (index / all, scattered(index % all, all));
        let mut form = 0;
        while place >= forms[form] {
            place -= forms[form];
            form += 1;
        }
        let pick = |words: &[&'static str], place: u64| words[(place % words.len() as u64) as usize];
        let name = match form {
            0 => format!("The {} {}s", pick(&self.adjectives, place), pick(&self.nouns, place / adjectives)),
            1 => format!("{} {}", pick(&self.first, place), pick(&self.last, place / first)),
            2 => format!("{} & {}", pick(&self.last, place), pick(&self.last, place / last)),
            3 => format!("{} {}", pick(&self.adjectives, place), pick(&self.nouns, place / adjectives)),
            _ => format!("{} and the {}s", pick(&self.first, place), pick(&self.nouns, place / first)),
        };
        if round == 0 { name } else { format!("{name} {}", round + 1) }
    }

    pub(super) fn title(&self, random: &mut Random) -> String {
        let (adjective, noun) = (random.pick(&self.adjectives), random.pick(&self.nouns));
        let title = match random.below(8) {
            0 => format!("{adjective} {noun}"),
            1 | 2 => format!("{} the {noun}", random.pick(&self.verbs)),
            3 => format!("{noun} and {}", random.pick(&self.nouns)),
            4 => format!("{}'s {noun}", random.pick(&self.first)),
            5 => format!("{} {} {noun}s", random.pick(&self.verbs), adjective),
            _ => format!("{} in the {adjective} {noun}", random.pick(&self.nouns)),
        };
        match random.below(100) {
            0..=5 => format!("{title} (Album Version)"),
            6..=7 => format!("{title} (Live)"),
            _ => title,
        }
    }
}

/// Another index below `all` for each index below `all`.
fn scattered(index: u64, all: u64) -> u64 {
    let step = (0..all).map(|more| SCATTER % all + more).find(|step| divisor(*step, all) == 1).unwrap_or(1);
    ((u128::from(index) * u128::from(step)) % u128::from(all)) as u64
}

const fn divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Names;

    #[test]
    fn no_two_artists_have_the_same_name() {
        let names = Names::new();
        let all: HashSet<_> = (0..200_000).map(|index| names.artist(index)).collect();
        assert_eq!(all.len(), 200_000);
    }
}
