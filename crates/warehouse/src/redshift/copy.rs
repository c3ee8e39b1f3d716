//! COPY: run, watched, and compared with what was to be loaded.
//!
//! COPY runs in a transaction of its own (unless the load is publishing), since what it leaves about itself
//! is gone after a rollback. Afterwards the same session says how many rows it loaded, and the system views
//! say from which files.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use sparkify_schema::{
    Dialect,
    sql::{SqlLibrary, Value, context},
    statements::redshift as statements,
};

use super::{
    card::{self, refused},
    pool::{Connection, Connections, Watcher},
    staging::Area,
    trouble::Trouble,
};
use crate::{Error, ObjectLines, RecordSet, Result};

/// How often a running COPY is asked how far it is.
const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// How long to wait before each further look at a system view, whose rows come late.
pub(super) const LOOKS: [Duration; 6] = [
    Duration::from_millis(0),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

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
    pub(super) compression: &'static str,
    pub(super) region: &'a str,
    /// Whether it belongs to a transaction that is open.
    pub(super) in_transaction: bool,
    /// How long to wait for a role that is new.
    pub(super) role_patience: Duration,
    pub(super) lines: Option<&'a dyn ObjectLines>,
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
        // The server's clock, for looking up what happened since.
        let since = self.connection.query(&statements::server_time()).await?.text(0, 0).unwrap_or_default();
        let since = since.replace('T', " ");
        let patient_until = Instant::now() + self.role_patience;
        let mut pause = Duration::from_secs(1);
        loop {
            let begin = Instant::now();
            let error = match self.watched(&sql).await {
                Ok(()) => {
                    let copied = self.count().await?;
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
                Trouble::Records(error) => return Err(refused(self, &since, error).await),
                Trouble::Lost(error) => return Err(self.fate(&since, error).await),
                Trouble::Other(error) => return Err(error),
            }
        }
    }

    /// Runs it, and tells how far it is.
    async fn watched(&self, sql: &str) -> Result<()> {
        let copy = self.connection.execute(sql);
        tokio::pin!(copy);
        let mut watcher = None;
        loop {
            tokio::select! {
                result = &mut copy => return result.map(|_| ()),
                () = tokio::time::sleep(WATCH_INTERVAL) => {
                    if let Err(error) = self.tell_progress(&mut watcher).await {
                        tracing::debug!(%error, "how far COPY is cannot be seen");
                    }
                }
            }
        }
    }

    async fn tell_progress(&self, watcher: &mut Option<Watcher>) -> Result<()> {
        let watching = match watcher.take() {
            Some(watching) => watching,
            None => self.connections.watcher().await?,
        };
        let sql = self.statements.render("load_progress", context! { session_id => self.connection.pid })?;
        let found = watching.query(&sql).await?;
        let number = |column| found.integer(0, column).unwrap_or_default();
        if found.row_count() > 0 {
            tracing::info!(
                table = self.table,
                rows = number(0),
                bytes = number(1),
                files = number(2),
                of_files = number(3),
                "copying"
            );
        }
        *watcher = Some(watching);
        Ok(())
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
    pub(super) async fn reconcile(
        &self,
        copied: Copied,
        rows: Option<u64>,
        urls: &BTreeSet<String>,
    ) -> Result<Option<Vec<ReadFile>>> {
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
        let history = self.look(&self.statements.render("load_history", query_id.clone())?).await?;
        let Some(history) = history else {
            tracing::warn!(
                table = self.table,
                "sys_load_history does not show the COPY yet; its rows were counted"
            );
            return Ok(None);
        };
        let loaded = history.integer(0, 1).unwrap_or_default();
        let errors = history.integer(0, 3).unwrap_or_default();
        if u64::try_from(loaded) != Ok(copied.rows) || errors != 0 {
            let status = history.text(0, 0).unwrap_or_default();
            return Err(self.unreconciled(format!(
                "sys_load_history says {loaded} rows and {errors} errors ({status}), the session {} rows",
                copied.rows
            )));
        }
        let Some(detail) = self.look(&self.statements.render("load_detail", query_id)?).await? else {
            tracing::warn!(table = self.table, "sys_load_detail does not show the files of the COPY yet");
            return Ok(None);
        };
        let files = read_files(&detail);
        let read: BTreeSet<_> = files.iter().map(|file| file.url.clone()).collect();
        if &read != urls {
            let missing: Vec<_> = urls.difference(&read).cloned().collect();
            let strange: Vec<_> = read.difference(urls).cloned().collect();
            return Err(self.unreconciled(format!(
                "files not read: [{}]; files read that were not asked for: [{}]",
                missing.join(", "),
                strange.join(", ")
            )));
        }
        Ok(Some(files))
    }

    /// Rows of a system view, which may come late.
    async fn look(&self, sql: &str) -> Result<Option<RecordSet>> {
        for pause in LOOKS {
            tokio::time::sleep(pause).await;
            let found = self.connection.query(sql).await?;
            if found.row_count() > 0 {
                return Ok(Some(found));
            }
        }
        Ok(None)
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

    /// The rejects of a session since then.
    pub(super) async fn rejects(&self, since: &str) -> Result<Vec<crate::CopyReject>> {
        let session_id = self.connection.pid;
        let sql = self.statements.render("load_error_detail", context! { session_id, since })?;
        for pause in LOOKS {
            tokio::time::sleep(pause).await;
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
        Ok(Vec::new())
    }
}

fn read_files(detail: &RecordSet) -> Vec<ReadFile> {
    (0..detail.row_count())
        .map(|row| ReadFile {
            url: detail.text(row, 0).unwrap_or_default(),
            lines: detail.integer(row, 1).and_then(|lines| u64::try_from(lines).ok()).unwrap_or_default(),
            etag: detail.text(row, 2).map(|etag| bare_etag(&etag)).filter(|etag| !etag.is_empty()),
        })
        .collect()
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
mod tests {
    use super::*;

    #[test]
    fn every_object_of_a_manifest_is_mandatory() {
        let urls = ["s3://b/a".to_owned(), "s3://b/\"quoted\"".to_owned()];
        let manifest: serde_json::Value = serde_json::from_str(&manifest(&urls)).unwrap();
        assert_eq!(
            manifest,
            serde_json::json!({ "entries": [
                { "url": "s3://b/a", "mandatory": true },
                { "url": "s3://b/\"quoted\"", "mandatory": true },
            ]})
        );
    }

    #[test]
    fn the_paths_stand_in_the_order_of_the_columns_below_the_one_key_that_copy_knows() {
        let keys = ["artist".to_owned(), "itemInSession".to_owned()];
        assert_eq!(json_paths(&keys), r#"{"jsonpaths":["$['artist']","$['itemInSession']"]}"#);
    }

    #[test]
    fn a_hash_is_written_in_full() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(""), empty);
    }

    #[test]
    fn entity_tags_are_compared_without_quotes() {
        for tag in ["\"abc\"", "abc", " W/\"abc\" "] {
            assert_eq!(bare_etag(tag), "abc");
        }
    }
}
