//! One line of the log, before it is written.

use crate::pages::State;

/// No track: the page plays nothing.
pub(crate) const NO_TRACK: u32 = u32::MAX;

/// Users from here on are scripted; below, simulated.
pub(crate) const SCRIPTED: u32 = 1 << 31;

/// An event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    /// In Unix milliseconds.
    pub(crate) at: i64,
    /// The number of the session, known once the events of all users are in order.
    pub(crate) session: u64,
    /// The index of the user.
    pub(crate) user: u32,
    /// How many sessions of this user came before.
    pub(crate) ordinal: u32,
    pub(crate) item: u32,
    pub(crate) track: u32,
    pub(crate) state: State,
    /// Whether it is the first of its session that is written.
    pub(crate) is_first: bool,
    /// Whether its file is delivered later than the others.
    pub(crate) is_late: bool,
}

impl Event {
    /// What the log is sorted by.
    #[inline]
    pub(crate) const fn key(&self) -> (i64, u32, u32, u32) {
        (self.at, self.user, self.ordinal, self.item)
    }

    /// Whether it is a row of songplays.
    #[inline]
    pub(crate) const fn is_play(&self) -> bool {
        self.track != NO_TRACK && self.state.auth.is_known()
    }
}
