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
                file => {
                    Ok(Self::DuckDbFile(base.map_or_else(|| PathBuf::from(file), |base| base.join(file))))
                }
            };
        }
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => Self::postgres(text, environment),
            Some(("redshift", _)) => Self::redshift(text, environment),
            // A colon or an @ could belong to a name with a password in it.
            None if !text.contains([':', '@']) => {
                Err(Some(format!("write duckdb:{text} for a DuckDB file of that name")))
            }
            _ => Err(None),
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
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
        let login = authority.rsplit_once('@').map_or("", |(login, _)| login);
        let of_login = login.split_once(':').is_some_and(|(_, password)| !password.is_empty());
        let mut parameters = parameters.split('&').filter_map(|parameter| parameter.split_once('='));
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

/// A text in which what may be a password is replaced: what stands between a user's colon and the last
/// `@`, since a password may hold any character, and the parameter `password`.
pub(super) fn mask(text: &str) -> String {
    if text.starts_with("duckdb:") {
        return text.to_owned();
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let masked = rest.rsplit_once('@').and_then(|(user, host)| {
        let (user, _) = user.split_once(':')?;
        Some(format!("{user}:****@{host}"))
    });
    let rest = masked.unwrap_or_else(|| rest.to_owned());
    let rest = rest.to_ascii_lowercase().find("password=").map_or_else(
        || rest.clone(),
        |at| {
            let begin = at + "password=".len();
            let end = rest[begin..].find('&').map_or(rest.len(), |length| begin + length);
            format!("{}****{}", &rest[..begin], &rest[end..])
        },
    );
    format!("{scheme}{rest}")
}
