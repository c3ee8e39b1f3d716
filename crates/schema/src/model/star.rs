//! The star: the fact `songplays` and its four dimensions.

use super::types::{Column, Distribution, Reference, Table};

static USERS: Table = Table {
    name: "users",
    grain: "a user id seen logged in",
    columns: &[
        Column::bigint("id", "surrogate key, given once").required(),
        Column::bigint("user_id", "the user").required(),
        Column::varchar("first_name", 256, "first name, newest"),
        Column::varchar("last_name", 256, "last name, newest"),
        Column::varchar("gender", 16, "F or M, newest"),
        Column::varchar("level", 16, "free or paid, newest").required(),
    ],
    primary_key: &["id"],
    unique: &["user_id"],
    references: &[],
    distribution: Distribution::All,
    sort_key: &["user_id"],
};

static USERS_SOURCE: Table = Table {
    name: "users_source",
    grain: "a user id, with the event that its row of users was taken from",
    columns: &[
        Column::bigint("user_id", "the user").required(),
        Column::bigint("ts", "when the event happened, epoch milliseconds, UTC").required(),
        Column::bigint("session_id", "session of the event").required(),
        Column::integer("item_in_session", "position of the event in its session").required(),
    ],
    primary_key: &["user_id"],
    unique: &[],
    references: &[],
    distribution: Distribution::All,
    sort_key: &["user_id"],
};

static ARTISTS: Table = Table {
    name: "artists",
    grain: "an artist id",
    columns: &[
        Column::bigint("id", "surrogate key, given once").required(),
        Column::varchar("artist_id", 64, "the artist").required(),
        Column::varchar("name", 1024, "name, of the same record as place and coordinates"),
        Column::varchar("location", 1024, "where the artist is from"),
        Column::double("latitude", "degrees north"),
        Column::double("longitude", "degrees east"),
    ],
    primary_key: &["id"],
    unique: &["artist_id"],
    references: &[],
    distribution: Distribution::All,
    sort_key: &["artist_id"],
};

static SONGS: Table = Table {
    name: "songs",
    grain: "a song id",
    columns: &[
        Column::bigint("id", "surrogate key, given once").required(),
        Column::varchar("song_id", 64, "the song").required(),
        Column::varchar("title", 1024, "title"),
        Column::varchar("artist_id", 64, "the artist").required(),
        Column::integer("year", "year of release; NULL when unknown"),
        Column::double("duration", "length in seconds"),
    ],
    primary_key: &["id"],
    unique: &["song_id"],
    references: &[Reference { column: "artist_id", table: "artists", target: "artist_id" }],
    distribution: Distribution::All,
    sort_key: &["song_id"],
};

static TIME: Table = Table {
    name: "time",
    grain: "a distinct start time of a play",
    columns: &[
        Column::bigint("time_id", "epoch milliseconds").required(),
        Column::timestamp("start_time", "the same as a timestamp in UTC").required(),
        Column::integer("hour", "0 to 23").required(),
        Column::integer("day", "day of the month, 1 to 31").required(),
        Column::integer("week", "ISO week, 1 to 53").required(),
        Column::integer("month", "1 to 12").required(),
        Column::integer("year", "calendar year").required(),
        Column::integer("weekday", "0 = Sunday to 6 = Saturday").required(),
    ],
    primary_key: &["time_id"],
    unique: &["start_time"],
    references: &[],
    distribution: Distribution::All,
    sort_key: &["start_time"],
};

static SONGPLAYS: Table = Table {
    name: "songplays",
    grain: "a NextSong event with a user",
    columns: &[
        Column::bigint("songplay_id", "session_id * 1048576 + item_in_session").required(),
        Column::timestamp("start_time", "when the play began, UTC").required(),
        Column::bigint("user_id", "who played").required(),
        Column::varchar("level", 16, "subscription at that time").required(),
        Column::varchar("song_id", 64, "the song; NULL when it is not in the catalogue"),
        Column::varchar("artist_id", 64, "the artist; NULL when the song is not in the catalogue"),
        Column::bigint("session_id", "the session").required(),
        Column::integer("item_in_session", "position in the session").required(),
        Column::varchar("location", 1024, "where the user was"),
        Column::varchar("user_agent", 1024, "browser of the user"),
    ],
    primary_key: &["songplay_id"],
    unique: &[],
    references: &[
        Reference { column: "start_time", table: "time", target: "start_time" },
        Reference { column: "user_id", table: "users", target: "user_id" },
        Reference { column: "song_id", table: "songs", target: "song_id" },
        Reference { column: "artist_id", table: "artists", target: "artist_id" },
    ],
    // Not DISTKEY(song_id): most plays have no song, and all of those would land on one slice.
    distribution: Distribution::Auto,
    sort_key: &["start_time"],
};

/// The dimension of users.
#[must_use]
pub fn users() -> &'static Table {
    &USERS
}

/// The newest event of each user, so that a load need not look for it among all staged ones.
#[must_use]
pub fn users_source() -> &'static Table {
    &USERS_SOURCE
}

/// The dimension of artists.
#[must_use]
pub fn artists() -> &'static Table {
    &ARTISTS
}

/// The dimension of songs.
#[must_use]
pub fn songs() -> &'static Table {
    &SONGS
}

/// The dimension of start times.
#[must_use]
pub fn time() -> &'static Table {
    &TIME
}

/// The fact: plays.
#[must_use]
pub fn songplays() -> &'static Table {
    &SONGPLAYS
}
