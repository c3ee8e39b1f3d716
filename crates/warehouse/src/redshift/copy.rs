//! COPY: run, watched, and compared with what was to be loaded.
//!
//! COPY runs in a transaction of its own (unless the load is publishing), since what it leaves about itself
//! is gone after a rollback. Afterwards the same session says how many rows it loaded, and the system views
//! say from which files.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    time::{Duration, Instant},
};

use sparkify_schema::{
    Dialect,
    sql::{SqlLibrary, Value, context},
    statements::redshift as statements,
};

use super::{
    card::{self, refused},
    pool::{Connection, Connections},
    refusal::Refused,
    staging::Area,
    trouble::Trouble,
};
use crate::{CopyProgress, Copying, Error, ObjectLines, RecordSet, Result};

/// The longest pause between two looks at a system view, whose rows come late.
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(4);

/// The longest time that a question how far a COPY is may take.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// Files that a message names.
const FILES_SHOWN: usize = 3;

/// Looks at something that comes late: at once, then with pauses that double, and once more at the end.
struct Looks {
    until: Instant,
    pause: Duration,
    begun: bool,
    ended: bool,
}

impl Looks {
    fn new(patience: Duration) -> Self {
        let pause = Duration::from_millis(200);
        Self { until: Instant::now() + patience, pause, begun: false, ended: false }
    }

    /// Waits until it is worth looking again; false if it never is.
    async fn next(&mut self) -> bool {
        if !std::mem::replace(&mut self.begun, true) {
            return true;
        }
        if self.ended {
            return false;
        }
        let left = self.until.saturating_duration_since(Instant::now());
        self.ended = left <= self.pause;
        tokio::time::sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 2).min(LOOK_PAUSE_MAX);
        true
    }
}

/// The statements about COPY.
#[derive(Debug, Clone)]
pub(super) struct Statements(SqlLibrary);

impl Statements {
    pub(super) fn new() -> Result<Self> {
        SqlLibrary::embedded().map(Self).map_err(|error| Error::Internal(error.to_string()))
    }

    pub(super) fn render(&self, name: &str, parameters: Value) -> Result<String> {
        self.0
            .render(name, Dialect::Redshift, parameters)
            .map_err(|error| Error::Internal(format!("{error}: {error:?}")))
    }
}

/// A COPY to run.
pub(super) struct Copy<'a> {
    pub(super) connections: &'a Connections,
    pub(super) connection: &'a Connection,
    pub(super) statements: &'a Statements,
    pub(super) area: &'a Area,
    pub(super) table: &'a str,
    /// The columns that are filled, quoted.
    pub(super) columns: String,
    /// The manifest's URL.
    pub(super) manifest: String,
    pub(super) json_paths: String,
    /// The files that the manifest lists.
    pub(super) urls: &'a BTreeSet<String>,
    pub(super) compression: &'static str,
    pub(super) region: &'a str,
    /// Whether it belongs to a transaction that is open.
    pub(super) in_transaction: bool,
    pub(super) patience: Patience,
    pub(super) lines: Option<&'a dyn ObjectLines>,
    pub(super) progress: Option<&'a dyn CopyProgress>,
}

/// How long a COPY waits for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a role that is new.
    pub(super) role: Duration,
    /// For the rows of system views.
    pub(super) views: Duration,
    /// Between two questions how far it is.
    pub(super) watch: Duration,
}

/// Which of a session's COPYs it is.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// The server's clock before it.
    since: String,
    /// The COPY before it.
    before: Option<i64>,
}

/// What a COPY loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) query_id: i64,
    pub(super) rows: u64,
}

/// A file that a COPY read, as the system views say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadFile {
    pub(super) url: String,
    pub(super) lines: u64,
    pub(super) etag: Option<String>,
}

impl Copy<'_> {
    /// Runs the statement of that name.
    pub(super) async fn run(&self, name: &str) -> Result<Copied> {
        let sql = self.statements.render(
            name,
            context! {
                table => self.table, column_list => &self.columns, manifest => &self.manifest,
                json_paths => &self.json_paths, region => self.region, compression => self.compression,
                role => self.area.staging().role.to_string(),
            },
        )?;
        // For looking up what happened since.
        let since = self.connection.query(&statements::server_time()).await?.text(0, 0).unwrap_or_default();
        let before = self.connection.query(&statements::last_copy()).await?.integer(0, 0);
        let moment = Moment { since: since.replace('T', " "), before };
        self.tell(0, 0, 0);
        let patient_until = Instant::now() + self.patience.role;
        let mut pause = Duration::from_secs(1);
        loop {
            let begin = Instant::now();
            let error = match self.watched(&sql).await {
                Ok(()) => {
                    let copied = self.count().await?;
                    self.tell(copied.rows, 0, self.urls.len() as u64);
                    let (rows, elapsed) = (copied.rows, begin.elapsed());
                    tracing::info!(table = self.table, rows, ?elapsed, query_id = copied.query_id, "copied");
                    return Ok(copied);
                }
                Err(error) => error,
            };
            match Trouble::of(error, self) {
                // Nothing was read yet, so the same again is safe.
                Trouble::Role(error) => {
                    let left = patient_until.saturating_duration_since(Instant::now());
                    if self.in_transaction || left.is_zero() {
                        return Err(error);
                    }
                    let wait = pause.min(left);
                    tracing::warn!(
                        "Redshift cannot use the role yet, as with new roles; the next attempt is in {} s, the last in {} s",
                        wait.as_secs(),
                        left.as_secs()
                    );
                    tokio::time::sleep(wait).await;
                    pause = (pause * 2).min(Duration::from_secs(15));
                }
                Trouble::Records(error) => return Err(refused(self, &moment, error).await),
                Trouble::Lost(error) => return Err(self.fate(&moment.since, error).await),
                Trouble::Other(error) => return Err(error),
            }
        }
    }

    /// Runs it, and tells how far it is.
    async fn watched(&self, sql: &str) -> Result<()> {
        tokio::select! {
            result = self.connection.execute(sql) => result.map(|_| ()),
            never = self.watch() => match never {},
        }
    }

    /// Tells how far it is, for as long as it is let. Another session asks: that of the COPY is busy.
    async fn watch(&self) -> Infallible {
        loop {
            tokio::time::sleep(self.patience.watch).await;
            let look = async {
                let parameters = context! { session_id => self.connection.pid };
                self.connections.ask(&self.statements.render("load_progress", parameters)?).await
            };
            // Other questions wait for this one.
            let Ok(look) = tokio::time::timeout(LOOK_MAX, look).await else { continue };
            match look {
                Ok(found) if found.row_count() > 0 => {
                    let number = |column| {
                        found.integer(0, column).and_then(|n| u64::try_from(n).ok()).unwrap_or_default()
                    };
                    let (rows, bytes, read) = (number(0), number(1), number(2));
                    tracing::debug!(table = self.table, rows, bytes, files = read, "copying");
                    self.tell(rows, bytes, read);
                }
                Ok(_) => {}
                Err(error @ (Error::Login { .. } | Error::DigestLogin { .. })) => {
                    tracing::warn!(%error, "no further connection can be made, so how far the load is cannot be seen");
                    return std::future::pending().await;
                }
                Err(error) => tracing::debug!(%error, "how far COPY is cannot be seen"),
            }
        }
    }

    fn tell(&self, rows: u64, bytes: u64, files: u64) {
        if let Some(progress) = self.progress {
            let (table, files_total) = (self.table.to_owned(), self.urls.len() as u64);
            progress.copying(&Copying { table, rows, bytes, files, files_total });
        }
    }

    /// What the session says of the COPY that went well.
    async fn count(&self) -> Result<Copied> {
        let found = self.connection.query(&statements::last_copy()).await?;
        let number = |column| found.integer(0, column).filter(|number| *number >= 0);
        let (Some(query_id), Some(rows)) = (number(0), number(1)) else {
            return Err(self.unreconciled("the server does not say how many rows it loaded".to_owned()));
        };
        Ok(Copied { query_id, rows: rows.unsigned_abs() })
    }

    /// Compares what was loaded with what was to be loaded: the rows, as far as they are known, and the files.
    /// Returns the files, or none if the system does not show them in time.
    pub(super) async fn reconcile(&self, copied: Copied, rows: Option<u64>) -> Result<Option<Vec<ReadFile>>> {
        if let Some(rows) = rows
            && copied.rows != rows
        {
            return Err(self.unreconciled(format!("{rows} rows were written, and {} loaded", copied.rows)));
        }
        if self.in_transaction {
            // A view that is not to be had would end the transaction.
            return Ok(None);
        }
        let query_id = context! { query_id => copied.query_id };
        let history = self.statements.render("load_history", query_id.clone())?;
        let detail = self.statements.render("load_detail", query_id)?;
        let mut looks = Looks::new(self.patience.views);
        let mut shown = Shown::NotYet("they do not show the COPY".to_owned());
        while looks.next().await {
            let history = self.connection.query(&history).await?;
            let detail = self.connection.query(&detail).await?;
            shown = compare(copied, self.urls, &history, &detail);
            match shown {
                Shown::All(files) => return Ok(Some(files)),
                Shown::Wrong(reason) => return Err(self.unreconciled(reason)),
                Shown::Few(_) | Shown::NotYet(_) | Shown::Differs(_) => {}
            }
        }
        match shown {
            // Several records on a line are fewer lines than rows.
            Shown::All(files) | Shown::Few(files) => Ok(Some(files)),
            Shown::Wrong(reason) | Shown::Differs(reason) => Err(self.unreconciled(reason)),
            Shown::NotYet(reason) if rows.is_some() => {
                let patience = self.patience.views;
                tracing::warn!(
                    table = self.table,
                    "the system views do not tell all of the COPY after {patience:?} ({reason}); its rows were counted"
                );
                Ok(None)
            }
            Shown::NotYet(reason) => Err(self.unreconciled(format!(
                "after {:?} the system views do not tell which files it read: {reason}",
                self.patience.views
            ))),
        }
    }

    /// The error of a COPY whose connection broke, with what the server says has become of it. The load is
    /// over either way: its tables are made anew by the next.
    async fn fate(&self, since: &str, error: Error) -> Error {
        let Error::ConnectionLost { location, reason } = error else { return error };
        let session_id = self.connection.pid;
        let fate = match self.statements.render("last_query", context! { session_id, since }) {
            Ok(sql) => self.connections.ask(&sql).await.ok().and_then(|found| found.text(0, 0)),
            Err(_) => None,
        };
        let fate = fate.map_or_else(
            || "what became of it on the server is not known".to_owned(),
            |status| format!("on the server it is \"{status}\""),
        );
        Error::ConnectionLost {
            location,
            reason: format!("{reason}, during the COPY into {}; {fate}", self.table),
        }
    }

    pub(super) fn unreconciled(&self, reason: String) -> Error {
        Error::Unreconciled { table: self.table.to_owned(), reason }
    }

    /// The records that it refused, and whether there are more.
    pub(super) async fn rejects(&self, moment: &Moment) -> Result<(Vec<Refused>, bool)> {
        let (session_id, since) = (self.connection.pid, &moment.since);
        let mut looks = Looks::new(self.patience.views);
        while looks.next().await {
            let query_id = self.failed_query(moment).await?;
            let sql =
                self.statements.render("load_error_detail", context! { session_id, since, query_id })?;
            // The session itself may be in a transaction that has failed.
            let found = if self.in_transaction {
                self.connections.ask(&sql).await?
            } else {
                self.connection.query(&sql).await?
            };
            if found.row_count() > 0 {
                return Ok(card::rejects(&found));
            }
        }
        Ok((Vec::new(), false))
    }

    /// The number of the COPY that failed. The session says that of the one before if this one failed early, and
    /// nothing in a transaction that has failed.
    async fn failed_query(&self, moment: &Moment) -> Result<Option<i64>> {
        if self.in_transaction {
            return Ok(None);
        }
        let last = self.connection.query(&statements::last_copy()).await?.integer(0, 0);
        Ok(last.filter(|id| *id > 0 && Some(*id) != moment.before))
    }
}

/// What the system views show of a COPY.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    /// All of it, and it is right.
    All(Vec<ReadFile>),
    /// All of it, except that there are fewer lines than rows: of a large file, some parts may be missing.
    Few(Vec<ReadFile>),
    /// Not all of it.
    NotYet(String),
    /// Something else than was to be; it may still change.
    Differs(String),
    /// What cannot become right.
    Wrong(String),
}

/// Compares what the system views show of a COPY with what it was to read.
fn compare(copied: Copied, urls: &BTreeSet<String>, history: &RecordSet, detail: &RecordSet) -> Shown {
    let files = read_files(detail, urls);
    let read: BTreeSet<_> = files.iter().map(|file| file.url.clone()).collect();
    let strange: Vec<_> = read.difference(urls).collect();
    if !strange.is_empty() {
        return Shown::Wrong(format!("it read files that were not asked for: {}", some_of(&strange)));
    }
    if history.row_count() == 0 {
        return Shown::NotYet("sys_load_history does not show it".to_owned());
    }
    let status = history.text(0, 0).unwrap_or_default();
    if status.eq_ignore_ascii_case("running") {
        return Shown::NotYet("sys_load_history says that it is running".to_owned());
    }
    let number = |column| history.integer(0, column).unwrap_or_default();
    let (loaded, source_files, errors) = (number(1), number(2), number(3));
    if !status.eq_ignore_ascii_case("completed") || u64::try_from(loaded) != Ok(copied.rows) || errors != 0 {
        return Shown::Differs(format!(
            "sys_load_history says {loaded} rows and {errors} errors ({status}), the session {} rows",
            copied.rows
        ));
    }
    if usize::try_from(source_files) != Ok(urls.len()) {
        return Shown::Differs(format!(
            "sys_load_history says {source_files} files, and it was to read {}",
            urls.len()
        ));
    }
    let missing: Vec<_> = urls.difference(&read).collect();
    if !missing.is_empty() {
        return Shown::NotYet(format!(
            "sys_load_detail does not show {} of {} files: {}",
            missing.len(),
            urls.len(),
            some_of(&missing)
        ));
    }
    let lines: u64 = files.iter().map(|file| file.lines).sum();
    if lines < copied.rows { Shown::Few(files) } else { Shown::All(files) }
}

/// The first of them.
fn some_of(urls: &[&String]) -> String {
    let mut text = urls.iter().take(FILES_SHOWN).map(|url| url.as_str()).collect::<Vec<_>>().join(", ");
    if urls.len() > FILES_SHOWN {
        text.push_str(", …");
    }
    text
}

fn read_files(detail: &RecordSet, urls: &BTreeSet<String>) -> Vec<ReadFile> {
    (0..detail.row_count())
        .map(|row| ReadFile {
            url: whole_name(detail.text(row, 0).unwrap_or_default(), urls),
            lines: detail.integer(row, 1).and_then(|lines| u64::try_from(lines).ok()).unwrap_or_default(),
            etag: detail.text(row, 2).map(|etag| bare_etag(&etag)).filter(|etag| !etag.is_empty()),
        })
        .collect()
}

/// The URL of a name in a system view, which shows only so much of a long one. If several begin so, it is not known.
fn whole_name(name: String, urls: &BTreeSet<String>) -> String {
    const CHARS_SHOWN: usize = 256;
    if urls.contains(&name) || name.chars().count() < CHARS_SHOWN {
        return name;
    }
    let mut longer = urls.iter().filter(|url| url.starts_with(&name));
    match (longer.next(), longer.next()) {
        (Some(url), None) => url.clone(),
        _ => name,
    }
}

/// An entity tag without the quotes that some put around it.
pub(super) fn bare_etag(etag: &str) -> String {
    etag.trim().trim_start_matches("W/").trim_matches('"').to_owned()
}

/// The manifest of objects, each of which must be there.
pub(super) fn manifest<'a>(urls: impl IntoIterator<Item = &'a String>) -> String {
    let entries: Vec<_> =
        urls.into_iter().map(|url| serde_json::json!({ "url": url, "mandatory": true })).collect();
    serde_json::json!({ "entries": entries }).to_string()
}

/// The SHA-256 of a text, in hexadecimal digits.
pub(super) fn sha256(text: &str) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The JSONPaths file for records that have these keys.
pub(super) fn json_paths<'a>(keys: impl IntoIterator<Item = &'a String>) -> String {
    let paths: Vec<_> = keys
        .into_iter()
        .map(|key| format!("$['{}']", key.replace('\\', "\\\\").replace('\'', "\\'")))
        .collect();
    serde_json::json!({ "jsonpaths": paths }).to_string()
}

#[cfg(test)]
mod tests;
