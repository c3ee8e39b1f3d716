//! How to reach a Redshift database, and where a load puts its files for COPY.

use std::{sync::Arc, time::Duration};

use object_store::ObjectStore;

use super::{faults::StageFaults, login::LoginProvider};
use crate::{
    Access, Error, Result,
    wire::{Given, Host, Scheme, Secret, Server, invalid},
};

/// What a `redshift://` URL names.
#[derive(Debug, Clone)]
pub enum RedshiftTarget {
    /// A server.
    Server(Box<RedshiftOptions>),
    /// A deployment by its name (`redshift://music`), whose server is to be asked for.
    Deployment(String),
}

/// How to reach a Redshift database, and how to work with it.
#[derive(Debug, Clone)]
pub struct RedshiftOptions {
    /// The server and the login.
    pub server: Server,
    /// Who is asked for the login of each new connection, where it holds for some minutes only; otherwise it is
    /// that of the server.
    pub logins: Option<Arc<dyn LoginProvider>>,
    /// The query group of the sessions, for the cluster's workload management.
    pub query_group: Option<String>,
    /// Where a load puts its files for COPY; queries need none.
    pub staging: Option<Staging>,
    /// Reading and writing, or reading only.
    pub access: Access,
    /// How long to wait for a load that somebody else has under way.
    pub wait: Duration,
    /// How long to wait for a role that is new: it may take minutes until Redshift can use one.
    pub role_patience: Duration,
    /// The age from which on a session is not used for a further statement.
    pub session_age_max: Duration,
    /// How long to wait for the rows of system views about a COPY, which come late.
    pub view_patience: Duration,
    /// How often to ask how far a COPY is.
    pub watch_interval: Duration,
    /// The compressed bytes at which a packed file ends, [`PACK_BYTES_MAX`](Self::PACK_BYTES_MAX) at most. All files
    /// that are filled at once, one a slice, share 32 MiB: with more than two slices they may be smaller.
    pub pack_bytes: usize,
}

/// A place in S3 for the files that COPY reads.
#[derive(Debug, Clone)]
pub struct Staging {
    /// The bucket.
    pub store: Arc<dyn ObjectStore>,
    /// Its name.
    pub bucket: String,
    /// What the keys of our objects begin with; below it, everything belongs to this program.
    pub prefix: String,
    /// The bucket's region.
    pub region: String,
    /// The role that the cluster reads the bucket with.
    pub role: IamRole,
    /// Who knows what the errors of the store mean.
    pub faults: Arc<dyn StageFaults>,
}

/// The role that COPY reads S3 with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IamRole {
    /// The cluster's default role.
    Default,
    /// A role by its ARN.
    Arn(String),
}

impl std::str::FromStr for IamRole {
    type Err = Error;

    /// Reads `default` or an ARN.
    ///
    /// ```
    /// use sparkify_warehouse::redshift::IamRole;
    /// assert_eq!("default".parse::<IamRole>()?, IamRole::Default);
    /// assert!("arn:aws:iam::123456789012:role/sparkify".parse::<IamRole>().is_ok());
    /// assert!("sparkify".parse::<IamRole>().is_err());
    /// # Ok::<(), sparkify_warehouse::Error>(())
    /// ```
    fn from_str(text: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("default") {
            return Ok(Self::Default);
        }
        // A chain of roles is a list without blanks.
        let is_role = |arn: &str| {
            let parts: Vec<_> = arn.splitn(6, ':').collect();
            matches!(parts[..], ["arn", partition, "iam", "", account, role]
            if partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && role.strip_prefix("role/").is_some_and(|name| {
                    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "+=.@_/-".contains(c))
                }))
        };
        if text.split(',').all(is_role) {
            return Ok(Self::Arn(text.to_owned()));
        }
        Err(invalid(
            "this is no role".to_owned(),
            "write the role's ARN, such as arn:aws:iam::123456789012:role/NAME, or `default` for the cluster's default role",
        ))
    }
}

impl std::fmt::Display for IamRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Arn(arn) => f.write_str(arn),
        }
    }
}

static SCHEME: Scheme = Scheme {
    names: &["redshift"],
    port: 5439,
    host: None,
    database: Some("dev"),
    place_from_environment: false,
    form: "write redshift://USER@HOST:5439/DATABASE, with the cluster's or workgroup's endpoint as the host",
    parameters: &[
        "application_name",
        "connect_timeout",
        "dbname",
        "host",
        "hostaddr",
        "passfile",
        "password",
        "port",
        "query_group",
        "sslmode",
        "sslrootcert",
        "statement_timeout",
        "user",
    ],
    user_prefixes: &["IAM:", "IAMA:"],
};

impl RedshiftTarget {
    /// Reads a URL `redshift://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE][?NAME=VALUE&…]`, or
    /// `redshift://DEPLOYMENT`: one word.
    ///
    /// What it leaves open comes from `PGUSER`, `PGPASSWORD`, `PGDATABASE` (otherwise `dev`), `PGSSLMODE`,
    /// `PGSSLROOTCERT`, `PGPASSFILE`, `PGAPPNAME` and `PGCONNECT_TIMEOUT`; a password also from the password
    /// file. The place is not taken from the environment, where it is usually that of a PostgreSQL server.
    ///
    /// ```
    /// use sparkify_warehouse::redshift::RedshiftTarget;
    /// let url = "redshift://etl@music.abc.us-west-2.redshift.amazonaws.com/dev";
    /// let RedshiftTarget::Server(options) = RedshiftTarget::from_url(url, &|_| None)? else { panic!() };
    /// assert_eq!(options.server.port, 5439);
    /// assert!(matches!(RedshiftTarget::from_url("redshift://music", &|_| None)?, RedshiftTarget::Deployment(_)));
    /// # Ok::<(), sparkify_warehouse::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Options`]; it never repeats the password.
    pub fn from_url(url: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        if let Some(name) = url.strip_prefix("redshift://").map(|name| name.trim_end_matches('/'))
            && is_deployment(name)
        {
            return Ok(Self::Deployment(name.to_owned()));
        }
        let given = Given::parse(url, &SCHEME, environment)?;
        let server = Server::from_given(&given, &SCHEME)?;
        if matches!(server.host, Host::Unix(_)) {
            return Err(invalid("its host is a directory".to_owned(), SCHEME.form));
        }
        let query_group = given.value("query_group", "");
        Ok(Self::Server(Box::new(RedshiftOptions { query_group, ..RedshiftOptions::new(server) })))
    }

    /// What it names, as a URL without the password.
    #[must_use]
    pub fn location(&self) -> String {
        match self {
            Self::Server(options) => options.location(),
            Self::Deployment(name) => format!("redshift://{name}"),
        }
    }
}

/// A name of a deployment has no dots, unlike an endpoint.
fn is_deployment(text: &str) -> bool {
    !text.is_empty()
        && !text.eq_ignore_ascii_case("localhost")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

impl RedshiftOptions {
    /// The usual size of a packed file, in bytes.
    pub const DEFAULT_PACK_BYTES: usize = 16 << 20;

    /// The most compressed bytes of a packed file.
    pub const PACK_BYTES_MAX: usize = super::pack::FILE_BYTES_MAX;

    /// The usual age from which on a session is not used for a further statement: temporary logins hold for an
    /// hour at most.
    pub const DEFAULT_SESSION_AGE_MAX: Duration = Duration::from_secs(50 * 60);

    /// The database of that server, with everything else as usual.
    #[must_use]
    pub fn new(server: Server) -> Self {
        Self {
            server,
            logins: None,
            query_group: None,
            staging: None,
            access: Access::ReadWrite,
            wait: Duration::ZERO,
            role_patience: Duration::from_secs(120),
            session_age_max: Self::DEFAULT_SESSION_AGE_MAX,
            view_patience: Duration::from_secs(20),
            watch_interval: Duration::from_secs(2),
            pack_bytes: Self::DEFAULT_PACK_BYTES,
        }
    }

    /// The database of that endpoint, with a login such as the temporary ones that AWS gives. The certificate
    /// is verified in full; the environment may say by which authorities, and what a URL may leave open.
    ///
    /// # Errors
    ///
    /// [`Error::Options`] when a part of it can be no part of a URL.
    pub fn for_endpoint(
        host: &str,
        port: u16,
        database: &str,
        user: &str,
        password: Secret,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let user = crate::wire::encode(user);
        let database = crate::wire::encode(database);
        let url = format!("redshift://{user}@{host}:{port}/{database}?sslmode=verify-full");
        let given = Given::parse(&url, &SCHEME, environment)?;
        let mut options = Self::new(Server::from_given(&given, &SCHEME)?);
        options.server.password = Some(password);
        Ok(options)
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::SslMode;

    fn target(url: &str) -> Result<RedshiftTarget> {
        let environment = |name: &str| match name {
            "PGHOST" => Some("postgres.example.com".to_owned()),
            "PGPORT" => Some("5432".to_owned()),
            "PGPASSWORD" => Some("hunter2".to_owned()),
            "USER" => Some("me".to_owned()),
            _ => None,
        };
        RedshiftTarget::from_url(url, &environment)
    }

    fn server(url: &str) -> RedshiftOptions {
        match target(url).unwrap() {
            RedshiftTarget::Server(options) => *options,
            RedshiftTarget::Deployment(name) => panic!("{name}"),
        }
    }

    #[test]
    fn a_url_of_a_server_has_redshifts_defaults_and_no_place_from_the_environment() {
        let options = server("redshift://etl@music.abc.us-west-2.redshift.amazonaws.com");
        assert_eq!(options.location(), "redshift://etl@music.abc.us-west-2.redshift.amazonaws.com:5439/dev");
        assert_eq!(options.server.ssl_mode, SslMode::VerifyFull);
        assert_eq!(options.server.password.as_ref().unwrap().expose(), "hunter2");
        let options =
            server("redshift://IAM%3Aetl@h.example.com:5440/music?query_group=etl&hostaddr=127.0.0.1");
        assert_eq!((options.server.user.as_str(), options.server.port), ("IAM:etl", 5440));
        assert_eq!(options.query_group.as_deref(), Some("etl"));
        assert_eq!(server("redshift://localhost").server.user, "me");
    }

    #[test]
    fn a_certificate_is_verified_in_full_unless_the_server_itself_is_on_this_machine() {
        for (url, expected) in [
            ("redshift://me@localhost/dev", SslMode::Prefer),
            ("redshift://me@127.0.0.1/dev", SslMode::Prefer),
            ("redshift://me@localhost/dev?hostaddr=127.0.0.2", SslMode::Prefer),
            ("redshift://me@h.example.com", SslMode::VerifyFull),
            // A tunnel: only its one end is on this machine.
            ("redshift://me@h.example.com?hostaddr=127.0.0.1", SslMode::VerifyFull),
            ("redshift://me@h.example.com?hostaddr=::1", SslMode::VerifyFull),
            ("redshift://me@localhost/dev?hostaddr=10.0.0.1", SslMode::VerifyFull),
            ("redshift://me@h.example.com?hostaddr=127.0.0.1&sslmode=require", SslMode::Require),
            ("redshift://me@h.example.com?sslmode=require&sslrootcert=/ca.pem", SslMode::VerifyCa),
        ] {
            assert_eq!(server(url).server.ssl_mode, expected, "{url}");
        }
    }

    #[test]
    fn variables_for_a_postgresql_server_are_not_heeded_and_those_for_more_safety_are_refused() {
        let with = |name: &'static str, value: &'static str| {
            let environment = move |asked: &str| (asked == name).then(|| value.to_owned());
            RedshiftTarget::from_url("redshift://me@h.example.com", &environment)
        };
        for (name, value) in [
            ("PGSERVICE", "music"),
            ("PGSSLCERT", "/me.crt"),
            ("PGTARGETSESSIONATTRS", "primary"),
            ("PGCHANNELBINDING", "prefer"),
            ("PGGSSENCMODE", "disable"),
        ] {
            assert!(with(name, value).is_ok(), "{name}");
        }
        for (name, value) in
            [("PGSSLCRL", "/x.crl"), ("PGCHANNELBINDING", "require"), ("PGREQUIREAUTH", "scram-sha-256")]
        {
            let error = with(name, value).unwrap_err();
            assert!(matches!(&error, Error::Options { reason, .. } if reason.contains(name)), "{error:?}");
        }
    }

    #[test]
    fn one_word_is_a_deployment() {
        for url in ["redshift://music", "redshift://music-2/", "redshift://my_music"] {
            assert!(matches!(target(url).unwrap(), RedshiftTarget::Deployment(_)), "{url}");
        }
        assert_eq!(target("redshift://music/").unwrap().location(), "redshift://music");
        for url in
            ["redshift://music/dev", "redshift://me@music", "redshift://music:5439", "redshift://127.0.0.1"]
        {
            assert!(matches!(target(url).unwrap(), RedshiftTarget::Server(_)), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_a_word_of_the_password() {
        for url in [
            "redshift://",
            "redshift:///dev",
            "redshift://me:hunter2@h.example.com?options=-c%20x",
            "redshift://me:hunter2@h.example.com:0",
            "redshift://me:hunter2@%2Ftmp/dev",
            "redshift://me:hunter2@h.example.com?sslmode=prefer",
            "postgres://me:hunter2@h.example.com",
        ] {
            let error = target(url).unwrap_err();
            let text = format!("{error} {error:?} {}", error.hint().unwrap());
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_role_is_the_default_or_an_arn() {
        for role in [
            "arn:aws:iam::123456789012:role/sparkify",
            "arn:aws-us-gov:iam::123456789012:role/path/to/sparkify+x=y,arn:aws:iam::123456789012:role/other",
        ] {
            assert_eq!(role.parse::<IamRole>().unwrap().to_string(), role);
        }
        assert_eq!("DEFAULT".parse::<IamRole>().unwrap(), IamRole::Default);
        for other in [
            "",
            "sparkify",
            "arn:aws:iam::123:role/x",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::123456789012:role/x' CREDENTIALS '",
            "arn:aws:iam::123456789012:role/",
        ] {
            assert!(matches!(other.parse::<IamRole>(), Err(Error::Options { .. })), "{other}");
        }
    }

    #[test]
    fn a_login_that_aws_gave_is_taken_as_it_is_and_verified_in_full() {
        let password = Secret::new("p:a@s/s%");
        let options =
            RedshiftOptions::for_endpoint("127.0.0.1", 5439, "dev", "IAM:etl@x", password, &|_| None)
                .unwrap();
        assert_eq!(options.server.user, "IAM:etl@x");
        assert_eq!(options.server.password.as_ref().unwrap().expose(), "p:a@s/s%");
        assert_eq!(options.server.ssl_mode, SslMode::VerifyFull);
    }
}
