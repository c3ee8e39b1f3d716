//! The tables that one run keeps to itself until it publishes.
//!
//! Their names have a prefix of their own ([`RUN_PREFIX`]), and `sparkify_tables` lists those that exist: a load
//! creates them without `IF NOT EXISTS` and drops listed ones only, so that a table of another program with such a
//! name makes the load fail, and stays.

use std::sync::LazyLock;

use super::{
    ledger::{load_errors, loaded_files},
    staging::{staging_events, staging_songs},
    star,
    types::{Column, Distribution, Table},
};

/// What the name of each run-private table begins with.
pub const RUN_PREFIX: &str = "sparkify_run_";

const SONGPLAY_ID: Column =
    Column::bigint("songplay_id", "the key of the play, if the event is one").required();
const SESSION_ID: Column = Column::bigint("session_id", "the session").required();
const ITEM: Column = Column::integer("item_in_session", "position in the session").required();
const SONG_ID: Column = Column::varchar("song_id", 64, "the song").required();
const ARTIST_ID: Column = Column::varchar("artist_id", 64, "the artist").required();
const USER_ID: Column = Column::bigint("user_id", "the user").required();
const MATCHES: &[Column] = &[
    SONGPLAY_ID,
    Column::varchar("song_id", 64, "the song it matches now; NULL for none"),
    Column::varchar("artist_id", 64, "that song's artist"),
];
const TIME: &[Column] = &[
    Column::bigint("time_id", "epoch milliseconds").required(),
    Column::timestamp("start_time", "the same as a timestamp in UTC").required(),
];
const FILE_TIMES: &[Column] = &[
    Column::varchar("path", 4096, "absolute path or URL").required(),
    Column::bigint("modified_ns", "modification time, epoch nanoseconds").required(),
];
const STAGED: Column =
    Column::integer("staged", "1 if the event is staged already, 0 if this run brings it").required();

static KEPT_EVENTS: LazyLock<Vec<Column>> =
    LazyLock::new(|| staging_events().columns.iter().copied().chain([STAGED]).collect());
static CHOSEN_USERS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    star::users().columns.iter().chain(&star::users_source().columns[1..]).copied().collect()
});

/// The run-private tables, made at the start of a load and gone when it ends.
#[derive(Debug)]
pub struct RunTables;

impl RunTables {
    /// Those that take the records of the source as they are: new files, then changed ones.
    pub const RECORDS: [(&'static str, &'static str); 4] = [
        ("sparkify_run_songs", "staging_songs"),
        ("sparkify_run_events", "staging_events"),
        ("sparkify_run_changed_songs", "staging_songs"),
        ("sparkify_run_changed_events", "staging_events"),
    ];

    /// All of them.
    #[must_use]
    pub fn all() -> Vec<Table> {
        let mut tables: Vec<_> = Self::RECORDS
            .iter()
            .filter_map(|(name, model)| Some(super::table(model)?.private_copy(name)))
            .collect();
        tables.extend([
            staging_events().private_copy("sparkify_run_replaced_events"),
            staging_songs().private_copy("sparkify_run_replaced_songs"),
            private("sparkify_run_repeated_events", &[SESSION_ID, ITEM], "an event key that came before"),
            private("sparkify_run_repeated_songs", &[SONG_ID], "a song id that came before"),
            Table { columns: &KEPT_EVENTS, ..staging_events().private_copy("sparkify_run_kept_events") },
            staging_songs().private_copy("sparkify_run_kept_songs"),
            private("sparkify_run_conflicting_events", &[SESSION_ID, ITEM], "a key of two different events"),
            private(
                "sparkify_run_touched_events",
                &[SONGPLAY_ID, SESSION_ID, ITEM],
                "an event added or taken out",
            ),
            private("sparkify_run_touched_users", &[USER_ID], "a user of such an event"),
            private("sparkify_run_touched_time", TIME, "a start time of such an event"),
            private("sparkify_run_touched_songs", &[SONG_ID], "a song of a record added or taken out"),
            private("sparkify_run_touched_artists", &[ARTIST_ID], "an artist of such a record"),
            Table { columns: &CHOSEN_USERS, ..star::users().private_copy("sparkify_run_chosen_users") },
            star::artists().private_copy("sparkify_run_chosen_artists"),
            star::songs().private_copy("sparkify_run_chosen_songs"),
            private("sparkify_run_matches", MATCHES, "a play whose match may have changed"),
            loaded_files().private_copy("sparkify_run_loaded_files"),
            load_errors().private_copy("sparkify_run_load_errors"),
            private("sparkify_run_file_times", FILE_TIMES, "a file with another time and the same content"),
        ]);
        tables
    }
}

fn private(name: &'static str, columns: &'static [Column], grain: &'static str) -> Table {
    Table {
        name,
        grain,
        columns,
        primary_key: &[],
        unique: &[],
        references: &[],
        distribution: Distribution::Even,
        sort_key: &[],
    }
}
