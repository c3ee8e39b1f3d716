//! One SQL file: its header and its text.

use crate::{Error, Result};

/// The folder of `sql/` that a file is in, which says what its statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// Statements that take a run's records into staging and the star; the plan of a load has their order.
    Transform,
    /// Checks: each returns one number, `violations`, which must be 0.
    Quality,
    /// Questions that analysts ask.
    Analytics,
    /// What the database itself knows.
    Catalog,
    /// The ledger of files and runs.
    Ledger,
    /// How Redshift reads the files of a load, and what it says about that. For Redshift only.
    Load,
    /// Pieces that other files include.
    Parts,
}

impl Folder {
    /// Every folder.
    pub const ALL: [Self; 7] = [
        Self::Transform,
        Self::Quality,
        Self::Analytics,
        Self::Catalog,
        Self::Ledger,
        Self::Load,
        Self::Parts,
    ];

    /// Whether files of another directory may take the place of these: what the engine's own code counts on
    /// is not replaced.
    #[must_use]
    pub const fn can_be_overridden(self) -> bool {
        !matches!(self, Self::Load | Self::Ledger)
    }

    /// The folder's name below `sql/`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Quality => "quality",
            Self::Analytics => "analytics",
            Self::Catalog => "catalog",
            Self::Ledger => "ledger",
            Self::Load => "load",
            Self::Parts => "parts",
        }
    }
}

/// An SQL file.
#[derive(Debug, Clone)]
pub struct SqlFile {
    /// Path below `sql/`.
    pub path: String,
    /// The folder.
    pub folder: Folder,
    /// The statement's name, unique over all folders.
    pub name: String,
    /// One line: what it is for.
    pub purpose: String,
    /// How a result is best drawn (`bar`, `line`, `table`), where the file says so.
    pub chart: Option<String>,
    /// Of a check: the tables whose change makes it necessary; `None` if any does.
    pub tables: Option<Vec<String>>,
    /// Whether it is a check of the whole database, which a load does without.
    pub only_on_demand: bool,
    /// The template, without the header.
    pub text: String,
}

impl SqlFile {
    pub(super) fn parse(path: &str, text: &str) -> Result<Self> {
        let fault = |reason: &str| Error::Header { name: path.to_owned(), reason: reason.to_owned() };
        let (directory, _) = path.split_once('/').ok_or_else(|| fault("it is in no folder"))?;
        let folder = Folder::ALL
            .into_iter()
            .find(|folder| folder.name() == directory)
            .ok_or_else(|| fault("its folder is unknown"))?;
        let (mut name, mut purpose, mut chart, mut tables, mut scope, mut body) =
            (None, None, None, None, None, 0);
        for line in text.split_inclusive('\n') {
            let Some(comment) = line.strip_prefix("--") else { break };
            if let Some((key, value)) = comment.split_once(':') {
                let value = Some(value.trim().to_owned());
                match key.trim() {
                    "name" => name = value,
                    "purpose" => purpose = value,
                    "chart" => chart = value,
                    "tables" => tables = value,
                    "scope" => scope = value,
                    _ => {
                        return Err(fault(
                            "its header has an unknown key; known are name, purpose, chart, tables and scope",
                        ));
                    }
                }
            }
            body += line.len();
        }
        let name = name.ok_or_else(|| fault("its header has no `-- name:` line"))?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(fault("its name is not made of lower-case letters, digits and underscores"));
        }
        Ok(Self {
            path: path.to_owned(),
            folder,
            name,
            purpose: purpose.ok_or_else(|| fault("its header has no `-- purpose:` line"))?,
            chart,
            tables: tables.map(|tables| tables.split_whitespace().map(str::to_owned).collect()),
            only_on_demand: match scope.as_deref() {
                None => false,
                Some("check") => true,
                Some(_) => return Err(fault("the only scope that a file may name is `check`")),
            },
            text: text[body..].trim().trim_end_matches(';').to_owned(),
        })
    }
}
