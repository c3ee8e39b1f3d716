//! A PostgreSQL server that is thrown away.
//!
//! It listens on a random port of this machine, lets nobody in without a password and, over TCP, without
//! encryption, and has a certificate of an authority that is made on the spot. Its texts sort by the rules
//! of a language, not by bytes, so that a comparison that forgets to say which is noticed.

mod certificates;
mod programs;

use std::{
    fs,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

pub use certificates::ServerCertificate;
pub(crate) use certificates::write_certificates;
use programs::{RunAs, programs, run_as};
use tempfile::TempDir;

use crate::process::{checked, text_of};

/// The role that owns the databases of the tests.
pub const POSTGRES_USER: &str = "loader";
/// Its password, with everything that may have to be quoted somewhere.
pub const POSTGRES_PASSWORD: &str = "p@ss:w/rd %41\\'\"#?&";

pub(crate) const ADMINISTRATOR: &str = "postgres";
pub(crate) const ADMINISTRATOR_PASSWORD: &str = "administrator-of-a-test";

/// Ends the server and removes its directory once nobody holds the other end of its input: when the
/// server is dropped, or when the process that started it is gone, however it ended.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP
cat > /dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
if [ -n "$pid" ]; then
    kill -QUIT "$pid" 2> /dev/null
    tries=0
    while kill -0 "$pid" 2> /dev/null && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
fi
rm -rf "$1"
"#;

/// A PostgreSQL server.
#[derive(Debug)]
pub struct PostgresServer {
    directory: PathBuf,
    programs: PathBuf,
    run_as: Option<RunAs>,
    port: u16,
    watchdog: Child,
    databases: AtomicU32,
    /// The megabytes of the small disk, if there is one.
    disk: Option<u64>,
}

/// Mounts a disk in memory where only the command sees it that then takes the place of the shell.
const WITH_DISK: &str = r#"mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@""#;

/// The small disk and its tablespace.
const DISK: &str = "small";

/// A database of a server.
#[derive(Debug, Clone)]
pub struct PostgresDatabase {
    /// Its name.
    pub name: String,
    /// The server's port on 127.0.0.1.
    pub port: u16,
    /// The certificate of the server's authority.
    pub authority: PathBuf,
}

impl PostgresDatabase {
    /// The URL to log in with, encrypted and verified in full.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_with("localhost", &format!("sslmode=verify-full&sslrootcert={}", self.authority.display()))
    }

    /// The URL with another host and other parameters.
    #[must_use]
    pub fn url_with(&self, host: &str, parameters: &str) -> String {
        let password: String = POSTGRES_PASSWORD.bytes().map(|byte| format!("%{byte:02x}")).collect();
        format!("postgres://{POSTGRES_USER}:{password}@{host}:{}/{}?{parameters}", self.port, self.name)
    }
}

impl PostgresServer {
    /// The server that all tests of the process share.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<PostgresServer> =
            LazyLock::new(|| PostgresServer::start(ServerCertificate::Valid));
        &SHARED
    }

    /// Makes and starts a server.
    #[must_use]
    pub fn start(certificate: ServerCertificate) -> Self {
        Self::start_with(certificate, None)
    }

    /// The same with a small disk beside its own, in memory and gone with the server, for the databases of
    /// [`create_database_on_disk`](Self::create_database_on_disk). It cannot be stopped and started again.
    #[must_use]
    pub fn start_with_disk(megabytes: u64) -> Self {
        let server = Self::start_with(ServerCertificate::Valid, Some(megabytes));
        let place = server.directory.join(DISK);
        server.execute("postgres", &format!("CREATE TABLESPACE {DISK} LOCATION '{}'", place.display()));
        server.execute("postgres", &format!("GRANT CREATE ON TABLESPACE {DISK} TO {POSTGRES_USER}"));
        server
    }

    fn start_with(certificate: ServerCertificate, disk: Option<u64>) -> Self {
        let programs = programs();
        let run_as = run_as();
        let directory = TempDir::with_prefix("pg").expect("a temporary directory").keep();
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&directory)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C for the tests is not for it.
            .process_group(0)
            .spawn()
            .expect("a watchdog");
        let mut server =
            Self { directory, programs, run_as, port: 0, watchdog, databases: AtomicU32::new(0), disk };
        server.initialize(certificate);
        server.start_on_a_free_port();
        let password = POSTGRES_PASSWORD.replace('\'', "''");
        server.execute("postgres", &format!("CREATE ROLE {POSTGRES_USER} LOGIN PASSWORD '{password}'"));
        server
    }

    fn initialize(&self, certificate: ServerCertificate) {
        let path = |name: &str| self.directory.join(name);
        fs::write(path("password"), ADMINISTRATOR_PASSWORD).expect("a password file");
        write_certificates(&self.directory, certificate);
        if self.disk.is_some() {
            fs::create_dir(path(DISK)).expect("the place of the small disk");
        }
        if let Some(RunAs { user, group }) = &self.run_as {
            let owner = format!("{user}:{group}");
            checked(Command::new("chown").args(["-R", &owner]).arg(&self.directory).output());
        }
        let mut command = self.command("initdb");
        command.arg("-D").arg(path("data")).arg("--pwfile").arg(path("password")).args([
            "--username",
            ADMINISTRATOR,
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--locale-provider=icu",
            "--icu-locale=en-US",
            "--no-sync",
        ]);
        checked(command.output());
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{0}'\npassword_encryption = 'scram-sha-256'\n\
             ssl = on\nssl_cert_file = '{0}/server.crt'\nssl_key_file = '{0}/server.key'\n\
             max_connections = 300\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\n",
            self.directory.display()
        );
        let rules = "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        self.append_to("data/postgresql.conf", &settings);
        fs::write(path("data/pg_hba.conf"), rules).expect("the rules for logins");
    }

    fn append_to(&self, name: &str, text: &str) {
        let path = self.directory.join(name);
        let before = fs::read_to_string(&path).expect("a configuration");
        fs::write(&path, before + text).expect("a configuration");
    }

    /// The port may be taken by somebody else in between: then another is tried.
    fn start_on_a_free_port(&mut self) {
        for _ in 0..5 {
            self.port = free_port();
            if self.control(&["start"]).status.success() {
                return;
            }
        }
        let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        panic!("PostgreSQL does not start:\n{log}");
    }

    /// A new, empty database.
    #[must_use]
    pub fn create_database(&self) -> PostgresDatabase {
        self.create_database_with("")
    }

    /// A new, empty database whose texts sort by their bytes.
    pub(crate) fn create_database_in_byte_order(&self) -> PostgresDatabase {
        self.create_database_with("TEMPLATE template0 LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
    }

    /// A new, empty database on the small disk.
    #[must_use]
    pub fn create_database_on_disk(&self) -> PostgresDatabase {
        self.create_database_with(&format!("TABLESPACE {DISK}"))
    }

    fn create_database_with(&self, options: &str) -> PostgresDatabase {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        // One at a time: the template may have no other user.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.execute("postgres", &format!("CREATE DATABASE {name} OWNER {POSTGRES_USER} {options}"));
        PostgresDatabase { name, port: self.port, authority: self.authority() }
    }

    /// Fills the small disk up to about so many megabytes beside that database, with nothing of use.
    pub fn leave_room_on_disk(&self, database: &PostgresDatabase, megabytes: u64) {
        let disk = self.disk.expect("a server with a small disk");
        // What earlier loads dropped is given back.
        self.execute("postgres", "CHECKPOINT");
        let fill = format!(
            "DO $$ BEGIN EXECUTE format($copy$ COPY (SELECT repeat('x', 99999) FROM generate_series(1, %s)) TO '{}' $copy$, \
             GREATEST(0, ({disk} - {megabytes}) * CAST(1048576 AS BIGINT) - pg_database_size('{}')) / 100000); END $$",
            self.directory.join(DISK).join("ballast").display(),
            database.name
        );
        self.execute("postgres", &fill);
    }

    /// The certificate of the authority that signed the server's.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.directory.join("authority.crt")
    }

    /// The certificate of another authority.
    #[must_use]
    pub fn other_authority(&self) -> PathBuf {
        self.directory.join("other_authority.crt")
    }

    /// The port on 127.0.0.1, which is also in the name of the Unix socket.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The directory with the server's Unix socket.
    #[must_use]
    pub fn socket_directory(&self) -> &Path {
        &self.directory
    }

    /// A connection of the administrator, which ends when it is dropped.
    pub async fn connect(&self, database: &str) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(&self.directory)
            .port(self.port)
            .user(ADMINISTRATOR)
            .password(ADMINISTRATOR_PASSWORD)
            .dbname(database)
            .ssl_mode(tokio_postgres::config::SslMode::Disable);
        let connected = config.connect(tokio_postgres::NoTls).await;
        let (client, connection) = connected.expect("a connection of the administrator");
        tokio::spawn(connection);
        client
    }

    /// Runs statements as the administrator.
    pub fn execute(&self, database: &str, sql: &str) {
        let work = || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let client = self.connect(database).await;
                client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
            });
        };
        // A test may be inside an async runtime already, so this gets a thread of its own.
        std::thread::scope(|scope| scope.spawn(work).join().expect("statements of the administrator"));
    }

    /// Stops the server; every connection breaks.
    pub fn stop(&self) {
        assert!(self.control(&["stop", "-m", "fast"]).status.success());
    }

    /// Starts it again on the same port.
    pub fn start_again(&self) {
        assert!(self.control(&["start"]).status.success());
    }

    fn control(&self, arguments: &[&str]) -> Output {
        let mut command = self.command("pg_ctl");
        command
            .args(arguments)
            .arg("-w")
            .arg("-D")
            .arg(self.directory.join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if arguments[0] == "start" {
            command.arg("-l").arg(self.directory.join("log")).arg("-o").arg(format!("-p {}", self.port));
        }
        match self.disk {
            Some(megabytes) if arguments[0] == "start" => self.with_disk(&command, megabytes).output(),
            _ => command.output(),
        }
        .expect("pg_ctl")
    }

    /// The command in a mount namespace with the small disk.
    fn with_disk(&self, command: &Command, megabytes: u64) -> Command {
        let mut outer = Command::new("unshare");
        let mut options = format!("size={megabytes}m,mode=0700");
        if let Some(RunAs { user, .. }) = &self.run_as {
            let id = |kind: &str| text_of(Command::new("id").args([kind, user.as_str()]));
            options.push_str(&format!(",uid={},gid={}", id("-u"), id("-g")));
            outer.arg("-m");
        } else {
            // A user namespace gives the right to mount; a second one takes the name of root away again.
            outer.arg("-rm");
        }
        outer.args(["sh", "-c", WITH_DISK, "sh", &options]).arg(self.directory.join(DISK));
        if self.run_as.is_none() {
            outer.args(["unshare", "-U", "--map-user=1000", "--map-group=1000", "--"]);
        }
        outer.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        outer.current_dir(&self.directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        outer
    }

    /// A program of PostgreSQL, as a user who may run it.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match &self.run_as {
            None => Command::new(program),
            Some(RunAs { user, group }) => {
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid", user, "--regid", group, "--clear-groups", "--"])
                    .arg(program)
                    .env("HOME", &self.directory);
                command
            }
        };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.current_dir(&self.directory).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
