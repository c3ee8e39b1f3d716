//! The tables that one run keeps to itself until it publishes.

use super::{
    ledger::{load_errors, loaded_files},
    staging::{staging_events, staging_songs},
    star,
    types::{Column, Distribution, Layer, Table},
};

const SONG_AND_ARTIST: &[Column] = &[
    Column::bigint("songplay_id", "the play").required(),
    Column::varchar("song_id", 64, "the song it matches now; NULL for none"),
    Column::varchar("artist_id", 64, "that song's artist"),
];
const EVENT_KEY: &[Column] = &[
    Column::bigint("session_id", "the session").required(),
    Column::integer("item_in_session", "position in the session").required(),
];
const SONG_KEY: &[Column] = &[Column::varchar("song_id", 64, "the song").required()];

/// The run-private tables, made at the start of a load and gone when it ends.
#[derive(Debug)]
pub struct BatchTables;

impl BatchTables {
    /// All of them.
    #[must_use]
    pub fn all() -> Vec<Table> {
        let keys = |name, columns, grain| Table {
            name,
            layer: Layer::Staging,
            grain,
            columns,
            primary_key: &[],
            unique: &[],
            references: &[],
            distribution: Distribution::Even,
            sort_key: &[],
        };
        vec![
            staging_events().private_copy("batch_events"),
            staging_songs().private_copy("batch_songs"),
            staging_events().private_copy("batch_changed_events"),
            staging_songs().private_copy("batch_changed_songs"),
            staging_events().private_copy("batch_replaced_events"),
            staging_songs().private_copy("batch_replaced_songs"),
            staging_events().private_copy("batch_kept_events"),
            staging_songs().private_copy("batch_kept_songs"),
            keys("batch_repeated_events", EVENT_KEY, "an event key that came before"),
            keys("batch_repeated_songs", SONG_KEY, "a song id that came before"),
            star::users().private_copy("batch_users"),
            star::artists().private_copy("batch_artists"),
            star::songs().private_copy("batch_songs_chosen"),
            keys("batch_matches", SONG_AND_ARTIST, "a play whose match may have changed"),
            loaded_files().private_copy("batch_loaded_files"),
            load_errors().private_copy("batch_load_errors"),
        ]
    }
}
