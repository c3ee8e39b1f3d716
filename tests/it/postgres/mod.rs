//! The PostgreSQL backend, on a server that is started for these tests.

mod append;
mod command_line;
mod engine;
mod faults;
mod login;
mod server_faults;
mod setup;

use sparkify_testkit::{PostgresDatabase, PostgresServer};
use sparkify_warehouse::{
    Warehouse,
    postgres::{PostgresOptions, PostgresWarehouse},
};

/// The options of a URL, with no environment. The connections are few, so that the tests of a machine
/// with many cores have enough.
pub(crate) fn options(url: &str) -> PostgresOptions {
    let mut options = PostgresOptions::from_url(url, &|_| None).unwrap();
    options.connections = 2;
    options
}

async fn open(database: &PostgresDatabase) -> PostgresWarehouse {
    PostgresWarehouse::open(&options(&database.url())).await.unwrap()
}

/// A new, empty database of the shared server.
async fn fresh() -> PostgresWarehouse {
    open(&PostgresServer::shared().create_database()).await
}

async fn integer(warehouse: &dyn Warehouse, sql: &str) -> i64 {
    warehouse.query(sql).await.unwrap().integer(0, 0).unwrap()
}

async fn text(warehouse: &dyn Warehouse, sql: &str) -> String {
    warehouse.query(sql).await.unwrap().text(0, 0).unwrap()
}
