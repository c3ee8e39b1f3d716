//! Everything that a load fills before it publishes, and how far it is.

use std::sync::Arc;

use crate::{BatchSource, LoadedObjects, ObjectLoad};

/// Run-private tables to fill: from batches, and from objects that the engine reads itself.
#[derive(Debug, Default)]
pub struct Fill {
    /// Tables with the batches that are appended to them.
    pub tables: Vec<(String, Arc<dyn BatchSource>)>,
    /// Objects that the engine reads itself; only if it [can](crate::LoadSession::reads_objects).
    pub objects: Vec<ObjectLoad>,
    /// Who wants to know how far the engine is with what it reads itself.
    pub progress: Option<Arc<dyn CopyProgress>>,
}

/// What was filled, in the order of [`Fill`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// The rows of each table.
    pub rows: Vec<u64>,
    /// What was read of the objects.
    pub objects: Vec<LoadedObjects>,
}

/// How far an engine is with the files of a table that it reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copying {
    /// The table.
    pub table: String,
    /// The rows loaded so far.
    pub rows: u64,
    /// The bytes loaded so far, as the engine counts them.
    pub bytes: u64,
    /// The files read so far.
    pub files: u64,
    /// All files.
    pub files_total: u64,
}

/// Is told how far an engine is. It must return at once.
pub trait CopyProgress: std::fmt::Debug + Send + Sync {
    /// The state of one table; those of several come in turn.
    fn copying(&self, state: &Copying);
}
