//! No SQL is where these tests would not find it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where SQL is at home, or goes to one engine that is not Redshift.
const AT_HOME: [&str; 4] = ["schema/src", "testkit/src", "warehouse/src/duckdb", "warehouse/src/postgres"];

/// What a statement begins with.
const VERBS: [&str; 21] = [
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER", "COPY", "UNLOAD", "LOCK",
    "ANALYZE", "VACUUM", "TRUNCATE", "SET", "BEGIN", "WITH", "EXPLAIN", "GRANT", "COMMIT", "ROLLBACK",
];
/// Verbs that are statements by themselves.
const ALONE: [&str; 3] = ["BEGIN", "COMMIT", "ROLLBACK"];

/// Texts that begin like a statement and are none, or one that is sent to no engine: file, text, and why.
const NONE: &[(&str, &str, &str)] = &[
    (
        "warehouse/src/script/mod.rs",
        "BEGIN",
        "it is printed; the engines begin their transactions themselves",
    ),
    ("warehouse/src/script/mod.rs", "COMMIT", "it is printed; the engines end their transactions themselves"),
    ("cli/src/args.rs", "SELECT …", "the value of an option in the help"),
    ("cli/src/commands/load.rs", "SELECT * FROM load_errors", "a hint for people"),
    ("infra/src/doctor/examine.rs", "COPY names that region", "a sentence"),
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The source without its tests and comments.
fn product_code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let tests = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
    if tests {
        return String::new();
    }
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The literals that begin with a verb of SQL and a blank.
fn statements(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices('"') {
        let text = &code[start + 1..];
        let text = text.trim_start_matches(|c: char| c == '\\' || c.is_whitespace());
        let begins = VERBS.iter().any(|verb| {
            text.strip_prefix(verb)
                .is_some_and(|rest| rest.starts_with(' ') || (rest.starts_with('"') && ALONE.contains(verb)))
        });
        if begins {
            found.push(text.chars().take_while(|c| *c != '"' && *c != '\n').collect());
        }
    }
    found
}

#[test]
fn no_other_crate_has_sql_of_its_own() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").canonicalize().unwrap();
    let mut paths = Vec::new();
    sources(&crates, &mut paths);
    assert!(paths.len() > 80, "{paths:?}");
    let mut strangers = String::new();
    let mut used = vec![false; NONE.len()];
    for path in paths {
        let name = path.strip_prefix(&crates).unwrap().to_str().unwrap().to_owned();
        if !name.contains("/src/") || AT_HOME.iter().any(|home| name.starts_with(home)) {
            continue;
        }
        for text in statements(&product_code(&path)) {
            match NONE.iter().position(|(file, known, _)| name == *file && text.starts_with(known)) {
                Some(position) => used[position] = true,
                None => strangers += &format!("{name}: {text}\n"),
            }
        }
    }
    assert!(strangers.is_empty(), "put it into sql/ or crates/schema/src/statements.rs:\n{strangers}");
    for ((file, text, _), used) in NONE.iter().zip(used) {
        assert!(used, "{text} is not in {file} any more");
    }
}

#[test]
fn sql_in_a_literal_is_noticed_wherever_it_begins() {
    for code in [
        "let sql = \"SELECT 1\";",
        "format!(\"DELETE FROM {table}\")",
        "const S: &str = \"\\\n    UPDATE t\\\n     SET x = 1\";",
        "execute(\"BEGIN\")",
    ] {
        assert_eq!(statements(code).len(), 1, "{code}");
    }
    assert!(statements("\"SELECTED\", \"nothing to DELETE \", \"Set it\"").is_empty());
}
