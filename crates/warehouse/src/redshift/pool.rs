//! Connections: made, reused, thrown away and interrupted.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool::{
    Runtime,
    managed::{Manager, Metrics, Pool, PoolError, RecycleError, RecycleResult},
};

use sparkify_schema::statements::redshift as sql;
use tokio::sync::Mutex;

use super::{
    RedshiftOptions,
    connect::{Answer, ConnectError, Connector, Session},
    error::classify,
    statement,
};
use crate::{
    Error, INTERRUPTS, RecordSet, Result,
    wire::{
        Canceller, During, Failure, Fate, Lease, Running, commit_failed, confirm_end,
        record_set as text_record_set,
    },
};

/// How long to wait before each further attempt to connect.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// A cluster takes few connections: the load's, its lock's, and two that COPY. Beside them is one that asks how far
/// those are.
const CONNECTIONS: usize = 4;

/// How many of them may COPY at once.
pub(super) const COPIES: usize = 2;

/// How long to wait for the server to end a statement before it is told in another way.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);

/// What `sys_query_history` says of statements that do not run any more; it says nothing of those it never saw.
const ENDED: [&str; 5] = ["", "canceled", "cancelled", "failed", "success"];

/// Makes sessions for the pool, and looks whether one can be used again. Nothing is reset: what deadpool
/// would send for that, Redshift refuses; a session that is not clean never goes back.
struct Sessions {
    connector: Arc<Connector>,
    age_max: Duration,
}

impl Manager for Sessions {
    type Type = Session;
    type Error = ConnectError;

    async fn create(&self) -> Result<Session, ConnectError> {
        self.connector.connect().await
    }

    async fn recycle(&self, session: &mut Session, metrics: &Metrics) -> RecycleResult<ConnectError> {
        if session.is_closed() || metrics.age() > self.age_max {
            return Err(RecycleError::message("it is closed, or too old"));
        }
        Ok(())
    }
}

/// A pool of connections to one database.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<Sessions>,
    connector: Arc<Connector>,
    /// The one session beside the pool, while nobody uses it, and when it was made.
    watcher: Arc<Mutex<Option<(Session, Instant)>>>,
    session_age_max: Duration,
    running: Arc<Running>,
    statement_timeout: Option<Duration>,
    wait: Duration,
}

impl Connections {
    pub(super) fn new(options: &RedshiftOptions) -> Result<Self> {
        let connector = Arc::new(Connector::new(options)?);
        let sessions = Sessions { connector: Arc::clone(&connector), age_max: options.session_age_max };
        let pool = Pool::builder(sessions)
            .max_size(CONNECTIONS)
            .wait_timeout(Some(options.server.connection_wait))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self {
            pool,
            connector,
            watcher: Arc::default(),
            session_age_max: options.session_age_max,
            running: Arc::new(Running::new()),
            statement_timeout: options.server.statement_timeout,
            wait: options.server.connection_wait,
        })
    }

    pub(super) fn location(&self) -> &str {
        self.connector.location()
    }

    /// A connection, with further attempts while nothing listens. A login is tried only once: Redshift locks
    /// a user after five that failed.
    pub(super) async fn get(&self) -> Result<Connection> {
        let mut pauses = BACK_OFF.into_iter();
        loop {
            let failed = match self.pool.get().await {
                Ok(session) => {
                    let canceller = canceller(self, &session);
                    return Ok(Connection {
                        pid: session.pid,
                        lease: Lease::new(session, Arc::clone(&self.running), canceller),
                        location: Arc::clone(self.connector.location()),
                    });
                }
                Err(PoolError::Backend(failed)) => failed,
                Err(PoolError::Closed) => return Err(Error::Closed),
                // No other limit is set.
                Err(PoolError::Timeout(_)) => {
                    let location = self.location().to_owned();
                    return Err(Error::NoFreeConnection {
                        location,
                        connections: CONNECTIONS,
                        waited: self.wait,
                    });
                }
                // No hooks are set.
                Err(_) => return Err(Error::Internal("the pool of connections fails".to_owned())),
            };
            match pauses.next() {
                Some(pause) if failed.worth_another => tokio::time::sleep(pause).await,
                _ => return Err(failed.error),
            }
        }
    }

    /// A query beside everything else: for questions about sessions that are lost or busy. One session, made when
    /// it is needed, is for all of them, one after the other.
    pub(super) async fn ask(&self, sql: &str) -> Result<RecordSet> {
        let mut watcher = self.watcher.lock().await;
        // If this future is dropped, the session goes with the question that it is busy with.
        let kept = watcher.take();
        let (session, made) = match kept
            .filter(|(session, made)| !session.is_closed() && made.elapsed() < self.session_age_max)
        {
            Some(kept) => kept,
            None => (self.connector.connect().await.map_err(|failed| failed.error)?, Instant::now()),
        };
        let answer = session.run(sql).await.map_err(|failure| (failure, false));
        *watcher = Some((session, made));
        record_set(sql, understood(self.location(), sql, answer)?)
    }

    /// How long a statement may usually take; zero if there is no limit.
    pub(super) fn statement_timeout(&self) -> Duration {
        self.statement_timeout.unwrap_or_default()
    }

    /// What is running on these connections.
    pub(super) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    pub(super) async fn close(&self) {
        self.pool.close();
        self.watcher.lock().await.take();
    }
}

/// How to end a statement of the session: by a request, then by another session's order, and then it is
/// looked up whether it has ended. If that session is refused, there is no further one: each login counts.
fn canceller(connections: &Connections, session: &Session) -> Canceller {
    let (connections, token, pid) = (connections.clone(), session.cancel_token(), session.pid);
    Arc::new(move |fate| {
        let (connections, token) = (connections.clone(), token.clone());
        Box::pin(async move {
            if let Err(error) = connections.connector.cancel(&token).await {
                tracing::debug!(%error, "the server could not be asked to end a statement");
            }
            if !fate.insist() || fate.ends_within(CANCEL_PATIENCE).await {
                return;
            }
            // There is a report of requests that had no effect.
            if let Err(error) = insist(&connections, &fate, pid).await {
                tracing::warn!(%error, pid, "whether a statement was ended cannot be found out");
            }
        })
    })
}

/// Orders the end of what a session runs, and finds out whether it came.
async fn insist(connections: &Connections, fate: &Fate, pid: i64) -> Result<()> {
    if fate.is_interrupted() {
        tracing::info!(
            target: INTERRUPTS, pid, "the request to end the statement has had no effect; another session orders it"
        );
    }
    if let Err(error) = connections.ask(&sql::cancel(pid)).await {
        tracing::debug!(%error, "the server could not be told to end a statement");
    }
    if fate.ends_within(CANCEL_PATIENCE).await {
        return Ok(());
    }
    let found = connections.ask(&sql::last_status(pid)).await?;
    let status = found.text(0, 0).unwrap_or_default();
    let status = status.trim();
    if !ENDED.contains(&status) {
        tracing::warn!(
            pid,
            status,
            "the server was told to end the statement of a session, and has not yet; CANCEL as an administrator ends it"
        );
    } else if fate.is_interrupted() {
        tracing::info!(target: INTERRUPTS, pid, status, "the server confirms that the statement has ended");
    } else {
        tracing::debug!(pid, status, "a statement that nobody waited for has ended");
    }
    Ok(())
}

/// A connection out of the pool.
pub(super) struct Connection {
    lease: Lease<Sessions>,
    location: Arc<str>,
    /// The server process, and the `session_id` of the system views.
    pub(super) pid: i64,
}

impl Connection {
    /// From now on the connection is closed when it is dropped.
    pub(super) fn hold(&self) {
        self.lease.hold();
    }

    /// From now on the connection goes back to the pool when it is dropped.
    pub(super) fn release(&self) {
        self.lease.release();
    }

    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// Runs one statement.
    pub(super) async fn run(&self, sql: &str) -> Result<Answer> {
        tracing::debug!(sql, pid = self.pid, "statement");
        let result = self.lease.run(async |session, _| session.run(sql).await).await;
        if let Err((Failure::Client(error), true)) = &result {
            confirm_end(error);
        }
        understood(&self.location, sql, result)
    }

    /// Makes a transaction permanent.
    pub(super) async fn commit(&self) -> Result<()> {
        let sql = sql::commit();
        tracing::debug!(sql, pid = self.pid, "statement");
        let result = self.lease.run(async |session, _| session.run(&sql).await).await;
        result.map(|_| ()).map_err(|failed| commit_failed(&self.location, &sql, failed, classify))
    }

    /// Runs one statement and returns the number of rows it changed.
    pub(super) async fn execute(&self, sql: &str) -> Result<u64> {
        Ok(self.run(sql).await?.changed)
    }

    /// Runs a query.
    pub(super) async fn query(&self, sql: &str) -> Result<RecordSet> {
        record_set(sql, self.run(sql).await?)
    }

    /// Runs a query, and refuses what is none before it runs.
    pub(super) async fn query_only(&self, sql: &str) -> Result<RecordSet> {
        if !statement::reads_only(sql) {
            return Err(Error::ReadOnly);
        }
        self.query(sql).await
    }
}

fn record_set(sql: &str, answer: Answer) -> Result<RecordSet> {
    text_record_set(sql, &answer.columns.unwrap_or_default(), &answer.rows)
}

fn understood(location: &str, sql: &str, result: Result<Answer, (Failure, bool)>) -> Result<Answer> {
    result.map_err(|(failure, interrupted)| match failure {
        Failure::Ours(error) => error,
        Failure::Client(error) => classify(location, During::Statement { sql, interrupted }, &error),
    })
}
