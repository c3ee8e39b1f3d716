//! Bulk append: packed into S3, and copied from there.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use sparkify_schema::{Dialect, ddl, statements::redshift as sql};

use super::{
    copy::{self, Copy, Patience, ReadFile, Statements, bare_etag},
    encode,
    pack::{self, Memory, Place, Shape},
    pool::{Connection, Connections},
    staging::Area,
};
use crate::{
    BatchSource, CopyProgress, Error, LoadedObject, LoadedObjects, ObjectCompression, ObjectLoad, Result,
    SourceObject, wire::invalid,
};

/// What appends to the tables of one load have in common.
pub(super) struct Appender {
    pub(super) connections: Connections,
    pub(super) statements: Statements,
    /// Where the files go; without it nothing can be appended.
    pub(super) area: Option<Area>,
    pub(super) patience: Patience,
    /// The slices of the cluster.
    pub(super) slices: usize,
    /// The compressed bytes at which a packed file ends.
    pub(super) pack_bytes: usize,
    /// What all of them have in memory.
    pub(super) memory: Arc<Memory>,
}

impl Appender {
    pub(super) fn area(&self) -> Result<&Area> {
        self.area.as_ref().ok_or_else(|| {
            invalid(
                "a load needs a place in S3 for the files that COPY reads, and a role to read them with"
                    .to_owned(),
                "name them with --stage s3://BUCKET/PREFIX and --iam-role ARN (or default)",
            )
        })
    }

    /// Appends all batches of the source. `folder` is a name of its own within the load.
    pub(super) async fn append(
        &self,
        connection: &Connection,
        in_transaction: bool,
        folder: &str,
        table: &str,
        source: Arc<dyn BatchSource>,
        progress: Option<&dyn CopyProgress>,
    ) -> Result<u64> {
        let area = self.area()?;
        let table = identifier(table)?;
        let names = self.target(connection, &table, &source).await?;
        let entry = self.connections.running().enter(None);
        let shape = Shape::for_slices(self.slices, self.pack_bytes);
        let place = Place { area, folder };
        let packed = pack::pack(source, names.clone(), shape, place, &self.memory, &entry).await?;
        drop(entry);
        let (rows, bytes, files) = (packed.rows, packed.bytes, packed.objects.len());
        tracing::info!(%table, rows, bytes, files, peak_memory = self.memory.peak(), "packed");
        if packed.objects.is_empty() {
            return Ok(0);
        }
        let urls: BTreeSet<_> = packed.objects.iter().map(|path| area.url(path)).collect();
        let (manifest, json_paths) = self.describe(folder, &urls, &names).await?;
        let copy = Copy {
            connections: &self.connections,
            connection,
            statements: &self.statements,
            area,
            table: &table,
            columns: columns(&names)?,
            manifest,
            json_paths,
            urls: &urls,
            compression: "GZIP",
            region: &area.staging().region,
            in_transaction,
            patience: self.patience,
            lines: None,
            progress,
        };
        let copied = copy.run("copy_packed").await?;
        copy.reconcile(copied, Some(rows)).await?;
        Ok(rows)
    }

    /// The names of the table's columns, if each suits what is to be written into it.
    async fn target(
        &self,
        connection: &Connection,
        table: &str,
        source: &Arc<dyn BatchSource>,
    ) -> Result<Vec<String>> {
        let schema = source.schema();
        let answer = connection.run(&sql::describe_table(table)).await?;
        let columns = answer.columns.unwrap_or_default();
        if columns.len() != schema.fields().len() {
            return Err(Error::Internal(format!(
                "{table} has {} columns, and {} are to be written",
                columns.len(),
                schema.fields().len()
            )));
        }
        for (field, column) in schema.fields().iter().zip(&columns) {
            if !encode::suits(field.data_type(), column) {
                return Err(Error::Internal(format!(
                    "{table}.{} has the type {}, and {} is to be written",
                    column.name,
                    column.type_oid,
                    field.data_type()
                )));
            }
        }
        Ok(columns.into_iter().map(|column| column.name).collect())
    }

    /// Writes the manifest and the JSONPaths file, and returns their URLs.
    async fn describe(
        &self,
        folder: &str,
        urls: &BTreeSet<String>,
        keys: &[String],
    ) -> Result<(String, String)> {
        let area = self.area()?;
        let content = copy::manifest(urls);
        // Named after its content, so that what COPY was told to read can be proven from the name alone.
        let sha256 = copy::sha256(&content);
        let manifest = area.path(folder, &format!("manifest-{sha256}.json"));
        let json_paths = area.path(folder, "jsonpaths.json");
        area.put(&manifest, content).await?;
        area.put(&json_paths, copy::json_paths(keys)).await?;
        tracing::info!(
            manifest = area.url(&manifest),
            sha256,
            objects = urls.len(),
            "the manifest is written"
        );
        Ok((area.url(&manifest), area.url(&json_paths)))
    }

    /// Lets Redshift read the objects of a source itself.
    pub(super) async fn load_objects(
        &self,
        connection: &Connection,
        folder: &str,
        load: &ObjectLoad,
        progress: Option<&dyn CopyProgress>,
    ) -> Result<LoadedObjects> {
        // COPY has nothing to read in them, and is not asked to.
        let (empty, objects): (Vec<_>, Vec<_>) = load.objects.iter().partition(|object| object.size == 0);
        let mut loaded = LoadedObjects { rows: 0, objects: empty.into_iter().map(unread).collect() };
        if objects.is_empty() {
            return Ok(loaded);
        }
        let area = self.area()?;
        let stage = &area.staging().region;
        if load.region != *stage {
            return Err(invalid(
                format!(
                    "the objects are in the region {}, and the place for the files of a load in {stage}",
                    load.region
                ),
                "name a place in the region of the objects, since COPY reads from one region at a time",
            ));
        }
        let table = identifier(&load.table)?;
        let urls: BTreeSet<_> = objects.iter().map(|object| object.url.clone()).collect();
        if urls.len() != objects.len() {
            // It would be loaded twice.
            return Err(Error::Internal("an object is listed twice".to_owned()));
        }
        let (manifest, json_paths) = self.describe(folder, &urls, &load.keys).await?;
        let copy = Copy {
            connections: &self.connections,
            connection,
            statements: &self.statements,
            area,
            table: &table,
            columns: columns(&load.columns)?,
            manifest,
            json_paths,
            urls: &urls,
            compression: match load.compression {
                ObjectCompression::None => "",
                ObjectCompression::Gzip => "GZIP",
                ObjectCompression::Zstd => "ZSTD",
            },
            region: &load.region,
            in_transaction: false,
            patience: self.patience,
            lines: load.lines.as_deref(),
            progress,
        };
        let copied = copy.run("copy_objects").await?;
        // The rows are not known beforehand, so the system must show the files.
        let Some(files) = copy.reconcile(copied, None).await? else {
            return Err(copy.unreconciled("the system views do not show which files it read".to_owned()));
        };
        unchanged(&copy, &objects, &files)?;
        loaded.rows = copied.rows;
        loaded.objects.extend(files.into_iter().map(read));
        Ok(loaded)
    }
}

/// Fails if an object is another one than when it was listed. Those whose tag the system does not tell are for the
/// caller to look at.
fn unchanged(copy: &Copy<'_>, objects: &[&SourceObject], files: &[ReadFile]) -> Result<()> {
    let read: HashMap<_, _> = files.iter().map(|file| (&file.url, file.etag.as_deref())).collect();
    for object in objects {
        let listed = object.etag.as_deref().map(bare_etag);
        let read = read.get(&object.url).copied().flatten();
        if let (Some(listed), Some(read)) = (listed, read)
            && listed != read
        {
            return Err(copy.unreconciled(format!(
                "{} was replaced after it was listed (its entity tag was {listed}, and is {read})",
                object.url
            )));
        }
    }
    Ok(())
}

fn read(file: ReadFile) -> LoadedObject {
    LoadedObject { url: file.url, lines: file.lines, etag: file.etag }
}

/// What came of an object without content.
fn unread(object: &SourceObject) -> LoadedObject {
    LoadedObject { url: object.url.clone(), lines: 0, etag: object.etag.clone() }
}

fn identifier(name: &str) -> Result<String> {
    ddl::identifier(name, Dialect::Redshift).map_err(|error| Error::Internal(error.to_string()))
}

fn columns(names: &[String]) -> Result<String> {
    Ok(names.iter().map(|name| identifier(name)).collect::<Result<Vec<_>>>()?.join(", "))
}
