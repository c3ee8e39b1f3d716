//! The steps in their order.

use super::{
    Action::{self, *},
    Condition::{self, *},
    Effect::*,
    Fact::*,
    Point, Step,
};

/// Any work that is published.
const WORK: Condition = If(&[Files, RuleChanged, TouchedFiles]);
/// What changes staging and the star.
const CHANGE: Condition = If(&[Files, RuleChanged]);
/// A first load.
const FIRST: Condition = FirstWith(&[Files]);
const EVENTS: Condition = If(&[EventFiles]);
const SONGS: Condition = If(&[SongFiles]);
const CHANGED_EVENTS: Condition = If(&[ChangedEventFiles]);
const CHANGED_SONGS: Condition = If(&[ChangedSongFiles]);
const REPEATED_EVENTS: Condition = If(&[RepeatedEvents]);
const REPEATED_SONGS: Condition = If(&[RepeatedSongs]);
const CONFLICTS: Condition = If(&[ConflictingEvents]);

const fn step(when: Condition, name: &'static str, action: Action) -> Step {
    Step { name, when, action }
}

static STEPS: &[Step] = &[
    step(Always, "connect", Engine(Point::Connect)),
    step(Always, "verify the tables", VerifyTables),
    step(Always, "begin the load", Engine(Point::Begin)),
    step(If(&[Unconfirmed]), "find the earlier attempt", FindPublished),
    step(Always, "compare the source with the ledger", CompareLedger),
    step(WORK, "create the run's tables", CreateRunTables),
    step(If(&[Files]), "read the files", ReadFiles),
    step(WORK, "prepare the ledger", PrepareLedger),
    step(WORK, "begin to publish", Engine(Point::Publish)),
    step(FIRST, "drop the indexes", DropIndexes),
    // Changed files: what they deliver anew goes out, and they are loaded like new ones.
    step(CHANGED_EVENTS, "find_replaced_events", Statement(Replaces(ReplacedEvents))),
    step(CHANGED_EVENTS, "delete_replaced_events", Statement(Removes("staging_events"))),
    step(CHANGED_EVENTS, "add_changed_events", Statement(Prepares)),
    step(CHANGED_SONGS, "find_replaced_songs", Statement(Replaces(ReplacedSongs))),
    step(CHANGED_SONGS, "delete_replaced_songs", Statement(Removes("staging_songs"))),
    step(CHANGED_SONGS, "add_changed_songs", Statement(Prepares)),
    // Each event once, each song record once.
    step(EVENTS, "measure_events", Statement(Measures)),
    step(EVENTS, "find_repeated_events", Statement(Finds(RepeatedEvents))),
    step(REPEATED_EVENTS, "choose_repeated_events", Statement(Prepares)),
    step(REPEATED_EVENTS, "find_conflicting_events", Statement(Finds(ConflictingEvents))),
    step(CONFLICTS, "set contradicting events aside", ResolveConflicts),
    step(REPEATED_EVENTS, "delete_repeated_events", Statement(Repeats)),
    step(REPEATED_EVENTS, "add_kept_events", Statement(Keeps)),
    step(SONGS, "find_repeated_songs", Statement(Finds(RepeatedSongs))),
    step(REPEATED_SONGS, "choose_repeated_songs", Statement(Prepares)),
    step(REPEATED_SONGS, "delete_repeated_songs", Statement(Repeats)),
    step(REPEATED_SONGS, "add_kept_songs", Statement(Keeps)),
    step(EVENTS, "stage_events", Stage { staging: "staging_events", run: "sparkify_run_events" }),
    step(SONGS, "stage_songs", Stage { staging: "staging_songs", run: "sparkify_run_songs" }),
    // The keys that the run touches.
    step(Later(&[EventFiles]), "touch_events", Statement(Prepares)),
    step(Later(&[EventFiles]), "touch_users", Statement(Prepares)),
    step(Later(&[EventFiles]), "touch_time", Statement(Prepares)),
    step(Later(&[SongFiles]), "touch_songs", Statement(Prepares)),
    step(Later(&[SongFiles]), "touch_artists", Statement(Prepares)),
    // Dimensions that plays refer to.
    step(CHANGED_EVENTS, "forget_users_source", Statement(Changes("users_source"))),
    step(EVENTS, "choose_users", Statement(Prepares)),
    step(EVENTS, "update_users", Statement(Changes("users"))),
    step(EVENTS, "insert_users", Statement(Adds("users"))),
    step(Later(&[EventFiles]), "delete_users_source", Statement(Changes("users_source"))),
    step(EVENTS, "insert_users_source", Statement(Changes("users_source"))),
    step(SONGS, "choose_artists", Statement(Prepares)),
    step(SONGS, "update_artists", Statement(Changes("artists"))),
    step(SONGS, "insert_artists", Statement(Adds("artists"))),
    step(SONGS, "choose_songs", Statement(Prepares)),
    step(SONGS, "update_songs", Statement(Changes("songs"))),
    step(SONGS, "insert_songs", Statement(Adds("songs"))),
    step(EVENTS, "insert_time", Statement(Adds("time"))),
    // Plays, and what they match.
    step(Rematch, "find_matches", Statement(Rematches)),
    step(RematchSome, "touch_matches", Statement(Prepares)),
    step(Later(&[Files, RuleChanged]), "count_matches", Statement(MatchedBefore)),
    step(CHANGED_EVENTS, "delete_replaced_songplays", Statement(Removes("songplays"))),
    step(EVENTS, "insert_songplays", Statement(Adds("songplays"))),
    step(Rematch, "update_matches", Statement(Changes("songplays"))),
    step(CHANGE, "count_matches", Statement(MatchedAfter)),
    // Rows whose source is gone.
    step(CHANGED_EVENTS, "delete_gone_time", Statement(Removes("time"))),
    step(CHANGED_EVENTS, "delete_gone_users", Statement(Removes("users"))),
    step(CHANGED_SONGS, "delete_gone_songs", Statement(Removes("songs"))),
    step(CHANGED_SONGS, "delete_gone_artists", Statement(Removes("artists"))),
    step(FIRST, "create the indexes", CreateIndexes),
    step(CHANGE, "check", Check),
    // The ledger.
    step(If(&[TouchedFiles]), "update_file_times", Statement(Changes("loaded_files"))),
    step(If(&[ChangedFiles]), "forget_changed_files", Statement(Removes("loaded_files"))),
    step(If(&[Files]), "add_loaded_files", Statement(Adds("loaded_files"))),
    step(If(&[Rejects]), "add_load_errors", Statement(Adds("load_errors"))),
    step(CHANGE, "insert_load_run", Statement(Records)),
    step(CHANGE, "insert_load_counts", Statement(Prepares)),
    step(WORK, "drop the run's tables", DropRunTables),
    step(Always, "end the load", Engine(Point::Commit)),
];

/// The steps of a load in their order.
#[must_use]
pub fn steps() -> &'static [Step] {
    STEPS
}

/// The tables that a run may need for itself, and when.
pub(super) static RUN_TABLES: &[(&str, Condition)] = &[
    ("sparkify_run_songs", SONGS),
    ("sparkify_run_events", EVENTS),
    ("sparkify_run_changed_songs", CHANGED_SONGS),
    ("sparkify_run_changed_events", CHANGED_EVENTS),
    ("sparkify_run_replaced_events", CHANGED_EVENTS),
    ("sparkify_run_replaced_songs", CHANGED_SONGS),
    ("sparkify_run_repeated_events", EVENTS),
    ("sparkify_run_repeated_songs", SONGS),
    ("sparkify_run_kept_events", EVENTS),
    ("sparkify_run_kept_songs", SONGS),
    ("sparkify_run_conflicting_events", EVENTS),
    ("sparkify_run_touched_events", CHANGE),
    ("sparkify_run_touched_users", CHANGE),
    ("sparkify_run_touched_time", CHANGE),
    ("sparkify_run_touched_songs", CHANGE),
    ("sparkify_run_touched_artists", CHANGE),
    ("sparkify_run_chosen_users", EVENTS),
    ("sparkify_run_chosen_artists", SONGS),
    ("sparkify_run_chosen_songs", SONGS),
    ("sparkify_run_matches", Rematch),
    ("sparkify_run_loaded_files", If(&[Files])),
    ("sparkify_run_load_errors", If(&[Files])),
    ("sparkify_run_file_times", If(&[TouchedFiles])),
];
