//! Sources and files that cannot be read at all.

use std::{
    io::Write,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::PathBuf,
};

use flate2::{Compression, write::GzEncoder};

use super::*;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("compressed bytes");
    encoder.finish().expect("compressed bytes")
}

fn zstd(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 3).expect("compressed bytes")
}

/// Checks that a run with that source fails, with the file, the reason and the remedy.
#[track_caller]
fn assert_refused(loaded: &Loaded, source: &Path, code: i32, path: &Path, reason: &str, remedy: &str) {
    let before = loaded.state();
    let source = source.to_str().expect("a UTF-8 path");
    for command in ["run", "etl"] {
        let finished = loaded.cli.run([command, "--format", "json", "--source", source]);
        let error = error(&finished, code);
        let message = error["message"].as_str().expect("a message");
        assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");
        assert!(message.contains(reason), "no {reason:?} in {message:?}");
        assert_helps(&finished.stderr, &error, remedy);
        assert_eq!(error["records"], serde_json::json!([]));
    }
    assert_eq!(loaded.state(), before);
}

#[test]
fn a_source_that_is_no_directory_with_data_is_refused() {
    let loaded = Loaded::new().load();
    let elsewhere = DataSet::new();
    let missing = elsewhere.path().join("missing");
    assert_refused(&loaded, &missing, 1, &missing, "no such file or directory", "--source");
    let file = elsewhere.write("file.json", "{}");
    assert_refused(&loaded, &file, 1, &file, "not a directory", "--source");
    assert_refused(&loaded, &elsewhere.path(), 1, &elsewhere.path(), "no data files", "try a sample");
    let bare = elsewhere.path().join("bare");
    std::fs::create_dir(&bare).expect("a folder");
    assert_refused(&loaded, &bare, 1, &bare, "no data files", "log_data/ and song_data/");
    elsewhere.write("bare/log_data/notes.txt", "no data");
    elsewhere.write("bare/log_data/.hidden.json", "no data");
    assert_refused(&loaded, &bare, 1, &bare, "no data files", "log_data/ and song_data/");
}

#[test]
fn a_compressed_file_that_is_broken_is_refused_whatever_of_it_can_be_read() {
    let loaded = Loaded::new().load();
    let lines: String = (0..5000).map(|item| Event::play(900, item).line() + "\n").collect();
    let (gz, zst) = (gzip(&lines), zstd(&lines));
    let mut flipped = gz.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let mut wrong_sum = gz.clone();
    let sum = wrong_sum.len() - 6;
    wrong_sum[sum] ^= 0xff;
    for (name, bytes, reason) in [
        ("cut.json.gz", &gz[..gz.len() / 2], "the gzip stream breaks off: the file is cut short"),
        ("cut-at-its-end.json.gz", &gz[..gz.len() - 3], "the gzip stream breaks off"),
        ("cut-in-its-head.json.gz", &gz[..5], "the gzip stream breaks off"),
        ("empty.json.gz", &[], "the gzip stream breaks off"),
        ("second-member-cut.json.gz", &[&gz[..], &gz[..20]].concat(), "the gzip stream breaks off"),
        ("no.json.gz", lines.as_bytes(), "not a valid gzip file"),
        ("flipped.json.gz", &flipped, "not a valid gzip file"),
        ("sum.json.gz", &wrong_sum, "not a valid gzip file"),
        ("garbage-behind.json.gz", &[&gz[..], b"garbage at the end"].concat(), "not a valid gzip file"),
        ("cut.json.zst", &zst[..zst.len() / 2], "the zstd stream breaks off: the file is cut short"),
        ("cut-at-its-end.json.zst", &zst[..zst.len() - 1], "the zstd stream breaks off"),
        ("cut-in-its-head.json.zst", &zst[..3], "the zstd stream breaks off"),
        ("no.json.zst", lines.as_bytes(), "not a valid zstd file"),
        ("gzip.json.zst", &gz, "not a valid zstd file"),
    ] {
        let path = loaded.data.write(&format!("log_data/{name}"), bytes);
        assert_refused(&loaded, &loaded.data.path(), 3, &path, reason, "deliver the file again");
        // It is no record, so it cannot be set aside.
        let _ = loaded.run(&["--max-errors", "1000000"]).with_code(3);
        std::fs::remove_file(path).expect("a removed file");
    }
    loaded.data.write("log_data/whole.json.gz", &gz);
    assert_eq!(loaded.run(&[]).success().json()["records"]["staged"], 5000);
}

#[test]
fn a_jsonpaths_file_that_cannot_be_used_is_refused() {
    let loaded = Loaded::new().load();
    loaded.data.write_events("new.json", &[Event::play(900, 0)]);
    let path = loaded.data.path().join("log_json_path.json");
    for (bytes, reason) in [
        (&b""[..], "it is no JSONPaths file"),
        (b"{\"jsonpaths\": [", "it is no JSONPaths file"),
        (b"{\"paths\": []}", "it is no JSONPaths file"),
        (b"{\"jsonpaths\": [\"$['artist']\"]}", "it has 1 paths, and staging_events has 18 columns"),
        (b"{\"jsonpaths\": [\"artist\"]}", "the path \"artist\" is not of the form"),
        (b"{\"jsonpaths\": [\"$['\xe9']\"]}", "it is not UTF-8"),
    ] {
        loaded.data.write("log_json_path.json", bytes);
        assert_refused(&loaded, &loaded.data.path(), 3, &path, reason, "correct the file, or remove it");
    }
    std::fs::remove_file(path).expect("a removed file");
    assert_eq!(loaded.run(&[]).success().json()["records"]["staged"], 1);
}

const NOBODY: u32 = 65534;

/// The command line as a user whom permissions bind. The tests may run as root, whom they do not bind:
/// then it is another user, who gets a copy of the program, since the original may be out of reach.
struct BoundUser {
    cli: Cli,
    copy: Option<tempfile::TempDir>,
}

impl BoundUser {
    fn new() -> Self {
        let own = cli();
        if std::fs::metadata(own.directory()).expect("the working directory").uid() != 0 {
            return Self { cli: own, copy: None };
        }
        let place = tempfile::tempdir().expect("a temporary directory");
        allow(place.path(), 0o755);
        let program = place.path().join("sparkify-cli");
        std::fs::copy(env!("CARGO_BIN_EXE_sparkify-cli-under-test"), &program).expect("a copied program");
        allow(&program, 0o755);
        // Without the library DuckDB is a part of the program.
        let library = std::env::var_os("DUCKDB_LIB_DIR").map(|path| PathBuf::from(path).join("libduckdb.so"));
        if let Some(library) = library.filter(|library| library.is_file()) {
            let copy = place.path().join("libduckdb.so");
            std::fs::copy(library, &copy).expect("a copied library");
            allow(&copy, 0o644);
        }
        let cli = Cli::new(program);
        chown(cli.directory(), Some(NOBODY), Some(NOBODY)).expect("another owner");
        Self { cli, copy: Some(place) }
    }

    fn run(&self, command: &str, data: &DataSet) -> Finished {
        let source = data.path();
        let source = source.to_str().expect("a UTF-8 path");
        let mut command = self.cli.command([command, "--format", "json", "--source", source]);
        if let Some(copy) = &self.copy {
            command.uid(NOBODY).gid(NOBODY).env("LD_LIBRARY_PATH", copy.path());
        }
        Finished::from(command.output().expect("a process"))
    }
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("changed permissions");
}

#[test]
fn what_may_not_be_read_is_named_and_changes_nothing() {
    let user = BoundUser::new();
    let data = DataSet::new();
    allow(&data.path(), 0o755);
    data.write_events("2018/a.json", &[Event::play(1, 0)]);
    data.write_songs("A/a.json", &[Song::new("SO1", "AR1")]);
    let _ = user.run("run", &data).success();
    let before = state(&user.cli);

    let event_file = data.write_events("2018/b.json", &[Event::play(1, 1)]);
    let song_file = data.write_songs("A/b.json", &[Song::new("SO2", "AR1")]);
    let paths_file = data.write("log_json_path.json", "{}");
    let (root, log_data) = (data.path(), data.path().join("log_data"));
    for (path, named) in [
        // The first to be read, so it goes first: it is no valid one.
        (&paths_file, &paths_file),
        (&event_file, &event_file),
        (&song_file, &song_file),
        (&log_data.join("2018"), &log_data.join("2018")),
        (&log_data, &log_data),
        (&root, &log_data),
    ] {
        let mode = std::fs::metadata(path).expect("metadata").permissions().mode();
        allow(path, 0);
        let finished = ["run", "etl"].map(|command| user.run(command, &data));
        allow(path, mode);
        let _ = std::fs::remove_file(&paths_file);
        for finished in finished {
            let error = error(&finished, 1);
            assert_eq!(error["message"], format!("{}: permission denied", named.display()));
            assert_helps(&finished.stderr, &error, "allow the user who runs this to read it");
        }
        assert_eq!(state(&user.cli), before, "{}", path.display());
    }
    assert_eq!(user.run("run", &data).success().json()["records"]["staged"], 2);
}
