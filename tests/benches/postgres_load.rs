//! The load into PostgreSQL against COPY of the same rows as ready-made CSV, on the same server in one run:
//! `cargo bench -p sparkify-tests --bench postgres_load -- [--events MILLIONS] [--rounds N]`.
//!
//! The other side is what psql would do: COPY of two files over one connection into the staging tables, then
//! the statements that make the star, in one transaction. It parses no JSON, finds no duplicates, keeps no
//! ledger, and checks nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

#[path = "shared/arguments.rs"]
mod arguments;
#[path = "shared/data.rs"]
mod data;

use std::{
    io::{Read, Write},
    path::Path,
    process::Command,
    time::Instant,
};

use arguments::argument;
use bytes::Bytes;
use data::prepare;
use futures_util::{SinkExt, TryStreamExt};
use sparkify_etl::{LoadKind, ScriptOptions, placeholders};
use sparkify_schema::{
    Dialect, ddl,
    model::RunTables,
    sql::{SqlLibrary, context},
};
use sparkify_testkit::{POSTGRES_USER, PostgresDatabase, PostgresServer, ServerCertificate};

const TABLES: [&str; 2] = ["staging_songs", "staging_events"];

/// Bytes in one message of a COPY.
const CHUNK: usize = 1 << 18;

/// Seconds of the parts of one side.
#[derive(Debug, Clone, Copy)]
struct Seconds {
    copy: f64,
    star: f64,
    all: f64,
}

fn main() {
    let millions = argument("--events").unwrap_or(2.0);
    let rounds = argument("--rounds").unwrap_or(3.0) as u32;
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("local_load-{millions}M"));
    let source = prepare(&directory.join("data"), millions);
    let server = PostgresServer::start(ServerCertificate::Valid);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let [mut best_csv, mut best_copy, mut best_ours, mut best_read] = [f64::MAX; 4];
    println!("round   CSV: copy   star    all   ours: read   transform   check    all   (seconds)");
    for round in 1..=rounds {
        let database = server.create_database();
        let ours = load(&database, &source);
        let csv = TABLES.map(|table| directory.join(format!("{table}.csv")));
        for (table, path) in TABLES.iter().zip(&csv) {
            runtime.block_on(export(&server, &database, table, path));
        }
        drop_database(&server, &database);

        let database = server.create_database();
        run(&database, &["create-tables"]);
        server.execute("postgres", "CHECKPOINT");
        let script = runtime.block_on(copy_and_transform(&server, &database, &csv));
        drop_database(&server, &database);
        let part = |name: &str| {
            let steps = ours["steps_ms"].as_array().unwrap();
            steps
                .iter()
                .filter(|step| step["name"] == name)
                .map(|step| step["elapsed_ms"].as_f64().unwrap())
                .sum::<f64>()
                / 1000.0
        };
        let all = ours["elapsed_ms"].as_f64().unwrap() / 1000.0;
        println!(
            "{round:>5}   {:>9.1}   {:>4.1}   {:>4.1}   {:>10.1}   {:>9.1}   {:>5.1}   {all:>4.1}",
            script.copy,
            script.star,
            script.all,
            part("read"),
            part("transform"),
            part("check"),
        );
        best_csv = best_csv.min(script.all);
        best_copy = best_copy.min(script.copy);
        best_ours = best_ours.min(all);
        best_read = best_read.min(part("read"));
    }
    println!(
        "best of {rounds}: {:.2} of the time of the ready-made CSV; reading JSON into the database alone: {:.2} of its COPY",
        best_ours / best_csv,
        best_read / best_copy
    );
}

/// Loads with the command line; returns its report.
fn load(database: &PostgresDatabase, source: &Path) -> serde_json::Value {
    run(database, &["create-tables"]);
    let output = run(database, &["etl", "--source", source.to_str().unwrap(), "--format", "json"]);
    serde_json::from_slice(&output).unwrap()
}

fn run(database: &PostgresDatabase, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sparkify-cli-under-test"));
    let output = command.args(arguments).arg("--warehouse").arg(database.url()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn drop_database(server: &PostgresServer, database: &PostgresDatabase) {
    server.execute("postgres", &format!("DROP DATABASE {} WITH (FORCE)", database.name));
    server.execute("postgres", "CHECKPOINT");
}

/// Writes a table to a file, outside of the measured time.
async fn export(server: &PostgresServer, database: &PostgresDatabase, table: &str, path: &Path) {
    let client = server.connect(&database.name).await;
    let rows = client.copy_out(&format!("COPY {table} TO STDOUT (FORMAT csv)")).await.unwrap();
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut rows = std::pin::pin!(rows);
    while let Some(bytes) = rows.try_next().await.unwrap() {
        file.write_all(&bytes).unwrap();
    }
    file.flush().unwrap();
}

async fn copy_and_transform(
    server: &PostgresServer,
    database: &PostgresDatabase,
    csv: &[std::path::PathBuf; 2],
) -> Seconds {
    let client = server.connect(&database.name).await;
    client.batch_execute(&format!("SET ROLE {POSTGRES_USER}")).await.unwrap();
    let library = SqlLibrary::embedded().unwrap();
    let dialect = Dialect::Postgres;
    for table in RunTables::all() {
        client.batch_execute(&ddl::create_private_table(&table, dialect).unwrap()).await.unwrap();
    }
    let begin = Instant::now();
    client.batch_execute("BEGIN").await.unwrap();
    for (table, path) in TABLES.iter().zip(csv) {
        let sink =
            client.copy_in::<_, Bytes>(&format!("COPY {table} FROM STDIN (FORMAT csv)")).await.unwrap();
        let (mut sink, mut file) = (Box::pin(sink), std::fs::File::open(path).unwrap());
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            if std::io::Read::by_ref(&mut file).take(CHUNK as u64).read_to_end(&mut chunk).unwrap() == 0 {
                break;
            }
            sink.send(Bytes::from(chunk)).await.unwrap();
        }
        sink.as_mut().finish().await.unwrap();
    }
    let copied = begin.elapsed().as_secs_f64();
    for table in TABLES {
        client.batch_execute(&format!("ANALYZE {table}")).await.unwrap();
    }
    let known = placeholders(&ScriptOptions { kind: LoadKind::First, ..ScriptOptions::default() });
    let parameters = context! {
        events => "staging_events", songs => "staging_songs", sessions => (), plays => (), times => (), ..known
    };
    let star =
        ["users", "artists", "songs"].map(|table| [format!("choose_{table}"), format!("insert_{table}")]);
    for name in star.concat().iter().map(String::as_str).chain(["insert_time", "insert_songplays"]) {
        let sql = library.render(name, dialect, parameters.clone()).unwrap();
        client.batch_execute(&sql).await.unwrap();
    }
    client.batch_execute("COMMIT").await.unwrap();
    let all = begin.elapsed().as_secs_f64();
    Seconds { copy: copied, star: all - copied, all }
}
