//! The engines, each with its own way to a new database and to name it on the command line.

use std::{path::Path, sync::Arc};

use serde_json::Value;
use sparkify_schema::{
    Dialect,
    sql::{SqlLibrary, context},
};
use sparkify_testkit::{
    Cli, Dump, Finished, PostgresDatabase, PostgresServer, dump_of, dump_of_without_ids, redshift::Isolation,
    rows_of,
};
use sparkify_warehouse::{
    Access, Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
    postgres::{PostgresOptions, PostgresWarehouse},
    redshift::{RedshiftOptions, RedshiftWarehouse},
};
use tempfile::TempDir;

use crate::redshift::{BUCKET, ROLE, Stand};

/// An engine under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A DuckDB file.
    DuckDb,
    /// A database of a real PostgreSQL server.
    Postgres,
    /// A double of Redshift, and one of S3 that it loads from.
    Redshift,
    /// The same with serializable isolation, which older databases have.
    SerializableRedshift,
}

/// A database of an engine, and all that it lives on.
pub(crate) struct Database(Place);

enum Place {
    File(TempDir),
    Server(PostgresDatabase),
    Doubles(Box<Stand>),
}

impl Engine {
    /// Every engine.
    pub(crate) const ALL: [Self; 4] =
        [Self::DuckDb, Self::Postgres, Self::Redshift, Self::SerializableRedshift];

    /// The SQL that it speaks.
    pub(crate) const fn dialect(self) -> Dialect {
        match self {
            Self::DuckDb => Dialect::DuckDb,
            Self::Postgres => Dialect::Postgres,
            Self::Redshift | Self::SerializableRedshift => Dialect::Redshift,
        }
    }

    /// A new, empty database.
    pub(crate) fn create_database(self) -> Database {
        Database(match self {
            Self::DuckDb => Place::File(tempfile::tempdir().unwrap()),
            Self::Postgres => Place::Server(PostgresServer::shared().create_database()),
            Self::Redshift => Place::Doubles(Box::new(Stand::new())),
            Self::SerializableRedshift => Place::Doubles(Box::new(Stand::with(|options| {
                options.isolation = Isolation::Serializable;
            }))),
        })
    }

    /// A new, empty database, opened.
    pub(crate) async fn open_new(self) -> (Database, Arc<dyn Warehouse>) {
        let database = self.create_database();
        let warehouse = database.open(Access::ReadWrite).await;
        (database, warehouse)
    }

    /// The command line with a new, empty database.
    pub(crate) fn command_line(self) -> CommandLine {
        CommandLine { cli: crate::cli(), database: self.create_database() }
    }

    /// What other engines are compared with.
    pub(crate) fn reference() -> DuckDbWarehouse {
        DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap()
    }
}

impl Database {
    /// Opens the database. Only one at a time may be open for writing.
    pub(crate) async fn open(&self, access: Access) -> Arc<dyn Warehouse> {
        match &self.0 {
            Place::File(directory) => {
                let options =
                    DuckDbOptions { access, ..DuckDbOptions::file(directory.path().join("x.duckdb")) };
                Arc::new(DuckDbWarehouse::open(&options).unwrap())
            }
            Place::Server(database) => {
                let mut options = PostgresOptions::from_url(&database.url(), &|_| None).unwrap();
                // Few, so that the tests of a machine with many cores have enough.
                (options.access, options.connections) = (access, 2);
                Arc::new(PostgresWarehouse::open(&options).await.unwrap())
            }
            Place::Doubles(stand) => {
                let options = RedshiftOptions { access, ..stand.load_options().await };
                Arc::new(RedshiftWarehouse::open(&options).await.unwrap())
            }
        }
    }

    /// Changes something past the command line, as somebody else would.
    pub(crate) async fn change(&self, sql: &str) {
        let warehouse = self.open(Access::ReadWrite).await;
        warehouse.transact(vec![sql.to_owned()]).await.unwrap();
        warehouse.close().await.unwrap();
    }

    /// Names the database on the command line, and gives it what the engine needs.
    fn configure(&self, command: &mut std::process::Command) {
        match &self.0 {
            Place::File(directory) => {
                command.args([
                    "--warehouse",
                    &format!("duckdb:{}", directory.path().join("x.duckdb").display()),
                ]);
            }
            // With a password in it, which is not for the list of processes.
            Place::Server(database) => {
                command.env("SPARKIFY_WAREHOUSE", database.url());
            }
            Place::Doubles(stand) => {
                command.env("SPARKIFY_WAREHOUSE", stand.redshift.owner_url());
                command.args(["--stage", &format!("s3://{BUCKET}/a stage"), "--iam-role", ROLE]);
                command.envs(stand.s3.environment());
            }
        }
    }

    /// The engine was told nothing that it would not take, and nothing is left that a load has put aside.
    pub(crate) fn assert_sound(&self) {
        if let Place::Doubles(stand) = &self.0 {
            stand.assert_only_what_redshift_takes();
            assert_eq!(stand.staged(), [""; 0]);
        }
    }
}

/// The tables that a load keeps to itself, of which none may be left after it.
pub(crate) async fn batch_tables(warehouse: &dyn Warehouse) -> Vec<String> {
    let library = SqlLibrary::embedded().unwrap();
    let sql = library.render("columns", warehouse.dialect(), context! {}).unwrap();
    let mut names: Vec<_> = rows_of(warehouse, &sql).await.into_iter().map(|row| row[0].clone()).collect();
    names.retain(|name| name.starts_with("sparkify_run_"));
    names.dedup();
    names
}

/// The command line with a database of an engine.
pub(crate) struct CommandLine {
    cli: Cli,
    database: Database,
}

impl CommandLine {
    /// Its database.
    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }

    /// The command, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.cli.command(arguments);
        self.database.configure(&mut command);
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        self.command(arguments).output().unwrap().into()
    }

    /// `run --source DATA --format json`, which must succeed; returns the report.
    pub(crate) fn load(&self, data: &Path) -> Value {
        self.load_with(data, &[])
    }

    /// The same with further arguments.
    pub(crate) fn load_with(&self, data: &Path, more: &[&str]) -> Value {
        let mut arguments = vec!["run", "--source", data.to_str().unwrap(), "--format", "json"];
        arguments.extend(more);
        self.run(&arguments).success().json()
    }

    /// The rows of a query, their values with a blank in between.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let warehouse = self.database.open(Access::ReadOnly).await;
        rows_of(warehouse.as_ref(), sql).await.into_iter().map(|row| row.join(" ")).collect()
    }

    /// The tables that a run keeps to itself.
    pub(crate) async fn batch_tables(&self) -> Vec<String> {
        batch_tables(self.database.open(Access::ReadOnly).await.as_ref()).await
    }

    /// All staging and star tables.
    pub(crate) async fn dump(&self) -> Dump {
        dump_of(self.database.open(Access::ReadOnly).await.as_ref()).await
    }

    /// The same without the surrogate keys.
    pub(crate) async fn dump_without_ids(&self) -> Dump {
        dump_of_without_ids(self.database.open(Access::ReadOnly).await.as_ref()).await
    }
}
