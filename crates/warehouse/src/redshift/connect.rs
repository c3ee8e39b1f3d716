//! A session: a socket that notices when it is dead, encryption, the login, and the settings.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt;
use socket2::{SockRef, TcpKeepalive};
use sparkify_schema::statements::redshift as sql;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_postgres::{
    AsyncMessage, CancelToken, Client, Config, NoTls, SimpleQueryMessage, SimpleQueryRow,
    config::SslMode as ClientSslMode,
    error::DbError,
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    RedshiftOptions,
    error::{classify, socket_failed},
    login::{Given, Logins},
    statement,
    tap::{Heard, Tap},
};
use crate::{
    Error, Result,
    wire::{Column, During, Failure, Host, Server, SslMode, client_config, is_broken, is_refused},
};

/// What a firewall forgets after minutes of silence, as during a long COPY, is kept in its mind.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 4;
/// How long what was sent may stay unacknowledged: as long as it takes to notice a dead peer.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);

/// The request for encryption: its length and its code.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A stream to the server.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

/// An attempt to connect that failed.
pub(super) struct ConnectError {
    pub(super) error: Error,
    /// Nothing listened, or the connection broke before anything was decided.
    pub(super) worth_another: bool,
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        Self { error, worth_another: false }
    }
}

/// Makes sessions.
pub(super) struct Connector {
    server: Server,
    location: Arc<str>,
    tls: Option<MakeRustlsConnect>,
    /// Everything about a session but its login.
    config: Config,
    logins: Logins,
    settings: Vec<String>,
    /// Why the login was refused. It is not tried again, since Redshift locks a user after five that failed.
    refused: Mutex<Option<String>>,
}

impl Connector {
    pub(super) fn new(options: &RedshiftOptions) -> Result<Self> {
        let server = options.server.clone();
        let mut config = Config::new();
        // Encryption is done here already.
        config
            .dbname(&server.database)
            .application_name(&server.application_name)
            .ssl_mode(ClientSslMode::Disable);
        let location: Arc<str> = server.location().into();
        Ok(Self {
            tls: client_config(&server)?.map(MakeRustlsConnect::new),
            logins: Logins::new(&server, Arc::clone(&location), options.logins.clone()),
            location,
            settings: settings(options)?,
            config,
            server,
            refused: Mutex::default(),
        })
    }

    pub(super) fn location(&self) -> &Arc<str> {
        &self.location
    }

    /// Connects, logs in and makes the settings.
    pub(super) async fn connect(self: &Arc<Self>) -> Result<Session, ConnectError> {
        if let Some(reason) = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            let reason = format!("{reason}; so it was before, and is not tried again");
            return Err(Error::Login { location: self.location.to_string(), reason }.into());
        }
        let login = self.logins.current().await?;
        let refused = match self.connect_as(&login).await {
            Err(refused) if matches!(refused.error, Error::Login { .. }) => refused,
            result => return result,
        };
        self.logins.forget(&login).await;
        if !login.is_kept {
            return Err(self.remember(refused));
        }
        // It was at hand and may have been ended early; a new one is worth one attempt.
        tracing::debug!(error = %refused.error, "the login is refused, so a new one is asked for");
        let login = self.logins.current().await?;
        self.connect_as(&login).await.map_err(|failed| self.remember(failed))
    }

    /// Keeps in mind that the newest login is refused, if that is the error.
    fn remember(&self, failed: ConnectError) -> ConnectError {
        if let Error::Login { reason, .. } = &failed.error {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
        }
        failed
    }

    async fn connect_as(self: &Arc<Self>, login: &Given) -> Result<Session, ConnectError> {
        let limit = self.server.connect_timeout * 2;
        tokio::time::timeout(limit, self.log_in(login)).await.unwrap_or_else(|_| {
            let reason = "it does not answer in time".to_owned();
            Err(Error::Unreachable { location: self.location.to_string(), reason }.into())
        })
    }

    async fn log_in(self: &Arc<Self>, login: &Given) -> Result<Session, ConnectError> {
        let mut config = self.config.clone();
        config.user(&login.user);
        if let Some(password) = &login.password {
            config.password(password.expose());
        }
        let heard = Arc::new(Heard::default());
        let stream = Tap::new(self.stream().await?, Arc::clone(&heard));
        let (client, mut connection) = match config.connect_raw(stream, NoTls).await {
            Ok(both) => both,
            Err(_) if heard.asked_for_digest() => {
                let (location, user) = (self.location.to_string(), login.user.clone());
                return Err(Error::DigestLogin { location, user }.into());
            }
            Err(error) => {
                return Err(ConnectError {
                    worth_another: is_refused(&error),
                    error: classify(&self.location, During::Connecting, &error),
                });
            }
        };
        tokio::spawn(async move {
            loop {
                match std::future::poll_fn(|context| connection.poll_message(context)).await {
                    Some(Ok(AsyncMessage::Notice(notice))) => forward(&notice),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        tracing::debug!(%error, "a connection broke");
                        return;
                    }
                    None => return,
                }
            }
        });
        let mut session = Session { connector: Arc::clone(self), client, heard, pid: 0 };
        for setting in &self.settings {
            session.statement(setting).await?;
        }
        let answer = session.statement(&sql::session_id()).await?;
        session.pid = answer.integer(0, 0).unwrap_or_default();
        Ok(session)
    }

    /// Connects as far as the encryption, and verifies it.
    pub(super) async fn check_encryption(&self) -> Result<()> {
        let limit = self.server.connect_timeout * 2;
        match tokio::time::timeout(limit, self.stream()).await {
            Ok(stream) => stream.map(drop).map_err(|failed| failed.error),
            Err(_) => {
                let reason = "it does not answer in time".to_owned();
                Err(Error::Unreachable { location: self.location.to_string(), reason })
            }
        }
    }

    /// An encrypted stream, if it is to be.
    async fn stream(&self) -> Result<Box<dyn Wire>, ConnectError> {
        let failed = |error: io::Error| ConnectError {
            worth_another: is_broken(&error),
            error: socket_failed(&self.location, &error),
        };
        let mut stream = self.socket().await.map_err(failed)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        stream.write_all(&SSL_REQUEST).await.map_err(failed)?;
        match stream.read_u8().await.map_err(failed)? {
            b'S' => {
                let name = match &self.server.host {
                    Host::Tcp(name) => name.as_str(),
                    Host::Unix(_) => "localhost",
                };
                let mut tls = tls.clone();
                let connect = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, name)
                    .map_err(|error| failed(io::Error::other(error)))?;
                Ok(Box::new(connect.connect(stream).await.map_err(failed)?))
            }
            b'N' if self.server.ssl_mode == SslMode::Prefer => Ok(Box::new(stream)),
            _ => Err(Error::Tls {
                location: self.location.to_string(),
                reason: "the server does not encrypt".to_owned(),
                remedy: "Redshift always can, so this is something else; or say sslmode=disable on a network that you \
                         trust"
                    .to_owned(),
            }
            .into()),
        }
    }

    async fn socket(&self) -> io::Result<TcpStream> {
        let (host, port) = match (&self.server.host, self.server.host_address) {
            (_, Some(address)) => (address.to_string(), self.server.port),
            (Host::Tcp(name), None) => (name.clone(), self.server.port),
            (Host::Unix(_), None) => return Err(io::ErrorKind::Unsupported.into()),
        };
        let connect = TcpStream::connect((host, port));
        let stream = tokio::time::timeout(self.server.connect_timeout, connect)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it does not answer in time"))??;
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        socket.set_tcp_keepalive(
            &TcpKeepalive::new()
                .with_time(KEEPALIVE_IDLE)
                .with_interval(KEEPALIVE_INTERVAL)
                .with_retries(KEEPALIVE_RETRIES),
        )?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
        Ok(stream)
    }

    /// Asks the server to end what a session runs, over a stream of its own.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<()> {
        let stream = self.stream().await.map_err(|failed| failed.error)?;
        token.cancel_query_raw(stream, NoTls).await.map_err(|error| {
            let (location, reason) = (self.location.to_string(), error.to_string());
            Error::ConnectionLost { location, reason }
        })
    }
}

/// The statements that a session begins with.
fn settings(options: &RedshiftOptions) -> Result<Vec<String>> {
    let timeout = options.server.statement_timeout.map(|timeout| timeout.as_millis());
    let statements = sql::open_session(timeout, options.query_group.as_deref());
    let statements = statements.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(statements.into_iter().map(|sent| sent.sql).collect())
}

/// What the server says beside its answers, to the log.
fn forward(notice: &DbError) {
    let (severity, message) = (notice.severity(), notice.message());
    // "Table … does not exist and will be skipped" comes with each DROP … IF EXISTS.
    if severity == "WARNING" {
        tracing::warn!("the server warns: {message}");
    } else if severity == "INFO" && !message.contains("skip") {
        tracing::info!("the server says: {message}");
    } else {
        tracing::debug!(severity, "the server says: {message}");
    }
}

/// The answer to one statement.
#[derive(Debug)]
pub(super) struct Answer {
    /// The columns; `None` if the statement has no rows.
    pub(super) columns: Option<Vec<Column>>,
    pub(super) rows: Vec<SimpleQueryRow>,
    /// Rows that were changed.
    pub(super) changed: u64,
}

impl Answer {
    fn integer(&self, row: usize, column: usize) -> Option<i64> {
        self.rows.get(row)?.try_get(column).ok()??.parse().ok()
    }
}

/// A connection that is logged in. It speaks the simple query protocol only: prepared statements are where
/// drivers hang on Redshift.
pub(super) struct Session {
    connector: Arc<Connector>,
    client: Client,
    heard: Arc<Heard>,
    /// The server process, and the `session_id` of the system views.
    pub(super) pid: i64,
}

impl Session {
    /// Runs exactly one statement.
    pub(super) async fn run(&self, sql: &str) -> Result<Answer, Failure> {
        let sql = statement::single(sql)?;
        self.heard.take_columns();
        let mut messages = Box::pin(self.client.simple_query_raw(sql).await?);
        let mut answer = Answer { columns: None, rows: Vec::new(), changed: 0 };
        while let Some(message) = messages.next().await {
            match message? {
                SimpleQueryMessage::RowDescription(columns) => {
                    let heard = self.heard.take_columns().filter(|heard| heard.len() == columns.len());
                    let unheard =
                        || Error::Internal("the columns of a result were not understood".to_owned());
                    answer.columns = Some(heard.ok_or_else(unheard)?);
                }
                SimpleQueryMessage::Row(row) => answer.rows.push(row),
                SimpleQueryMessage::CommandComplete(changed) => answer.changed = changed,
                _ => {}
            }
        }
        Ok(answer)
    }

    /// Runs a statement of the connection's own.
    async fn statement(&self, sql: &str) -> Result<Answer, ConnectError> {
        let location = &self.connector.location;
        Ok(self.run(sql).await.map_err(|failure| match failure {
            Failure::Ours(error) => error,
            Failure::Client(error) => {
                classify(location, During::Statement { sql, interrupted: false }, &error)
            }
        })?)
    }

    pub(super) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redshift::RedshiftTarget;

    #[tokio::test]
    async fn a_socket_is_kept_in_the_mind_of_firewalls_and_notices_a_dead_peer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("redshift://me@127.0.0.1:{port}/dev?sslmode=disable");
        let RedshiftTarget::Server(options) = RedshiftTarget::from_url(&url, &|_| None).unwrap() else {
            panic!("{url}")
        };
        let stream = Connector::new(&options).unwrap().socket().await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && stream.nodelay().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(15));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(120)));
    }
}
