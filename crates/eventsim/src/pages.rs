//! The pages of the service and how a user goes from one to the next.
//!
//! The figures are a simplified form of those that shaped the source.

use crate::random::Random;

/// Whether a user is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    LoggedIn,
    LoggedOut,
}

impl Auth {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LoggedIn => "Logged In",
            Self::LoggedOut => "Logged Out",
        }
    }
}

/// What a user pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Free,
    Paid,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
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
    Downgrade,
    Error,
    Help,
    Home,
    Login,
    Logout,
    NextSong,
    SaveSettings,
    Settings,
    SubmitDowngrade,
    SubmitUpgrade,
    Upgrade,
}

impl Page {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::About => "About",
            Self::Downgrade => "Downgrade",
            Self::Error => "Error",
            Self::Help => "Help",
            Self::Home => "Home",
            Self::Login => "Login",
            Self::Logout => "Logout",
            Self::NextSong => "NextSong",
            Self::SaveSettings => "Save Settings",
            Self::Settings => "Settings",
            Self::SubmitDowngrade => "Submit Downgrade",
            Self::SubmitUpgrade => "Submit Upgrade",
            Self::Upgrade => "Upgrade",
        }
    }

    /// Whether the page does something and then leads to another one.
    pub(crate) fn redirects(self) -> bool {
        use Page::{Login, Logout, SaveSettings, SubmitDowngrade, SubmitUpgrade};
        matches!(self, Login | Logout | SaveSettings | SubmitDowngrade | SubmitUpgrade)
    }

    pub(crate) fn method(self) -> &'static str {
        if self == Self::NextSong || self.redirects() { "PUT" } else { "GET" }
    }

    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Error => 404,
            _ if self.redirects() => 307,
            _ => 200,
        }
    }
}

/// Where a user is between two events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State {
    pub(crate) auth: Auth,
    pub(crate) level: Level,
}

impl State {
    /// The state after a page: the page itself is still seen in the old one.
    pub(crate) fn after(self, page: Page) -> Self {
        match page {
            Page::Login => Self { auth: Auth::LoggedIn, ..self },
            Page::Logout => Self { auth: Auth::LoggedOut, ..self },
            Page::SubmitUpgrade => Self { level: Level::Paid, ..self },
            Page::SubmitDowngrade => Self { level: Level::Free, ..self },
            _ => self,
        }
    }

    /// The first page of a session.
    pub(crate) fn first_page(self, random: &mut Random) -> Page {
        use Page::{About, Help, Home, Login, NextSong};
        let chances: &[(Page, u64)] = match self.auth {
            Auth::LoggedIn => &[(NextSong, 610), (Help, 5), (About, 5)],
            Auth::LoggedOut => &[(Login, 330), (About, 5), (Help, 5)],
        };
        draw(chances, random).unwrap_or(Home)
    }

    /// The page after a page, or none at the session's end. The state is that after the page.
    pub(crate) fn next_page(self, page: Page, random: &mut Random) -> Option<Page> {
        draw(chances(page, self), random)
    }
}

/// One of the pages by their chances in a thousand; none in the rest of the cases.
fn draw(chances: &[(Page, u64)], random: &mut Random) -> Option<Page> {
    let mut left = random.below(1000);
    for &(page, permille) in chances {
        match left.checked_sub(permille) {
            None => return Some(page),
            Some(rest) => left = rest,
        }
    }
    None
}

/// The chances in a thousand of the pages after a page.
#[rustfmt::skip]
fn chances(page: Page, state: State) -> &'static [(Page, u64)] {
    use Auth::{LoggedIn, LoggedOut};
    use Level::{Free, Paid};
    use Page::{
        About, Downgrade, Error, Help, Home, Login, Logout, NextSong, SaveSettings, Settings, SubmitDowngrade,
        SubmitUpgrade, Upgrade,
    };
    match (page, state.auth, state.level) {
        (Login | Logout | SubmitUpgrade | SubmitDowngrade, _, _) => &[(Home, 1000)],
        (Home, LoggedOut, _) => &[(Login, 420), (About, 100), (Home, 100), (Help, 50), (Error, 1)],
        (_, LoggedOut, _) => &[(Login, 300), (Home, 300), (About, 50), (Help, 50), (Error, 1)],
        (NextSong, LoggedIn, Free) => &[
            (NextSong, 520), (Home, 20), (Logout, 20), (Upgrade, 20), (Help, 5), (Settings, 5),
            (About, 2), (Error, 1),
        ],
        (NextSong, LoggedIn, Paid) => &[
            (NextSong, 920), (Home, 20), (Downgrade, 12), (Logout, 10), (Help, 5), (Settings, 5),
            (About, 2), (Error, 1),
        ],
        (Home, LoggedIn, Free) => &[
            (NextSong, 600), (Settings, 20), (Upgrade, 20), (Home, 10), (Logout, 10), (About, 2),
            (Help, 2), (Error, 1),
        ],
        (Home, LoggedIn, Paid) => &[
            (NextSong, 850), (Settings, 20), (Downgrade, 12), (Home, 10), (Logout, 10),
            (About, 2), (Help, 2), (Error, 1),
        ],
        (Settings, LoggedIn, _) => &[
            (NextSong, 450), (SaveSettings, 200), (Home, 80), (Settings, 70), (Help, 50),
            (Logout, 10), (Error, 1),
        ],
        (SaveSettings, LoggedIn, _) => &[(Home, 750), (Settings, 100), (Error, 1)],
        (Upgrade, LoggedIn, _) => &[
            (NextSong, 320), (SubmitUpgrade, 300), (Home, 100), (Upgrade, 70), (Logout, 10),
            (Help, 6), (Error, 1),
        ],
        (Downgrade, LoggedIn, _) => &[
            (NextSong, 630), (Home, 100), (Downgrade, 70), (SubmitDowngrade, 20), (Logout, 10),
            (Help, 6), (Error, 1),
        ],
        (About | Help | Error, LoggedIn, Free) => &[
            (NextSong, 310), (Home, 200), (Help, 20), (Logout, 10), (Error, 1),
        ],
        (About | Help | Error, LoggedIn, Paid) => &[
            (NextSong, 600), (Home, 150), (Help, 20), (Logout, 10), (Error, 1),
        ],
    }
}
