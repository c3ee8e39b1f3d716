//! Where a server is and how to log in: from a URL, the `PG…` environment variables and a password file.
//!
//! What the URL says goes before the environment, and the environment before the defaults, as with psql.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use super::{
    Secret,
    password_file::password_of_file,
    url::{encode, parse_url},
};
use crate::{Error, Result};

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

    /// Whether the server is on this machine. An address on this machine does not make it so: behind it may be
    /// a tunnel to the host of that name.
    fn is_local(&self, address: Option<IpAddr>) -> bool {
        let named_so = match self {
            Self::Unix(_) => true,
            Self::Tcp(name) => {
                name.eq_ignore_ascii_case("localhost")
                    || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        };
        named_so && address.is_none_or(|address| address.is_loopback())
    }
}

/// Whether the connection is encrypted, and what is checked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Not encrypted.
    Disable,
    /// Encrypted if the server can; only the default for this machine, where nobody listens.
    Prefer,
    /// Encrypted, to whoever answers; with a file of authorities, as [`VerifyCa`](Self::VerifyCa), as with psql.
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
                "there is no such sslmode".to_owned(),
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

/// A server, and how to log in to a database of it.
#[derive(Debug, Clone)]
pub struct Server {
    /// The scheme of its URL.
    scheme: &'static str,
    /// The place.
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
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long a statement may take; `None` leaves it to the server.
    pub statement_timeout: Option<Duration>,
    /// How long to wait for a connection while this program itself uses all that it may have.
    pub connection_wait: Duration,
}

/// What differs between the URLs of two kinds of servers.
#[derive(Debug)]
pub(crate) struct Scheme {
    /// Its names; the first is the usual one.
    pub(crate) names: &'static [&'static str],
    /// The port when none is named.
    pub(crate) port: u16,
    /// The host when none is named; with `None` one must be named.
    pub(crate) host: Option<&'static str>,
    /// The database when none is named; with `None` it is the user's.
    pub(crate) database: Option<&'static str>,
    /// Whether the place may come from `PGHOST`, `PGHOSTADDR` and `PGPORT`, which are usually meant for
    /// PostgreSQL.
    pub(crate) place_from_environment: bool,
    /// The form to write.
    pub(crate) form: &'static str,
    /// The parameters that a URL may have after `?`.
    pub(crate) parameters: &'static [&'static str],
    /// What a user name may begin with that has a colon in it.
    pub(crate) user_prefixes: &'static [&'static str],
}

impl Scheme {
    pub(super) fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// Whether a URL may have the parameter: also one that is refused later, with the environment.
    pub(super) fn knows(&self, parameter: &str) -> bool {
        self.parameters.contains(&parameter) || MISSING.iter().any(|missing| missing.parameter == parameter)
    }
}

impl Server {
    /// The default of [`application_name`](Self::application_name).
    pub const APPLICATION_NAME: &str = "sparkify-cli";
    /// The default of [`connection_wait`](Self::connection_wait): those before may be long queries.
    pub const CONNECTION_WAIT: Duration = Duration::from_secs(15 * 60);

    /// Reads a URL of the scheme.
    pub(crate) fn from_given(given: &Given<'_>, scheme: &Scheme) -> Result<Self> {
        let place = |variable| if scheme.place_from_environment { variable } else { "" };
        given.refuse_what_is_missing(scheme)?;
        let home = (given.environment)("HOME").map(PathBuf::from);
        let host = match given.value("host", place("PGHOST")) {
            Some(host) if host.contains(',') => {
                let reason = format!("{} names several hosts", given.named("host", "PGHOST"));
                return Err(invalid(reason, "name one: that which takes writes"));
            }
            Some(host) => Host::parse(&host),
            None => {
                Host::parse(scheme.host.ok_or_else(|| invalid("there is no host".to_owned(), scheme.form))?)
            }
        };
        let host_address = given
            .value("hostaddr", place("PGHOSTADDR"))
            .map(|text| {
                let named = given.named("hostaddr", "PGHOSTADDR");
                text.parse().map_err(|_| invalid(format!("{named} is no IP address"), "correct hostaddr"))
            })
            .transpose()?;
        if host_address.is_some() && matches!(host, Host::Unix(_)) {
            return Err(invalid(
                "its host is a directory, and it has an IP address (hostaddr) too".to_owned(),
                "name one of the two",
            ));
        }
        let port = match given.value("port", place("PGPORT")) {
            Some(text) => match text.parse() {
                Ok(port) if port > 0 => port,
                _ => {
                    let reason = format!("{} is no port", given.named("port", "PGPORT"));
                    return Err(invalid(reason, "use a number from 1 to 65535"));
                }
            },
            None => scheme.port,
        };
        let user = given
            .value("user", "PGUSER")
            .or_else(|| (given.environment)("USER").filter(|user| !user.is_empty()))
            .or_else(|| whoami::username().ok())
            .ok_or_else(|| {
                let form = format!("write {}://USER@HOST/DATABASE, or set PGUSER", scheme.name());
                invalid("there is no user name".to_owned(), &form)
            })?;
        let database = given
            .value("dbname", "PGDATABASE")
            .unwrap_or_else(|| scheme.database.map_or_else(|| user.clone(), str::to_owned));
        let roots = given.value("sslrootcert", "PGSSLROOTCERT");
        let ssl_mode = match given.value("sslmode", "PGSSLMODE") {
            Some(text) => match SslMode::parse(&text)? {
                // Who names authorities wants them to count.
                SslMode::Require if roots.is_some() => SslMode::VerifyCa,
                mode => mode,
            },
            None if host.is_local(host_address) => match given.value("", "PGREQUIRESSL").as_deref() {
                Some("1") => SslMode::Require,
                _ => SslMode::Prefer,
            },
            None => SslMode::VerifyFull,
        };
        let root_certificates = match roots {
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
        let connect_timeout = given
            .seconds("connect_timeout", "PGCONNECT_TIMEOUT")?
            .filter(|timeout| !timeout.is_zero())
            .unwrap_or(Duration::from_secs(10));
        let statement_timeout = given.seconds("statement_timeout", "")?.filter(|timeout| !timeout.is_zero());
        Ok(Self {
            scheme: scheme.name(),
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
            connect_timeout,
            statement_timeout,
            connection_wait: Self::CONNECTION_WAIT,
        })
    }

    /// The database as a URL without the password.
    #[must_use]
    pub fn location(&self) -> String {
        let (scheme, user, database) = (self.scheme, encode(&self.user), encode(&self.database));
        match &self.host {
            Host::Tcp(host) if host.contains(':') => {
                format!("{scheme}://{user}@[{host}]:{}/{database}", self.port)
            }
            Host::Tcp(host) => format!("{scheme}://{user}@{host}:{}/{database}", self.port),
            Host::Unix(path) => {
                format!(
                    "{scheme}://{user}@:{}/{database}?host={}",
                    self.port,
                    encode(&path.to_string_lossy())
                )
            }
        }
    }
}

pub(crate) fn invalid(reason: String, remedy: &str) -> Error {
    Error::Options { reason, remedy: remedy.to_owned() }
}

/// A setting of psql's that this program does not have, though it is about which server, or about safety.
struct Missing {
    /// Its name in a URL.
    parameter: &'static str,
    /// Its name in the environment.
    variable: &'static str,
    /// Values that ask for nothing that is not done anyway.
    harmless: &'static [&'static str],
    /// Whether it is for one server only, so that it is taken from the environment as the place is.
    of_place: bool,
    remedy: &'static str,
}

static MISSING: &[Missing] = &[
    Missing {
        parameter: "service",
        variable: "PGSERVICE",
        harmless: &[],
        of_place: true,
        remedy: "write host, port, user and database of the service into the URL, and unset PGSERVICE",
    },
    Missing {
        parameter: "target_session_attrs",
        variable: "PGTARGETSESSIONATTRS",
        harmless: &["any"],
        of_place: true,
        remedy: "name the host that takes writes, and leave it out or say `any`",
    },
    Missing {
        parameter: "sslcert",
        variable: "PGSSLCERT",
        harmless: &[],
        of_place: true,
        remedy: "log in with a password, and leave the client's certificate out",
    },
    Missing {
        parameter: "sslkey",
        variable: "PGSSLKEY",
        harmless: &[],
        of_place: true,
        remedy: "log in with a password, and leave the client's key out",
    },
    Missing {
        parameter: "sslcrl",
        variable: "PGSSLCRL",
        harmless: &[],
        of_place: false,
        remedy: "leave it out if the server's certificate is verified well enough without a list of revoked ones",
    },
    Missing {
        parameter: "sslcrldir",
        variable: "PGSSLCRLDIR",
        harmless: &[],
        of_place: false,
        remedy: "leave it out if the server's certificate is verified well enough without lists of revoked ones",
    },
    Missing {
        parameter: "ssl_min_protocol_version",
        variable: "PGSSLMINPROTOCOLVERSION",
        harmless: &["TLSv1", "TLSv1.1", "TLSv1.2"],
        of_place: false,
        remedy: "set the oldest version at the server; here it is TLSv1.2",
    },
    Missing {
        parameter: "channel_binding",
        variable: "PGCHANNELBINDING",
        harmless: &["disable", "prefer"],
        of_place: false,
        remedy: "leave it out or say `prefer`: the logins of this kind of server cannot be bound to the connection",
    },
    Missing {
        parameter: "require_auth",
        variable: "PGREQUIREAUTH",
        harmless: &[],
        of_place: false,
        remedy: "leave it out; sslmode=verify-full keeps the password from everybody but the server",
    },
    Missing {
        parameter: "requirepeer",
        variable: "PGREQUIREPEER",
        harmless: &[],
        of_place: true,
        remedy: "leave it out, and see that only the server's user may write to the directory of the socket",
    },
    Missing {
        parameter: "gssencmode",
        variable: "PGGSSENCMODE",
        harmless: &["disable", "prefer"],
        of_place: false,
        remedy: "leave it out, and encrypt with TLS: sslmode=verify-full",
    },
];

/// What a URL says, and the environment behind it.
pub(crate) struct Given<'a> {
    url: Vec<(String, String)>,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Given<'a> {
    pub(crate) fn parse(
        url: &str,
        scheme: &Scheme,
        environment: &'a dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        Ok(Self { url: parse_url(url, scheme)?, environment })
    }

    /// A value of the URL, or of the environment.
    pub(crate) fn value(&self, name: &str, variable: &str) -> Option<String> {
        let said = self.url.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        said.or_else(|| if variable.is_empty() { None } else { (self.environment)(variable) })
            .filter(|value| !value.is_empty())
    }

    /// What a value is called in messages, which never repeat it: it may be a piece of a password.
    fn named(&self, name: &str, variable: &str) -> String {
        match self.url.iter().any(|(key, _)| key == name) {
            true => format!("its {name}"),
            false => variable.to_owned(),
        }
    }

    /// Refuses settings that would have to be followed and are not, rather than going elsewhere, or less safely,
    /// than was asked for.
    fn refuse_what_is_missing(&self, scheme: &Scheme) -> Result<()> {
        for missing in MISSING.iter().filter(|missing| !scheme.parameters.contains(&missing.parameter)) {
            let heard = scheme.place_from_environment || !missing.of_place;
            let variable = if heard { missing.variable } else { "" };
            let asks = |value: &String| !missing.harmless.contains(&value.as_str());
            if self.value(missing.parameter, variable).filter(asks).is_some() {
                let name = match self.value(missing.parameter, "") {
                    Some(_) => missing.parameter,
                    None => variable,
                };
                let reason = format!("{name} asks for something that this program cannot do");
                return Err(invalid(reason, missing.remedy));
            }
        }
        Ok(())
    }

    fn seconds(&self, name: &str, variable: &str) -> Result<Option<Duration>> {
        let parse = |text: String| {
            text.parse().map(Duration::from_secs).map_err(|_| {
                let reason = format!("{} is no number", self.named(name, variable));
                invalid(reason, "use a whole number of seconds")
            })
        };
        self.value(name, variable).map(parse).transpose()
    }
}
