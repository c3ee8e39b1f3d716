//! A double of Amazon Redshift that speaks its protocol.
//!
//! Each session is one of a real PostgreSQL behind it, which runs what is left of a statement when what only
//! Redshift knows is taken off. It refuses what Redshift refuses, enforces no keys, and loads from S3 itself.
//! It proves our plumbing and the rules that we know, and not the real thing: `docs/redshift-double.md`.

mod backend;
mod copy;
mod error;
mod fault;
mod history;
mod log;
mod login;
mod options;
mod refusal;
mod server;
mod session;
mod sql;
mod wire;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
};

pub use error::{ServerError, Severity};
pub use fault::{Action, Fault, When};
pub use log::{Message, Outcome, Received};
pub use options::{Authentication, Isolation, Oddity, RedshiftDoubleOptions};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime, sync::watch, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

use crate::{
    POSTGRES_PASSWORD, POSTGRES_USER, PostgresServer,
    postgres::{ADMINISTRATOR, ADMINISTRATOR_PASSWORD, write_certificates},
};

const SETUP: &str = include_str!("setup.sql");

/// A double of Redshift with one database.
///
/// It runs in threads of its own, so a test may block. It ends when it is dropped.
#[derive(Debug)]
pub struct RedshiftDouble {
    shared: Arc<server::Shared>,
    address: SocketAddr,
    certificates: TempDir,
    postgres: PostgresAccess,
    running: Mutex<Option<Running>>,
    runtime: Option<Runtime>,
}

#[derive(Debug)]
struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What is needed of the server behind it.
#[derive(Debug)]
struct PostgresAccess {
    database: String,
}

impl std::fmt::Debug for server::Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}

impl RedshiftDouble {
    /// Starts a double in front of a new database of a server, which must outlive it.
    ///
    /// [`POSTGRES_USER`] may log in with [`POSTGRES_PASSWORD`] and owns the database.
    pub async fn start(postgres: &PostgresServer, options: RedshiftDoubleOptions) -> Self {
        Self::launch(postgres, options)
    }

    /// The same outside of async code.
    #[must_use]
    pub fn launch(postgres: &PostgresServer, options: RedshiftDoubleOptions) -> Self {
        let database = postgres.create_database_in_byte_order();
        let setup = SETUP
            .replace("@database@", &options.database)
            .replace("@slices@", &options.slices.to_string())
            .replace("@isolation@", options.isolation.name())
            .replace("@namespace@", options.namespace.as_deref().unwrap_or_default());
        postgres.execute(&database.name, &setup);
        if options.namespace.is_none() {
            postgres.execute(&database.name, "DROP FUNCTION redshift_double.current_namespace()");
        }

        let certificates = TempDir::with_prefix("redshift").expect("a temporary directory");
        write_certificates(certificates.path(), options.certificate);
        let tls = options.tls.then(|| acceptor(&certificates));
        let backend = backend::BackendAddress {
            socket: postgres.socket_directory().join(format!(".s.PGSQL.{}", database.port)),
            database: database.name.clone(),
        };
        let administrator = (ADMINISTRATOR.to_owned(), ADMINISTRATOR_PASSWORD.to_owned());
        let shared = Arc::new(server::Shared::new(options, backend, administrator, tls));
        shared.logins.set(POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_PASSWORD);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("redshift-double")
            .enable_all()
            .build()
            .expect("a runtime");
        let mut double = Self {
            shared,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            certificates,
            postgres: PostgresAccess { database: database.name },
            running: Mutex::default(),
            runtime: Some(runtime),
        };
        double.address = double.run();
        double
    }

    /// Listens and serves; where.
    fn run(&self) -> SocketAddr {
        let runtime = self.runtime.as_ref().expect("a runtime until the end");
        let (send_address, receive_address) = mpsc::channel();
        let (stop, stopped) = watch::channel(false);
        let (shared, address) = (Arc::clone(&self.shared), self.address);
        let task = runtime.spawn(async move {
            let listener = TcpListener::bind(address).await.expect("a port to listen on");
            send_address.send(listener.local_addr().expect("its address")).expect("somebody who waits");
            server::serve(listener, shared, stopped).await;
        });
        *lock(&self.running) = Some(Running { stop, task });
        receive_address.recv().expect("a server that listens")
    }

    /// Stops as a server that is killed: every connection breaks, nobody can connect.
    pub fn stop(&self) {
        let Some(Running { stop, task }) = lock(&self.running).take() else { return };
        let _ = stop.send(true);
        let (send, receive) = mpsc::channel();
        let runtime = self.runtime.as_ref().expect("a runtime until the end");
        runtime.spawn(async move {
            let _ = task.await;
            let _ = send.send(());
        });
        receive.recv().expect("the end of the server");
    }

    /// Starts again on the same port, after [`stop`](Self::stop).
    pub fn start_again(&self) {
        self.run();
    }

    /// `localhost`, which its certificate is for, as it is for 127.0.0.1.
    #[must_use]
    pub const fn host(&self) -> &'static str {
        "localhost"
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its database as clients call it.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.shared.options.database
    }

    /// The database of PostgreSQL behind it, to look at tables past the double.
    #[must_use]
    pub fn postgres_database(&self) -> &str {
        &self.postgres.database
    }

    /// The certificate of the authority that signed its own.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.certificates.path().join("authority.crt")
    }

    /// The certificate of another authority.
    #[must_use]
    pub fn other_authority(&self) -> PathBuf {
        self.certificates.path().join("other_authority.crt")
    }

    /// The URL to log in with; encrypted and verified if the double has TLS.
    #[must_use]
    pub fn url(&self, user: &str, password: &str) -> String {
        let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let parameters = if self.shared.options.tls {
            format!("sslmode=verify-full&sslrootcert={}", self.authority().display())
        } else {
            "sslmode=disable".to_owned()
        };
        format!(
            "redshift://{}:{}@{}:{}/{}?{parameters}",
            escaped(user),
            escaped(password),
            self.host(),
            self.port(),
            self.database()
        )
    }

    /// The URL of the owner of the database.
    #[must_use]
    pub fn owner_url(&self) -> String {
        self.url(POSTGRES_USER, POSTGRES_PASSWORD)
    }

    /// Another name and password for the owner of the database, such as `IAM:loader` and a temporary one.
    /// Setting one anew unlocks it.
    pub fn set_login(&self, name: &str, password: &str) {
        self.shared.logins.set(name, password, POSTGRES_USER, POSTGRES_PASSWORD);
    }

    /// A name that may log in and has no rights, with the role of PostgreSQL that it is.
    pub fn add_stranger(&self, postgres: &PostgresServer, name: &str, password: &str) {
        let quoted = name.replace('"', "\"\"");
        let sql = format!("CREATE ROLE \"{quoted}\" LOGIN PASSWORD 'stranger-of-a-test'");
        postgres.execute(self.postgres_database(), &sql);
        self.shared.logins.set(name, password, name, "stranger-of-a-test");
    }

    /// Takes a login away, as when temporary credentials expire.
    pub fn remove_login(&self, name: &str) {
        self.shared.logins.remove(name);
    }

    /// How many wrong passwords in a row a login has had; with five it is locked.
    #[must_use]
    pub fn failed_logins(&self, name: &str) -> u32 {
        self.shared.logins.failures(name)
    }

    /// Everything that clients sent, in the order of its arrival.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.log).all()
    }

    /// The statements among it.
    #[must_use]
    pub fn statements(&self) -> Vec<Received> {
        self.received().into_iter().filter(|received| received.sql().is_some()).collect()
    }

    /// The roles that are attached to the cluster from now on; `None` for any.
    pub fn set_roles(&self, roles: Option<Vec<String>>) {
        self.shared.aws.set_roles(roles);
    }

    /// From now on the role may not read what begins so: `s3://bucket/key`.
    pub fn deny(&self, beginning: &str) {
        self.shared.aws.deny(beginning);
    }

    /// The role may read everything again.
    pub fn allow_all(&self) {
        self.shared.aws.allow_all();
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Fault) {
        lock(&self.shared.faults).add(fault);
    }

    /// Takes back all faults that have not happened.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Refuses logins with this error, so many of them, after so many that pass: a server that is starting or
    /// takes no more connections.
    pub fn refuse_logins(&self, after: u32, times: u32, error: ServerError) {
        *lock(&self.shared.refusals) = server::Refusals { after, times, error: Some(error) };
    }

    /// The number of sessions that are open.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.shared.session_count()
    }
}

impl Drop for RedshiftDouble {
    fn drop(&mut self) {
        self.stop();
        if let Some(runtime) = self.runtime.take() {
            // It may be inside of another runtime, where waiting is not allowed.
            runtime.shutdown_background();
        }
    }
}

fn acceptor(certificates: &TempDir) -> TlsAcceptor {
    let path = |name: &str| certificates.path().join(name);
    let chain = CertificateDer::pem_file_iter(path("server.crt"))
        .expect("a certificate")
        .collect::<Result<Vec<_>, _>>()
        .expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(path("server.key")).expect("a key");
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a certificate and its key");
    TlsAcceptor::from(Arc::new(config))
}

/// Random bytes.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes).expect("random bytes");
    bytes
}

/// What is behind a lock, whatever happened to others who held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
