//! The chances of each page after each page, in ten thousandths. What is left is the end of the session.

use super::{
    Auth::{self, Guest, LoggedIn, LoggedOut},
    Level::{self, Free, Paid},
    Page::{self, *},
    State,
};
use Change::*;

/// What changes on the way to a page.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Same,
    In,
    Out,
    AsGuest,
    Gone,
    Pays,
    PaysNot,
}

impl Change {
    /// The state on the page.
    pub(super) const fn of(self, state: State) -> State {
        match self {
            Same => state,
            In => State { auth: LoggedIn, ..state },
            Out => State { auth: LoggedOut, ..state },
            AsGuest => State { auth: Guest, ..state },
            Gone => State { auth: Auth::Cancelled, ..state },
            Pays => State { level: Paid, ..state },
            PaysNot => State { level: Free, ..state },
        }
    }
}

/// The weights of the first pages of a session.
#[rustfmt::skip]
pub(super) const fn first_pages(auth: Auth, level: Level) -> &'static [(u16, Page)] {
    match (auth, level) {
        (LoggedIn, Free) => &[(1000, Home), (1500, NextSong), (5, About), (10, Help), (1, Error)],
        (LoggedIn, Paid) => &[(1000, Home), (1750, NextSong), (5, About), (5, Help), (1, Error)],
        (LoggedOut, _) => &[(1000, Home), (500, Login), (10, About), (10, Help), (1, Error)],
        (Guest, _) => &[(100, Home), (20, About), (10, Help), (30, Register), (5, Error)],
        // Who has cancelled does not come back.
        (Auth::Cancelled, _) => &[(1, Home)],
    }
}

/// A page with what may come after it.
pub(super) type After = (Page, Auth, Level, &'static [(u16, Page, Change)]);

#[rustfmt::skip]
pub(super) const TRANSITIONS: &[After] = &[
    (NextSong, LoggedIn, Free, &[
        (5000, NextSong, Same), (200, Home, Same), (200, Logout, Same), (100, Upgrade, Same),
        (50, Help, Same), (50, Settings, Same), (20, About, Same), (10, Error, Same),
    ]),
    (Home, LoggedIn, Free, &[
        (6000, NextSong, Same), (200, Settings, Same), (100, Home, Same), (100, Upgrade, Same),
        (100, Logout, Same), (20, About, Same), (20, Help, Same), (10, Error, Same),
    ]),
    (About, LoggedIn, Free, &[
        (3000, NextSong, Same), (2000, Home, Same), (500, About, Same), (100, Help, Same),
        (100, Settings, Same), (100, Logout, Same), (10, Error, Same),
    ]),
    (Help, LoggedIn, Free, &[
        (3200, NextSong, Same), (2000, Home, Same), (1000, Help, Same), (500, Settings, Same),
        (100, Upgrade, Same), (100, Logout, Same), (20, About, Same), (10, Error, Same),
    ]),
    (Settings, LoggedIn, Free, &[
        (3000, NextSong, Same), (2000, SaveSettings, Same), (1000, Home, Same), (1000, Settings, Same),
        (500, Help, Same), (100, Upgrade, Same), (100, Logout, Same), (50, Cancel, Same),
        (20, About, Same), (10, Error, Same),
    ]),
    (SaveSettings, LoggedIn, Free, &[(6500, Home, Same), (1000, Settings, Same), (10, Error, Same)]),
    (Upgrade, LoggedIn, Free, &[
        (3250, NextSong, Same), (3000, SubmitUpgrade, Same), (1000, Home, Same), (700, Upgrade, Same),
        (100, Logout, Same), (60, Help, Same), (20, About, Same), (10, Error, Same),
    ]),
    (SubmitUpgrade, LoggedIn, Free, &[(10000, Home, Pays)]),
    (Logout, LoggedIn, Free, &[(10000, Home, Out)]),
    (SubmitRegistration, LoggedIn, Free, &[(9990, Home, Same), (10, Error, AsGuest)]),
    (Cancel, LoggedIn, Free, &[(9990, CancellationConfirmation, Gone), (10, Error, Same)]),
    (Error, LoggedIn, Free, &[
        (3000, NextSong, Same), (1000, Home, Same), (100, Logout, Same), (100, Error, Same),
        (20, Help, Same), (10, About, Same),
    ]),
    (NextSong, LoggedIn, Paid, &[
        (9250, NextSong, Same), (200, Home, Same), (100, Downgrade, Same), (100, Logout, Same),
        (50, Help, Same), (50, Settings, Same), (20, About, Same), (10, Error, Same),
    ]),
    (Home, LoggedIn, Paid, &[
        (8500, NextSong, Same), (200, Settings, Same), (100, Downgrade, Same), (100, Home, Same),
        (100, Logout, Same), (20, About, Same), (20, Help, Same), (10, Error, Same),
    ]),
    (About, LoggedIn, Paid, &[
        (4000, NextSong, Same), (2000, Home, Same), (500, About, Same), (100, Help, Same),
        (100, Settings, Same), (100, Logout, Same), (10, Error, Same),
    ]),
    (Help, LoggedIn, Paid, &[
        (7500, NextSong, Same), (1000, Home, Same), (500, Help, Same), (200, Settings, Same),
        (100, Downgrade, Same), (100, Logout, Same), (20, About, Same), (10, Error, Same),
    ]),
    (Settings, LoggedIn, Paid, &[
        (6000, NextSong, Same), (2000, SaveSettings, Same), (500, Help, Same), (500, Home, Same),
        (500, Settings, Same), (100, Downgrade, Same), (100, Logout, Same), (50, Cancel, Same),
        (20, About, Same), (10, Error, Same),
    ]),
    (SaveSettings, LoggedIn, Paid, &[(8000, Home, Same), (1000, Settings, Same), (10, Error, Same)]),
    (Downgrade, LoggedIn, Paid, &[
        (6300, NextSong, Same), (1000, Home, Same), (700, Downgrade, Same), (100, Logout, Same),
        (100, SubmitDowngrade, Same), (60, Help, Same), (20, About, Same), (10, Error, Same),
    ]),
    (SubmitDowngrade, LoggedIn, Paid, &[(9990, Home, PaysNot), (10, Error, Same)]),
    (Logout, LoggedIn, Paid, &[(9990, Home, Out), (10, Error, Same)]),
    (Cancel, LoggedIn, Paid, &[(9990, CancellationConfirmation, Gone), (10, Error, Same)]),
    (Error, LoggedIn, Paid, &[
        (2000, NextSong, Same), (1000, Home, Same), (100, Help, Same), (100, Logout, Same),
        (10, About, Same), (10, Error, Same),
    ]),
    (Home, LoggedOut, Free, &[
        (5000, Login, Same), (1000, About, Same), (1000, Home, Same), (500, Help, Same), (10, Error, Same),
    ]),
    (About, LoggedOut, Free, &[
        (4000, Login, Same), (3000, Home, Same), (500, About, Same), (250, Help, Same), (10, Error, Same),
    ]),
    (Help, LoggedOut, Free, &[
        (5000, Login, Same), (3000, Home, Same), (1000, Help, Same), (25, About, Same), (10, Error, Same),
    ]),
    (Login, LoggedOut, Free, &[(9990, Home, In), (10, Error, Same)]),
    (Error, LoggedOut, Free, &[
        (5000, Home, Same), (1000, Login, Same), (500, Help, Same), (100, About, Same), (100, Error, Same),
    ]),
    (Home, LoggedOut, Paid, &[
        (3000, Login, Same), (1000, About, Same), (1000, Home, Same), (500, Help, Same), (10, Error, Same),
    ]),
    (About, LoggedOut, Paid, &[
        (3000, Home, Same), (1000, Login, Same), (500, About, Same), (500, Help, Same), (10, Error, Same),
    ]),
    (Help, LoggedOut, Paid, &[
        (2000, Home, Same), (1000, Help, Same), (300, Login, Same), (25, About, Same), (10, Error, Same),
    ]),
    (Login, LoggedOut, Paid, &[(9990, Home, In), (10, Error, Same)]),
    (Error, LoggedOut, Paid, &[
        (3000, Home, Same), (1000, Login, Same), (500, Help, Same), (100, Error, Same),
    ]),
    (Home, Guest, Free, &[
        (3000, Register, Same), (1000, About, Same), (1000, Home, Same), (500, Help, Same),
        (10, Error, Same),
    ]),
    (About, Guest, Free, &[
        (3000, Home, Same), (1000, Register, Same), (500, About, Same), (500, Help, Same),
        (10, Error, Same),
    ]),
    (Help, Guest, Free, &[
        (2000, Home, Same), (1000, Help, Same), (300, Register, Same), (25, About, Same),
        (10, Error, Same),
    ]),
    (Register, Guest, Free, &[
        (7000, SubmitRegistration, In), (1000, Home, Same), (500, Register, Same), (200, Help, Same),
        (100, About, Same), (10, Error, Same),
    ]),
    (Error, Guest, Free, &[(5000, Home, Same), (1000, Error, Same), (500, Help, Same), (100, About, Same)]),
];
