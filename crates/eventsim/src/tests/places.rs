//! Where data sets are written, and what stays there.

use std::fs;
use std::path::Path;

use super::listing;
use crate::{Error, Existing, LocalDirectory, Progress, Sample, Settings, Sink, Written, generate};

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
        ("songs", Settings { songs: u32::MAX, ..good }),
    ];
    for (name, settings) in wrong {
        let parent = tempfile::tempdir().unwrap();
        let sink = LocalDirectory::create(&parent.path().join("data"), Existing::Refuse).unwrap();
        let error = generate(&settings, &sink, &Progress::default()).unwrap_err();
        assert!(matches!(&error, Error::Setting { setting, .. } if *setting == name), "{name}: {error}");
        assert_eq!(listing(parent.path()).len(), 0);
    }
}
