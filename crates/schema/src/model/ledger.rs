//! The ledger: which files and runs there were, and which records were set aside.

use super::types::{Column, Distribution, Table};

static LOADED_FILES: Table = Table {
    name: "loaded_files",
    grain: "a file whose records are in staging",
    columns: &[
        Column::varchar("path", 4096, "absolute path or URL").required(),
        Column::varchar("kind", 16, "events or songs").required(),
        Column::bigint("size_bytes", "size when it was loaded").required(),
        Column::bigint(
            "modified_ns",
            "modification time when it was loaded, epoch nanoseconds; NULL when it cannot be trusted",
        ),
        Column::varchar("content_hash", 128, "hash of the content, as algorithm:hex").required(),
        Column::bigint("records", "records in the file").required(),
        Column::bigint("rejected", "records of the file that were set aside").required(),
        Column::varchar("run_id", 64, "the run that loaded it").required(),
    ],
    primary_key: &["path"],
    unique: &[],
    references: &[],
    distribution: Distribution::Auto,
    sort_key: &[],
};

static LOAD_RUNS: Table = Table {
    name: "load_runs",
    grain: "a run that published something",
    columns: &[
        Column::varchar("run_id", 64, "the run").required(),
        Column::bigint("run_number", "1 for the first run, then one more each").required(),
        Column::timestamp("published_at", "when it was published, UTC").required(),
        Column::varchar("source", 4096, "where the files came from").required(),
        Column::varchar("match_rule", 32, "how plays were matched with songs").required(),
        Column::bigint("files_loaded", "files loaded by this run").required(),
        Column::bigint("records_read", "records read").required(),
        Column::bigint("records_staged", "records that are in staging since").required(),
        Column::bigint("records_rejected", "records set aside").required(),
        Column::bigint("records_duplicate", "records that were there already").required(),
        Column::bigint("matched_songplays", "plays that have a song since").required(),
        Column::varchar("tool_version", 32, "version of this tool").required(),
    ],
    primary_key: &["run_id"],
    unique: &["run_number"],
    references: &[],
    distribution: Distribution::Auto,
    sort_key: &[],
};

static LOAD_ERRORS: Table = Table {
    name: "load_errors",
    grain: "a record that was set aside",
    columns: &[
        Column::varchar("run_id", 64, "the run that set it aside").required(),
        Column::varchar("path", 4096, "the file").required(),
        Column::bigint("line_number", "line in the file, from 1").required(),
        Column::bigint("column_number", "byte in the line, from 1").required(),
        Column::varchar("field", 256, "the field of the record, when one is to blame"),
        Column::varchar("reason", 1024, "why it was set aside").required(),
        Column::varchar("value", 1024, "the value or the beginning of the record"),
    ],
    primary_key: &[],
    unique: &[],
    references: &[],
    distribution: Distribution::Auto,
    sort_key: &[],
};

static LOAD_LOCK: Table = Table {
    name: "load_lock",
    grain: "the database itself; a load holds the lock on this table",
    columns: &[Column::varchar("id", 64, "a name of its own, for what loads keep outside of the database")
        .required()],
    primary_key: &[],
    unique: &[],
    references: &[],
    distribution: Distribution::All,
    sort_key: &[],
};

static LOAD_COUNTS: Table = Table {
    name: "load_counts",
    grain: "a table after a run that published something",
    columns: &[
        Column::varchar("run_id", 64, "the run").required(),
        Column::varchar("table_name", 128, "the table").required(),
        Column::bigint("rows_added", "rows that the run added").required(),
        Column::bigint("rows_removed", "rows that the run took out").required(),
        Column::bigint("row_count", "rows of the table since").required(),
    ],
    primary_key: &["run_id", "table_name"],
    unique: &[],
    references: &[],
    distribution: Distribution::Auto,
    sort_key: &[],
};

static OWNED_TABLES: Table = Table {
    name: "sparkify_tables",
    grain: "a table that this program has made, and may drop",
    columns: &[
        Column::varchar("table_name", 128, "the table").required(),
        Column::varchar("run_id", 64, "the load that keeps it to itself; NULL for a permanent table"),
    ],
    primary_key: &["table_name"],
    unique: &[],
    references: &[],
    distribution: Distribution::All,
    sort_key: &[],
};

/// `loaded_files`: each file whose records are in staging.
#[must_use]
pub fn loaded_files() -> &'static Table {
    &LOADED_FILES
}

/// `load_runs`: each run that published something.
#[must_use]
pub fn load_runs() -> &'static Table {
    &LOAD_RUNS
}

/// `load_errors`: each record that was set aside.
#[must_use]
pub fn load_errors() -> &'static Table {
    &LOAD_ERRORS
}

/// `load_lock`: what a load locks where the engine has only locks of tables.
#[must_use]
pub fn load_lock() -> &'static Table {
    &LOAD_LOCK
}

/// `load_counts`: what each run changed in each table, and how many rows it had afterwards.
#[must_use]
pub fn load_counts() -> &'static Table {
    &LOAD_COUNTS
}

/// `sparkify_tables`: the tables that this program has made. No other table is ever dropped.
#[must_use]
pub fn owned_tables() -> &'static Table {
    &OWNED_TABLES
}
