//! A load: one connection that transforms and publishes, one that holds the lock, and some that COPY.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use sparkify_schema::{model::table, statements::redshift as sql};

use super::{
    RedshiftOptions,
    append::Appender,
    copy::{Patience, Statements},
    lock::{self, RunLock},
    pack::Memory,
    pool::{COPIES, Connection, Connections},
    staging::{Area, Home},
    statement,
};
use crate::{
    BatchSource, CopyProgress, Error, Fill, Filled, LoadSession, LoadedObjects, ObjectLoad, ObjectReading,
    RecordSet, Result, wire::Turn,
};

/// How many late requests to interrupt a load do not keep it from cleaning up.
const INTERRUPTIONS: usize = 5;

/// What is assumed where the slices cannot be seen, as on Serverless.
const SLICES: usize = 2;

/// Runs the statements in one transaction, alone.
pub(super) async fn transact(
    connections: &Connections,
    statements: &[String],
    wait: Duration,
    mut turn: Turn,
) -> Result<()> {
    let connection = connections.get().await?;
    connection.hold();
    lock::begin_alone(connections, &connection, wait, &mut turn).await?;
    let work = async {
        for statement in statements {
            connection.execute(statement).await?;
        }
        connection.commit().await
    };
    let result = work.await;
    // After a commit that went well there is nothing to undo.
    if result.is_ok() || roll_back(&connection).await.is_ok() {
        turn.end();
    }
    result
}

/// A load of a Redshift database.
pub(super) struct RedshiftLoad {
    connections: Connections,
    connection: Connection,
    lock: RunLock,
    appender: Appender,
    /// The last load when this one began.
    last_load: Option<i64>,
    publishing: bool,
    /// Permanent tables that were written.
    changed: BTreeSet<String>,
    /// Appends so far.
    appends: usize,
    /// Given on after the connections.
    turn: Turn,
}

impl RedshiftLoad {
    pub(super) async fn begin(
        connections: Connections,
        options: &RedshiftOptions,
        mut turn: Turn,
    ) -> Result<Self> {
        let lock = RunLock::acquire(&connections, options.wait, &mut turn).await?;
        let connection = connections.get().await?;
        connection.hold();
        let last_load = connection.query(&sql::last_load()).await?.integer(0, 0);
        let namespace = if_it_can_be_seen(&connection, &sql::namespace()).await?;
        let namespace = namespace.and_then(|found| found.text(0, 0)).filter(|text| !text.trim().is_empty());
        note_isolation(&connection, &options.server.database).await?;
        let home = Home {
            namespace: namespace.as_deref().map(str::trim),
            database: &options.server.database,
            id: &lock.database_id,
        };
        let area = options.staging.clone().map(|staging| Area::new(staging, home));
        let appender = Appender {
            connections: connections.clone(),
            statements: Statements::new()?,
            area,
            patience: Patience {
                role: options.role_patience,
                views: options.view_patience,
                watch: options.watch_interval,
            },
            slices: slices(&connection).await?,
            pack_bytes: options.pack_bytes,
            memory: Arc::new(Memory::default()),
        };
        Ok(Self {
            connections,
            connection,
            lock,
            appender,
            last_load,
            publishing: false,
            changed: BTreeSet::new(),
            appends: 0,
            turn,
        })
    }

    /// A folder of its own for the next append.
    fn next_folder(&mut self, table: &str) -> String {
        self.appends += 1;
        format!("{:02}-{table}", self.appends)
    }

    /// Appends on a connection of its own, at once.
    async fn append_apart(
        &self,
        folder: String,
        table: String,
        source: Arc<dyn BatchSource>,
        progress: Option<&dyn CopyProgress>,
    ) -> Result<u64> {
        let connection = self.connections.get().await?;
        self.appender.append(&connection, false, &folder, &table, source, progress).await
    }

    async fn load_apart(
        &self,
        folder: String,
        load: ObjectLoad,
        progress: Option<&dyn CopyProgress>,
    ) -> Result<LoadedObjects> {
        let connection = self.connections.get().await?;
        self.appender.load_objects(&connection, &folder, &load, progress).await
    }

    /// Notes that a table was written, if it is one of the model.
    fn note_changed(&mut self, name: &str) {
        if table(name).is_some() {
            self.changed.insert(name.to_owned());
        }
    }

    /// Undoes the transaction, and runs the statements that drop the run's tables.
    async fn undo(&mut self, cleanup: &[String]) -> Result<()> {
        if self.publishing {
            roll_back(&self.connection).await?;
            self.publishing = false;
        }
        if cleanup.is_empty() { Ok(()) } else { all_or_none(&self.connection, cleanup).await }
    }

    /// Tells the planner about the new rows. The load is published already.
    async fn analyze(&self) {
        for table in &self.changed {
            if let Err(error) = self.connection.execute(&sql::analyze(table)).await {
                tracing::warn!(%error, table, "the statistics could not be brought up to date");
            }
        }
    }

    /// Deletes the files, and gives the lock and the connection back.
    async fn end(mut self) {
        if let Some(area) = &self.appender.area {
            // Without the lock, another load may have files there.
            match self.lock.verify().await {
                Ok(()) => area.clean().await,
                Err(_) => area.clean_own().await,
            }
        }
        self.lock.release().await;
        // What is left of a transaction ends with its connection.
        if !self.publishing {
            self.connection.release();
        }
        self.turn.end();
    }

    /// Makes everything permanent.
    async fn make_permanent(&mut self) -> Result<()> {
        if !self.publishing {
            return Ok(());
        }
        self.lock.verify().await?;
        self.connection.commit().await?;
        self.publishing = false;
        self.analyze().await;
        Ok(())
    }
}

/// What was filled of a part of the work.
enum Part {
    Rows(u64),
    Objects(LoadedObjects),
}

/// The slices of the cluster: as many files can be read at once.
async fn slices(connection: &Connection) -> Result<usize> {
    let found = if_it_can_be_seen(connection, &sql::count_slices()).await?;
    let slices = found.and_then(|found| usize::try_from(found.integer(0, 0)?).ok());
    Ok(slices.filter(|slices| *slices > 0).unwrap_or(SLICES))
}

/// Tells the log how transactions are isolated, which explains conflicts: under serializable isolation, the
/// default of older databases, there are more of them. A load is right under either.
async fn note_isolation(connection: &Connection, database: &str) -> Result<()> {
    let sql = sql::isolation_level(database).map_err(|error| Error::Internal(error.to_string()))?;
    let level = if_it_can_be_seen(connection, &sql).await?.and_then(|found| found.text(0, 0));
    tracing::debug!(isolation = level.as_deref().unwrap_or("unknown"), "how transactions are isolated");
    Ok(())
}

/// What a system view says, unless there is none, as on Serverless, or it may not be read.
async fn if_it_can_be_seen(connection: &Connection, sql: &str) -> Result<Option<RecordSet>> {
    match connection.query(sql).await {
        Ok(found) => Ok(Some(found)),
        Err(Error::Statement { reason, .. } | Error::NoPrivilege { reason, .. }) => {
            tracing::debug!(%reason, sql, "a system view cannot be seen");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Undoes the transaction of the connection, also if a late request to interrupt it gets in the way.
async fn roll_back(connection: &Connection) -> Result<()> {
    for _ in 0..INTERRUPTIONS {
        match connection.execute(&sql::rollback()).await {
            Err(Error::Interrupted) => {}
            result => return result.map(|_| ()),
        }
    }
    Err(Error::Interrupted)
}

async fn all_or_none(connection: &Connection, statements: &[String]) -> Result<()> {
    connection.execute(&sql::begin()).await?;
    let work = async {
        for statement in statements {
            connection.execute(statement).await?;
        }
        connection.execute(&sql::commit()).await
    };
    let result = work.await;
    if result.is_err()
        && let Err(error) = roll_back(connection).await
    {
        tracing::debug!(%error, "nothing to roll back");
    }
    result.map(|_| ())
}

#[async_trait]
impl LoadSession for RedshiftLoad {
    async fn execute(&mut self, statement: &str) -> Result<u64> {
        let rows = self.connection.execute(statement).await?;
        if rows > 0
            && let Some(name) = statement::written_table(statement)
        {
            self.note_changed(&name);
        }
        Ok(rows)
    }

    async fn query(&mut self, statement: &str) -> Result<RecordSet> {
        self.connection.query(statement).await
    }

    async fn append(&mut self, table: &str, source: Arc<dyn BatchSource>) -> Result<u64> {
        let folder = self.next_folder(table);
        if self.publishing {
            let rows = self.appender.append(&self.connection, true, &folder, table, source, None).await?;
            self.note_changed(table);
            return Ok(rows);
        }
        self.append_apart(folder, table.to_owned(), source, None).await
    }

    fn reads_objects(&self) -> Option<ObjectReading> {
        let staging = self.appender.area.as_ref()?.staging();
        Some(ObjectReading { region: staging.region.clone(), at_once: self.appender.slices })
    }

    async fn fill(&mut self, fill: Fill) -> Result<Filled> {
        if self.publishing {
            return Err(Error::Internal(
                "several tables at once are filled before publishing only".to_owned(),
            ));
        }
        let Fill { tables, objects, progress } = fill;
        let (objects_len, tables_len) = (objects.len(), tables.len());
        // What the server reads itself comes first: it needs nothing of ours meanwhile.
        let objects: Vec<_> = objects.into_iter().map(|load| (self.next_folder(&load.table), load)).collect();
        let tables: Vec<_> =
            tables.into_iter().map(|(table, source)| (self.next_folder(&table), table, source)).collect();
        let (this, progress) = (&*self, progress.as_deref());
        let objects = objects.into_iter().enumerate().map(|(index, (folder, load))| {
            let work = this.load_apart(folder, load, progress);
            work.map(move |loaded| loaded.map(|loaded| (index, Part::Objects(loaded)))).boxed()
        });
        let tables = tables.into_iter().enumerate().map(|(index, (folder, table, source))| {
            let work = this.append_apart(folder, table, source, progress);
            work.map(move |rows| rows.map(|rows| (objects_len + index, Part::Rows(rows)))).boxed()
        });
        // One COPY a table, never two into the same.
        let work: Vec<_> = objects.chain(tables).collect();
        let mut parts: Vec<_> = stream::iter(work).buffer_unordered(COPIES).try_collect().await?;
        parts.sort_by_key(|(index, _)| *index);
        let mut filled =
            Filled { rows: Vec::with_capacity(tables_len), objects: Vec::with_capacity(objects_len) };
        for (_, part) in parts {
            match part {
                Part::Rows(rows) => filled.rows.push(rows),
                Part::Objects(objects) => filled.objects.push(objects),
            }
        }
        Ok(filled)
    }

    async fn prepare(&mut self, statements: Vec<String>) -> Result<()> {
        all_or_none(&self.connection, &statements).await
    }

    async fn publish(&mut self) -> Result<()> {
        self.lock.verify().await?;
        self.connection.execute(&sql::begin()).await?;
        self.publishing = true;
        let last_load = self.connection.query(&sql::last_load()).await?.integer(0, 0);
        if last_load != self.last_load {
            return Err(Error::Conflict {
                location: self.connections.location().to_owned(),
                reason: "another load was published since this one has read the ledger".to_owned(),
            });
        }
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        let result = self.make_permanent().await;
        self.end().await;
        result
    }

    async fn abort(mut self: Box<Self>, cleanup: Vec<String>) -> Result<()> {
        // A request to interrupt the load may arrive only now; each is good for one statement.
        let mut result = Err(Error::Interrupted);
        for _ in 0..INTERRUPTIONS {
            result = self.undo(&cleanup).await;
            if !matches!(result, Err(Error::Interrupted)) {
                break;
            }
        }
        self.end().await;
        result
    }
}
