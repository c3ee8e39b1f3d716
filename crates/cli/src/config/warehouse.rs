//! The name of a database.

use std::path::{Path, PathBuf};

#[cfg(feature = "postgres")]
use sparkify_warehouse::postgres::PostgresOptions;
#[cfg(feature = "redshift")]
use sparkify_warehouse::redshift::RedshiftTarget;

use super::Environment;

/// Where the tables are.
#[derive(Debug, Clone)]
pub enum WarehouseUrl {
    /// A DuckDB file.
    DuckDbFile(PathBuf),
    /// A DuckDB database in memory, gone at the end.
    DuckDbMemory,
    /// A database on a PostgreSQL server.
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresOptions>),
    /// A database on Amazon Redshift.
    #[cfg(feature = "redshift")]
    Redshift(Box<RedshiftTarget>),
}

impl WarehouseUrl {
    /// Reads `duckdb:FILE` (a relative file is below `base` if there is one), `postgres://…` or
    /// `redshift://…`, for which the environment fills in what the URL leaves open, as for psql.
    ///
    /// # Errors
    ///
    /// A hint, where there is one.
    pub fn parse(
        text: &str,
        base: Option<&Path>,
        environment: Environment<'_>,
    ) -> Result<Self, Option<String>> {
        if let Some(file) = text.strip_prefix("duckdb:") {
            return match file.strip_prefix("//").unwrap_or(file) {
                "" => Err(Some("name a file, such as duckdb:sparkify.duckdb".to_owned())),
                ":memory:" => Ok(Self::DuckDbMemory),
                // Its address holds a token, and nothing here knows how to keep that to itself.
                file if file.starts_with("md:") => {
                    Err(Some("MotherDuck is not supported; name a file".to_owned()))
                }
                file => {
                    Ok(Self::DuckDbFile(base.map_or_else(|| PathBuf::from(file), |base| base.join(file))))
                }
            };
        }
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => Self::postgres(text, environment),
            Some(("redshift", _)) => Self::redshift(text, environment),
            _ => Err(advice(text)),
        }
    }

    #[cfg(feature = "postgres")]
    fn postgres(text: &str, environment: Environment<'_>) -> Result<Self, Option<String>> {
        Ok(Self::Postgres(Box::new(PostgresOptions::from_url(text, environment).map_err(explained)?)))
    }

    #[cfg(not(feature = "postgres"))]
    fn postgres(_: &str, _: Environment<'_>) -> Result<Self, Option<String>> {
        Err(Some("this program was built without PostgreSQL; build it with --features postgres".to_owned()))
    }

    #[cfg(feature = "redshift")]
    fn redshift(text: &str, environment: Environment<'_>) -> Result<Self, Option<String>> {
        Ok(Self::Redshift(Box::new(RedshiftTarget::from_url(text, environment).map_err(explained)?)))
    }

    #[cfg(not(feature = "redshift"))]
    fn redshift(_: &str, _: Environment<'_>) -> Result<Self, Option<String>> {
        Err(Some(
            "this program was built without Redshift; build it with --features full; \
             `sparkify-cli sql --dialect redshift` prints the SQL"
                .to_owned(),
        ))
    }

    /// Whether the name of a database on a server has a password in it.
    #[must_use]
    pub fn has_password(text: &str) -> bool {
        let Some(("postgres" | "postgresql" | "redshift", rest)) = text.split_once("://") else {
            return false;
        };
        // Divided as the address is: at the last @.
        let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let of_login = login.split_once(':').is_some_and(|(_, password)| !password.is_empty());
        let mut parameters = place.split(['?', '&']).skip(1).filter_map(|pair| pair.split_once('='));
        of_login || parameters.any(|(name, value)| name == "password" && !value.is_empty())
    }

    /// The name without secrets.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::DuckDbFile(path) => format!("duckdb:{}", path.display()),
            Self::DuckDbMemory => "duckdb::memory:".to_owned(),
            #[cfg(feature = "postgres")]
            Self::Postgres(options) => options.location(),
            #[cfg(feature = "redshift")]
            Self::Redshift(target) => target.location(),
        }
    }
}

/// What is wrong with an address, and what to do.
#[cfg(any(feature = "postgres", feature = "redshift"))]
fn explained(error: sparkify_warehouse::Error) -> Option<String> {
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    Some(format!("{error}{hint}"))
}

/// What to write instead of something that names no database. The text itself is repeated only if no part of it
/// can be a password.
fn advice(text: &str) -> Option<String> {
    const SERVER: &str =
        "write postgres://USER@HOST:PORT/DATABASE, and the password into PGPASSWORD or ~/.pgpass";
    if text.starts_with("jdbc:") {
        Some(format!("JDBC addresses are not known; {SERVER}"))
    } else if text.split_once("://").is_some_and(|(scheme, _)| scheme.contains('+')) {
        Some(format!("leave out the driver after the +; {SERVER}"))
    } else if ["host=", "hostaddr=", "dbname=", "user=", "service="].iter().any(|key| text.contains(key)) {
        Some(format!("connection strings of libpq are not known; {SERVER}"))
    } else if text.contains(':') || mask(text) != text {
        None
    } else {
        Some(format!("write duckdb:{text} for a DuckDB file of that name"))
    }
}

/// What stands in messages for a text whose parts may be pieces of a password.
pub(crate) const MASK: &str = "****";

/// The arguments in which a login may stand.
pub(crate) fn secrets_among(arguments: impl Iterator<Item = String>) -> Vec<String> {
    let values =
        arguments.map(|argument| match argument.strip_prefix("--").and_then(|flag| flag.split_once('=')) {
            Some((_, value)) => value.to_owned(),
            None => argument,
        });
    values.filter(|value| value.contains(['@', ':']) && mask(value) != *value).collect()
}

/// A text as it may be shown: as it is if nothing in it can be a login, and only its scheme otherwise.
pub(super) fn mask(text: &str) -> String {
    if text.starts_with("duckdb:") && !text.contains('=') {
        return text.to_owned();
    }
    let is_scheme = |scheme: &str| {
        let scheme = scheme.strip_prefix("jdbc:").unwrap_or(scheme);
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (scheme, rest) = match text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    // Digits that follow a colon are a port or a time of day; anything else may be a password.
    let is_login = |(_, after): (&str, &str)| {
        let port = after.split_once('/').map_or(after, |(port, _)| port);
        !port.bytes().all(|byte| byte.is_ascii_digit())
    };
    let may_be_secret = rest.contains(['@', '=', '?', '&', '#'])
        || rest.split_once(':').is_some_and(|parts| !rest.starts_with('[') && is_login(parts));
    if may_be_secret { format!("{scheme}{MASK}") } else { text.to_owned() }
}
