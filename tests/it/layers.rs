//! Dependencies between the crates point one way.

use std::{collections::BTreeSet, fs, path::Path};

/// Which of our crates each crate may use.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("schema", &[]),
    ("warehouse", &["schema"]),
    ("etl", &["schema", "storage", "warehouse"]),
    ("analytics", &["schema", "warehouse"]),
    ("storage", &[]),
    ("infra", &[]),
    ("eventsim", &[]),
    ("cli", &["schema", "warehouse", "etl", "analytics", "eventsim", "storage", "infra"]),
    ("testkit", &["schema", "warehouse"]),
];

fn crates() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

fn manifest(name: &str) -> toml::Table {
    fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap().parse().unwrap()
}

#[test]
fn each_crate_depends_only_on_layers_below_it() {
    for (name, allowed) in ALLOWED {
        let used = manifest(name)["dependencies"].as_table().unwrap().clone();
        let used: Vec<_> =
            used.keys().filter_map(|key| key.strip_prefix("sparkify-")).map(str::to_owned).collect();
        for other in used {
            assert!(allowed.contains(&other.as_str()), "{name} must not depend on {other}");
        }
    }
    let listed: BTreeSet<_> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
    let existing =
        fs::read_dir(crates()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(existing.collect::<BTreeSet<_>>(), listed);
}

#[test]
fn only_the_command_line_uses_anyhow_and_only_the_engine_crate_uses_duckdb() {
    for (name, _) in ALLOWED {
        let manifest = manifest(name);
        let dependencies = manifest["dependencies"].as_table().unwrap();
        assert!(name == "cli" || !dependencies.contains_key("anyhow"), "{name}");
        assert!(name == "warehouse" || !dependencies.contains_key("duckdb"), "{name}");
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{name} inherits the lints");
    }
}

#[test]
fn the_schema_crate_is_pure() {
    let manifest = manifest("schema");
    let names: Vec<_> = manifest["dependencies"].as_table().unwrap().keys().cloned().collect();
    assert_eq!(names, ["minijinja", "thiserror"], "no runtime, no engine, no files");
}
