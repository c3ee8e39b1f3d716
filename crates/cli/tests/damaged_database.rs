//! Databases whose tables are not as they should be: missing, of another shape, with damaged rows.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use sparkify_testkit::{Cli, DataSet, Event, Song, query};
use sparkify_warehouse::{
    Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
};

fn cli() -> Cli {
    Cli::new(env!("CARGO_BIN_EXE_sparkify-cli"))
}

/// Runs statements on the database, which is made if it is not there.
fn execute(cli: &Cli, statements: &[&str]) {
    let warehouse = DuckDbWarehouse::open(&DuckDbOptions::file(cli.database())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let statements = statements.iter().map(|sql| (*sql).to_owned()).collect();
    runtime.block_on(warehouse.transact(statements)).unwrap();
    runtime.block_on(warehouse.close()).unwrap();
}

/// Two plays by two users, one of them matched.
fn data() -> DataSet {
    let data = DataSet::new();
    data.write_events("1.json", &[Event::play(1, 0), Event::play(2, 0).user(2).song("Other")]);
    data.write_songs("1.json", &[Song::new("SO1", "AR1")]);
    data
}

fn loaded() -> Cli {
    let cli = cli();
    let _ = cli.load(&data().path());
    cli
}

#[test]
fn check_of_a_good_database_holds() {
    let cli = loaded();
    let finished = cli.run(["check"]).success();
    assert_eq!(finished.stderr, "");
    assert!(!finished.stdout.contains("FAILED"), "{}", finished.stdout);
    let checks = cli.run(["check", "--format", "json"]).success().json();
    let checks = checks.as_array().unwrap();
    assert!(checks.len() > 20);
    for check in checks {
        assert_eq!((&check["result"], &check["violations"]), (&"ok".into(), &0.into()), "{check}");
    }
}

#[test]
fn check_names_each_check_that_fails() {
    let expect = |statement: &str, names: &[&str]| {
        let cli = loaded();
        execute(&cli, &[statement]);
        let finished = cli.run(["check"]).with_code(3);
        let failed: Vec<_> = finished
            .stdout
            .lines()
            .filter(|line| line.contains(" FAILED "))
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert_eq!(failed, names, "{statement}");
        let plural = if names.len() == 1 { "" } else { "s" };
        let message = format!("error: {} quality check{plural} failed: {}\n", names.len(), names.join(", "));
        assert!(finished.stderr.starts_with(&message), "{statement}: {}", finished.stderr);
        assert!(finished.stderr.contains(&format!("`sparkify-cli sql {}`", names[0])), "{}", finished.stderr);
        let _ = cli.run(["sql", names[0]]).success();
    };
    expect("UPDATE artists SET latitude = 91", &["artists_coordinates_in_range"]);
    expect(
        "INSERT INTO users SELECT * FROM users WHERE user_id = 2",
        &["row_counts_are_kept", "users_id_unique", "users_reconcile_with_staging", "users_user_id_unique"],
    );
    expect(
        "UPDATE songs SET artist_id = 'AR2'",
        &["songplays_song_and_artist_agree", "songs_artist_id_resolves"],
    );
}

#[test]
fn a_failed_check_in_json_is_one_document() {
    let cli = loaded();
    execute(&cli, &["INSERT INTO users SELECT id + 100, user_id, NULL, NULL, NULL, level FROM users"]);
    let checks = cli.run(["check", "--format", "json"]).with_code(3).json();
    let check = checks.as_array().unwrap().iter().find(|check| check["check"] == "users_user_id_unique");
    assert_eq!(check.unwrap()["result"], "FAILED");
    assert_eq!(check.unwrap()["violations"], 2);
}

#[test]
fn a_table_with_other_columns_is_named_and_left_as_it_is() {
    for (statement, expected) in [
        ("ALTER TABLE users RENAME COLUMN user_id TO name", "column 2 of users is name, not user_id"),
        (
            "ALTER TABLE time ALTER COLUMN start_time TYPE VARCHAR",
            "time.start_time is VARCHAR, not timestamp",
        ),
        ("ALTER TABLE songs DROP COLUMN duration", "songs has no column duration"),
    ] {
        let cli = cli();
        let _ = cli.run(["create-tables"]).success();
        execute(&cli, &[statement]);
        let before = std::fs::read(cli.database()).unwrap();
        let data = data();
        let source = data.path();
        for command in [&["create-tables"][..], &["run", "--source", source.to_str().unwrap()]] {
            let finished = cli.run(command).with_code(1);
            assert!(finished.stderr.contains(expected), "{statement}: {}", finished.stderr);
            assert!(finished.stderr.contains("create-tables --drop"), "{}", finished.stderr);
            assert_eq!(finished.stdout, "");
            assert!(std::fs::read(cli.database()).unwrap() == before, "{statement}");
        }
        // What the hint says helps.
        let _ = cli.run(["create-tables", "--drop", "--yes"]).success();
        let _ = cli.load(&source);
    }
}

#[test]
fn a_further_column_is_reported_and_a_further_table_is_not() {
    let cli = loaded();
    execute(&cli, &["CREATE TABLE notes (text VARCHAR)", "INSERT INTO notes VALUES ('mine')"]);
    let _ = cli.run(["create-tables"]).success();
    execute(&cli, &["ALTER TABLE users ADD COLUMN nickname VARCHAR"]);
    let finished = cli.run(["create-tables"]).with_code(1);
    assert!(finished.stderr.contains("users has a column nickname"), "{}", finished.stderr);
    let _ = cli.run(["create-tables", "--drop", "--yes"]).success();
    assert_eq!(query(&cli.database(), "FROM notes"), [["mine"]], "other tables are not ours to drop");
}

#[test]
fn without_tables_etl_check_and_explore_say_so_and_what_to_do() {
    let cli = cli();
    execute(&cli, &["CREATE TABLE notes (text VARCHAR)"]);
    let data = data();
    let source = data.path();
    for command in [&["etl", "--source", source.to_str().unwrap()][..], &["check"], &["explore", "top_songs"]]
    {
        let finished = cli.run(command).with_code(1);
        assert!(finished.stderr.contains("the database has no table "), "{command:?}: {}", finished.stderr);
        assert!(finished.stderr.contains("songplays"), "{command:?}: {}", finished.stderr);
        assert!(finished.stderr.contains("`sparkify-cli create-tables`"), "{command:?}: {}", finished.stderr);
        assert!(!finished.stderr.contains("--drop"), "nothing is there to be dropped: {}", finished.stderr);
        assert_eq!(finished.stdout, "");
    }
    assert_eq!(query(&cli.database(), "SHOW TABLES"), [["notes"]]);
    let _ = cli.run(["create-tables"]).success();
    let _ = cli.run(["etl", "--source", source.to_str().unwrap()]).success();
}
