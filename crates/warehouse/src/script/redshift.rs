//! What the Redshift backend sends of its own accord.

use sparkify_schema::{
    Dialect, Result,
    model::{RunTables, tables},
    sql::context,
    statements::redshift,
};

use super::{Point, Script, ScriptConnection, copy_placeholders};

/// When a COPY is needed.
const WHEN_FILES: &str = " (when there are files for it)";
const WHEN_CONFLICTS: &str = " (when two events contradict each other)";

impl Script<'_> {
    pub(super) fn redshift(&mut self, point: Point) -> Result<()> {
        match point {
            Point::Connect => self.begin_sessions()?,
            Point::BeginCreating => self.begin_alone(),
            Point::EndCreating => self.add("all of it or nothing", redshift::commit()),
            Point::Begin => self.lock()?,
            Point::BeginPreparing => self.add("all of it or nothing", redshift::begin()),
            Point::EndPreparing => self.add("all of it or nothing", redshift::commit()),
            Point::Fill(table) => self.on(ScriptConnection::Copy, |script| {
                script.copy(table, WHEN_FILES)?;
                script.add_file("load_history", WHEN_FILES)?;
                script.add_file("load_detail", WHEN_FILES)
            })?,
            Point::FillPublishing(table) => self.copy(table, WHEN_CONFLICTS)?,
            Point::Publish => {
                self.verify_lock();
                self.add("from here on nothing is visible to others before the end", redshift::begin());
                self.add("whether that is still the last load", redshift::last_load());
            }
            Point::Commit => self.commit(),
        }
        Ok(())
    }

    /// What each connection begins with.
    fn begin_sessions(&mut self) -> Result<()> {
        self.on(ScriptConnection::Each, |script| {
            let timeout = script.options.statement_timeout.map(|timeout| timeout.as_millis());
            for sent in redshift::open_session(timeout, script.options.query_group.as_deref())? {
                script.add(sent.purpose, sent.sql);
            }
            script.add("which session this is", redshift::session_id());
            Ok(())
        })?;
        self.add("whether this is Redshift", redshift::version());
        Ok(())
    }

    /// Keeps loads away while tables are made.
    fn begin_alone(&mut self) {
        self.add("whether there can be a load under way", redshift::count_lock_columns());
        self.take_lock(" (when there can be one)");
    }

    /// Keeps other loads away for the whole load.
    fn lock(&mut self) -> Result<()> {
        self.on(ScriptConnection::Lock, |script| {
            script.take_lock("");
            script.add("the identity of the database", redshift::database_id());
            script.add("(in the first load of a database)", redshift::name_database("<id>")?);
            script.add("(in the first load of a database)", redshift::commit());
            script.note("the first load of a database then begins its lock anew:");
            script.take_lock("");
            script.add("the identity of the database", redshift::database_id());
            Ok(())
        })?;
        self.add("which load was the last", redshift::last_load());
        let database = self.options.database.as_deref().unwrap_or("<database>");
        self.add("which warehouse this is, for the place of its files", redshift::namespace());
        self.add("how transactions are isolated, for the log", redshift::isolation_level(database)?);
        self.add("how many files can be read at once", redshift::count_slices());
        Ok(())
    }

    fn take_lock(&mut self, when: &str) {
        let timeout = self.options.statement_timeout.unwrap_or_default().as_millis();
        for sent in redshift::take_lock(self.options.wait.as_millis(), timeout) {
            self.add(format!("{}{when}", sent.purpose), sent.sql);
        }
    }

    /// Whether this is still the only load.
    fn verify_lock(&mut self) {
        self.with(ScriptConnection::Lock, "whether the lock is held still", redshift::ping());
    }

    /// Files into a table.
    fn copy(&mut self, table: &str, when: &str) -> Result<()> {
        self.add(format!("the columns of {table}{when}"), redshift::describe_table(table));
        self.add(
            format!("the time, to find what the system says of the COPY{when}"),
            redshift::server_time(),
        );
        self.add(format!("which COPY of the session was the last{when}"), redshift::last_copy());
        let parameters =
            context! { table, column_list => column_list(table), ..copy_placeholders(self.options) };
        let sql = self.library.render("copy_packed", Dialect::Redshift, parameters)?;
        self.add(format!("copy_packed: the rows of {table}{when}"), sql);
        self.add(format!("whether all rows were copied{when}"), redshift::last_copy());
        Ok(())
    }

    fn add_file(&mut self, name: &str, when: &str) -> Result<()> {
        let sql = self.library.render(name, Dialect::Redshift, copy_placeholders(self.options))?;
        self.add(format!("{name}: {}{when}", self.library.file(name)?.purpose), sql);
        Ok(())
    }

    fn commit(&mut self) {
        self.verify_lock();
        self.add("all of it becomes visible at once", redshift::commit());
        let mut names: Vec<_> = tables().iter().map(|table| table.name).collect();
        names.sort_unstable();
        for name in names {
            self.add("for the planner (when the load has changed it)", redshift::analyze(name));
        }
        let files = "whether the lock is held still, so that all files below the place of the load may go";
        self.with(ScriptConnection::Lock, files, redshift::ping());
        self.with(ScriptConnection::Lock, "lets the next load begin", redshift::rollback());
    }

    /// Statements of a connection.
    fn on(&mut self, connection: ScriptConnection, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let before = std::mem::replace(&mut self.connection, connection);
        let result = work(self);
        self.connection = before;
        result
    }

    fn with(&mut self, connection: ScriptConnection, comment: &str, sql: String) {
        let before = std::mem::replace(&mut self.connection, connection);
        self.add(comment, sql);
        self.connection = before;
    }
}

/// The columns of a table of a load, comma-separated.
#[must_use]
pub fn column_list(table: &str) -> String {
    let known = RunTables::all().into_iter().find(|known| known.name == table);
    let columns = known.map(|table| table.columns).unwrap_or_default();
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}
