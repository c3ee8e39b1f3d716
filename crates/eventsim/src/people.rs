//! What the log says of the users.

use crate::{
    clock::YEAR,
    json::{Slash, push_string},
    random::Random,
    words::{BROWSERS, LAST_NAMES, MEN, PLACES, WOMEN, list, places},
};

/// More years than this before the start nobody has registered.
const REGISTRATION_YEARS_MAX: f64 = 5.0;

/// What is known of a user, as indexes into the [`Vocabulary`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Profile {
    pub(crate) first_name: u16,
    pub(crate) last_name: u16,
    pub(crate) place: u16,
    pub(crate) browser: u16,
    /// In Unix milliseconds.
    pub(crate) registration: i64,
}

impl Profile {
    /// Draws what a user is like, except for the registration.
    pub(crate) fn draw(vocabulary: &Vocabulary, registration: i64, random: &mut Random) -> Self {
        let women = random.chance(560);
        let index = if women {
            random.rank(vocabulary.women)
        } else {
            vocabulary.women + random.rank(vocabulary.first_names.len() - vocabulary.women)
        };
        Self {
            first_name: index as u16,
            last_name: random.rank(vocabulary.last_names.len()) as u16,
            place: random.rank(vocabulary.places.len()) as u16,
            browser: random.rank(vocabulary.browsers.len()) as u16,
            registration,
        }
    }
}

/// How many milliseconds before the start one of the first users registered.
pub(crate) fn registered_before(growth_rate: f64, random: &mut Random) -> i64 {
    let seconds = random.exponential(growth_rate * YEAR).min(REGISTRATION_YEARS_MAX * YEAR);
    seconds as i64 * 1000
}

/// A word of the log, as text and as the part of a row that it is written into.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// The end of the value before it, its key, its value, and the next key.
    pub(crate) part: String,
}

impl Word {
    fn new(text: String, before: &str, after: &str) -> Self {
        let mut part = before.as_bytes().to_vec();
        push_string(&mut part, &text, Slash::Escaped);
        let part = format!("{}{after}", String::from_utf8_lossy(&part));
        Self { text, part }
    }
}

/// Everything that profiles refer to.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// Those of women come first; the part has the gender as well.
    pub(crate) first_names: Vec<Word>,
    women: usize,
    pub(crate) last_names: Vec<Word>,
    pub(crate) places: Vec<Word>,
    pub(crate) browsers: Vec<Word>,
}

impl Vocabulary {
    pub(crate) fn new() -> Self {
        let (women, men) = (list(WOMEN), list(MEN));
        let first_name = |gender: &'static str| {
            let after = format!(",\"gender\":\"{gender}\",\"itemInSession\":");
            move |name: &&str| Word::new((*name).to_owned(), ",\"firstName\":", &after)
        };
        Self {
            first_names: women.iter().map(first_name("F")).chain(men.iter().map(first_name("M"))).collect(),
            women: women.len(),
            last_names: list(LAST_NAMES)
                .into_iter()
                .map(|name| Word::new(name.to_owned(), ",\"lastName\":", ",\"length\":"))
                .collect(),
            places: places(PLACES)
                .into_iter()
                .map(|place| Word::new(place.name.to_owned(), ",\"location\":", ",\"method\":\""))
                .collect(),
            browsers: BROWSERS
                .into_iter()
                .map(|browser| {
                    // The source's list of browsers is a table in which cells with a comma are quoted, and
                    // the quotes have stayed.
                    let text =
                        if browser.contains(',') { format!("\"{browser}\"") } else { browser.to_owned() };
                    Word::new(text, ",\"userAgent\":", ",\"userId\":\"")
                })
                .collect(),
        }
    }

    /// The gender of a first name.
    pub(crate) const fn gender(&self, first_name: u16) -> &'static str {
        if (first_name as usize) < self.women { "F" } else { "M" }
    }
}
