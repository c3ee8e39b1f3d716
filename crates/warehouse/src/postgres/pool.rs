//! Connections: made, reused, thrown away and interrupted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use tokio_postgres::{
    CancelToken, Config, NoTls,
    config::{ChannelBinding as ClientChannelBinding, SslMode as ClientSslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{ChannelBinding, PostgresOptions, records};
use crate::{
    Access, Error, RecordSet, Result,
    wire::{
        Canceller, During, Entry, Failure, Host, Lease, Running, SslMode, classify, client_config,
        commit_failed, confirm_end, is_refused,
    },
};

/// How long to wait before each further attempt to connect.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// How long a pooler may take to give a second server.
const POOLER_PATIENCE: Duration = Duration::from_secs(5);

const SERVER_PROCESS: &str = "SELECT pg_backend_pid()";

/// A pool of connections to one database.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
    tls: Option<MakeRustlsConnect>,
    location: Arc<str>,
    running: Arc<Running>,
    wait: Duration,
    /// The statements that a session begins with, and whether new ones run them by themselves.
    settings: Arc<str>,
    begun: Arc<AtomicBool>,
    access: Access,
}

impl Connections {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self> {
        let tls = client_config(&options.server)?.map(MakeRustlsConnect::new);
        let config = config(options, tls.is_some());
        // A connection that is clean is reused as it is; one that is not is never given back.
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &tls {
            None => Manager::from_config(config, NoTls, manager_config),
            Some(tls) => Manager::from_config(config, tls.clone(), manager_config),
        };
        let settings: Arc<str> = session_settings(options).into();
        let begun = Arc::new(AtomicBool::new(false));
        let (of_hook, has_begun) = (Arc::clone(&settings), Arc::clone(&begun));
        let pool = Pool::builder(manager)
            .post_create(Hook::async_fn(move |client, _| {
                let (settings, begun) = (Arc::clone(&of_hook), has_begun.load(Ordering::Acquire));
                Box::pin(async move {
                    let result = if begun { client.batch_execute(&settings).await } else { Ok(()) };
                    result.map_err(HookError::Backend)
                })
            }))
            // The writers, the session of the load, and queries beside it.
            .max_size(options.writers() + 2)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(options.server.connection_wait))
            // The time for the socket is limited already; this is for a server that accepts and is silent.
            .create_timeout(Some(options.server.connect_timeout * 2))
            .build()
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self {
            pool,
            tls,
            location: options.location().into(),
            running: Arc::new(Running::new()),
            wait: options.server.connection_wait,
            settings,
            begun,
            access: options.access,
        })
    }

    /// Makes the first connections, and their settings unless a pooler stands in between that gives the server to
    /// others after each transaction: what is set there would be set for those, and a lock would be lost.
    pub(super) async fn begin(&self) -> Result<()> {
        let first = self.get().await?;
        let server = first.query(SERVER_PROCESS).await?.integer(0, 0);
        match tokio::time::timeout(POOLER_PATIENCE, self.second()).await {
            Ok(Ok((second, other))) => {
                // The first connection is still open: only a pooler can have given its server away.
                if server == other {
                    return Err(Error::Setup {
                        location: self.location.to_string(),
                        reason: "a pooler in between gives the server to others after each transaction, so the lock \
                                 that keeps two loads apart would be lost"
                            .to_owned(),
                        remedy: "connect to the server itself, or to a pool in session mode (PgBouncer: \
                                 pool_mode=session)"
                            .to_owned(),
                    });
                }
                second.release();
                second.configure(&self.settings).await?;
            }
            // One connection is all there is, which is enough for some commands.
            Ok(Err(Error::TooManyConnections { .. })) | Err(_) => {
                tracing::debug!("not looked for a pooler: there is no second connection");
            }
            Ok(Err(error)) => return Err(error),
        }
        first.configure(&self.settings).await?;
        self.begun.store(true, Ordering::Release);
        Ok(())
    }

    /// A second connection, in use, and the process that serves it in a transaction.
    async fn second(&self) -> Result<(Connection, Option<i64>)> {
        let second = self.get().await?;
        second.hold();
        second.control("BEGIN").await?;
        let server = second.query(SERVER_PROCESS).await?.integer(0, 0);
        second.control("ROLLBACK").await?;
        Ok((second, server))
    }

    /// Refuses a server that nothing can be written to, and one that has no place for tables.
    pub(super) async fn can_write(&self) -> Result<()> {
        let state = "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only'), \
                     current_schema(), current_setting('search_path')";
        let found = self.get().await?.query(state).await?;
        let setup = |reason: String, remedy: &str| Error::Setup {
            location: self.location.to_string(),
            reason,
            remedy: remedy.to_owned(),
        };
        if found.text(0, 0).as_deref() == Some("true") {
            return Err(setup(
                "the server is a standby, which takes no writes".to_owned(),
                "name the host of the primary",
            ));
        }
        if found.text(0, 1).as_deref() == Some("on") {
            return Err(setup(
                "sessions are read-only here (default_transaction_read_only)".to_owned(),
                "log in as a role that may write, or take the setting back: ALTER ROLE … (or DATABASE …) RESET \
                 default_transaction_read_only",
            ));
        }
        if found.text(0, 2).is_none() {
            let path = found.text(0, 3).unwrap_or_default();
            return Err(setup(
                format!("none of the schemas in its search_path ({path}) exists, or is open to the role"),
                "create one (CREATE SCHEMA … AUTHORIZATION …), or set a search_path to one that exists: \
                 ?options=-c%20search_path%3Dpublic in the URL",
            ));
        }
        Ok(())
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
                    let canceller = canceller(self.tls.clone(), client.cancel_token());
                    return Ok(Connection {
                        lease: Lease::new(client, Arc::clone(&self.running), canceller),
                        location: Arc::clone(&self.location),
                        access: self.access,
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
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                classify(&location, During::Connecting, error)
            }
            PoolError::Closed => Error::Closed,
            PoolError::Timeout(TimeoutType::Wait) => Error::NoFreeConnection {
                location,
                connections: self.pool.status().max_size,
                waited: self.wait,
            },
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

fn config(options: &PostgresOptions, encrypted: bool) -> Config {
    let server = &options.server;
    let mut config = Config::new();
    match &server.host {
        Host::Tcp(host) => config.host(host),
        #[cfg(unix)]
        Host::Unix(path) => config.host_path(path),
        #[cfg(not(unix))]
        Host::Unix(path) => config.host(path.to_string_lossy()),
    };
    if let Some(address) = server.host_address {
        config.hostaddr(address);
    }
    if let Some(password) = &server.password {
        config.password(password.expose());
    }
    config
        .port(server.port)
        .user(&server.user)
        .dbname(&server.database)
        .application_name(&server.application_name)
        .ssl_mode(match (encrypted, server.ssl_mode) {
            (false, _) | (_, SslMode::Disable) => ClientSslMode::Disable,
            (_, SslMode::Prefer) => ClientSslMode::Prefer,
            _ => ClientSslMode::Require,
        })
        .channel_binding(match options.channel_binding {
            ChannelBinding::Disable => ClientChannelBinding::Disable,
            ChannelBinding::Prefer => ClientChannelBinding::Prefer,
            ChannelBinding::Require => ClientChannelBinding::Require,
        })
        .connect_timeout(server.connect_timeout)
        .keepalives_idle(Duration::from_secs(60))
        .keepalives_interval(Duration::from_secs(15))
        .keepalives_retries(4)
        // While something is on its way, nothing is kept alive: a dead peer would be noticed after a quarter of
        // an hour.
        .tcp_user_timeout(Duration::from_secs(120));
    // Only what somebody asked for: poolers refuse this parameter.
    if let Some(session_options) = &options.session_options {
        config.options(session_options);
    }
    config
}

/// The statements that a session begins with.
fn session_settings(options: &PostgresOptions) -> String {
    // Times in the form and zone that are read here. A load reads files while its transaction is open; the server must
    // not end it for that, nor hold the lock of a load for hours whose network is gone.
    let mut settings = "SET TimeZone = 'UTC'; SET DateStyle = ISO; SET idle_in_transaction_session_timeout = 0; \
                        SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 15; SET tcp_keepalives_count = 4"
        .to_owned();
    if let Some(timeout) = options.server.statement_timeout {
        settings.push_str(&format!("; SET statement_timeout = {}", timeout.as_millis()));
    }
    if options.access == Access::ReadOnly {
        settings.push_str("; SET default_transaction_read_only = on");
    }
    settings
}

/// How to end a statement of the connection.
fn canceller(tls: Option<MakeRustlsConnect>, token: CancelToken) -> Canceller {
    Arc::new(move |_| {
        let (tls, token) = (tls.clone(), token.clone());
        Box::pin(async move {
            let result = match tls {
                None => token.cancel_query(NoTls).await,
                Some(tls) => token.cancel_query(tls).await,
            };
            if let Err(error) = result {
                tracing::debug!(%error, "the server could not be asked to end a statement");
            }
        })
    })
}

/// A connection out of the pool.
pub(super) struct Connection {
    lease: Lease<Manager>,
    location: Arc<str>,
    access: Access,
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

    /// Runs one statement and returns the number of rows it changed.
    pub(super) async fn execute(&self, sql: &str) -> Result<u64> {
        self.run(sql, async |client, _| Ok(client.execute_typed(sql, &[]).await?)).await
    }

    /// Runs the statements that a session begins with.
    async fn configure(&self, settings: &str) -> Result<()> {
        self.run(settings, async |client, _| Ok(client.batch_execute(settings).await?)).await
    }

    /// Runs one statement that has no rows, in as few messages as possible. Only for texts of our own:
    /// several statements would all be run.
    pub(super) async fn control(&self, sql: &'static str) -> Result<()> {
        self.run(sql, async |client, _| Ok(client.batch_execute(sql).await?)).await
    }

    /// Makes a transaction permanent.
    pub(super) async fn commit(&self) -> Result<()> {
        const COMMIT: &str = "COMMIT";
        tracing::debug!(sql = COMMIT, "statement");
        let result = self.lease.run(async |client, _| Ok(client.batch_execute(COMMIT).await?)).await;
        result.map_err(|failed| commit_failed(&self.location, COMMIT, failed, classify))
    }

    /// Runs a query of ours, whose columns have types of the model, in one round trip; rows know their columns, so
    /// only no rows need another.
    pub(super) async fn query(&self, sql: &str) -> Result<RecordSet> {
        self.run(sql, async |client, _| {
            let rows = client.query_typed(sql, &[]).await?;
            if let Some(row) = rows.first() {
                return Ok(records::record_set(sql, row.columns(), &rows)?);
            }
            let statement = client.prepare(sql).await?;
            Ok(records::record_set(sql, statement.columns(), &[])?)
        })
        .await
    }

    /// Runs a query whose columns may have any type. `only_queries` refuses a statement that returns no columns before
    /// it runs.
    pub(super) async fn answer(&self, sql: &str, only_queries: bool) -> Result<RecordSet> {
        self.run(sql, async |client, _| {
            let statement = client.prepare(sql).await?;
            let columns = statement.columns();
            if only_queries && columns.is_empty() {
                return Err(Error::ReadOnly.into());
            }
            if columns.iter().all(|column| records::is_binary(column.type_())) {
                let rows = client.query(&statement, &[]).await?;
                return Ok(records::record_set(sql, columns, &rows)?);
            }
            // That it is a single statement is known by now.
            let messages = client.simple_query(sql).await?;
            Ok(records::record_set_of_texts(sql, columns, messages)?)
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
        let result = self.lease.run(async |client, entry| work(client, entry).await).await;
        result.map_err(|(failure, interrupted)| match failure {
            Failure::Ours(error) => error,
            Failure::Client(error) => {
                if interrupted {
                    confirm_end(&error);
                }
                let error = classify(&self.location, During::Statement { sql, interrupted }, &error);
                match (error, self.access) {
                    // Not asked for by us.
                    (Error::ReadOnly, Access::ReadWrite) => Error::Setup {
                        location: self.location.to_string(),
                        reason: "the transaction is read-only".to_owned(),
                        remedy: "name the host of the primary, or log in as a role that may write".to_owned(),
                    },
                    (error, _) => error,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Config {
        config(&PostgresOptions::from_url(url, &|_| None).unwrap(), true)
    }

    #[test]
    fn a_connection_is_kept_in_the_mind_of_firewalls_and_notices_a_dead_peer() {
        let config = of("postgres://me@db/music");
        assert!(config.get_keepalives());
        assert_eq!(config.get_keepalives_idle(), Duration::from_secs(60));
        assert_eq!(config.get_keepalives_interval(), Some(Duration::from_secs(15)));
        assert_eq!(config.get_keepalives_retries(), Some(4));
        assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(120)));
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(10)));
    }

    #[test]
    fn encryption_and_the_binding_of_the_login_to_it_are_as_asked_for() {
        for (url, mode, binding) in [
            ("postgres://me@db/music", ClientSslMode::Require, ClientChannelBinding::Prefer),
            (
                "postgres://me@localhost/music?channel_binding=require",
                ClientSslMode::Prefer,
                ClientChannelBinding::Require,
            ),
            (
                "postgres://me@db/music?sslmode=disable&channel_binding=disable",
                ClientSslMode::Disable,
                ClientChannelBinding::Disable,
            ),
        ] {
            let config = of(url);
            assert_eq!((config.get_ssl_mode(), config.get_channel_binding()), (mode, binding), "{url}");
        }
    }
}
