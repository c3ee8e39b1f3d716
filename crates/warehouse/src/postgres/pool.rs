//! Connections: made, reused, thrown away and interrupted.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::{CancelToken, Config, NoTls, config::SslMode as ClientSslMode};

use super::{
    Host, PostgresOptions, SslMode,
    error::{During, classify, is_refused},
    records,
    tls::Tls,
};
use crate::{Access, Error, RecordSet, Result};

/// How long to wait before each further attempt to connect.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// A pool of connections to one database.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
    location: Arc<str>,
    running: Arc<Running>,
}

impl Connections {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self> {
        let tls = Tls::new(options)?;
        let config = config(options, &tls);
        // A connection that is clean is reused as it is; one that is not is never given back.
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &tls {
            Tls::Plain => Manager::from_config(config, NoTls, manager_config),
            Tls::Rustls(tls) => Manager::from_config(config, tls.clone(), manager_config),
        };
        let pool = Pool::builder(manager)
            // The writers, the session of the load, and queries beside it.
            .max_size(options.writers() + 2)
            .runtime(Runtime::Tokio1)
            // The time for the socket is limited already; this is for a server that accepts and is silent.
            .create_timeout(Some(options.connect_timeout * 2))
            .build()
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { pool, location: options.location().into(), running: Arc::new(Running::new(tls)) })
    }

    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// A connection, with further attempts while nothing listens.
    pub(super) async fn get(&self) -> Result<Connection> {
        let mut pauses = BACK_OFF.into_iter();
        loop {
            match self.pool.get().await {
                Ok(client) => {
                    return Ok(Connection {
                        client: Some(client),
                        busy: AtomicBool::new(false),
                        held: AtomicBool::new(false),
                        interrupted: AtomicBool::new(false),
                        location: Arc::clone(&self.location),
                        running: Arc::clone(&self.running),
                    });
                }
                Err(PoolError::Backend(error)) if is_refused(&error) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(classify(&self.location, During::Connecting, &error)),
                },
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    fn failed(&self, error: &PoolError) -> Error {
        let location = self.location.to_string();
        match error {
            PoolError::Backend(error) => classify(&location, During::Connecting, error),
            PoolError::Closed => Error::Closed,
            PoolError::Timeout(_) => {
                Error::Unreachable { location, reason: "it does not answer in time".to_owned() }
            }
            other => Error::Internal(other.to_string()),
        }
    }

    /// What is running on these connections.
    pub(super) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }
}

fn config(options: &PostgresOptions, tls: &Tls) -> Config {
    let mut config = Config::new();
    match &options.host {
        Host::Tcp(host) => config.host(host),
        #[cfg(unix)]
        Host::Unix(path) => config.host_path(path),
        #[cfg(not(unix))]
        Host::Unix(path) => config.host(path.to_string_lossy()),
    };
    if let Some(address) = options.host_address {
        config.hostaddr(address);
    }
    if let Some(password) = &options.password {
        config.password(password.expose());
    }
    config
        .port(options.port)
        .user(&options.user)
        .dbname(&options.database)
        .application_name(&options.application_name)
        .ssl_mode(match (tls, options.ssl_mode) {
            (Tls::Plain, _) | (_, SslMode::Disable) => ClientSslMode::Disable,
            (_, SslMode::Prefer) => ClientSslMode::Prefer,
            _ => ClientSslMode::Require,
        })
        .connect_timeout(options.connect_timeout)
        .keepalives_idle(Duration::from_secs(60))
        .keepalives_interval(Duration::from_secs(15))
        .keepalives_retries(4)
        .options(session_settings(options));
    config
}

/// Settings that hold from the first moment of a session, and after each reset.
fn session_settings(options: &PostgresOptions) -> String {
    let mut settings = options.session_options.clone().unwrap_or_default();
    // A load reads files while its transaction is open; the server must not end it for that.
    settings.push_str(" -c TimeZone=UTC -c idle_in_transaction_session_timeout=0");
    // Nor shall it hold the lock of a load for hours whose network is gone.
    settings.push_str(" -c tcp_keepalives_idle=60 -c tcp_keepalives_interval=15 -c tcp_keepalives_count=4");
    if let Some(timeout) = options.statement_timeout {
        settings.push_str(&format!(" -c statement_timeout={}", timeout.as_millis()));
    }
    if options.access == Access::ReadOnly {
        settings.push_str(" -c default_transaction_read_only=on");
    }
    settings.trim_start().to_owned()
}

/// How to end a statement, and whether it was asked to.
type Statement = (Option<CancelToken>, Arc<AtomicBool>);

/// The statements that are running, and how to ask the server to end them.
pub(super) struct Running {
    tls: Tls,
    runtime: tokio::runtime::Handle,
    next: AtomicU64,
    statements: Mutex<HashMap<u64, Statement>>,
}

impl Running {
    fn new(tls: Tls) -> Self {
        Self {
            tls,
            runtime: tokio::runtime::Handle::current(),
            next: AtomicU64::new(0),
            statements: Mutex::default(),
        }
    }

    /// Notes something that can be interrupted, until the entry is dropped.
    pub(super) fn enter(self: &Arc<Self>, token: Option<CancelToken>) -> Entry {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let interrupted = Arc::new(AtomicBool::new(false));
        self.lock().insert(number, (token, Arc::clone(&interrupted)));
        Entry { running: Arc::clone(self), number, interrupted }
    }

    /// Marks everything that runs as interrupted and asks the server to end it.
    pub(super) fn interrupt(&self) {
        for (token, interrupted) in self.lock().values() {
            interrupted.store(true, Ordering::Release);
            if let Some(token) = token {
                self.cancel(token.clone());
            }
        }
    }

    fn cancel(&self, token: CancelToken) {
        let tls = self.tls.clone();
        self.runtime.spawn(async move {
            let result = match tls {
                Tls::Plain => token.cancel_query(NoTls).await,
                Tls::Rustls(tls) => token.cancel_query(tls).await,
            };
            if let Err(error) = result {
                tracing::debug!(%error, "the server could not be asked to end a statement");
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Statement>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that is running.
pub(super) struct Entry {
    running: Arc<Running>,
    number: u64,
    interrupted: Arc<AtomicBool>,
}

impl Entry {
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Acquire)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.running.lock().remove(&self.number);
    }
}

/// A connection out of the pool. When it is dropped it goes back, unless a statement is under way or a
/// transaction is open: then it is closed, which makes the server undo what is not committed. It is also
/// closed once a statement was interrupted: the request to the server may arrive late, and would end
/// whatever runs then.
pub(super) struct Connection {
    client: Option<Object>,
    location: Arc<str>,
    running: Arc<Running>,
    /// A statement is under way: it stays so if its future is dropped.
    busy: AtomicBool,
    /// There is something to undo.
    held: AtomicBool,
    /// A statement was interrupted.
    interrupted: AtomicBool,
}

impl Connection {
    fn client(&self) -> Result<&tokio_postgres::Client> {
        self.client.as_deref().map(|client| &**client).ok_or(Error::Closed)
    }

    /// From now on the connection is closed when it is dropped.
    pub(super) fn hold(&self) {
        self.held.store(true, Ordering::Release);
    }

    /// From now on the connection goes back to the pool when it is dropped.
    pub(super) fn release(&self) {
        self.held.store(false, Ordering::Release);
    }

    /// Runs one statement and returns the number of rows it changed.
    pub(super) async fn execute(&self, sql: &str) -> Result<u64> {
        self.run(sql, async |client, _| Ok(client.execute_typed(sql, &[]).await?)).await
    }

    /// Runs one statement that has no rows, in as few messages as possible. Only for texts of our own:
    /// several statements would all be run.
    pub(super) async fn control(&self, sql: &'static str) -> Result<()> {
        self.run(sql, async |client, _| Ok(client.batch_execute(sql).await?)).await
    }

    /// Runs a query. `only_queries` refuses a statement that returns no columns before it runs.
    pub(super) async fn query(&self, sql: &str, only_queries: bool) -> Result<RecordSet> {
        self.run(sql, async |client, _| {
            if !only_queries {
                // One round trip; rows know their columns, so only no rows need another.
                let rows = client.query_typed(sql, &[]).await?;
                if let Some(row) = rows.first() {
                    return Ok(records::record_set(sql, row.columns(), &rows)?);
                }
            }
            let statement = client.prepare(sql).await?;
            if !only_queries {
                return Ok(records::record_set(sql, statement.columns(), &[])?);
            }
            if statement.columns().is_empty() {
                return Err(Error::ReadOnly.into());
            }
            let rows = client.query(&statement, &[]).await?;
            Ok(records::record_set(sql, statement.columns(), &rows)?)
        })
        .await
    }

    /// Does something with the client that can be interrupted, and that is ended when it is dropped.
    pub(super) async fn run<T>(
        &self,
        sql: &str,
        work: impl AsyncFnOnce(&tokio_postgres::Client, &Entry) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        tracing::debug!(sql, "statement");
        let client = self.client()?;
        let entry = self.running.enter(Some(client.cancel_token()));
        self.busy.store(true, Ordering::Release);
        let guard = CancelOnDrop(Some(self));
        let result = work(client, &entry).await;
        guard.disarm();
        self.busy.store(false, Ordering::Release);
        if entry.is_interrupted() {
            self.interrupted.store(true, Ordering::Release);
        }
        result.map_err(|failure| match failure {
            Failure::Ours(error) => error,
            Failure::Client(error) => classify(
                &self.location,
                During::Statement { sql, interrupted: entry.is_interrupted() },
                &error,
            ),
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let unclean =
            [&self.busy, &self.held, &self.interrupted].iter().any(|flag| flag.load(Ordering::Acquire));
        if unclean && let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

/// Ends a statement that nobody waits for any more.
struct CancelOnDrop<'a>(Option<&'a Connection>);

impl CancelOnDrop<'_> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.0
            && let Ok(client) = connection.client()
        {
            connection.interrupted.store(true, Ordering::Release);
            connection.running.cancel(client.cancel_token());
        }
    }
}

/// An error of the client library that is not understood yet, or one of ours.
pub(super) enum Failure {
    Client(tokio_postgres::Error),
    Ours(Error),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Client(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}
