//! The pages of the service and how a user goes from one to the next.

mod transitions;

use crate::random::Random;
use transitions::{TRANSITIONS, first_pages};

/// Whether a user is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    LoggedIn,
    LoggedOut,
    Guest,
    Cancelled,
}

impl Auth {
    const ALL: [Self; 4] = [Self::LoggedIn, Self::LoggedOut, Self::Guest, Self::Cancelled];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LoggedIn => "Logged In",
            Self::LoggedOut => "Logged Out",
            Self::Guest => "Guest",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Whether the log says who it is.
    pub(crate) const fn is_known(self) -> bool {
        matches!(self, Self::LoggedIn | Self::Cancelled)
    }
}

/// What a user pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Free,
    Paid,
}

impl Level {
    pub(crate) const ALL: [Self; 2] = [Self::Free, Self::Paid];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Paid => "paid",
        }
    }
}

/// What a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    About,
    Cancel,
    CancellationConfirmation,
    Downgrade,
    Error,
    Help,
    Home,
    Login,
    Logout,
    NextSong,
    Register,
    SaveSettings,
    Settings,
    SubmitDowngrade,
    SubmitRegistration,
    SubmitUpgrade,
    Upgrade,
}

impl Page {
    pub(crate) const ALL: [Self; 17] = [
        Self::About,
        Self::Cancel,
        Self::CancellationConfirmation,
        Self::Downgrade,
        Self::Error,
        Self::Help,
        Self::Home,
        Self::Login,
        Self::Logout,
        Self::NextSong,
        Self::Register,
        Self::SaveSettings,
        Self::Settings,
        Self::SubmitDowngrade,
        Self::SubmitRegistration,
        Self::SubmitUpgrade,
        Self::Upgrade,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::About => "About",
            Self::Cancel => "Cancel",
            Self::CancellationConfirmation => "Cancellation Confirmation",
            Self::Downgrade => "Downgrade",
            Self::Error => "Error",
            Self::Help => "Help",
            Self::Home => "Home",
            Self::Login => "Login",
            Self::Logout => "Logout",
            Self::NextSong => "NextSong",
            Self::Register => "Register",
            Self::SaveSettings => "Save Settings",
            Self::Settings => "Settings",
            Self::SubmitDowngrade => "Submit Downgrade",
            Self::SubmitRegistration => "Submit Registration",
            Self::SubmitUpgrade => "Submit Upgrade",
            Self::Upgrade => "Upgrade",
        }
    }

    /// Whether the page does something and then leads to another one.
    pub(crate) const fn redirects(self) -> bool {
        matches!(
            self,
            Self::Cancel
                | Self::Login
                | Self::Logout
                | Self::SaveSettings
                | Self::SubmitDowngrade
                | Self::SubmitRegistration
                | Self::SubmitUpgrade
        )
    }

    pub(crate) const fn method(self) -> &'static str {
        if matches!(self, Self::NextSong) || self.redirects() { "PUT" } else { "GET" }
    }

    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Error => 404,
            _ if self.redirects() => 307,
            _ => 200,
        }
    }
}

/// A page as it is seen: by whom, and at which level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) page: Page,
    pub(crate) auth: Auth,
    pub(crate) level: Level,
}

impl State {
    const COUNT: usize = Page::ALL.len() * Auth::ALL.len() * Level::ALL.len();

    const fn index(self) -> usize {
        (self.page as usize * Auth::ALL.len() + self.auth as usize) * Level::ALL.len() + self.level as usize
    }
}

/// A choice: with a draw below this, and not below that of the choice before, what it leads to.
#[derive(Debug, Clone, Copy)]
struct Choice {
    below: u64,
    state: State,
}

/// The pages after each page, ready to draw from.
#[derive(Debug)]
pub(crate) struct Machine {
    choices: Vec<Choice>,
    /// Where the choices of each state begin, and where the last ones end.
    starts: Vec<u32>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let mut by_state: Vec<Vec<Choice>> = vec![Vec::new(); State::COUNT];
        for (page, auth, level, targets) in TRANSITIONS {
            let state = State { page: *page, auth: *auth, level: *level };
            let mut sum = 0;
            by_state[state.index()].extend(targets.iter().map(|(chances, page, change)| {
                sum += u64::from(*chances);
                // Chances in ten thousand become chances in 2^32.
                Choice {
                    below: ((sum << 32) + 5_000) / 10_000,
                    state: change.of(State { page: *page, ..state }),
                }
            }));
        }
        let (mut starts, mut choices) = (vec![0], Vec::new());
        for of_state in by_state {
            choices.extend(of_state);
            starts.push(choices.len() as u32);
        }
        Self { choices, starts }
    }

    /// The page after a page; `None` at the end of the session.
    #[inline]
    pub(crate) fn next(&self, state: State, random: &mut Random) -> Option<State> {
        let index = state.index();
        let draw = u64::from(random.next_u32());
        self.choices[self.starts[index] as usize..self.starts[index + 1] as usize]
            .iter()
            .find(|choice| draw < choice.below)
            .map(|choice| choice.state)
    }

    /// The first page of a session.
    pub(crate) fn first(&self, auth: Auth, level: Level, random: &mut Random) -> State {
        let weights = first_pages(auth, level);
        let mut left = random.below(weights.iter().map(|(weight, _)| u64::from(*weight)).sum());
        for (weight, page) in weights {
            match left.checked_sub(u64::from(*weight)) {
                None => return State { page: *page, auth, level },
                Some(rest) => left = rest,
            }
        }
        State { page: Page::Home, auth, level }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Where somebody is and, of what may come next, the chance and the place: `login/level/page`.
    type Rows = BTreeMap<String, Vec<(String, String)>>;

    fn place(state: State) -> String {
        format!("{}/{}/{}", state.auth.name(), state.level.name(), state.page.name())
    }

    /// The rows of the description, with chances in ten thousandths and weights as they are.
    fn described() -> Rows {
        let mut rows = Rows::new();
        for line in include_str!("pages/model.txt").lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (row, choices) = line.split_once(": ").unwrap();
            let is_first = row.starts_with("first ");
            let mut parts = row.trim_start_matches("first ").split('/');
            let (auth, level) = (parts.next().unwrap(), parts.next().unwrap());
            let choices = choices.split(", ").map(|choice| {
                let (choice, change) = choice.split_once(" > ").unwrap_or((choice, ""));
                let (page, chance) = choice.rsplit_once(' ').unwrap();
                let to = match change {
                    "" => format!("{auth}/{level}/{page}"),
                    "free" | "paid" => format!("{auth}/{change}/{page}"),
                    other => format!("{other}/{level}/{page}"),
                };
                let chance: f64 = chance.parse().unwrap();
                let chance = if is_first { chance } else { (chance * 10_000.0).round() };
                (chance.to_string(), to)
            });
            assert!(rows.insert(row.to_owned(), choices.collect()).is_none(), "{row}");
        }
        rows
    }

    #[test]
    fn the_machine_is_the_one_of_the_description() {
        let mut machine = Rows::new();
        for (page, auth, level, targets) in TRANSITIONS {
            let state = State { page: *page, auth: *auth, level: *level };
            let choices = targets.iter().map(|(chances, page, change)| {
                (chances.to_string(), place(change.of(State { page: *page, ..state })))
            });
            machine.insert(place(state), choices.collect());
        }
        for (auth, level) in [
            (Auth::LoggedIn, Level::Free),
            (Auth::LoggedIn, Level::Paid),
            (Auth::LoggedOut, Level::Free),
            (Auth::LoggedOut, Level::Paid),
            (Auth::Guest, Level::Free),
        ] {
            let choices = first_pages(auth, level)
                .iter()
                .map(|(weight, page)| (weight.to_string(), place(State { page: *page, auth, level })));
            machine.insert(format!("first {}/{}", auth.name(), level.name()), choices.collect());
        }
        // The order within a row has no meaning for the chances.
        let sorted = |mut rows: Rows| {
            rows.values_mut().for_each(|choices| choices.sort());
            rows
        };
        assert_eq!(sorted(machine), sorted(described()));
    }

    #[test]
    fn pages_have_the_methods_and_status_of_the_description() {
        for page in Page::ALL {
            let expected = match page.name() {
                "Error" => ("GET", 404),
                "NextSong" => ("PUT", 200),
                "Cancel" | "Login" | "Logout" | "Save Settings" => ("PUT", 307),
                name if name.starts_with("Submit ") => ("PUT", 307),
                _ => ("GET", 200),
            };
            assert_eq!((page.method(), page.status()), expected, "{page:?}");
        }
    }

    #[test]
    fn every_chance_leads_to_a_page_that_goes_on_or_ends() {
        for (page, auth, level, targets) in TRANSITIONS {
            let sum: u16 = targets.iter().map(|(chances, ..)| chances).sum();
            assert!(sum <= 10_000, "{page:?} {auth:?} {level:?}: {sum}");
            for (_, next, change) in *targets {
                let state = change.of(State { page: *next, auth: *auth, level: *level });
                let goes_on = TRANSITIONS.iter().any(|(page, auth, level, _)| {
                    (*page, *auth, *level) == (state.page, state.auth, state.level)
                });
                assert!(goes_on || state.auth == Auth::Cancelled, "{state:?}");
            }
        }
    }

    #[test]
    fn the_chances_are_those_of_the_table() {
        let machine = Machine::new();
        let mut random = Random::stream(1, 0);
        let song = State { page: Page::NextSong, auth: Auth::LoggedIn, level: Level::Paid };
        let draws: Vec<_> = (0..100_000).map(|_| machine.next(song, &mut random)).collect();
        let share = |page: Option<Page>| {
            draws.iter().filter(|draw| draw.map(|state| state.page) == page).count() as f64 / 100_000.0
        };
        for (page, expected) in [
            (Some(Page::NextSong), 0.925),
            (Some(Page::Home), 0.02),
            (Some(Page::Downgrade), 0.01),
            (Some(Page::Upgrade), 0.0),
            (None, 0.022),
        ] {
            assert!((share(page) - expected).abs() < 0.003, "{page:?}: {}", share(page));
        }
    }

    #[test]
    fn the_level_changes_after_a_submission_only() {
        for (page, auth, level, targets) in TRANSITIONS {
            for (_, next, change) in *targets {
                let state = change.of(State { page: *next, auth: *auth, level: *level });
                let submitted = matches!(page, Page::SubmitUpgrade | Page::SubmitDowngrade);
                assert!(state.level == *level || (submitted && *next == Page::Home));
            }
        }
    }
}
