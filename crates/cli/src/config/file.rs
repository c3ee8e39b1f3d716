//! The configuration file.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{KEYS, generate};
use crate::exit::UsageError;

/// The name that is looked for.
const NAME: &str = "sparkify.toml";

/// The section about resources on AWS, whose keys are those of `DeploymentConfig`.
const DEPLOYMENT: &str = "deployment";

/// The settings of `sparkify.toml`, or none.
#[derive(Debug, Default)]
pub struct ConfigFile {
    path: PathBuf,
    table: toml::Table,
}

impl ConfigFile {
    /// Reads the named file, or `sparkify.toml` in `directory` or the nearest directory above; without
    /// any there are no settings.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is no TOML, or has a name that is no setting.
    pub fn read(named: Option<&Path>, directory: &Path) -> anyhow::Result<Self> {
        let found = match named {
            Some(path) if !path.exists() => {
                return Err(
                    UsageError::new(format!("there is no configuration file {}", path.display())).into()
                );
            }
            Some(path) => Some(path.to_owned()),
            None => directory.ancestors().map(|directory| directory.join(NAME)).find(|path| path.is_file()),
        };
        let Some(path) = found else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            // Not the whole error: it quotes the line, which may hold a password.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let reason = error.message();
            UsageError::new(format!("{}, line {line}: this is no valid TOML: {reason}", path.display()))
        })?;
        for (key, value) in &table {
            if key == DEPLOYMENT {
                if !value.is_table() {
                    return Err(UsageError::with_hint(
                        format!("{}: {key} must be a section", path.display()),
                        "write [deployment], and below it name = \"…\"",
                    )
                    .into());
                }
                continue;
            }
            if let (generate::SECTION, Some(section)) = (key.as_str(), value.as_table()) {
                check_section(&path, section)?;
                continue;
            }
            if !KEYS.contains(&key.as_str()) {
                return Err(UsageError::with_hint(
                    format!("{}: there is no setting {key:?}", path.display()),
                    format!("the settings are {}, and the section [{DEPLOYMENT}]", KEYS.join(", ")),
                )
                .into());
            }
            if !value.is_str() && !value.is_integer() && !value.is_bool() {
                return Err(UsageError::new(format!(
                    "{}: {key} must be a text, a whole number, or true or false",
                    path.display()
                ))
                .into());
            }
        }
        Ok(Self { path, table })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn directory(&self) -> Option<&Path> {
        self.path.parent().filter(|parent| !parent.as_os_str().is_empty())
    }

    /// A value of a section.
    pub(super) fn get_in(&self, section: &str, key: &str) -> Option<String> {
        let value = self.table.get(section)?.as_table()?.get(key)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    pub(super) fn get(&self, key: &str) -> Option<String> {
        self.table.get(key).map(text_of)
    }

    /// The section about resources on AWS.
    pub(super) fn deployment(&self) -> Option<&toml::Table> {
        self.table.get(DEPLOYMENT)?.as_table()
    }

    /// A key of it.
    pub(super) fn of_deployment(&self, key: &str) -> Option<String> {
        self.deployment()?.get(key).map(text_of)
    }
}

/// A value as it is shown.
pub(super) fn text_of(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Refuses names in the section of `generate` that are no settings of it.
fn check_section(path: &Path, section: &toml::Table) -> anyhow::Result<()> {
    let name = generate::SECTION;
    for (key, value) in section {
        if !generate::KEYS.contains(&key.as_str()) {
            return Err(UsageError::with_hint(
                format!("{}: there is no setting {key:?} in [{name}]", path.display()),
                format!("the settings are {}", generate::KEYS.join(", ")),
            )
            .into());
        }
        if value.is_table() || value.is_array() {
            return Err(
                UsageError::new(format!("{}: {key} in [{name}] must be one value", path.display())).into()
            );
        }
    }
    Ok(())
}
