use std::collections::BTreeSet;

use super::*;
use crate::dialect::quote_literal;

fn every_parameter(match_rule: &str, rematch_all: bool) -> Value {
    context! {
        batch_events => "batch_events",
        batch_songs => "batch_songs",
        match_rule,
        rematch_all,
        run_id => "0193",
        source => "/data/o'brien\\\n\n\r\n",
        files_loaded => 1,
        records_read => 5,
        records_staged => 3,
        records_rejected => 1,
        records_duplicate => 1,
        tool_version => "0.1.0",
    }
}

#[test]
fn every_file_of_the_sql_folder_is_embedded_and_none_besides() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
    let mut on_disk = BTreeSet::new();
    for folder in Folder::ALL {
        for entry in std::fs::read_dir(root.join(folder.name())).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            on_disk.insert(format!("{}/{name}", folder.name()));
        }
    }
    let embedded: BTreeSet<_> = embedded::FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(on_disk, embedded);
}

#[test]
fn names_are_unique_and_stand_in_the_file_name() {
    let library = SqlLibrary::embedded().unwrap();
    assert_eq!(library.files.len(), embedded::FILES.len(), "two files have the same name");
    for file in library.files.values() {
        assert!(
            file.path.trim_end_matches(".sql").ends_with(&file.name),
            "{} is named {}",
            file.path,
            file.name
        );
    }
}

#[test]
fn every_statement_renders_and_parses_in_every_dialect() {
    use sqlparser::{
        dialect::{Dialect as ParserDialect, DuckDbDialect, PostgreSqlDialect, RedshiftSqlDialect},
        parser::Parser,
    };
    let library = SqlLibrary::embedded().unwrap();
    for file in library.files.values().filter(|file| file.folder != Folder::Parts) {
        for dialect in Dialect::ALL {
            for (match_rule, rematch_all) in [("exact", false), ("title-artist", true)] {
                let sql =
                    library.render(&file.name, dialect, every_parameter(match_rule, rematch_all)).unwrap();
                let parser: &dyn ParserDialect = match dialect {
                    Dialect::DuckDb => &DuckDbDialect {},
                    Dialect::Postgres => &PostgreSqlDialect {},
                    Dialect::Redshift => &RedshiftSqlDialect {},
                };
                let statements =
                    Parser::parse_sql(parser, &sql).unwrap_or_else(|e| panic!("{}: {e}\n{sql}", file.path));
                assert_eq!(statements.len(), 1, "one statement per file: {}", file.path);
            }
        }
    }
}

#[test]
fn the_transform_steps_are_the_files_of_the_folder_in_their_order() {
    let library = SqlLibrary::embedded().unwrap();
    let files: Vec<_> = library.folder(Folder::Transform).iter().map(|file| file.name.clone()).collect();
    let steps: Vec<_> = transform_steps().iter().map(|step| step.name.to_owned()).collect();
    assert_eq!(steps, files);
}

#[test]
fn the_transforms_are_as_reviewed() {
    let library = SqlLibrary::embedded().unwrap();
    for dialect in Dialect::ALL {
        let mut all = String::new();
        for step in transform_steps() {
            let sql = library.render(step.name, dialect, every_parameter("exact", false)).unwrap();
            all.push_str(&format!("-- {}\n{sql};\n\n", step.name));
        }
        insta::assert_snapshot!(format!("transforms_{dialect}"), all);
    }
}

#[test]
fn redshift_gets_none_of_the_constructs_it_refuses() {
    let library = SqlLibrary::embedded().unwrap();
    for file in library.files.values().filter(|file| file.folder != Folder::Parts) {
        let sql = library.render(&file.name, Dialect::Redshift, every_parameter("exact", false)).unwrap();
        let upper = sql.to_uppercase();
        for refused in [
            "ON CONFLICT",
            "RETURNING",
            "DISTINCT ON",
            "LATERAL",
            " FILTER (",
            "GENERATE_SERIES",
            "NOW()",
            "STRING_AGG",
            "ARRAY_AGG",
            "IS DISTINCT FROM",
            "IS NOT DISTINCT FROM",
            "VALUES (",
            "TRUNCATE",
            "COLLATE",
            "::TEXT",
            "EPOCH_MS",
        ] {
            assert!(!upper.contains(refused), "{refused} in {}:\n{sql}", file.path);
        }
        assert!(!upper.trim_start().starts_with("WITH ") || !upper.contains("INSERT INTO"), "{}", file.path);
    }
}

#[test]
fn a_text_of_a_parameter_is_quoted_and_keeps_its_lines() {
    let library = SqlLibrary::embedded().unwrap();
    for dialect in Dialect::ALL {
        let sql = library.render("insert_load_run", dialect, every_parameter("exact", false)).unwrap();
        let literal = quote_literal(dialect, "/data/o'brien\\\n\n\r\n").unwrap();
        assert!(sql.contains(&format!("    {literal},\n")), "{sql}");
    }
}

#[test]
fn a_missing_parameter_is_an_error_not_an_empty_text() {
    let library = SqlLibrary::embedded().unwrap();
    let error = library.render("insert_songplays", Dialect::DuckDb, context! {}).unwrap_err();
    assert!(matches!(error, Error::Render { .. }));
}

#[test]
fn an_override_directory_replaces_by_name_and_adds_files() {
    let directory = tempfile::tempdir().unwrap();
    let analytics = directory.path().join("analytics");
    std::fs::create_dir(&analytics).unwrap();
    std::fs::write(analytics.join("mine.sql"), "-- name: mine\n-- purpose: a test\nSELECT 1;\n").unwrap();
    let library = SqlLibrary::with_overrides(directory.path()).unwrap();
    assert_eq!(library.render("mine", Dialect::DuckDb, context! {}).unwrap(), "SELECT 1");
    assert!(library.file("insert_users").is_ok());

    std::fs::write(analytics.join("bad.sql"), "SELECT 1").unwrap();
    assert!(matches!(SqlLibrary::with_overrides(directory.path()), Err(Error::Header { .. })));
    assert!(matches!(SqlLibrary::with_overrides(Path::new("/nowhere")), Err(Error::Directory { .. })));
}
