//! `sql`.

use super::assert_text;
use crate::cli;

fn whole(dialect: &str) -> String {
    cli().run(["sql", "--dialect", dialect]).success().stdout
}

#[test]
fn the_sql_for_duckdb_is_as_reviewed() {
    assert_text!("sql_duckdb", whole("duckdb"));
}

#[test]
fn the_sql_for_postgres_is_as_reviewed() {
    assert_text!("sql_postgres", whole("postgres"));
}

#[test]
fn the_sql_for_redshift_is_as_reviewed() {
    assert_text!("sql_redshift", whole("redshift"));
}

#[test]
fn duckdb_is_the_dialect_if_none_is_named() {
    assert_eq!(cli().run(["sql"]).success().stdout, whole("duckdb"));
}

#[test]
fn a_load_of_any_dialect_is_one_transaction_with_every_check_in_it() {
    let cli = cli();
    let list = cli.run(["sql", "--list", "--format", "json"]).success().json();
    let rows = list.as_array().unwrap();
    let names = |kind: &str| -> Vec<_> {
        rows.iter().filter(|row| row["kind"] == kind).map(|row| row["name"].as_str().unwrap()).collect()
    };
    for dialect in ["duckdb", "postgres", "redshift"] {
        let text = whole(dialect);
        let position = |part: &str| text.find(part).unwrap_or_else(|| panic!("{dialect} has no {part}"));
        let (begins, commits) = (text.matches("\nBEGIN;\n").count(), text.matches("\nCOMMIT;\n").count());
        // Creating tables, the tables private to the load, and the load; on Redshift the lock, once more in
        // the first load of a database, which is undone at the end.
        let expected = if dialect == "redshift" { (5, 4) } else { (3, 3) };
        assert_eq!((begins, commits), expected, "{dialect}");
        let begin = position("-- from here on nothing is visible to others before the end\n");
        let commit = text.rfind("\nCOMMIT;\n").unwrap();
        assert!(
            text[begin..].lines().nth(1) == Some("BEGIN;") && !text[begin + 1..commit].contains("\nCOMMIT;")
        );
        for name in names("table") {
            assert!(position(&format!("CREATE TABLE IF NOT EXISTS {name} (")) < begin, "{dialect} {name}");
        }
        // One check is of the whole database, and no part of a load.
        let checks = names("quality").into_iter().filter(|name| *name != "row_counts_are_kept");
        for name in names("transform").into_iter().chain(checks) {
            let at = position(&format!("\n-- {name}: "));
            assert!(begin < at && at < commit, "{dialect} {name}");
        }
    }
}

#[test]
fn tables_and_statements_are_printed_by_name_in_the_order_they_are_named() {
    let text = cli().run(["sql", "match_rate", "users", "--dialect", "postgres"]).success().stdout;
    assert_text!("sql_by_name", text);
}

#[test]
fn the_match_rule_is_that_of_the_settings() {
    let cli = cli();
    let exact = cli.run(["sql", "insert_songplays"]).success().stdout;
    let title_artist = cli.run(["sql", "insert_songplays", "--match-rule", "title-artist"]).success().stdout;
    assert!(exact.contains("duration") && !title_artist.contains("duration"), "{exact}\n{title_artist}");
}

#[test]
fn every_name_of_the_list_has_its_sql() {
    let cli = cli();
    let list = cli.run(["sql", "--list", "--format", "csv"]).success().stdout;
    let names: Vec<_> = list.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert!(names.len() > 60, "{names:?}");
    for dialect in ["duckdb", "postgres", "redshift"] {
        let all = cli.run([&["sql", "--dialect", dialect], names.as_slice()].concat()).success().stdout;
        for name in &names {
            assert!(
                all.contains(&format!("-- {name}: ")) || all.contains(&format!("-- table {name}: ")),
                "{dialect} {name}"
            );
        }
    }
}

#[test]
fn what_only_redshift_gets_is_listed_and_printed_for_it_alone() {
    let cli = cli();
    let names =
        |dialect: &str| cli.run(["sql", "--list", "--format", "csv", "--dialect", dialect]).success().stdout;
    assert!(names("redshift").contains("load,copy_packed,"));
    assert!(!names("postgres").contains("copy_packed"));
    let copy = cli.run(["sql", "copy_packed", "--dialect", "redshift"]).success().stdout;
    assert!(copy.contains("IAM_ROLE '<role>'\nMANIFEST\nREGION '<region>'"), "{copy}");
    let finished = cli.run(["sql", "copy_packed"]).with_code(2);
    assert_eq!(finished.stderr, "error: copy_packed is for redshift only\nhint: add --dialect redshift\n");
}

#[test]
fn what_the_settings_say_of_redshift_is_printed_in_the_place_of_placeholders() {
    let role = "arn:aws:iam::123456789012:role/sparkify";
    let url = "redshift://etl:hunter2@music.abc.us-west-2.redshift.amazonaws.com/music?statement_timeout=60&query_group=etl";
    let text = cli()
        .run([
            "sql",
            "--dialect",
            "redshift",
            "--warehouse",
            url,
            "--stage",
            "s3://our-stage/loads/",
            "--iam-role",
            role,
            "--s3-region",
            "eu-west-1",
            "--stage-region",
            "us-west-2",
            "--wait",
            "30s",
        ])
        .success()
        .stdout;
    for sent in [
        "SET search_path TO public;",
        "SET statement_timeout TO 60000;",
        "SET statement_timeout TO 30000;",
        "SET query_group TO 'etl';",
        "BTRIM(db_name) = 'music';",
        "FROM 's3://our-stage/loads/<database id>/<load>/<table>/manifest-<sha256>.json'\nIAM_ROLE 'arn:aws:iam::123456789012:role/sparkify'\nMANIFEST\nREGION 'us-west-2'",
    ] {
        assert!(text.contains(sent), "{sent} in {text}");
    }
    for other in ["<role>", "<region>", "<bucket>", "statement_timeout TO 0;", "hunter2"] {
        assert!(!text.contains(other), "{other} in {text}");
    }
}

#[test]
fn an_unknown_name_is_wrong_usage_and_prints_nothing() {
    let finished = cli().run(["sql", "users", "userz"]).with_code(2);
    assert_eq!(finished.stdout, "");
    assert_eq!(
        finished.stderr,
        "error: there is no table or statement named \"userz\"\nhint: `sparkify-cli sql --list` lists the names\n"
    );
}

#[test]
fn an_unknown_dialect_is_wrong_usage() {
    let finished = cli().run(["sql", "--dialect", "oracle"]).with_code(2);
    assert_eq!(finished.stdout, "");
    for text in ["\"oracle\"", "duckdb", "postgres", "redshift"] {
        assert!(finished.stderr.contains(text), "{}", finished.stderr);
    }
}

#[test]
fn files_of_ones_own_replace_and_add_statements() {
    let cli = cli();
    let folder = cli.directory().join("my/analytics");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("90_answer.sql"),
        "-- name: answer\n-- purpose: the answer\nSELECT 42 AS answer\n",
    )
    .unwrap();
    let _ = cli.run(["create-tables"]).success();
    let finished = cli.run(["explore", "answer", "--sql-dir", "my"]).success();
    assert_eq!(finished.stdout, "answer: the answer\nanswer\n------\n    42\n");
    let finished = cli.run(["sql", "--sql-dir", "none"]).with_code(1);
    assert!(finished.stderr.contains("the SQL directory none cannot be read"), "{}", finished.stderr);
}
