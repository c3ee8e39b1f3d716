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
pub(crate) fn is_late_session(user: u32, ordinal: u32) -> bool {
    mix(u64::from(user) << 32 | u64::from(ordinal)).is_multiple_of(LATE_SESSIONS)
}
