//! The users of the service.

use crate::calendar::{self, DAY};
use crate::pages::{Auth, Level, State};
use crate::random::Random;
use crate::words::{BROWSERS, FIRST_NAMES, LAST_NAMES, PLACES};

/// The mean seconds between the sessions of a middling user, before the quiet hours thin them out.
const BETWEEN_SESSIONS: u64 = DAY * 7 / 5;

/// The mean seconds a middling user stays on a page that plays nothing.
const ON_A_PAGE: u64 = 90;

/// How users differ, in percent: the middles of eight equal shares of a log-normal distribution.
const SPREAD: [u64; 8] = [22, 41, 61, 85, 117, 163, 243, 460];

/// A user: what the log says of them, and their habits.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) first_name: &'static str,
    pub(crate) last_name: &'static str,
    pub(crate) gender: &'static str,
    pub(crate) location: &'static str,
    /// In Unix milliseconds.
    pub(crate) registration: u64,
    pub(crate) user_agent: String,
    /// At the sample's start.
    pub(crate) state: State,
    /// Mean seconds from a session to the next.
    pub(crate) between_sessions: u64,
    /// Mean seconds on a page that plays nothing.
    pub(crate) on_a_page: u64,
}

/// Makes the users.
///
/// Who pays and who is busy goes round in turn, not by chance, so that small samples too have both and
/// their size depends little on the seed.
pub(crate) fn people(count: u32, random: &mut Random) -> Vec<Person> {
    (0..u64::from(count)).map(|index| person(index, random)).collect()
}

fn person(index: u64, random: &mut Random) -> Person {
    let (first_name, gender) = random.pick(&FIRST_NAMES);
    let last_name = random.pick(&LAST_NAMES);
    let (location, ..) = random.pick(&PLACES);
    let browser = random.pick(&BROWSERS);
    let registered = random.exponential(4 * DAY).min(1_000 * DAY) + 60;
    Person {
        // The source counts its users from 2.
        id: index + 2,
        first_name,
        last_name,
        gender,
        location,
        registration: calendar::milliseconds_before(registered),
        // The source's list of browsers is a table in which cells with a comma are quoted, and the
        // quotes have stayed.
        user_agent: if browser.contains(',') { format!("\"{browser}\"") } else { browser.to_owned() },
        state: State {
            auth: if index % 11 == 6 { Auth::LoggedOut } else { Auth::LoggedIn },
            level: if index % 5 == 1 { Level::Paid } else { Level::Free },
        },
        between_sessions: BETWEEN_SESSIONS * SPREAD[(index * 3 % 8) as usize] / 100,
        on_a_page: ON_A_PAGE * SPREAD[((index / 8 * 3 + index * 5) % 8) as usize] / 100,
    }
}
