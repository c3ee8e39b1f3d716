//! The name of a database.

use std::path::{Path, PathBuf};

/// Where the tables are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WarehouseUrl {
    /// A DuckDB file.
    DuckDbFile(PathBuf),
    /// A DuckDB database in memory, gone at the end.
    DuckDbMemory,
}

impl WarehouseUrl {
    /// Reads `duckdb:FILE`; a relative file is below `base` if there is one.
    ///
    /// # Errors
    ///
    /// A hint, where there is one.
    pub fn parse(text: &str, base: Option<&Path>) -> Result<Self, Option<String>> {
        let Some(file) = text.strip_prefix("duckdb:") else {
            return Err(match text.split_once("://") {
                Some(("postgres" | "postgresql" | "redshift", _)) => Some(
                    "this version loads into DuckDB only; `sparkify-cli sql --dialect …` prints the SQL for others"
                        .to_owned(),
                ),
                Some(_) => None,
                None => Some(format!("write duckdb:{text} for a DuckDB file of that name")),
            });
        };
        match file.strip_prefix("//").unwrap_or(file) {
            "" => Err(Some("name a file, such as duckdb:sparkify.duckdb".to_owned())),
            ":memory:" => Ok(Self::DuckDbMemory),
            file => Ok(Self::DuckDbFile(base.map_or_else(|| PathBuf::from(file), |base| base.join(file)))),
        }
    }

    /// The name without secrets.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::DuckDbFile(path) => format!("duckdb:{}", path.display()),
            Self::DuckDbMemory => "duckdb::memory:".to_owned(),
        }
    }
}

/// A text in which the password of a URL is replaced.
pub(super) fn mask(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // A password may hold an @; the host begins after the last one.
    let masked = authority.rsplit_once('@').and_then(|(user, host)| {
        let (user, _) = user.split_once(':')?;
        Some(format!("{user}:****@{host}"))
    });
    let path = path.find("password=").map_or_else(
        || path.to_owned(),
        |at| {
            let end = path[at..].find('&').map_or(path.len(), |length| at + length);
            format!("{}password=****{}", &path[..at], &path[end..])
        },
    );
    format!("{scheme}://{}{path}", masked.as_deref().unwrap_or(authority))
}
