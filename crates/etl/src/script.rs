//! What `create-tables` and a load send to an engine, as text and in order.
//!
//! For people who want to read it or have it reviewed before anything runs. Values that are known only then
//! have placeholders such as `<run>`. A test holds the script to what loads really send.

mod redshift;

use std::time::Duration;

use sparkify_schema::{
    Dialect, ddl,
    model::{BatchTables, load_errors, loaded_files, tables},
    sql::{Condition, Folder, SqlLibrary, Value, context, transform_steps},
    statements,
};

use crate::{
    LoadOptions, Result,
    load::{KEYS_SHOWN, ROWS_SHOWN, TEXTS_SEEN},
    tables::creation,
};

/// Which connection a statement is sent on. Only Redshift has more than one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptConnection {
    /// Every one, when it begins.
    Each,
    /// The one that loads.
    Load,
    /// The one that holds the lock of the load.
    Lock,
    /// One of those that copy files into tables.
    Copy,
}

impl ScriptConnection {
    /// What it is called in comments; nothing for the usual one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Each => Some("each connection"),
            Self::Load => None,
            Self::Lock => Some("the connection with the lock"),
            Self::Copy => Some("a connection of its own"),
        }
    }
}

/// A part of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptPart {
    /// A statement.
    Statement {
        /// What it is for, and when it is sent if that is not always.
        comment: String,
        /// Its text, without a semicolon.
        sql: String,
        /// Where it is sent.
        connection: ScriptConnection,
    },
    /// Something that happens without a statement of ours.
    Note(String),
}

/// What the statements depend on.
#[derive(Debug, Clone, Default)]
pub struct ScriptOptions {
    /// How the load is done.
    pub load: LoadOptions,
    /// What is known of a load into Redshift.
    pub redshift: RedshiftScript,
}

/// What is known beforehand of a load into Redshift. What is not, and belongs into statements, has a placeholder.
#[derive(Debug, Clone, Default)]
pub struct RedshiftScript {
    /// The name of the database.
    pub database: Option<String>,
    /// How long a statement may take; without it, no limit is set.
    pub statement_timeout: Option<Duration>,
    /// The query group; without it, none is set.
    pub query_group: Option<String>,
    /// How long another load is waited for.
    pub wait: Duration,
    /// Where the files go, as `s3://BUCKET/PREFIX`.
    pub stage: Option<String>,
    /// The role that reads them.
    pub role: Option<String>,
    /// The region of that bucket.
    pub region: Option<String>,
}

/// The statements of `create-tables` and of a load.
///
/// # Errors
///
/// [`crate::Error::Sql`] when a statement cannot be rendered.
pub fn script(library: &SqlLibrary, dialect: Dialect, options: &ScriptOptions) -> Result<Vec<ScriptPart>> {
    let mut script =
        Script { library, dialect, options, connection: ScriptConnection::Load, parts: Vec::new() };
    if dialect.copies_from_objects() {
        script.begin_sessions()?;
    }
    script.create_tables()?;
    script.begin()?;
    script.read()?;
    script.publish()?;
    Ok(script.parts)
}

/// Parameters for every statement of the library: what a load would have, and placeholders such as `<run>` for
/// what is known only in a load.
#[must_use]
pub fn placeholders(options: &ScriptOptions) -> Value {
    let place = &options.redshift;
    let known =
        |value: &Option<String>, placeholder: &str| value.clone().unwrap_or_else(|| placeholder.to_owned());
    let stage = known(&place.stage, "s3://<bucket>/<prefix>");
    let folder = format!("{}/<database id>/<load>/<table>", stage.trim_end_matches('/'));
    let role = known(&place.role, "<role>");
    context! {
        batch_events => "batch_events",
        batch_songs => "batch_songs",
        match_rule => options.load.match_rule.name(),
        rematch_all => false,
        run_id => "<run>",
        source => "<source>",
        files_loaded => "<files loaded>",
        records_read => "<records read>",
        records_staged => "<records staged>",
        records_rejected => "<records rejected>",
        records_duplicate => "<records duplicate>",
        tool_version => env!("CARGO_PKG_VERSION"),
        table => "batch_events",
        model => "staging_events",
        column_list => column_list("batch_events"),
        manifest => format!("{folder}/manifest-<sha256>.json"),
        json_paths => format!("{folder}/jsonpaths.json"),
        region => known(&place.region, "<region>"),
        role => if role.eq_ignore_ascii_case("default") { "default".to_owned() } else { role },
        compression => "GZIP",
        query_id => "<query>",
        session_id => "<session>",
        since => "<time>",
    }
}

/// The columns of a table.
fn column_list(table: &str) -> String {
    let mut known = BatchTables::all().into_iter().chain(tables().into_iter().cloned());
    let columns = known.find(|known| known.name == table).map(|table| table.columns);
    columns.into_iter().flatten().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

struct Script<'a> {
    library: &'a SqlLibrary,
    dialect: Dialect,
    options: &'a ScriptOptions,
    /// Where the next statements are sent.
    connection: ScriptConnection,
    parts: Vec<ScriptPart>,
}

impl Script<'_> {
    fn add(&mut self, comment: impl Into<String>, sql: impl Into<String>) {
        let connection = self.connection;
        self.parts.push(ScriptPart::Statement { comment: comment.into(), sql: sql.into(), connection });
    }

    fn note(&mut self, note: &str) {
        self.parts.push(ScriptPart::Note(note.to_owned()));
    }

    /// A file of the library.
    fn add_file(&mut self, name: &str, when: &str) -> Result<()> {
        let sql = self.library.render(name, self.dialect, placeholders(self.options))?;
        self.add(format!("{name}: {}{when}", self.library.file(name)?.purpose), sql);
        Ok(())
    }

    fn create_tables(&mut self) -> Result<()> {
        self.add_file("columns", ", for create-tables")?;
        let comment = "create-tables, unless all of them are there";
        if self.dialect.locks_by_table() {
            self.begin_alone(comment);
        } else {
            self.add(comment, "BEGIN");
        }
        for statement in creation(self.dialect)? {
            self.add("create-tables", statement);
        }
        self.add("create-tables", "COMMIT");
        Ok(())
    }

    /// What a load asks before it reads anything, and the tables that it keeps to itself.
    fn begin(&mut self) -> Result<()> {
        self.add_file("columns", ", for a load")?;
        if !self.dialect.locks_by_table() {
            self.note("here the load makes sure that it is the only one");
        }
        if self.dialect.locks_by_table() {
            self.lock()?;
        }
        let published = statements::count_runs(self.dialect, "<run>")?;
        self.add("whether the run is published (when the connection broke while it committed)", published);
        self.add("the files that were loaded before", statements::loaded_files());
        self.add("whether the match rule is still the same", statements::last_match_rule());
        self.add("the tables private to the load, all of them at once", "BEGIN");
        self.drop_batch_tables()?;
        for table in BatchTables::all() {
            self.add("private to the load", ddl::create_private_table(&table, self.dialect)?);
        }
        self.add("the tables private to the load, all of them at once", "COMMIT");
        Ok(())
    }

    fn drop_batch_tables(&mut self) -> Result<()> {
        for table in BatchTables::all() {
            self.add("private to the load", ddl::drop_table(table.name, self.dialect)?);
        }
        Ok(())
    }

    fn read(&mut self) -> Result<()> {
        self.note(
            "here the files are read into batch_songs and batch_events,\n\
             and those that changed since they were loaded into batch_changed_songs and batch_changed_events",
        );
        if self.dialect.copies_from_objects() {
            self.note(
                "they are packed into files in S3, which are copied, two tables at a time;\n\
                 large files that are in S3 already are copied as they are (copy_objects)",
            );
            for table in ["batch_songs", "batch_events", "batch_changed_songs", "batch_changed_events"] {
                self.copy_apart(table)?;
            }
            self.inspect()?;
        }
        self.note(
            "here what the ledger will say of the files is written to batch_loaded_files,\n\
             and of the records that were set aside to batch_load_errors",
        );
        if self.dialect.copies_from_objects() {
            self.copy_apart("batch_loaded_files")?;
            self.copy_apart("batch_load_errors")?;
        }
        Ok(())
    }

    /// What COPY has taken is held against the rules of the model.
    fn inspect(&mut self) -> Result<()> {
        let when = " (when the files of a source were copied as they are)";
        for (table, model) in [
            ("batch_songs", "staging_songs"),
            ("batch_events", "staging_events"),
            ("batch_changed_songs", "staging_songs"),
            ("batch_changed_events", "staging_events"),
        ] {
            let parameters = context! { table, model, ..placeholders(self.options) };
            let sql = self.library.render("plain_zeros", self.dialect, parameters)?;
            let purpose = &self.library.file("plain_zeros")?.purpose;
            self.add(format!("plain_zeros: {purpose}{when}"), sql);
            for (name, rows) in [("broken_rules", ROWS_SHOWN), ("json_texts", TEXTS_SEEN)] {
                let parameters = context! { table, model, ..placeholders(self.options) };
                let sql = self.library.render(name, self.dialect, parameters)?;
                let purpose = &self.library.file(name)?.purpose;
                self.add(format!("{name}: {purpose}{when}"), statements::first_rows(&sql, rows));
            }
        }
        Ok(())
    }

    fn publish(&mut self) -> Result<()> {
        if self.dialect.locks_by_table() {
            self.verify_lock();
        }
        self.add("from here on nothing is visible to others before the end", "BEGIN");
        if self.dialect.locks_by_table() {
            self.fence();
        }
        self.add("whether there were plays before", statements::count_rows("songplays"));
        for step in transform_steps() {
            match step.name {
                "conflicting_events" => {
                    self.conflicts()?;
                    continue;
                }
                "stage_events" => self.adopt("staging_events", "batch_events"),
                "stage_songs" => self.adopt("staging_songs", "batch_songs"),
                _ => {}
            }
            self.add_file(step.name, when(step.condition))?;
        }
        let checks = self.library.folder(Folder::Quality);
        for check in checks.iter().map(|check| check.name.clone()) {
            self.add_file(&check, " (0 if it holds)")?;
        }
        self.ledger()?;
        self.drop_batch_tables()?;
        for table in tables() {
            self.add("for the report", statements::count_rows(table.name));
        }
        self.add("for the report", statements::count_matched_songplays());
        if self.dialect.locks_by_table() {
            self.verify_lock();
        }
        self.add("all of it becomes visible at once", "COMMIT");
        if self.dialect.locks_by_table() {
            self.after_commit();
        }
        Ok(())
    }

    /// Two different events with one key.
    fn conflicts(&mut self) -> Result<()> {
        self.add_file("conflicting_events", when(Condition::RepeatedEvents))?;
        if let Some(ScriptPart::Statement { sql, .. }) = self.parts.last_mut() {
            *sql = statements::first_rows(sql, self.options.load.max_errors.saturating_add(KEYS_SHOWN));
        }
        let keys = [(0, 0), (0, 1)];
        self.add(
            "the events staged before (when two events contradict each other)",
            statements::staged_events(&keys),
        );
        self.add(
            "without those that are set aside (when two events contradict each other)",
            statements::delete_batch_events(&keys),
        );
        self.note("here those of them that stay are written to batch_events");
        if self.dialect.copies_from_objects() {
            self.copy("batch_events", " (when two events contradict each other)")?;
        }
        self.note("here those that are set aside are written to batch_load_errors");
        if self.dialect.copies_from_objects() {
            self.copy("batch_load_errors", " (when two events contradict each other)")?;
        }
        let rejected = statements::note_rejected(self.dialect, "<file>", 0)?;
        self.add("for each file with such events (when two events contradict each other)", rejected);
        Ok(())
    }

    fn adopt(&mut self, staging: &str, batch: &str) {
        self.add("for the report", statements::count_rows(batch));
        if self.dialect.adopts_batch_as_staging() {
            self.add("whether the batch can take the place of staging", statements::count_rows(staging));
            for sql in statements::adopt_batch(staging, batch) {
                let comment = format!(
                    "in the place of the next statement (when staging is empty; {staging} is then {batch})"
                );
                self.add(comment, sql);
            }
        }
    }

    fn ledger(&mut self) -> Result<()> {
        let touched = statements::note_file_time(self.dialect, "<file>", 0)?;
        self.add("for each file with another time and the same content", touched);
        let changed = statements::forget_file(self.dialect, "<file>")?;
        self.add("for each file that has changed since it was loaded", changed);
        self.add("the files", statements::add_to_ledger(loaded_files()));
        let errors = statements::add_to_ledger(load_errors());
        self.add("the records that were set aside (when some were)", errors);
        self.add_file("insert_load_run", "")
    }
}

const fn when(condition: Condition) -> &'static str {
    match condition {
        Condition::Always => "",
        Condition::ChangedFiles => " (when a file has changed since it was loaded)",
        Condition::RepeatedEvents => " (when an event came before)",
        Condition::RepeatedSongs => " (when a song came before)",
        Condition::Rematch => " (when earlier plays may match otherwise now)",
    }
}
