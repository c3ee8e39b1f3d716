//! Connections, from their first byte to a session.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::{Buf, Bytes};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{
    backend::{Backend, BackendAddress, Canceller},
    copy::Aws,
    error::{ServerError, Severity},
    fault::Faults,
    history::History,
    lock,
    log::{Log, Message, Outcome},
    login::{self, Logins},
    options::RedshiftDoubleOptions,
    random,
    session::Session,
    sql::check_setting,
    wire::{Wire, take_text},
};

const SSL_REQUEST: i32 = 80_877_103;
const GSS_REQUEST: i32 = 80_877_104;
const CANCEL_REQUEST: i32 = 80_877_102;
const VERSION_3: i32 = 196_608;

/// What all connections share.
pub(super) struct Shared {
    pub(super) options: RedshiftDoubleOptions,
    pub(super) backend: BackendAddress,
    pub(super) administrator: (String, String),
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) logins: Logins,
    pub(super) log: Mutex<Log>,
    pub(super) faults: Mutex<Faults>,
    pub(super) refusals: Mutex<Refusals>,
    pub(super) history: History,
    pub(super) aws: Arc<Aws>,
    sessions: Mutex<HashMap<i32, Handle>>,
    writer: tokio::sync::Mutex<Option<Backend>>,
}

/// Logins that are refused whatever their password is.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Logins that pass before.
    pub(super) after: u32,
    pub(super) times: u32,
    pub(super) error: Option<ServerError>,
}

impl Refusals {
    /// The error of the next login, if it is to have one.
    fn next(&mut self) -> Option<ServerError> {
        if self.after > 0 {
            self.after -= 1;
            return None;
        }
        self.times = self.times.checked_sub(1)?;
        self.error.clone()
    }
}

/// What others can do to a session.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    pub(super) key: i32,
    pub(super) cancel: Arc<Cancel>,
    pub(super) canceller: Canceller,
}

/// The wish that a session stops what it is doing.
///
/// It may not hit the next statement instead. So a session waits for a wish that is on its way before it
/// answers, and PostgreSQL is told only while it works.
#[derive(Debug, Default)]
pub(super) struct Cancel {
    wanted: AtomicBool,
    changed: Notify,
    in_postgres: AtomicBool,
    on_its_way: tokio::sync::Mutex<()>,
}

impl Cancel {
    /// A statement begins, not yet in PostgreSQL.
    pub(super) fn reset(&self) {
        self.wanted.store(false, Ordering::SeqCst);
    }

    pub(super) fn enter_postgres(&self) {
        self.in_postgres.store(true, Ordering::SeqCst);
    }

    pub(super) async fn leave_postgres(&self) {
        self.in_postgres.store(false, Ordering::SeqCst);
        if self.is_wanted() {
            drop(self.on_its_way.lock().await);
        }
    }

    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    async fn want(&self, canceller: &Canceller) {
        let _guard = self.on_its_way.lock().await;
        self.wanted.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
        if self.in_postgres.load(Ordering::SeqCst) {
            canceller.cancel().await;
        }
    }

    /// Returns once it is wanted.
    pub(super) async fn wanted(&self) {
        loop {
            let changed = self.changed.notified();
            if self.is_wanted() {
                return;
            }
            changed.await;
        }
    }
}

impl Shared {
    pub(super) fn new(
        options: RedshiftDoubleOptions,
        backend: BackendAddress,
        administrator: (String, String),
        tls: Option<TlsAcceptor>,
    ) -> Self {
        Self {
            history: History::new(options.database.clone(), options.view_lag),
            aws: Arc::new(Aws::new(&options)),
            options,
            backend,
            administrator,
            tls,
            logins: Logins::default(),
            log: Mutex::default(),
            faults: Mutex::default(),
            refusals: Mutex::default(),
            sessions: Mutex::default(),
            writer: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn add_session(&self, pid: i32, handle: Handle) {
        lock(&self.sessions).insert(pid, handle);
    }

    pub(super) fn remove_session(&self, pid: i32) {
        lock(&self.sessions).remove(&pid);
    }

    pub(super) fn session_count(&self) -> usize {
        lock(&self.sessions).len()
    }

    /// Cancels what a session does, with a key only if it is the right one; whether there is such a session.
    pub(super) async fn cancel(&self, pid: i32, key: Option<i32>) -> bool {
        let handle = lock(&self.sessions).get(&pid).cloned();
        let Some(handle) = handle.filter(|handle| key.is_none_or(|key| key == handle.key)) else {
            return false;
        };
        handle.cancel.want(&handle.canceller).await;
        true
    }

    /// Brings the system tables up to date.
    pub(super) async fn write_history(&self) -> io::Result<()> {
        let mut writer = self.writer.lock().await;
        if writer.is_none() {
            let (user, password) = &self.administrator;
            let new = Backend::connect(&self.backend, user, password, "read committed").await?;
            *writer = Some(new.map_err(|error| io::Error::other(error.message))?);
        }
        let Some(connection) = writer.as_mut() else { return Ok(()) };
        let written = self.history.write(connection).await;
        if written.is_err() {
            *writer = None;
        }
        written
    }
}

/// Takes connections until it is told to stop; then all of them break.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((socket, _)) = accepted {
                    let shared = Arc::clone(&shared);
                    // A broken connection is the client's to report.
                    connections.spawn(async move { let _ = connection(socket, shared).await; });
                }
            }
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn connection(socket: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut wire = Wire::new(Box::new(socket));
    let mut encrypted = false;
    loop {
        let Some(mut first) = wire.read_first().await? else { return Ok(()) };
        if first.remaining() < 4 {
            return Ok(());
        }
        match first.get_i32() {
            SSL_REQUEST => match shared.tls.clone().filter(|_| !encrypted) {
                Some(acceptor) => {
                    wire.put_raw(b"S");
                    wire.flush().await?;
                    wire = Wire::new(Box::new(acceptor.accept(wire.into_socket()).await?));
                    encrypted = true;
                }
                None => {
                    wire.put_raw(b"N");
                    wire.flush().await?;
                }
            },
            GSS_REQUEST => {
                wire.put_raw(b"N");
                wire.flush().await?;
            }
            CANCEL_REQUEST if first.remaining() >= 8 => {
                let (pid, key) = (first.get_i32(), first.get_i32());
                lock(&shared.log).add(pid, Message::Cancel);
                if !shared.options.ignore_cancel_requests {
                    shared.cancel(pid, Some(key)).await;
                }
                return Ok(());
            }
            VERSION_3 => return start(wire, first, encrypted, shared).await,
            version => {
                let major = version >> 16;
                let message = format!("unsupported frontend protocol {major}.{}", version & 0xffff);
                return refuse(&mut wire, &ServerError::fatal("08P01", message)).await;
            }
        }
    }
}

async fn refuse(wire: &mut Wire, error: &ServerError) -> io::Result<()> {
    wire.put(b'E', |output| error.write(output));
    wire.flush().await
}

async fn start(mut wire: Wire, body: Bytes, encrypted: bool, shared: Arc<Shared>) -> io::Result<()> {
    let (user, database, parameters) = startup_parameters(body);
    let message =
        Message::Startup { user: user.clone(), database: database.clone(), parameters: parameters.clone() };
    let number = lock(&shared.log).add(0, message);
    let outcome = |outcome: Outcome| lock(&shared.log).set(number, outcome);
    if shared.tls.is_some() && !encrypted {
        let message = format!(
            "no pg_hba.conf entry for host \"::1\", user \"{user}\", database \"{database}\", SSL off"
        );
        outcome(Outcome::Failed(message.clone()));
        return refuse(&mut wire, &ServerError::fatal("28000", message)).await;
    }
    let refusal = lock(&shared.refusals).next();
    if let Some(error) = refusal {
        outcome(Outcome::Failed(error.message.clone()));
        return refuse(&mut wire, &error).await;
    }
    let authentication = shared.options.authentication;
    let logged_in = match login::log_in(&mut wire, &shared.logins, &user, authentication).await? {
        None => {
            outcome(Outcome::Dropped);
            return Ok(());
        }
        Some(logged_in) => logged_in,
    };
    let opened = match logged_in {
        Err(error) => Err(error),
        Ok(login) => open(&shared, &login, &database, &parameters).await?,
    };
    let backend = match opened {
        Err(error) => {
            outcome(Outcome::Failed(error.message.clone()));
            return refuse(&mut wire, &error).await;
        }
        Ok(backend) => backend,
    };
    let key = i32::from_be_bytes(random());
    wire.put(b'R', |output| bytes::BufMut::put_i32(output, 0));
    login::put_parameters(&mut wire, &user);
    wire.put(b'K', |output| {
        bytes::BufMut::put_i32(output, backend.pid);
        bytes::BufMut::put_i32(output, key);
    });
    lock(&shared.log).set_session(number, backend.pid);
    outcome(Outcome::Done);
    Session::new(Arc::clone(&shared), wire, backend, key).serve().await
}

/// A session of PostgreSQL for somebody who has logged in.
async fn open(
    shared: &Shared,
    login: &login::Login,
    database: &str,
    parameters: &[(String, String)],
) -> io::Result<Result<Backend, ServerError>> {
    if database != shared.options.database {
        return Ok(Err(ServerError::fatal("3D000", format!("database \"{database}\" does not exist"))));
    }
    let settings = match settings(parameters) {
        Ok(settings) => settings,
        Err(error) => return Ok(Err(ServerError { severity: Severity::Fatal, ..error })),
    };
    let isolation = shared.options.isolation.of_postgres();
    let connected = Backend::connect(&shared.backend, &login.role, &login.role_password, isolation).await?;
    let mut backend = match connected {
        Ok(backend) => backend,
        Err(error) => return Ok(Err(error)),
    };
    for (name, value) in settings {
        let value = value.replace('\\', "\\\\").replace('\'', "''");
        if let Err(error) = backend.run(&format!("SET {name} = '{value}'")).await? {
            return Ok(Err(ServerError { severity: Severity::Fatal, ..error }));
        }
    }
    Ok(Ok(backend))
}

fn startup_parameters(mut body: Bytes) -> (String, String, Vec<(String, String)>) {
    let (mut user, mut database, mut others) = (String::new(), None, Vec::new());
    while let Some(name) = take_text(&mut body).filter(|name| !name.is_empty()) {
        let Some(value) = take_text(&mut body) else { break };
        match name.as_str() {
            "user" => user = value,
            "database" => database = Some(value),
            _ => others.push((name, value)),
        }
    }
    let database = database.unwrap_or_else(|| user.clone());
    (user, database, others)
}

/// What Redshift's own drivers say about themselves.
const ABOUT_THE_DRIVER: [&str; 5] =
    ["client_protocol_version", "driver_version", "os_version", "plugin_name", "replication"];

/// The parameters of the start that PostgreSQL is to have; an error for one that does not exist.
fn settings(parameters: &[(String, String)]) -> Result<Vec<(String, String)>, ServerError> {
    let mut settings = Vec::new();
    for (name, value) in parameters {
        if ABOUT_THE_DRIVER.contains(&name.as_str()) {
            continue;
        }
        if name != "options" {
            settings.push((name.clone(), value.clone()));
            continue;
        }
        let words = value.split_whitespace().filter(|word| *word != "-c");
        for word in words {
            let word = word.trim_start_matches("-c").trim_start_matches("--");
            let (name, value) = word.split_once('=').ok_or_else(|| {
                ServerError::syntax(format!("invalid command-line argument for server process: {word}"))
            })?;
            settings.push((name.to_owned(), value.to_owned()));
        }
    }
    let mut of_postgres = Vec::new();
    for (name, value) in settings {
        let setting = check_setting(&name, Some(&value))?;
        let is_encoding = name == "client_encoding";
        if setting == super::sql::Setting::Postgres && !is_encoding {
            of_postgres.push((name, value));
        }
    }
    Ok(of_postgres)
}
