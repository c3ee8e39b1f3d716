//! Whatever the order in which files arrive, one at a time or together, the tables are the same.

use std::path::{Path, PathBuf};

use sparkify_testkit::{DataSet, Dump, dump, dump_without_ids, real_data};

use crate::cli;

/// The real data, or the sample where it is not at hand.
fn source() -> (PathBuf, Option<tempfile::TempDir>) {
    if let Some(path) = real_data() {
        return (path, None);
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sample");
    sparkify_eventsim::Sample::default().write(&path).unwrap();
    (path, Some(directory))
}

/// The names of all data files below a folder, sorted.
fn names(source: &Path, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![source.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(source).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// A fixed shuffle, another one for each seed.
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for index in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(index, usize::try_from(seed >> 33).unwrap() % (index + 1));
    }
}

fn load_in_parts(source: &Path, parts: &[&[String]]) -> Dump {
    let (cli, data) = (cli(), DataSet::new());
    for part in parts {
        for name in *part {
            data.copy_from(source, name);
        }
        let _ = cli.load(&data.path());
    }
    dump_without_ids(&cli.database())
}

#[test]
fn log_files_one_at_a_time_in_any_order_give_the_same_tables_as_all_at_once() {
    let (source, _guard) = source();
    let (mut logs, songs) = (names(&source, "log_data"), names(&source, "song_data"));
    let all: Vec<_> = logs.iter().chain(&songs).cloned().collect();
    let together = load_in_parts(&source, &[&all]);

    for seed in [1, 2] {
        shuffle(&mut logs, seed);
        let mut parts: Vec<_> = logs.chunks(1).collect();
        // The songs come first, last, or in the middle.
        parts.insert([0, parts.len() / 2, parts.len()][usize::try_from(seed).unwrap() % 3], &songs);
        assert!(load_in_parts(&source, &parts) == together, "order {seed}");
    }
    logs.reverse();
    let mut parts: Vec<_> = logs.chunks(7).collect();
    let (first, second) = songs.split_at(songs.len() / 2);
    parts.insert(0, second);
    parts.push(first);
    assert!(load_in_parts(&source, &parts) == together, "in groups, backwards");
}

#[test]
fn a_second_run_loads_nothing_and_changes_nothing() {
    let (source, _guard) = source();
    let cli = cli();
    let first = cli.load(&source);
    let (tables, bytes) = (dump(&cli.database()), std::fs::read(cli.database()).unwrap());
    let second = cli.load(&source);
    assert_eq!(second["files"]["loaded"], 0);
    assert_eq!(second["files"]["skipped"], first["files"]["found"]);
    assert_eq!(second["records"]["read"], 0);
    assert_eq!(second["tables"], first["tables"]);
    assert!(dump(&cli.database()) == tables);
    assert!(std::fs::read(cli.database()).unwrap() == bytes, "not a byte of the file changes");
}

#[test]
fn two_loads_of_the_same_files_give_identical_tables_ids_included() {
    let (source, _guard) = source();
    let (one, other) = (cli(), cli());
    let _ = one.load_with(&source, &["--threads", "1"]);
    let _ = other.load_with(&source, &["--threads", "8"]);
    assert!(dump(&one.database()) == dump(&other.database()));
}
