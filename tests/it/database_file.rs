//! What can happen to the file of a database: it is something else, another process has it, the disk is
//! full, the run is stopped.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use sparkify_testkit::{Cli, DataSet, Dump, Event, Finished, Song, dump, query};
use tempfile::TempDir;

use crate::cli;

/// One play that matches a song.
fn small() -> DataSet {
    let data = DataSet::new();
    data.write_events("1.json", &[Event::play(1, 0)]);
    data.write_songs("1.json", &[Song::new("SO1", "AR1")]);
    data
}

/// Adds events in four files, each with texts of its own, which no compression makes small.
fn add_events(data: &DataSet, count: u64) {
    let template = Event::play(0, 0).line();
    let replaced = [
        r#""itemInSession":0"#,
        r#""sessionId":0"#,
        r#""song":"Song""#,
        r#""artist":"Artist""#,
        r#""userAgent":"\"Agent\"""#,
        r#""userId":"1""#,
        r#""ts":1541106132796"#,
    ];
    assert!(replaced.iter().all(|part| template.contains(part)), "{template}");
    let mut chance = 1_u64;
    let mut text = |letter: char| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{letter}{chance:x}{:x}", chance.rotate_left(17) ^ 0x5bd1_e995)
    };
    for file in 0..4 {
        let mut lines = String::new();
        for event in (file * count / 4)..((file + 1) * count / 4) {
            let line = template
                .replace(replaced[0], &format!(r#""itemInSession":{}"#, event % 50))
                .replace(replaced[1], &format!(r#""sessionId":{}"#, 1000 + event / 50))
                .replace(replaced[2], &format!(r#""song":"{}""#, text('S')))
                .replace(replaced[3], &format!(r#""artist":"{}""#, text('A')))
                .replace(replaced[4], &format!(r#""userAgent":"{}""#, text('U')))
                .replace(replaced[5], &format!(r#""userId":"{}""#, event % 500))
                .replace(replaced[6], &format!(r#""ts":{}"#, 1_541_200_000_000 + event * 1013));
            lines.push_str(&line);
            lines.push('\n');
        }
        data.write(&format!("log_data/more-{file}.json"), lines);
    }
}

fn run(data: &DataSet) -> [String; 3] {
    ["run", "--source", data.path().to_str().unwrap()].map(str::to_owned)
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success(), "kill {name}");
}

/// Starts a load that logs what it does, and waits until it is at that step.
fn start_until(cli: &Cli, arguments: &[String], step: &str) -> (Child, BufReader<ChildStderr>) {
    let mut command = cli.command(arguments);
    command.args(["-vv", "--log-format", "json"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut log = String::new();
    let mut line = String::new();
    let is_there = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).is_ok_and(|record| record["fields"]["step"] == step)
    };
    while !is_there(&line) {
        line.clear();
        if stderr.read_line(&mut line).unwrap() == 0 {
            panic!("it never came to {step}, and ended with {}:\n{log}", child.wait().unwrap());
        }
        log.push_str(&line);
    }
    (child, stderr)
}

/// Waits for its end.
fn finish(mut child: Child, mut stderr: impl Read) -> Finished {
    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    let code = child.wait().unwrap().code().unwrap_or(-1);
    Finished { code, stdout: String::new(), stderr: text }
}

/// A process that has the database open for writing, and stands still. It loads the data when it goes on.
struct Holder {
    pid: u32,
    /// `None` once it was released.
    process: Option<(Child, BufReader<ChildStderr>)>,
}

impl Holder {
    fn new(cli: &Cli, data: &DataSet) -> Self {
        let (child, stderr) = start_until(cli, &run(data), "reading");
        signal(&child, "-STOP");
        Self { pid: child.id(), process: Some((child, stderr)) }
    }

    fn release(mut self) -> Finished {
        let (child, stderr) = self.process.take().unwrap();
        signal(&child, "-CONT");
        finish(child, stderr)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let data = small();
    for bytes in [&b"short"[..], &b"notes of someone, not a database\n".repeat(1000), &[0; 100_000]] {
        let cli = cli();
        std::fs::write(cli.database(), bytes).unwrap();
        let etl = ["etl".to_owned(), "--source".to_owned(), data.path().to_str().unwrap().to_owned()];
        let drop = ["create-tables", "--drop", "--yes"].map(str::to_owned);
        for command in [
            &run(&data)[..],
            &etl,
            &drop,
            &["create-tables".to_owned()],
            &["check".to_owned()],
            &["explore".to_owned()],
        ] {
            let finished = cli.run(command).with_code(1);
            assert!(
                finished.stderr.contains("sparkify.duckdb is not a DuckDB database"),
                "{}",
                finished.stderr
            );
            assert!(finished.stderr.contains("hint: name another file"), "{}", finished.stderr);
            assert!(std::fs::read(cli.database()).unwrap() == bytes, "{command:?}");
            assert_eq!(std::fs::read_dir(cli.directory()).unwrap().count(), 1, "{command:?}");
        }
    }
}

#[test]
fn a_directory_is_no_database() {
    let cli = cli();
    std::fs::create_dir(cli.database()).unwrap();
    for command in [&run(&small())[..], &["explore".to_owned()]] {
        let finished = cli.run(command).with_code(2);
        assert_eq!(
            finished.stderr,
            "error: sparkify.duckdb is a directory, not a database file\n\
             hint: name a file in it: --warehouse duckdb:sparkify.duckdb/sparkify.duckdb\n"
        );
    }
}

#[test]
fn a_database_in_a_missing_directory_is_not_made() {
    let cli = cli();
    let more = ["--warehouse".to_owned(), "duckdb:no/such/x.duckdb".to_owned()];
    let finished = cli.run([&run(&small())[..], &more].concat()).with_code(1);
    assert!(finished.stderr.contains("no/such/x.duckdb cannot be opened"), "{}", finished.stderr);
    assert!(finished.stderr.contains("hint: check that the directory exists"), "{}", finished.stderr);
    assert!(!cli.directory().join("no").exists());
}

#[test]
fn a_database_that_may_not_be_written_can_still_be_asked() {
    let (disk, cli, data) = (Disk::new(8), cli(), small());
    let _ = disk.run(&cli, &run(&data)).success();
    let before = disk.copy();
    disk.remount("ro");
    add_events(&data, 10);
    let finished = disk.run(&cli, &run(&data)).with_code(1);
    assert!(finished.stderr.contains("cannot be opened"), "{}", finished.stderr);
    assert!(finished.stderr.contains("you may read and write there"), "{}", finished.stderr);
    let _ = disk.run(&cli, &["explore".to_owned()]).success();
    let _ = disk.run(&cli, &["check".to_owned()]).success();
    assert!(
        std::fs::read(disk.copy().path().join(FILE)).unwrap()
            == std::fs::read(before.path().join(FILE)).unwrap()
    );
}

#[test]
fn a_user_without_permission_is_told_so() {
    let (cli, data) = (cli(), small());
    let _ = cli.load(&data.path());
    let before = std::fs::read(cli.database()).unwrap();
    let set_mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    set_mode(&cli.database(), 0o444);
    set_mode(cli.directory(), 0o555);
    let plain = cli.command(run(&data));
    let finished = if is_root() {
        // Permissions do not bind root, unless it gives up the privilege.
        let mut command = Command::new("setpriv");
        command.arg("--bounding-set=-dac_override,-dac_read_search").arg(plain.get_program());
        command.args(plain.get_args()).current_dir(cli.directory()).stdin(Stdio::null());
        Finished::from(command.output().unwrap())
    } else {
        cli.run(run(&data))
    };
    set_mode(cli.directory(), 0o755);
    let finished = finished.with_code(1);
    assert!(finished.stderr.contains("sparkify.duckdb cannot be opened"), "{}", finished.stderr);
    assert!(finished.stderr.contains("Permission denied"), "{}", finished.stderr);
    assert!(
        finished
            .stderr
            .contains("hint: check that the directory exists and that you may read and write there")
    );
    assert!(std::fs::read(cli.database()).unwrap() == before);
}

#[test]
fn a_database_in_use_is_reported_with_the_process_that_uses_it() {
    let (cli, data) = (cli(), small());
    let holder = Holder::new(&cli, &data);
    for command in
        [&run(&data)[..], &["explore".to_owned()], &["check".to_owned()], &["create-tables".to_owned()]]
    {
        let finished = cli.run(command).with_code(1);
        let pid = format!("process {}", holder.pid);
        assert!(
            finished.stderr.contains(&format!("sparkify.duckdb is in use by {pid}")),
            "{}",
            finished.stderr
        );
        assert!(finished.stderr.contains(&format!("hint: wait until {pid} ends (--wait 60s does so)")));
    }
    let _ = holder.release().success();
    assert_eq!(query(&cli.database(), "SELECT COUNT(*) FROM songplays"), [["1"]]);
}

#[test]
fn wait_gives_up_after_its_time() {
    let (cli, data) = (cli(), small());
    let holder = Holder::new(&cli, &data);
    let begin = Instant::now();
    let finished = cli.run(["explore", "--wait", "300ms"]).with_code(1);
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert!(finished.stderr.contains("is in use by"), "{}", finished.stderr);
    let _ = holder.release().success();
}

#[test]
fn a_run_that_waits_goes_on_when_the_database_is_free() {
    let (cli, data) = (cli(), small());
    let holder = Holder::new(&cli, &data);
    // The second run and a reader begin while the first is under way.
    let mut waiting: Vec<_> = [&run(&data)[..], &["explore".to_owned(), "match_rate".to_owned()]]
        .iter()
        .map(|arguments| {
            let mut command = cli.command(*arguments);
            command.args(["--wait", "60s", "--format", "json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in &mut waiting {
        await_blocked(&cli, child);
    }
    let _ = holder.release().success();
    let mut outputs =
        waiting.into_iter().map(|child| Finished::from(child.wait_with_output().unwrap()).success());
    let report = outputs.next().unwrap().json();
    assert_eq!((&report["files"]["loaded"], &report["files"]["skipped"]), (&0.into(), &2.into()));
    assert_eq!(outputs.next().unwrap().json()[0]["plays"], 1);
}

/// Waits until the process has the file open: it tries to lock it, again and again.
fn await_blocked(cli: &Cli, child: &mut Child) {
    let path = cli.database().canonicalize().unwrap();
    let begin = Instant::now();
    loop {
        let entries = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
        if entries.flatten().any(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == path))
        {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it did not wait");
        assert!(begin.elapsed() < Duration::from_secs(60), "it never tried");
    }
}

#[test]
fn readers_do_not_disturb_each_other() {
    let (cli, data) = (cli(), small());
    let _ = cli.load(&data.path());
    let mut children: Vec<_> = (0..4).map(|_| cli.start(["explore"])).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
}

// --- A full disk.

/// The database on the disk.
const FILE: &str = "x.duckdb";

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

/// A small disk in memory, mounted in a mount namespace of its own, which ends with the process that
/// holds it: whatever happens to the test, nothing stays mounted.
struct Disk {
    holder: Child,
    /// While it is open the holder lives, also if nobody kills it.
    _life: ChildStdin,
    point: TempDir,
    user_namespace: bool,
}

impl Disk {
    fn new(megabytes: u64) -> Self {
        let point = tempfile::tempdir().unwrap();
        // Without the right to mount, a user namespace gives it.
        [false, true]
            .into_iter()
            .find_map(|user_namespace| Self::mount(&point, megabytes, user_namespace))
            .map(|(holder, life, user_namespace)| Self { holder, _life: life, point, user_namespace })
            .expect("neither this user nor a user namespace of its own may mount a tmpfs")
    }

    fn mount(point: &TempDir, megabytes: u64, user_namespace: bool) -> Option<(Child, ChildStdin, bool)> {
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m tmpfs {} && echo mounted && exec cat",
            point.path().display()
        );
        let mut command = Command::new("unshare");
        command.arg(if user_namespace { "-rm" } else { "-m" }).args(["sh", "-c", &script]);
        let mut holder =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line == "mounted\n" {
            let life = holder.stdin.take().unwrap();
            return Some((holder, life, user_namespace));
        }
        holder.wait().unwrap();
        None
    }

    /// A command that sees the disk.
    fn inside(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.holder.id().to_string(), "-m"]);
        if self.user_namespace {
            command.args(["-U", "--preserve-credentials"]);
        }
        command.arg(format!("--wd={}", self.point.path().display())).arg("--").arg(program);
        command.stdin(Stdio::null());
        command
    }

    /// Runs the command line with the database on the disk.
    fn run(&self, cli: &Cli, arguments: &[String]) -> Finished {
        let plain = cli.command(arguments);
        let mut command = self.inside(plain.get_program());
        command.args(plain.get_args()).arg("--warehouse").arg(format!("duckdb:{}", self.file().display()));
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.output().unwrap().into()
    }

    fn file(&self) -> PathBuf {
        self.point.path().join(FILE)
    }

    fn remount(&self, options: &str) {
        let mut command = self.inside("mount");
        let done =
            command.args(["-o", &format!("remount,{options}")]).arg(self.point.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Everything that is on the disk, outside of it.
    fn copy(&self) -> TempDir {
        let target = tempfile::tempdir().unwrap();
        let source = format!("{}/.", self.point.path().display());
        let done = self.inside("cp").args(["-r", &source]).arg(target.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        target
    }

    /// Puts a database on the disk.
    fn put(&self, database: &Path) {
        let done = self.inside("cp").arg(database).arg(self.file()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn entries(&self) -> Vec<String> {
        let copy = self.copy();
        let entries = std::fs::read_dir(copy.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn dump(&self) -> Dump {
        dump(&self.copy().path().join(FILE))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A database with a small load, data to load next, and what the tables hold afterwards.
struct Growing {
    database: PathBuf,
    data: DataSet,
    before: Dump,
    after: Dump,
    _cli: [Cli; 2],
}

impl Growing {
    fn new(events: u64) -> Self {
        let (begun, grown, data) = (cli(), cli(), small());
        let _ = begun.load(&data.path());
        add_events(&data, events);
        std::fs::copy(begun.database(), grown.database()).unwrap();
        let _ = grown.load(&data.path());
        let (before, after) = (dump(&begun.database()), dump(&grown.database()));
        assert_eq!((before["songplays"].len(), after["songplays"].len() as u64), (1, events + 1));
        Self { database: begun.database(), data, before, after, _cli: [begun, grown] }
    }
}

/// Where the error says that the load failed.
fn stage(finished: &Finished) -> &'static str {
    let message = finished.stderr.lines().next().unwrap();
    match message.strip_prefix("error: ").unwrap() {
        "creating the run's tables failed" => "begin",
        "writing the records failed" => "read",
        "publishing failed" => "commit",
        message if message.starts_with("transform ") || message.starts_with("quality check ") => "transform",
        message => panic!("{message}"),
    }
}

#[test]
fn a_full_disk_fails_a_load_at_any_stage_and_leaves_the_database_whole() {
    let growing = Growing::new(30_000);
    let cli = cli();
    let mut stages = BTreeSet::new();
    // With little memory the engine needs the disk before the end.
    for memory in ["300MB", "64MB"] {
        let needed = std::fs::metadata(&growing.database).unwrap().len().div_ceil(1 << 20);
        for megabytes in (needed..).step_by(2) {
            assert!(megabytes < 100, "it always fails");
            let disk = Disk::new(megabytes);
            disk.put(&growing.database);
            let load = [&run(&growing.data)[..], &["--memory-limit".to_owned(), memory.to_owned()]].concat();
            let finished = disk.run(&cli, &load);
            if finished.code == 0 {
                break;
            }
            let stderr = &finished.stderr;
            assert_eq!((finished.code, &*finished.stdout), (1, ""), "{megabytes} MB: {stderr}");
            assert!(stderr.contains("there is no space left on the disk that holds duckdb:"), "{stderr}");
            assert!(stderr.contains("\nhint: free some space"), "{stderr}");
            stages.insert(stage(&finished));
            assert!(disk.dump() == growing.before, "{megabytes} MB: {stderr}");
            // It can be asked although there is no room.
            let _ = disk.run(&cli, &["check".to_owned()]).success();

            disk.remount("size=100m");
            let _ = disk.run(&cli, &load).success();
            assert!(disk.dump() == growing.after, "{megabytes} MB: {stderr}");
            assert_eq!(disk.entries(), [FILE], "nothing is left behind");
            assert_eq!(private_tables(&disk.copy().path().join(FILE)), [""; 0]);
        }
    }
    for expected in ["read", "transform", "commit"] {
        assert!(stages.contains(expected), "no load failed at {expected}, only at {stages:?}");
    }
}

// --- A run that is stopped.

fn private_tables(database: &Path) -> Vec<String> {
    let tables = query(database, "SHOW TABLES").into_iter().map(|row| row[0].clone());
    tables.filter(|table| table.starts_with("sparkify_run_")).collect()
}

/// Stops a load at each of its steps.
fn assert_stopped_cleanly_by(name: &str) {
    let growing = Growing::new(40_000);
    for (step, may_end) in
        [("reading", false), ("transforming", false), ("checking", true), ("publishing", true)]
    {
        let cli = cli();
        std::fs::copy(&growing.database, cli.database()).unwrap();
        let (child, stderr) = start_until(&cli, &run(&growing.data), step);
        signal(&child, name);
        let finished = finish(child, stderr);
        let state = dump(&cli.database());
        if may_end && finished.code == 0 {
            // It was too late.
            assert!(state == growing.after, "{step}");
            continue;
        }
        let finished = finished.with_code(130);
        let last: serde_json::Value = serde_json::from_str(finished.stderr.lines().last().unwrap()).unwrap();
        assert_eq!(last["fields"]["message"], "stopped on request; nothing was loaded", "{step}");
        assert!(state == growing.before, "{step}: {}; {}", state == growing.after, finished.stderr);
        assert_eq!(private_tables(&cli.database()), [""; 0], "{step}");
        let _ = cli.load(&growing.data.path());
        assert!(dump(&cli.database()) == growing.after, "{step}");
    }
}

#[test]
fn ctrl_c_stops_a_load_at_any_step_and_the_next_run_completes_it() {
    assert_stopped_cleanly_by("-INT");
}

#[test]
fn a_request_to_terminate_stops_a_load_like_ctrl_c() {
    assert_stopped_cleanly_by("-TERM");
}

#[test]
fn a_stopped_load_says_so_in_a_line() {
    let (cli, data) = (cli(), small());
    add_events(&data, 40_000);
    let mut command = cli.command(run(&data));
    let child = command.env("RUST_LOG", "debug").stderr(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("step=\"reading\"") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0);
    }
    signal(&child, "-INT");
    let finished = finish(child, stderr).with_code(130);
    assert!(finished.stderr.ends_with("\nstopped on request; nothing was loaded\n"), "{}", finished.stderr);
    assert!(finished.stderr.contains("press Ctrl-C again"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("error: "), "{}", finished.stderr);
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_harms_nothing() {
    let growing = Growing::new(40_000);
    let cli = cli();
    std::fs::copy(&growing.database, cli.database()).unwrap();
    let (child, stderr) = start_until(&cli, &run(&growing.data), "transforming");
    signal(&child, "-INT");
    signal(&child, "-TERM");
    let _ = finish(child, stderr).with_code(130);
    assert!(dump(&cli.database()) == growing.before);
    let _ = cli.load(&growing.data.path());
    assert!(dump(&cli.database()) == growing.after);
}
