//! Loads on a disk that is full before their end.

use super::*;

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
