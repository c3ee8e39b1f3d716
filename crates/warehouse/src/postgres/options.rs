//! Where a server is and how to log in: from a URL, the `PG…` environment variables and a password file.
//!
//! What the URL says goes before the environment, and the environment before the defaults, as with psql.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use super::Secret;
use crate::{Access, Error, Result};

/// The place of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name or an address.
    Tcp(String),
    /// The directory of a Unix socket.
    Unix(PathBuf),
}

impl Host {
    fn parse(text: &str) -> Self {
        if text.starts_with('/') { Self::Unix(PathBuf::from(text)) } else { Self::Tcp(text.to_owned()) }
    }

    /// Whether nothing leaves this machine on the way there.
    fn is_local(&self, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Self::Unix(_), _) => true,
            (Self::Tcp(_), Some(address)) => address.is_loopback(),
            (Self::Tcp(name), None) => {
                name.eq_ignore_ascii_case("localhost")
                    || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// Whether the connection is encrypted, and what is checked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Not encrypted.
    Disable,
    /// Encrypted if the server can; only the default for this machine, where nobody listens.
    Prefer,
    /// Encrypted, to whoever answers.
    Require,
    /// Encrypted; the certificate comes from a trusted authority.
    VerifyCa,
    /// Encrypted; the certificate comes from a trusted authority and is for this host.
    VerifyFull,
}

impl SslMode {
    fn parse(text: &str) -> Result<Self> {
        match text {
            "disable" => Ok(Self::Disable),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            "allow" | "prefer" => Err(invalid(
                format!("sslmode={text} would go on without encryption when somebody in between asks for it"),
                "use sslmode=verify-full, or sslmode=disable on a network that you trust",
            )),
            _ => Err(invalid(
                format!("there is no sslmode {text:?}"),
                "use disable, require, verify-ca or verify-full (the default)",
            )),
        }
    }
}

/// Where the trusted authorities come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootCertificates {
    /// The operating system.
    System,
    /// A PEM file.
    File(PathBuf),
}

/// How to reach a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The server.
    pub host: Host,
    /// The address to connect to, where it is not the one that the host's name has (a tunnel).
    pub host_address: Option<IpAddr>,
    /// The port.
    pub port: u16,
    /// The role.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// The database.
    pub database: String,
    /// Encryption.
    pub ssl_mode: SslMode,
    /// The authorities for [`SslMode::VerifyCa`] and [`SslMode::VerifyFull`].
    pub root_certificates: RootCertificates,
    /// The name that the server lists the connections under.
    pub application_name: String,
    /// Settings for each session, as psql's `PGOPTIONS` (`-c search_path=music`).
    pub session_options: Option<String>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long a statement may take; `None` leaves it to the server.
    pub statement_timeout: Option<Duration>,
    /// Connections that write at once during a load; 0 for one per core.
    pub connections: usize,
    /// Reading and writing, or reading only.
    pub access: Access,
    /// How long to wait for a load that somebody else has under way.
    pub wait: Duration,
}

/// The parameters that a URL may have after `?`.
const PARAMETERS: [&str; 13] = [
    "application_name",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "passfile",
    "password",
    "port",
    "sslmode",
    "sslrootcert",
    "statement_timeout",
    "user",
];

impl PostgresOptions {
    /// The default of [`application_name`](Self::application_name).
    pub const APPLICATION_NAME: &str = "sparkify-cli";

    /// Reads a URL `postgres://[USER[:PASSWORD]@][HOST][:PORT][/DATABASE][?NAME=VALUE&…]`.
    ///
    /// Whatever it leaves open comes from `PGHOST`, `PGHOSTADDR`, `PGPORT`, `PGUSER`, `PGPASSWORD`,
    /// `PGDATABASE`, `PGSSLMODE`, `PGSSLROOTCERT`, `PGPASSFILE`, `PGAPPNAME`, `PGOPTIONS` and
    /// `PGCONNECT_TIMEOUT`; a password also from the password file (`~/.pgpass`), which must be closed to
    /// others (mode 0600).
    ///
    /// ```
    /// use sparkify_warehouse::postgres::{PostgresOptions, SslMode};
    /// let environment = |name: &str| (name == "PGPASSWORD").then(|| "secret".to_owned());
    /// let options = PostgresOptions::from_url("postgres://etl@db.example.com/music", &environment)?;
    /// assert_eq!(options.ssl_mode, SslMode::VerifyFull);
    /// assert_eq!(options.location(), "postgres://etl@db.example.com:5432/music");
    /// # Ok::<(), sparkify_warehouse::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Options`]; it never repeats the password.
    pub fn from_url(url: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let given = Given { url: parse_url(url)?, environment };
        let home = environment("HOME").map(PathBuf::from);
        let host = Host::parse(given.value("host", "PGHOST").as_deref().unwrap_or("localhost"));
        let host_address = given
            .value("hostaddr", "PGHOSTADDR")
            .map(|text| {
                text.parse().map_err(|_| invalid(format!("{text:?} is no IP address"), "correct hostaddr"))
            })
            .transpose()?;
        let port = match given.value("port", "PGPORT") {
            Some(text) => match text.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(invalid(format!("{text:?} is no port"), "use a number from 1 to 65535")),
            },
            None => 5432,
        };
        let user = given.value("user", "PGUSER").or_else(|| environment("USER")).ok_or_else(|| {
            invalid("there is no user name".to_owned(), "write postgres://USER@HOST/DATABASE, or set PGUSER")
        })?;
        let database = given.value("dbname", "PGDATABASE").unwrap_or_else(|| user.clone());
        let ssl_mode = match given.value("sslmode", "PGSSLMODE") {
            Some(text) => SslMode::parse(&text)?,
            None if host.is_local(host_address) => SslMode::Prefer,
            None => SslMode::VerifyFull,
        };
        let root_certificates = match given.value("sslrootcert", "PGSSLROOTCERT") {
            Some(text) if text == "system" => RootCertificates::System,
            Some(text) => RootCertificates::File(PathBuf::from(text)),
            None => home
                .as_ref()
                .map(|home| home.join(".postgresql/root.crt"))
                .filter(|path| path.exists())
                .map_or(RootCertificates::System, RootCertificates::File),
        };
        let password = match given.value("password", "PGPASSWORD") {
            Some(password) => Some(Secret::new(password)),
            None => given
                .value("passfile", "PGPASSFILE")
                .map(PathBuf::from)
                .or_else(|| home.map(|home| home.join(".pgpass")))
                .and_then(|path| password_of_file(&path, &host, port, &database, &user)),
        };
        let seconds = |name: &str, variable: &str| -> Result<Option<Duration>> {
            given
                .value(name, variable)
                .map(|text| {
                    text.parse()
                        .map(Duration::from_secs)
                        .map_err(|_| invalid(format!("{name} is {text:?}"), "use a whole number of seconds"))
                })
                .transpose()
        };
        let connect_timeout = seconds("connect_timeout", "PGCONNECT_TIMEOUT")?
            .filter(|timeout| !timeout.is_zero())
            .unwrap_or(Duration::from_secs(10));
        let statement_timeout = seconds("statement_timeout", "")?.filter(|timeout| !timeout.is_zero());
        Ok(Self {
            host,
            host_address,
            port,
            user,
            password,
            database,
            ssl_mode,
            root_certificates,
            application_name: given
                .value("application_name", "PGAPPNAME")
                .unwrap_or_else(|| Self::APPLICATION_NAME.to_owned()),
            session_options: given.value("options", "PGOPTIONS"),
            connect_timeout,
            statement_timeout,
            connections: 0,
            access: Access::ReadWrite,
            wait: Duration::ZERO,
        })
    }

    /// The same, for reading only.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.access = Access::ReadOnly;
        self
    }

    /// The database as a URL without the password.
    #[must_use]
    pub fn location(&self) -> String {
        let (user, database) = (encode(&self.user), encode(&self.database));
        match &self.host {
            Host::Tcp(host) if host.contains(':') => {
                format!("postgres://{user}@[{host}]:{}/{database}", self.port)
            }
            Host::Tcp(host) => format!("postgres://{user}@{host}:{}/{database}", self.port),
            Host::Unix(path) => {
                format!(
                    "postgres://{user}@:{}/{database}?host={}",
                    self.port,
                    encode(&path.to_string_lossy())
                )
            }
        }
    }

    /// Connections that write at once.
    pub(super) fn writers(&self) -> usize {
        match self.connections {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            connections => connections,
        }
    }
}

fn invalid(reason: String, remedy: &str) -> Error {
    Error::Options { reason, remedy: remedy.to_owned() }
}

/// What a URL says, and the environment behind it.
struct Given<'a> {
    url: Vec<(String, String)>,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Given<'_> {
    fn value(&self, name: &str, variable: &str) -> Option<String> {
        let said = self.url.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        said.or_else(|| (self.environment)(variable)).filter(|value| !value.is_empty())
    }
}

fn parse_url(url: &str) -> Result<Vec<(String, String)>> {
    let form = "write postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full";
    let rest = url
        .strip_prefix("postgres://")
        .or_else(|| url.strip_prefix("postgresql://"))
        .ok_or_else(|| invalid("it does not begin with postgres://".to_owned(), form))?;
    let mut values = Vec::new();
    let mut put = |name: &str, value: &str| -> Result<()> {
        let value = decode(value).ok_or_else(|| {
            invalid(
                format!("{name} has a % that no two hexadecimal digits follow"),
                "write a % itself as %25",
            )
        })?;
        values.push((name.to_owned(), value));
        Ok(())
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    put("dbname", database)?;
    // The last @: a password may have one that is not encoded.
    let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    put("user", user)?;
    put("password", password)?;
    if place.contains(',') {
        return Err(invalid("it names several hosts".to_owned(), "name one"));
    }
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) =
                rest.split_once(']').ok_or_else(|| invalid("a ] is missing".to_owned(), form))?;
            (host, port.strip_prefix(':').unwrap_or(port))
        }
        None => place.rsplit_once(':').unwrap_or((place, "")),
    };
    put("host", host)?;
    put("port", port)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !PARAMETERS.contains(&name) {
            return Err(invalid(
                format!("there is no parameter {name:?}"),
                &format!("the parameters are {}", PARAMETERS.join(", ")),
            ));
        }
        put(name, value)?;
    }
    // What is left out must not hide the environment.
    values.retain(|(_, value)| !value.is_empty());
    Ok(values)
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The password that a file has for a login.
fn password_of_file(path: &Path, host: &Host, port: u16, database: &str, user: &str) -> Option<Secret> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    if is_open_to_others(&metadata) {
        tracing::warn!(
            "the password file {} is not used, since others may read it; close it with chmod 600",
            path.display()
        );
        return None;
    }
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).ok()?);
    let host = match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.to_string_lossy().into_owned(),
    };
    let names_host = |field: &str| field == host || (host.starts_with('/') && field == "localhost");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields = split_fields(line);
        let [line_host, line_port, line_database, line_user, password] = &fields[..] else { continue };
        let is = |field: &str, value: &str| field == "*" || field == value;
        if (line_host == "*" || names_host(line_host))
            && is(line_port, &port.to_string())
            && is(line_database, database)
            && is(line_user, user)
        {
            return Some(Secret::new(password.clone()));
        }
    }
    None
}

/// Splits at the colons, five fields at most; a backslash takes the next character as it is.
fn split_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            ':' if fields.len() < 5 => fields.push(String::new()),
            c => {
                let c = if c == '\\' { characters.next().unwrap_or(c) } else { c };
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    fields
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn options(url: &str, environment: &[(&str, &str)]) -> Result<PostgresOptions> {
        let environment: HashMap<_, _> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        PostgresOptions::from_url(url, &|name| environment.get(name).cloned())
    }

    fn password(options: &PostgresOptions) -> Option<&str> {
        options.password.as_ref().map(Secret::expose)
    }

    #[test]
    fn a_url_says_everything_and_is_decoded() {
        let url = "postgresql://us%40er:p%3Aa%2Fs%25s@db.example.com:6543/my%20music?sslmode=verify-ca\
                   &sslrootcert=/ca.pem&connect_timeout=3&statement_timeout=60&application_name=x";
        let options = options(url, &[("PGHOST", "other"), ("PGPASSWORD", "other")]).unwrap();
        assert_eq!(options.host, Host::Tcp("db.example.com".to_owned()));
        assert_eq!((options.port, options.user.as_str()), (6543, "us@er"));
        assert_eq!((password(&options), options.database.as_str()), (Some("p:a/s%s"), "my music"));
        assert_eq!(options.ssl_mode, SslMode::VerifyCa);
        assert_eq!(options.root_certificates, RootCertificates::File("/ca.pem".into()));
        assert_eq!(options.connect_timeout, Duration::from_secs(3));
        assert_eq!(options.statement_timeout, Some(Duration::from_secs(60)));
        assert_eq!(options.application_name, "x");
        assert_eq!(options.location(), "postgres://us%40er@db.example.com:6543/my%20music");
        assert!(!format!("{options:?}").contains("p:a/s%s"));
    }

    #[test]
    fn the_environment_fills_in_what_a_url_leaves_open() {
        let environment = [
            ("PGHOST", "db.example.com"),
            ("PGHOSTADDR", "10.0.0.7"),
            ("PGPORT", "6543"),
            ("PGUSER", "etl"),
            ("PGPASSWORD", "secret"),
            ("PGDATABASE", "music"),
            ("PGSSLMODE", "require"),
            ("PGSSLROOTCERT", "system"),
            ("PGOPTIONS", "-c search_path=x"),
        ];
        let options = options("postgres://", &environment).unwrap();
        assert_eq!(options.location(), "postgres://etl@db.example.com:6543/music");
        assert_eq!(options.host_address, Some([10, 0, 0, 7].into()));
        assert_eq!((password(&options), options.ssl_mode), (Some("secret"), SslMode::Require));
        assert_eq!(options.root_certificates, RootCertificates::System);
        assert_eq!(options.session_options.as_deref(), Some("-c search_path=x"));
    }

    #[test]
    fn the_database_is_the_users_and_the_host_is_this_one_unless_named() {
        let options = options("postgres://", &[("USER", "me")]).unwrap();
        assert_eq!(options.location(), "postgres://me@localhost:5432/me");
        assert_eq!(options.connect_timeout, Duration::from_secs(10));
    }

    #[test]
    fn a_certificate_is_verified_in_full_unless_the_server_is_on_this_machine() {
        for (url, expected) in [
            ("postgres://me@localhost", SslMode::Prefer),
            ("postgres://me@127.0.0.1", SslMode::Prefer),
            ("postgres://me@[::1]:1234/x", SslMode::Prefer),
            ("postgres://me@?host=/var/run/postgresql", SslMode::Prefer),
            ("postgres://me@%2Fvar%2Frun", SslMode::Prefer),
            ("postgres://me@10.0.0.1", SslMode::VerifyFull),
            ("postgres://me@localhost.example.com", SslMode::VerifyFull),
            ("postgres://me@localhost?hostaddr=10.0.0.1", SslMode::VerifyFull),
            ("postgres://me@db?sslmode=disable", SslMode::Disable),
        ] {
            assert_eq!(options(url, &[]).unwrap().ssl_mode, expected, "{url}");
        }
    }

    #[test]
    fn the_authorities_are_those_of_the_home_directory_if_it_has_some() {
        let home = tempfile::tempdir().unwrap();
        let environment = [("HOME", home.path().to_str().unwrap())];
        let roots = || options("postgres://me@db", &environment).unwrap().root_certificates;
        assert_eq!(roots(), RootCertificates::System);
        let path = home.path().join(".postgresql/root.crt");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        assert_eq!(roots(), RootCertificates::File(path));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_a_word_of_the_password() {
        for (url, environment) in [
            ("duckdb:x", &[][..]),
            ("postgres://me:hunter2@db:0/x", &[]),
            ("postgres://me:hunter2@db:port/x", &[]),
            ("postgres://me:hunter2@a,b/x", &[]),
            ("postgres://me:hunter2@db/x?sslmode=prefer", &[]),
            ("postgres://me:hunter2@db/x?sslmode=allow", &[]),
            ("postgres://me:hunter2@db/x?sslmode=on", &[]),
            ("postgres://me:hunter2@db/x?sslkey=y", &[]),
            ("postgres://me:hunter2%@db/x", &[]),
            ("postgres://me:hunter2@db/x?connect_timeout=soon", &[]),
            ("postgres://me:hunter2@[::1/x", &[]),
            ("postgres://db/x", &[("PGPASSWORD", "hunter2")]),
            ("postgres://me@db/x", &[("PGSSLMODE", "prefer"), ("PGPASSWORD", "hunter2")]),
        ] {
            let error = options(url, environment).unwrap_err();
            assert!(matches!(error, Error::Options { .. }), "{url}");
            let text = format!("{error} {error:?} {}", error.hint().unwrap());
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_is_used_line_by_line_and_only_if_closed_to_others() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".pgpass");
        let text = "# a comment\nbroken line\ndb:5432:music:other:no\ndb:5432:music:etl:with\\:colon\\\\:s\n\
                    localhost:*:*:etl:of socket\n*:6543:*:*:any\n";
        std::fs::write(&path, text).unwrap();
        let environment = [("HOME", home.path().to_str().unwrap())];
        let find = |url| {
            let options = options(url, &environment).unwrap();
            password(&options).map(str::to_owned)
        };
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o600);
        assert_eq!(find("postgres://etl@db/music").as_deref(), Some("with:colon\\:s"));
        assert_eq!(find("postgres://etl:given@db/music").as_deref(), Some("given"));
        assert_eq!(find("postgres://etl@/x?host=/tmp").as_deref(), Some("of socket"));
        assert_eq!(find("postgres://a@b:6543/c").as_deref(), Some("any"));
        assert_eq!(find("postgres://a@b/c"), None);
        for open in [0o640, 0o604, 0o644] {
            mode(open);
            assert_eq!(find("postgres://etl@db/music"), None, "{open:o}");
        }
    }
}
