use super::*;
use crate::dialect::quote_literal;

/// All parameters: of a load that changes everything, or of one that begins with empty tables.
fn every_parameter(match_rule: &str, rematch_all: bool) -> Value {
    let bounds = |low: i64, high: i64| (!rematch_all).then(|| context! { low, high });
    context! {
        events => "sparkify_run_events", songs => "sparkify_run_songs", match_rule, rematch_all,
        changed_events => !rematch_all, changed_songs => !rematch_all, touches_songs => !rematch_all,
        first => rematch_all, touched => !rematch_all,
        sessions => bounds(1, 2), plays => bounds(3, 4), times => bounds(5, 6),
        row_counts => vec![context! { table => "users", added => 1, removed => 2, rows => 3 }; 2],
        matched_songplays => 4,
        table => "sparkify_run_events", model => "staging_events", column_list => "artist, auth", compression => "GZIP", region => "us-west-2",
        manifest => "s3://bucket/it's.manifest", json_paths => "s3://bucket/paths.json",
        role => "arn:aws:iam::123456789012:role/name", query_id => 1, session_id => 2, since => "2018-11-30 00:00:00",
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

/// The dialects that a file is for.
fn dialects(file: &SqlFile) -> Vec<Dialect> {
    match file.folder {
        Folder::Load => vec![Dialect::Redshift],
        _ => Dialect::ALL.to_vec(),
    }
}

#[test]
fn names_are_unique_and_stand_in_the_file_name() {
    let library = SqlLibrary::embedded().unwrap();
    assert_eq!(library.files.len(), embedded::FILES.len(), "two files have the same name");
    assert!(library.files.len() > 80, "{}", library.files.len());
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
        for dialect in dialects(file) {
            for (match_rule, rematch_all) in [("exact", false), ("title-artist", true)] {
                let sql =
                    library.render(&file.name, dialect, every_parameter(match_rule, rematch_all)).unwrap();
                let parser: &dyn ParserDialect = match dialect {
                    Dialect::DuckDb => &DuckDbDialect {},
                    Dialect::Postgres => &PostgreSqlDialect {},
                    Dialect::Redshift => &RedshiftSqlDialect {},
                };
                // The parser does not know this option.
                let known = sql.replace("MAXERROR 0", "");
                let statements =
                    Parser::parse_sql(parser, &known).unwrap_or_else(|e| panic!("{}: {e}\n{sql}", file.path));
                assert_eq!(statements.len(), 1, "one statement per file: {}", file.path);
            }
        }
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
fn what_copy_takes_is_held_against_the_rules_of_the_model() {
    let library = SqlLibrary::embedded().unwrap();
    let render = |name: &str, model: &str| {
        let parameters = context! { table => "batch", model };
        library.render(name, Dialect::Redshift, parameters).unwrap()
    };
    let mut all = String::new();
    for model in ["staging_events", "staging_songs"] {
        for name in ["broken_rules", "json_texts", "plain_zeros"] {
            all.push_str(&format!("-- {name} of {model}\n{};\n\n", render(name, model)));
        }
    }
    insta::assert_snapshot!("rules_after_copy", all);
}

#[test]
fn copy_always_names_its_region_and_allows_no_error() {
    let library = SqlLibrary::embedded().unwrap();
    for name in ["copy_packed", "copy_objects"] {
        let sql = library.render(name, Dialect::Redshift, every_parameter("exact", false)).unwrap();
        for part in [
            "COPY sparkify_run_events (artist, auth)\nFROM 's3://bucket/it''s.manifest'",
            "IAM_ROLE 'arn:aws:iam::123456789012:role/name'\nMANIFEST\nREGION 'us-west-2'",
            "GZIP\nFORMAT AS JSON 's3://bucket/paths.json'",
            "COMPUPDATE OFF\nSTATUPDATE OFF\nMAXERROR 0",
        ] {
            assert!(sql.contains(part), "{part} is not in\n{sql}");
        }
        // They would hide that values were changed.
        assert!(!sql.contains("TRUNCATECOLUMNS") && !sql.contains("ACCEPTINVCHARS"), "{sql}");
    }
    let default = context! { role => "default", ..every_parameter("exact", false) };
    let sql = library.render("copy_packed", Dialect::Redshift, default).unwrap();
    assert!(sql.contains("IAM_ROLE default\nMANIFEST"), "{sql}");
}

#[test]
fn the_statements_that_the_engine_counts_on_are_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let load = directory.path().join("load");
    std::fs::create_dir(&load).unwrap();
    std::fs::write(load.join("copy_packed.sql"), "-- name: copy_packed\n-- purpose: x\nSELECT 1").unwrap();
    let library = SqlLibrary::with_overrides(directory.path()).unwrap();
    assert!(library.file("copy_packed").unwrap().text.starts_with("COPY"));
}

#[test]
fn a_file_replaces_a_statement_of_its_own_folder_only() {
    for (folder, name, taken) in [
        ("analytics", "insert_load_run", "ledger/insert_load_run.sql"),
        ("quality", "copy_packed", "load/copy_packed.sql"),
        ("analytics", "insert_songplays", "transform/insert_songplays.sql"),
        ("parts", "row_counts", "analytics/01_row_counts.sql"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join(folder);
        std::fs::create_dir(&folder).unwrap();
        let text = format!("-- name: {name}\n-- purpose: x\nSELECT 1");
        std::fs::write(folder.join("mine.sql"), text).unwrap();
        let error = SqlLibrary::with_overrides(directory.path()).unwrap_err().to_string();
        for part in ["mine.sql", name, taken, "of its own folder only"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn two_files_of_an_override_directory_cannot_have_one_name() {
    let directory = tempfile::tempdir().unwrap();
    let quality = directory.path().join("quality");
    std::fs::create_dir(&quality).unwrap();
    // The first has the path of the file that it replaces.
    for file in ["users_id_unique.sql", "mine.sql"] {
        let text = "-- name: users_id_unique\n-- purpose: x\nSELECT 1";
        std::fs::write(quality.join(file), text).unwrap();
    }
    let error = SqlLibrary::with_overrides(directory.path()).unwrap_err();
    assert!(matches!(error, Error::NameTaken { .. }), "{error}");
}

#[test]
fn the_embedded_statements_are_read_once_and_each_template_is_compiled_once_for_a_dialect() {
    let (one, two) = (SqlLibrary::embedded().unwrap(), SqlLibrary::embedded().unwrap());
    assert!(Arc::ptr_eq(&one.files, &two.files) && Arc::ptr_eq(&one.templates, &two.templates));
    let compiled =
        |library: &SqlLibrary| std::ptr::from_ref(library.templates.environment(Dialect::Postgres));
    let _ = one.render("top_songs", Dialect::Postgres, context! {}).unwrap();
    assert_eq!(compiled(&one), compiled(&two.clone()));
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
