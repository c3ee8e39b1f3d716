//! The SQL files of the top-level `sql/` folder: found by name, rendered for a dialect.
//!
//! One text serves all dialects; what differs is behind the functions that `sql/README.md` lists. The
//! files are embedded in the binary, and a directory with files of the same names can override them.

mod embedded;
mod file;
mod render;
mod touched;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::Path};

pub use file::{Folder, SqlFile};
pub use minijinja::{Value, context, value::Serde};

use crate::{Dialect, Error, Result};

/// All SQL statements by name.
///
/// ```
/// use sparkify_schema::{Dialect, sql::{SqlLibrary, context}};
///
/// let library = SqlLibrary::embedded()?;
/// let sql = library.render("songplays_user_id_resolves", Dialect::Postgres, context! {})?;
/// assert!(sql.starts_with("SELECT COUNT(*)"));
/// # Ok::<(), sparkify_schema::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SqlLibrary {
    files: BTreeMap<String, SqlFile>,
}

impl SqlLibrary {
    /// The statements that come with this version.
    ///
    /// # Errors
    ///
    /// [`Error::Header`] if a file has no valid header; the tests exclude it.
    pub fn embedded() -> Result<Self> {
        let mut library = Self { files: BTreeMap::new() };
        for (path, text) in embedded::FILES {
            library.insert(SqlFile::parse(path, text)?);
        }
        Ok(library)
    }

    /// The statements that come with this version, and in their place those of the same file name below
    /// `directory` (laid out like `sql/`); further files add analytics queries and quality checks.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] if it cannot be read, [`Error::Header`] for a file without a valid header.
    pub fn with_overrides(directory: &Path) -> Result<Self> {
        let mut library = Self::embedded()?;
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Directory { path, source }
        };
        // Naming a directory that is not there is a mistake, not a wish for the defaults.
        std::fs::read_dir(directory).map_err(fail(directory))?;
        for folder in Folder::ALL.into_iter().filter(|folder| folder.can_be_overridden()) {
            let below = directory.join(folder.name());
            if !below.exists() {
                continue;
            }
            for entry in std::fs::read_dir(&below).map_err(fail(&below))? {
                let path = entry.map_err(fail(&below))?.path();
                if path.extension().is_some_and(|extension| extension == "sql") {
                    let text = std::fs::read_to_string(&path).map_err(fail(&path))?;
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    library.insert(SqlFile::parse(&format!("{}/{name}", folder.name()), &text)?);
                }
            }
        }
        Ok(library)
    }

    /// The statement of that name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownStatement`] if there is none.
    pub fn file(&self, name: &str) -> Result<&SqlFile> {
        self.files.get(name).ok_or_else(|| Error::UnknownStatement {
            name: name.to_owned(),
            known: self.files.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }

    /// The statements of one folder, in the order of their file names.
    #[must_use]
    pub fn folder(&self, folder: Folder) -> Vec<&SqlFile> {
        let mut files: Vec<_> = self.files.values().filter(|file| file.folder == folder).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// The text of a statement for a dialect, with its parameters filled in and without its header.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownStatement`], or [`Error::Render`] when the template is faulty or a parameter is
    /// missing.
    pub fn render(&self, name: &str, dialect: Dialect, parameters: Value) -> Result<String> {
        let file = self.file(name)?;
        render::render(self, file, dialect, parameters).map_err(|source| Error::Render {
            name: name.to_owned(),
            dialect,
            source,
        })
    }

    fn insert(&mut self, file: SqlFile) {
        self.files.insert(file.name.clone(), file);
    }
}
