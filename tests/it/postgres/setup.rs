//! Servers and roles that are set up in a way that keeps a load from its work, and what is said then.

use sparkify_etl::create_tables;
use sparkify_schema::sql::SqlLibrary;
use sparkify_testkit::{DataSet, Event, PostgresDatabase, PostgresServer};
use sparkify_warehouse::{
    Error, Warehouse,
    postgres::{PostgresOptions, PostgresWarehouse},
};

use super::{integer, open, options};
use crate::local_loads::load_again;

fn database() -> PostgresDatabase {
    PostgresServer::shared().create_database()
}

/// Opens what must not open for writing, for the reason that its message has; returns what to do.
async fn refused(options: &PostgresOptions, reason: &str) -> String {
    let error = match PostgresWarehouse::open(options).await {
        Ok(warehouse) => panic!("{warehouse:?} was opened"),
        Err(error) => error,
    };
    assert!(matches!(error, Error::Setup { .. }) && error.to_string().contains(reason), "{error:?}");
    error.hint().unwrap()
}

/// The options of a role of its own, which owns the schema `public`.
fn role(database: &PostgresDatabase, attributes: &str) -> PostgresOptions {
    let (server, name) = (PostgresServer::shared(), &database.name);
    server.execute("postgres", &format!("CREATE ROLE {name} LOGIN PASSWORD 'word' {attributes}"));
    server.execute(name, &format!("ALTER SCHEMA public OWNER TO {name}"));
    let mut options = options(&database.url());
    name.clone_into(&mut options.server.user);
    options.server.password = Some(sparkify_warehouse::postgres::Secret::new("word"));
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_and_repeated_files_load_into_a_database_whose_tables_are_all_published() {
    let database = database();
    PostgresServer::shared().execute(&database.name, "CREATE PUBLICATION everything FOR ALL TABLES");
    let warehouse = open(&database).await;
    create_tables(&warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
    let data = DataSet::new();
    let load = async |name: &str, events: &[Event]| {
        data.write_events(name, events);
        load_again(&warehouse, &data.path(), sparkify_etl::Retries::none()).await.unwrap().records
    };
    load("a.json", &[Event::play(1, 0), Event::play(1, 1)]).await;
    assert_eq!(load("a.json", &[Event::play(1, 0).level("paid"), Event::play(1, 1)]).await.replaced, 2);
    assert_eq!(load("b.json", &[Event::play(1, 1)]).await.duplicate, 1);
    assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM staging_events").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_a_publication_forbids_is_refused_with_what_to_do() {
    let database = database();
    let warehouse = open(&database).await;
    let statement = |sql: &str| vec![sql.to_owned()];
    warehouse.transact(statement("CREATE TABLE foreign_one (n INTEGER)")).await.unwrap();
    PostgresServer::shared().execute(&database.name, "CREATE PUBLICATION everything FOR ALL TABLES");
    let error = warehouse.transact(statement("DELETE FROM foreign_one")).await.unwrap_err();
    assert!(error.hint().unwrap().contains("REPLICA IDENTITY FULL"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_gives_the_server_away_after_each_transaction_is_refused_when_connecting() {
    let database = database();
    let warehouse = open(&database).await;
    // To two sessions that are served by one process in turn, it looks like this.
    let one_process = "CREATE FUNCTION pooled.pg_backend_pid() RETURNS INTEGER LANGUAGE sql AS 'SELECT 7'";
    let statements = ["CREATE SCHEMA pooled", one_process].map(str::to_owned).to_vec();
    warehouse.transact(statements).await.unwrap();
    let mut pooled = options(&database.url());
    pooled.session_options = Some("-c search_path=pooled,pg_catalog".to_owned());
    for options in [pooled.clone(), pooled.read_only()] {
        let hint = refused(&options, "after each transaction").await;
        assert!(hint.contains("session mode"), "{hint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_read_only_are_named_before_anything_is_written() {
    let database = database();
    let options = role(&database, "");
    let read_only = format!("ALTER ROLE {} SET default_transaction_read_only = on", database.name);
    PostgresServer::shared().execute("postgres", &read_only);
    let hint = refused(&options, "default_transaction_read_only").await;
    assert!(hint.contains("RESET default_transaction_read_only"), "{hint}");
    let reader = PostgresWarehouse::open(&options.read_only()).await.unwrap();
    assert_eq!(integer(&reader, "SELECT 1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_path_without_a_schema_that_exists_is_named_before_anything_is_written() {
    let mut options = options(&database().url());
    options.session_options = Some("-c search_path=nowhere".to_owned());
    let hint = refused(&options, "search_path (nowhere)").await;
    assert!(hint.contains("CREATE SCHEMA"), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_with_one_connection_can_ask_and_a_load_of_it_says_how_many_it_takes() {
    let database = database();
    let options = role(&database, "CONNECTION LIMIT 1");
    let warehouse = PostgresWarehouse::open(&options).await.unwrap();
    create_tables(&warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
    assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM songplays").await, 0);
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0)]);
    let error = load_again(&warehouse, &data.path(), sparkify_etl::Retries::none()).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(hint.contains("ALTER ROLE") && hint.contains("two more"), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_ask_for_nothing_at_the_start_that_a_pooler_refuses_and_are_set_up_all_the_same() {
    let database = database();
    let warehouse = open(&database).await;
    let held = [warehouse.query("SELECT pg_sleep(0.2)"), warehouse.query("SELECT pg_sleep(0.2)")];
    for result in futures_util::future::join_all(held).await {
        result.unwrap();
    }
    // Also of connections beyond the first two.
    let zones = (0..4).map(|_| warehouse.query("SELECT current_setting('TimeZone'), pg_sleep(0.2)"));
    for zone in futures_util::future::join_all(zones).await {
        assert_eq!(zone.unwrap().text(0, 0).as_deref(), Some("UTC"));
    }
}
