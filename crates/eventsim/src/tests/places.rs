//! Where data sets are written, and what stays there.

use std::fs;
use std::path::{Path, PathBuf};

use super::listing;
use crate::{
    Error, Existing, LocalDirectory, Progress, Sample, Settings, Sink, Volume, Written, foreign_file,
    generate,
};

fn small() -> Sample {
    Sample { users: 3, songs: 5, days: 2, ..Sample::default() }
}

fn write(target: &Path, existing: Existing, seed: u64) -> Result<Written, Error> {
    let sink = LocalDirectory::create(target, existing)?;
    let settings = Settings { seed, ..small().settings() };
    generate(&settings, &sink, &Progress::default())
}

#[test]
fn an_existing_directory_is_refused_and_left_untouched() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("sample");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("mine"), "mine").unwrap();
    let error = small().write(&directory).unwrap_err();
    assert!(matches!(&error, Error::Exists { path } if *path == directory));
    assert_eq!(listing(&directory), [directory.join("mine")]);
    assert_eq!(listing(parent.path()), [directory], "nothing is left beside it");
}

#[test]
fn only_the_sample_is_left_beside_others() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("deep/sample");
    let mine = parent.path().join(format!("deep/sample.partial-{}", std::process::id()));
    // No process has such a number.
    let stale = parent.path().join("deep/sample.partial-4194305");
    let not_ours = parent.path().join("deep/sample.partial-backup");
    for folder in [&mine, &stale, &not_ours] {
        fs::create_dir_all(folder.join("song_data")).unwrap();
    }
    fs::write(mine.join("left over"), "").unwrap();
    small().write(&directory).unwrap();
    assert!(!directory.join("left over").exists());
    assert_eq!(listing(&parent.path().join("deep")), [directory, not_ours]);
}

#[test]
fn a_generated_data_set_is_replaced_and_nothing_else_is() {
    let parent = tempfile::tempdir().unwrap();
    let target = parent.path().join("data");
    write(&target, Existing::ReplaceGenerated, 1).unwrap();
    let first = fs::read_to_string(target.join("answers.json")).unwrap();
    write(&target, Existing::ReplaceGenerated, 2).unwrap();
    let second = fs::read_to_string(target.join("answers.json")).unwrap();
    assert_ne!(first, second);
    let names: Vec<_> =
        listing(&target).into_iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["answers.json", "log_data", "log_json_path.json", "song_data"]);

    for foreign in ["mine.txt", "log_data/2018/mine.json", "song_data/A/mine.json"] {
        let path = target.join(foreign);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "mine").unwrap();
        let error = write(&target, Existing::ReplaceGenerated, 3).unwrap_err();
        assert!(matches!(error, Error::Foreign { .. }), "{foreign}: {error}");
        assert!(error.hint().unwrap().contains("--force"));
        assert_eq!(fs::read_to_string(target.join("answers.json")).unwrap(), second);
        fs::remove_file(&path).unwrap();
    }
    // Data without answers was made by somebody else.
    fs::remove_file(target.join("answers.json")).unwrap();
    let error = write(&target, Existing::ReplaceGenerated, 3).unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
}

#[test]
fn answers_of_somebody_else_are_not_replaced() {
    let parent = tempfile::tempdir().unwrap();
    let target = parent.path().join("data");
    fs::create_dir(&target).unwrap();
    for mine in [
        &b"{\"1\": \"b\", \"2\": \"d\"}"[..],
        b"my answers",
        b"\xff\xfe",
        b"",
        br#"{"files": {"count": 0, "names": "0000000000000000"}}"#,
    ] {
        fs::write(target.join("answers.json"), mine).unwrap();
        let error = write(&target, Existing::ReplaceGenerated, 1).unwrap_err();
        assert!(matches!(&error, Error::Foreign { example, .. } if example == "answers.json"), "{error}");
        assert_eq!(fs::read(target.join("answers.json")).unwrap(), mine);
        assert_eq!(listing(&target).len(), 1);
    }
    write(&target, Existing::ReplaceAll, 1).unwrap();
    // Its own, of which the rest is gone, it replaces.
    for entry in listing(&target).into_iter().filter(|path| !path.ends_with("answers.json")) {
        if entry.is_dir() { fs::remove_dir_all(entry).unwrap() } else { fs::remove_file(entry).unwrap() }
    }
    write(&target, Existing::ReplaceGenerated, 2).unwrap();
}

/// A data set in a directory that is being replaced by another one, which a process that is no more was to do.
struct HalfReplaced {
    parent: tempfile::TempDir,
    target: PathBuf,
    partial: PathBuf,
    replaced: PathBuf,
}

impl HalfReplaced {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("data");
        write(&target, Existing::Refuse, 1).unwrap();
        let [partial, replaced] = [".partial-4194305", ".replaced-4194305"].map(|name| target.join(name));
        write(&partial, Existing::Refuse, 2).unwrap();
        fs::create_dir(&replaced).unwrap();
        Self { parent, target, partial, replaced }
    }

    fn answers(&self) -> String {
        fs::read_to_string(self.target.join("answers.json")).unwrap()
    }
}

#[test]
fn a_replacement_that_was_interrupted_anywhere_is_ended_by_the_next_run() {
    let expected = fs::read_to_string(HalfReplaced::new().partial.join("answers.json")).unwrap();
    let moves = 8;
    for done in 0..=moves {
        let half = HalfReplaced::new();
        let all = crate::sink::moves(&half.target, &half.replaced, &half.partial);
        assert_eq!(all.len(), moves);
        for (from, to) in &all[..done] {
            fs::rename(from, to).unwrap();
        }
        // A run that makes nothing leaves a whole data set, and nothing else.
        let sink = LocalDirectory::create(&half.target, Existing::ReplaceGenerated)
            .unwrap_or_else(|error| panic!("after {done} moves: {error}"));
        sink.discard();
        assert!(half.answers() == expected, "after {done} moves");
        assert_eq!(listing(&half.target).len(), 4, "after {done} moves");
        let answers = half.answers();
        let names = files_below(&half.target);
        assert_eq!(
            foreign_file(names.iter().map(String::as_str), Some(&answers)),
            None,
            "after {done} moves"
        );
        // One that makes something replaces it.
        write(&half.target, Existing::ReplaceGenerated, 3).unwrap();
        assert_eq!(listing(half.parent.path()), std::slice::from_ref(&half.target));
        assert_eq!(listing(&half.target).len(), 4);
    }
}

#[test]
fn the_only_copy_of_a_data_set_is_never_removed() {
    let half = HalfReplaced::new();
    let all = crate::sink::moves(&half.target, &half.replaced, &half.partial);
    for (from, to) in &all[..4] {
        fs::rename(from, to).unwrap();
    }
    // Without the new data set nothing can be ended.
    fs::remove_dir_all(&half.partial).unwrap();
    write(&half.target, Existing::ReplaceGenerated, 3).unwrap();
    assert_eq!(listing(&half.replaced).len(), 4);
}

#[test]
fn what_was_replaced_and_not_yet_removed_is_removed() {
    let half = HalfReplaced::new();
    for (from, to) in crate::sink::moves(&half.target, &half.replaced, &half.partial) {
        fs::rename(from, to).unwrap();
    }
    fs::remove_dir_all(&half.partial).unwrap();
    let expected = half.answers();
    LocalDirectory::create(&half.target, Existing::ReplaceGenerated).unwrap().discard();
    assert_eq!((half.answers(), listing(&half.target).len()), (expected, 4));
}

#[test]
fn another_process_that_still_runs_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let target = parent.path().join("data");
    write(&target, Existing::Refuse, 1).unwrap();
    // The first process of all.
    for name in [".partial-1", ".replaced-1"] {
        fs::create_dir(target.join(name)).unwrap();
        fs::write(target.join(name).join("answers.json"), "").unwrap();
    }
    write(&target, Existing::ReplaceGenerated, 2).unwrap();
    assert_eq!(listing(&target).len(), 6);
}

#[test]
fn a_directory_can_be_named_by_dots() {
    let parent = tempfile::tempdir().unwrap();
    let target = parent.path().join("data");
    fs::create_dir(&target).unwrap();
    for name in [target.join("."), target.join("./"), target.join("../data/.")] {
        write(&name, Existing::ReplaceGenerated, 1).unwrap();
        assert_eq!(listing(&target).len(), 4);
    }
    let error = write(&parent.path().join("missing/.."), Existing::ReplaceGenerated, 1).unwrap_err();
    assert!(matches!(error, Error::Unnamed { .. }), "{error}");
}

#[test]
fn the_names_that_a_run_may_write_are_known_beforehand() {
    for compression in [crate::Compression::None, crate::Compression::Zstd] {
        let settings = Settings { traps: true, corrupt: true, compression, ..small().settings() };
        let names = crate::file_names(&settings);
        let disk = super::disk::Disk::of(&settings);
        for name in disk.files.keys() {
            assert!(names.contains(name), "{name}");
        }
        // Of each day three files, of which not all come to be.
        let surplus: Vec<_> = names.iter().filter(|name| !disk.files.contains_key(*name)).collect();
        assert!(
            surplus.iter().all(|name| name.starts_with("log_data/")) && surplus.len() <= 6,
            "{surplus:?}"
        );
    }
}

/// The names of all files below a directory.
fn files_below(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in listing(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else {
                names.push(path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    names
}

#[test]
fn an_empty_directory_is_filled_and_force_leaves_other_files_alone() {
    let parent = tempfile::tempdir().unwrap();
    let target = parent.path().join("data");
    fs::create_dir(&target).unwrap();
    write(&target, Existing::ReplaceGenerated, 1).unwrap();
    fs::write(target.join("mine.txt"), "mine").unwrap();
    fs::write(target.join("log_data/old.json"), "old").unwrap();
    write(&target, Existing::ReplaceAll, 2).unwrap();
    assert_eq!(fs::read_to_string(target.join("mine.txt")).unwrap(), "mine");
    assert!(!target.join("log_data/old.json").exists());
    assert_eq!(listing(&target).len(), 5);
}

#[test]
fn a_run_that_is_stopped_leaves_nothing_and_what_was_there_stays() {
    let parent = tempfile::tempdir().unwrap();
    let target = parent.path().join("data");
    let progress = Progress::default();
    progress.cancel();
    let sink = LocalDirectory::create(&target, Existing::Refuse).unwrap();
    assert!(matches!(generate(&small().settings(), &sink, &progress), Err(Error::Cancelled)));
    assert_eq!(listing(parent.path()), [""; 0].map(std::path::PathBuf::from));

    write(&target, Existing::Refuse, 1).unwrap();
    let before = fs::read_to_string(target.join("answers.json")).unwrap();
    let sink = LocalDirectory::create(&target, Existing::ReplaceGenerated).unwrap();
    assert!(matches!(generate(&small().settings(), &sink, &progress), Err(Error::Cancelled)));
    assert_eq!(fs::read_to_string(target.join("answers.json")).unwrap(), before);
    assert_eq!(listing(&target).len(), 4);
}

#[test]
fn an_error_names_the_path() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("file"), "").unwrap();
    let error = small().write(&parent.path().join("file/sample")).unwrap_err();
    assert!(error.to_string().contains("sample"), "{error}");
    let error = small().write(Path::new("")).unwrap_err();
    assert!(matches!(error, Error::Unnamed { .. }), "{error}");
    let sink = LocalDirectory::create(&parent.path().join("data"), Existing::Refuse).unwrap();
    assert!(sink.location().ends_with("data"));
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let good = small().settings();
    let wrong = [
        ("to", Settings { to: good.from, ..good }),
        ("match_rate", Settings { match_rate: 1.5, ..good }),
        ("growth_rate", Settings { growth_rate: -1.0, ..good }),
        ("attrition_rate", Settings { attrition_rate: f64::NAN, ..good }),
        ("songs", Settings { songs: 50_000_001, ..good }),
        ("songs", Settings { tracks: u32::MAX, ..good }),
        ("users", Settings { volume: Volume::Users(u32::MAX), ..good }),
        ("events", Settings { volume: Volume::Events(u64::MAX), ..good }),
        ("growth_rate", Settings { growth_rate: 100.0, to: good.from.plus_days(365), ..good }),
        (
            "growth_rate",
            Settings { volume: Volume::Events(5), growth_rate: 1.0, to: good.from.plus_days(9_000), ..good },
        ),
    ];
    for (name, settings) in wrong {
        let parent = tempfile::tempdir().unwrap();
        let sink = LocalDirectory::create(&parent.path().join("data"), Existing::Refuse).unwrap();
        let error = generate(&settings, &sink, &Progress::default()).unwrap_err();
        assert!(matches!(&error, Error::Setting { setting, .. } if *setting == name), "{name}: {error}");
        assert_eq!(listing(parent.path()).len(), 0);
    }
}
