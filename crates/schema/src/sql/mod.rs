//! The SQL files of the top-level `sql/` folder: found by name, rendered for a dialect.
//!
//! One text serves all dialects; what differs is behind the functions that `sql/README.md` lists. The
//! files are embedded in the binary, and a directory with files of the same names can override them.

mod embedded;
mod file;
mod render;
#[cfg(test)]
mod tests;
mod touched;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, OnceLock},
};

pub use file::{Folder, SqlFile};
pub use minijinja::{Value, context, value::Serde};

use self::render::Templates;
use crate::{Dialect, Error, Result};

/// Files by the names of their statements.
type Files = BTreeMap<String, SqlFile>;

/// All SQL statements by name. A clone is cheap, and shares what was compiled.
///
/// ```
/// use sparkify_schema::{Dialect, sql::{SqlLibrary, context}};
///
/// let library = SqlLibrary::embedded()?;
/// let sql = library.render("owned_tables", Dialect::Postgres, context! {})?;
/// assert!(sql.starts_with("SELECT table_name"));
/// # Ok::<(), sparkify_schema::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SqlLibrary {
    files: Arc<Files>,
    templates: Arc<Templates>,
}

impl SqlLibrary {
    /// The statements that come with this version. They are read once in a process.
    ///
    /// # Errors
    ///
    /// [`Error::Header`] if a file has no valid header; the tests exclude it.
    pub fn embedded() -> Result<Self> {
        static EMBEDDED: OnceLock<SqlLibrary> = OnceLock::new();
        if let Some(library) = EMBEDDED.get() {
            return Ok(library.clone());
        }
        let mut files = Files::new();
        for (path, text) in embedded::FILES {
            let file = SqlFile::parse(path, text)?;
            files.insert(file.name.clone(), file);
        }
        Ok(EMBEDDED.get_or_init(|| Self::of(files)).clone())
    }

    /// The statements that come with this version, and in their place those of the same name below
    /// `directory` (laid out like `sql/`); further files add analytics queries and quality checks.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] if it cannot be read, [`Error::Header`] for a file without a valid header,
    /// [`Error::NameTaken`] for a file with the name of a statement of another folder or of another file there.
    pub fn with_overrides(directory: &Path) -> Result<Self> {
        let mut files = Files::clone(&Self::embedded()?.files);
        let mut added = BTreeSet::new();
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
                    let file = SqlFile::parse(&format!("{}/{name}", folder.name()), &text)?;
                    let is_first = added.insert(file.name.clone());
                    if let Some(other) =
                        files.get(&file.name).filter(|other| other.folder != folder || !is_first)
                    {
                        let (path, name, other) = (file.path, file.name, other.path.clone());
                        return Err(Error::NameTaken { path, name, other });
                    }
                    files.insert(file.name.clone(), file);
                }
            }
        }
        Ok(Self::of(files))
    }

    fn of(files: Files) -> Self {
        let files = Arc::new(files);
        Self { templates: Arc::new(Templates::new(&files)), files }
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
        self.templates.render(&file.name, dialect, parameters).map_err(|source| Error::Render {
            name: name.to_owned(),
            dialect,
            source,
        })
    }
}
