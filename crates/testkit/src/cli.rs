//! The command line as a process.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A working directory in which the command line is started, with a clean environment.
#[derive(Debug)]
pub struct Cli {
    program: PathBuf,
    directory: TempDir,
    environment: Vec<(String, String)>,
}

impl Cli {
    /// The program, in a new empty directory.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self::of(program.into(), tempfile::tempdir().expect("a temporary directory"))
    }

    /// The program, in a new empty directory below another one.
    #[must_use]
    pub fn new_in(program: impl Into<PathBuf>, parent: &Path) -> Self {
        Self::of(program.into(), TempDir::new_in(parent).expect("a temporary directory"))
    }

    const fn of(program: PathBuf, directory: TempDir) -> Self {
        Self { program, directory, environment: Vec::new() }
    }

    /// The same, with further environment variables for all that is started.
    #[must_use]
    pub fn with_environment<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// The working directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The database that is used unless another one is named.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.directory.path().join("sparkify.duckdb")
    }

    /// The command, not yet started; for what [`run`](Self::run) cannot do.
    #[must_use]
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        let is_setting =
            |name: &str| name.starts_with("SPARKIFY_") || name.starts_with("AWS_") || name == "RUST_LOG";
        for (name, _) in std::env::vars().filter(|(name, _)| is_setting(name)) {
            command.env_remove(name);
        }
        // The AWS settings of whoever runs the tests are not theirs.
        command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it, with its output thrown away.
    #[must_use]
    pub fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a started process")
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Finished {
        Finished::from(self.command(arguments).output().expect("a process"))
    }

    /// `run --source DATA --format json`, which must succeed; returns the report.
    #[must_use]
    pub fn load(&self, data: &Path) -> Value {
        self.load_with(data, &[])
    }

    /// The same with further arguments.
    #[must_use]
    pub fn load_with(&self, data: &Path, more: &[&str]) -> Value {
        let data = data.to_str().expect("a UTF-8 path");
        let arguments = ["run", "--source", data, "--format", "json"].into_iter().chain(more.iter().copied());
        self.run(arguments).success().json()
    }
}

/// A process that has ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
        }
    }
}

impl Finished {
    /// The same; it must have ended with 0.
    #[must_use]
    #[track_caller]
    pub fn success(self) -> Self {
        self.with_code(0)
    }

    /// The same; it must have ended with that code.
    #[must_use]
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as one JSON document.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON: {error}\n{}", self.stdout))
    }
}
