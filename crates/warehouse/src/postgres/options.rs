//! How to reach a PostgreSQL database.

use std::time::Duration;

use crate::{
    Access, Result,
    wire::{Given, Scheme, Server, invalid},
};

/// Whether a login is bound to its encrypted connection, so that nobody in between can pass it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// If the server can.
    Prefer,
    /// In any case.
    Require,
}

impl ChannelBinding {
    fn parse(text: &str) -> Result<Self> {
        match text {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            _ => Err(invalid(
                "there is no such channel_binding".to_owned(),
                "use disable, prefer (the default) or require",
            )),
        }
    }
}

/// How to reach a PostgreSQL database, and how to work with it.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The server and the login.
    pub server: Server,
    /// Settings for each session, as psql's `PGOPTIONS` (`-c search_path=music`).
    pub session_options: Option<String>,
    /// Whether the login is bound to the encrypted connection.
    pub channel_binding: ChannelBinding,
    /// Connections that write at once during a load; 0 for one per core.
    pub connections: usize,
    /// Reading and writing, or reading only.
    pub access: Access,
    /// How long to wait for a load that somebody else has under way.
    pub wait: Duration,
}

static SCHEME: Scheme = Scheme {
    names: &["postgres", "postgresql"],
    port: 5432,
    host: Some("localhost"),
    database: None,
    place_from_environment: true,
    form: "write postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full",
    parameters: &[
        "application_name",
        "channel_binding",
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
    ],
    user_prefixes: &[],
};

impl PostgresOptions {
    /// Reads a URL `postgres://[USER[:PASSWORD]@][HOST][:PORT][/DATABASE][?NAME=VALUE&…]`.
    ///
    /// Whatever it leaves open comes from `PGHOST`, `PGHOSTADDR`, `PGPORT`, `PGUSER`, `PGPASSWORD`,
    /// `PGDATABASE`, `PGSSLMODE`, `PGSSLROOTCERT`, `PGCHANNELBINDING`, `PGPASSFILE`, `PGAPPNAME`, `PGOPTIONS`
    /// and `PGCONNECT_TIMEOUT`; a password also from the password file (`~/.pgpass`), which must be closed to
    /// others (mode 0600). Other variables of psql are refused if they ask for another server or for more safety.
    ///
    /// ```
    /// use sparkify_warehouse::postgres::{PostgresOptions, SslMode};
    /// let environment = |name: &str| (name == "PGPASSWORD").then(|| "secret".to_owned());
    /// let options = PostgresOptions::from_url("postgres://etl@db.example.com/music", &environment)?;
    /// assert_eq!(options.server.ssl_mode, SslMode::VerifyFull);
    /// assert_eq!(options.location(), "postgres://etl@db.example.com:5432/music");
    /// # Ok::<(), sparkify_warehouse::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::Error::Options`]; it never repeats the password.
    pub fn from_url(url: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let given = Given::parse(url, &SCHEME, environment)?;
        Ok(Self {
            server: Server::from_given(&given, &SCHEME)?,
            session_options: given.value("options", "PGOPTIONS"),
            channel_binding: given
                .value("channel_binding", "PGCHANNELBINDING")
                .map_or(Ok(ChannelBinding::Prefer), |text| ChannelBinding::parse(&text))?,
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
        self.server.location()
    }

    /// Connections that write at once.
    pub(super) fn writers(&self) -> usize {
        match self.connections {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            connections => connections,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, time::Duration};

    use super::*;
    use crate::{
        Error,
        wire::{Host, RootCertificates, Secret, SslMode},
    };

    fn options(url: &str, environment: &[(&str, &str)]) -> Result<PostgresOptions> {
        let environment: HashMap<_, _> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        PostgresOptions::from_url(url, &|name| environment.get(name).cloned())
    }

    fn password(options: &PostgresOptions) -> Option<&str> {
        options.server.password.as_ref().map(Secret::expose)
    }

    #[test]
    fn a_url_says_everything_and_is_decoded() {
        let url = "postgresql://us%40er:p%3Aa%2Fs%25s@db.example.com:6543/my%20music?sslmode=verify-ca\
                   &sslrootcert=/ca.pem&connect_timeout=3&statement_timeout=60&application_name=x";
        let options = options(url, &[("PGHOST", "other"), ("PGPASSWORD", "other")]).unwrap();
        assert_eq!(options.server.host, Host::Tcp("db.example.com".to_owned()));
        assert_eq!((options.server.port, options.server.user.as_str()), (6543, "us@er"));
        assert_eq!((password(&options), options.server.database.as_str()), (Some("p:a/s%s"), "my music"));
        assert_eq!(options.server.ssl_mode, SslMode::VerifyCa);
        assert_eq!(options.server.root_certificates, RootCertificates::File("/ca.pem".into()));
        assert_eq!(options.server.connect_timeout, Duration::from_secs(3));
        assert_eq!(options.server.statement_timeout, Some(Duration::from_secs(60)));
        assert_eq!(options.server.application_name, "x");
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
            ("PGCHANNELBINDING", "require"),
            ("PGOPTIONS", "-c search_path=x"),
        ];
        let options = options("postgres://", &environment).unwrap();
        assert_eq!(options.location(), "postgres://etl@db.example.com:6543/music");
        assert_eq!(options.server.host_address, Some([10, 0, 0, 7].into()));
        assert_eq!((password(&options), options.server.ssl_mode), (Some("secret"), SslMode::VerifyCa));
        assert_eq!(options.channel_binding, ChannelBinding::Require);
        assert_eq!(options.server.root_certificates, RootCertificates::System);
        assert_eq!(options.session_options.as_deref(), Some("-c search_path=x"));
    }

    #[test]
    fn the_database_is_the_users_and_the_host_is_this_one_unless_named() {
        let options = options("postgres://", &[("USER", "me")]).unwrap();
        assert_eq!(options.location(), "postgres://me@localhost:5432/me");
        assert_eq!(options.server.connect_timeout, Duration::from_secs(10));
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
            ("postgres://me@localhost?hostaddr=127.0.0.2", SslMode::Prefer),
            // A tunnel: only its one end is on this machine.
            ("postgres://me@db?hostaddr=127.0.0.1", SslMode::VerifyFull),
            ("postgres://me@10.0.0.1?hostaddr=::1", SslMode::VerifyFull),
            ("postgres://me@db?sslmode=disable", SslMode::Disable),
            ("postgres://me@db?sslmode=require", SslMode::Require),
            // As with psql.
            ("postgres://me@db?sslmode=require&sslrootcert=/ca.pem", SslMode::VerifyCa),
            ("postgres://me@db?sslmode=require&sslrootcert=system", SslMode::VerifyCa),
        ] {
            assert_eq!(options(url, &[]).unwrap().server.ssl_mode, expected, "{url}");
        }
        let tunnel = options("postgres://me@db", &[("PGHOSTADDR", "127.0.0.1")]).unwrap();
        assert_eq!(tunnel.server.ssl_mode, SslMode::VerifyFull);
        for (variable, expected) in [("1", SslMode::Require), ("0", SslMode::Prefer)] {
            let local = options("postgres://me@localhost", &[("PGREQUIRESSL", variable)]).unwrap();
            assert_eq!(local.server.ssl_mode, expected);
        }
    }

    #[test]
    fn settings_of_psql_that_are_about_the_server_or_about_safety_are_followed_or_refused_but_never_ignored()
    {
        for (parameter, variable, value) in [
            ("service", "PGSERVICE", "music"),
            ("target_session_attrs", "PGTARGETSESSIONATTRS", "read-write"),
            ("sslcert", "PGSSLCERT", "/me.crt"),
            ("sslkey", "PGSSLKEY", "/me.key"),
            ("sslcrl", "PGSSLCRL", "/revoked.crl"),
            ("sslcrldir", "PGSSLCRLDIR", "/revoked"),
            ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", "TLSv1.3"),
            ("channel_binding", "PGCHANNELBINDING", "perhaps"),
            ("require_auth", "PGREQUIREAUTH", "scram-sha-256"),
            ("requirepeer", "PGREQUIREPEER", "postgres"),
            ("gssencmode", "PGGSSENCMODE", "require"),
        ] {
            let of_variable = options("postgres://me@db/x", &[(variable, value)]).unwrap_err();
            let of_url = options(&format!("postgres://me@db/x?{parameter}={value}"), &[]).unwrap_err();
            for (error, name) in [(of_variable, variable), (of_url, parameter)] {
                // The one that is followed has a word for a wrong value only.
                let name = if parameter == "channel_binding" { parameter } else { name };
                let found = matches!(&error, Error::Options { reason, .. } if reason.contains(name));
                assert!(found && !error.hint().unwrap().is_empty(), "{error:?}");
            }
            // An empty variable is an unset one.
            options("postgres://me@db/x", &[(variable, "")]).unwrap();
        }
        for (variable, value) in [
            ("PGTARGETSESSIONATTRS", "any"),
            ("PGSSLMINPROTOCOLVERSION", "TLSv1.2"),
            ("PGCHANNELBINDING", "prefer"),
            ("PGGSSENCMODE", "prefer"),
            // Without a service the file of services says nothing.
            ("PGSERVICEFILE", "/services"),
            ("PGCLIENTENCODING", "LATIN1"),
        ] {
            options("postgres://me@db/x", &[(variable, value)]).unwrap();
        }
    }

    #[test]
    fn the_user_is_that_of_the_system_unless_named() {
        let id = std::process::Command::new("id").arg("-un").output().unwrap();
        let system = String::from_utf8(id.stdout).unwrap();
        for environment in [&[][..], &[("USER", "")], &[("PGUSER", "")]] {
            assert_eq!(options("postgres://db/x", environment).unwrap().server.user, system.trim());
        }
        assert_eq!(options("postgres://db/x", &[("USER", "me")]).unwrap().server.user, "me");
        let both = [("USER", "me"), ("PGUSER", "etl")];
        assert_eq!(options("postgres://db/x", &both).unwrap().server.user, "etl");
    }

    #[test]
    fn the_authorities_are_those_of_the_home_directory_if_it_has_some() {
        let home = tempfile::tempdir().unwrap();
        let environment = [("HOME", home.path().to_str().unwrap())];
        let roots = || options("postgres://me@db", &environment).unwrap().server.root_certificates;
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
            ("postgres://me:hunter2@db/x?sslpassword=y", &[]),
            ("postgres://me:hunter2@/x?host=/tmp&hostaddr=10.0.0.1", &[]),
            ("postgres://me:hunter2%@db/x", &[]),
            ("postgres://me:hunter2@db/x?connect_timeout=soon", &[]),
            ("postgres://me:hunter2@[::1/x", &[]),
            ("postgres://db:x/x", &[("PGPASSWORD", "hunter2")]),
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
