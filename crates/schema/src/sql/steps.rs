//! The order in which a run's batch becomes part of staging and the star.

/// One statement of the publish transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransformStep {
    /// The name of the statement in `sql/transform/`.
    pub name: &'static str,
    /// When it is needed; it would change nothing otherwise.
    pub condition: Condition,
}

/// When a step is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// In each run.
    Always,
    /// When a file was loaded before and has changed since.
    ChangedFiles,
    /// When an event key came before.
    RepeatedEvents,
    /// When a song id came before.
    RepeatedSongs,
    /// When plays were there before and songs came or the match rule is another one.
    Rematch,
}

macro_rules! steps {
    ($($condition:ident: $($name:ident),+;)+) => {
        &[$($(TransformStep { name: stringify!($name), condition: Condition::$condition }),+),+]
    };
}

static STEPS: &[TransformStep] = steps! {
    ChangedFiles: find_replaced_events, delete_replaced_events, add_changed_events,
        find_replaced_songs, delete_replaced_songs, add_changed_songs;
    Always: find_repeated_events;
    RepeatedEvents: conflicting_events, keep_one_of_repeated_events, delete_repeated_events, add_kept_events;
    Always: find_repeated_songs;
    RepeatedSongs: keep_one_of_repeated_songs, delete_repeated_songs, add_kept_songs;
    Always: stage_events, stage_songs;
    ChangedFiles: delete_replaced_songplays;
    Always: choose_users, update_users, insert_users, choose_artists, update_artists, insert_artists,
        choose_songs, update_songs, insert_songs, insert_time, insert_songplays;
    Rematch: find_matches, update_matches;
    ChangedFiles: delete_gone_time, delete_gone_users, delete_gone_songs, delete_gone_artists;
};

/// The statements of the publish transaction in their order.
#[must_use]
pub fn transform_steps() -> &'static [TransformStep] {
    STEPS
}
