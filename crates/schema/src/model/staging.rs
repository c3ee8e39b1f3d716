//! Staging: the source as it came, in its own order of fields.
//!
//! Lengths are in bytes with room to spare: the longest texts known are 177 bytes (artist name),
//! 176 (location), 173 (title), 139 (user agent).

use super::types::{Column, Distribution, Table};

/// The first millisecond of the year 10000, exclusive upper bound of `ts`.
const YEAR_10000_MS: i64 = 253_402_300_800_000;

static EVENTS: Table = Table {
    name: "staging_events",
    grain: "an event of the log, delivered once or more",
    columns: &[
        Column::varchar("artist", 1024, "artist name of the song played").from_key("artist"),
        Column::varchar("auth", 64, "login state: Logged In, Logged Out, Guest, Cancelled").from_key("auth"),
        Column::varchar("first_name", 256, "the user's first name").from_key("firstName"),
        Column::varchar("gender", 16, "F or M").from_key("gender"),
        Column::integer("item_in_session", "position of the event in its session, from 0")
            .required()
            .whole(0, 1_048_575)
            .from_key("itemInSession"),
        Column::varchar("last_name", 256, "the user's last name").from_key("lastName"),
        Column::double("length", "length of the song in seconds").from_key("length"),
        Column::varchar("level", 16, "subscription at the time: free or paid").required().from_key("level"),
        Column::varchar("location", 1024, "where the user is").from_key("location"),
        Column::varchar("method", 16, "HTTP method").from_key("method"),
        Column::varchar("page", 64, "page or action; NextSong is a play").required().from_key("page"),
        Column::double("registration", "when the user registered, epoch milliseconds")
            .from_key("registration"),
        // Below 2^43, so that session_id * 1048576 + item_in_session fits 64 bits.
        Column::bigint("session_id", "session of the event")
            .required()
            .whole(0, 8_796_093_022_207)
            .from_key("sessionId"),
        Column::varchar("song", 1024, "title of the song played").from_key("song"),
        Column::integer("status", "HTTP status").from_key("status"),
        Column::bigint("ts", "when it happened, epoch milliseconds, UTC")
            .required()
            .whole(0, YEAR_10000_MS - 1)
            .from_key("ts"),
        Column::varchar("user_agent", 1024, "browser of the user, quotes kept").from_key("userAgent"),
        Column::bigint("user_id", "the user; NULL when logged out").from_key("userId"),
    ],
    primary_key: &[],
    unique: &[],
    references: &[],
    distribution: Distribution::Even,
    sort_key: &[],
};

static SONGS: Table = Table {
    name: "staging_songs",
    grain: "a distinct record of the song metadata",
    columns: &[
        Column::integer("num_songs", "always 1 in the source").from_key("num_songs"),
        Column::varchar("artist_id", 64, "the artist").required().from_key("artist_id"),
        Column::double("artist_latitude", "degrees north").real(-90.0, 90.0).from_key("artist_latitude"),
        Column::double("artist_longitude", "degrees east").real(-180.0, 180.0).from_key("artist_longitude"),
        Column::varchar("artist_location", 1024, "where the artist is from").from_key("artist_location"),
        Column::varchar("artist_name", 1024, "the artist's name").from_key("artist_name"),
        Column::varchar("song_id", 64, "the song").required().from_key("song_id"),
        Column::varchar("title", 1024, "the song's title").from_key("title"),
        Column::double("duration", "length of the song in seconds").from_key("duration"),
        Column::integer("year", "year of release; 0 when unknown").from_key("year"),
    ],
    primary_key: &[],
    unique: &[],
    references: &[],
    distribution: Distribution::Even,
    sort_key: &[],
};

/// `staging_events`: each event once, as it came.
#[must_use]
pub fn staging_events() -> &'static Table {
    &EVENTS
}

/// `staging_songs`: each distinct song record, as it came.
#[must_use]
pub fn staging_songs() -> &'static Table {
    &SONGS
}
