//! Virtual environments for the Python programs that tests use.
//!
//! An environment is made once a machine, below the user's cache directory, and used by every test process
//! from then on. Processes that want it at the same time wait for the one that makes it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::process::{checked, is_root};

/// What the environment was made from, written when it is complete.
const COMPLETE: &str = "complete";

/// A virtual environment with packages in it.
#[derive(Debug, Clone)]
pub struct Venv {
    directory: PathBuf,
}

impl Venv {
    /// The environment of that name with these requirements, in the notation of pip; made if it is not
    /// there yet, and made anew if its requirements were others.
    ///
    /// Requirements should name every package with its exact version, since what they leave open is
    /// decided on the day the environment is made: `pip freeze` prints such a list. The name should tell
    /// the version of the program as well, so that two checkouts do not make it anew in turn.
    ///
    /// # Panics
    ///
    /// When there is no Python 3.9 or newer (on Debian, root gets it installed), or pip fails; its output
    /// is shown then.
    #[must_use]
    pub fn with(name: &str, requirements: &[&str]) -> Self {
        Self::below(&cache_directory(), name, requirements)
    }

    fn below(cache: &Path, name: &str, requirements: &[&str]) -> Self {
        let fault = |what: &str, path: &Path| format!("{what} {}: is it writable?", path.display());
        fs::create_dir_all(cache).unwrap_or_else(|e| panic!("{} ({e})", fault("cannot make", cache)));
        let lock_path = cache.join(format!("{name}.lock"));
        let lock =
            File::create(&lock_path).unwrap_or_else(|e| panic!("{} ({e})", fault("cannot make", &lock_path)));
        // Released when the file is closed, also by the end of the process.
        lock.lock().unwrap_or_else(|e| panic!("{} ({e})", fault("cannot lock", &lock_path)));
        let venv = Self { directory: cache.join(name) };
        let wanted = requirements.join("\n");
        let complete = venv.directory.join(COMPLETE);
        // The interpreter is a link that an upgrade of the system may have broken.
        if fs::read_to_string(&complete).is_ok_and(|found| found == wanted) && venv.program("python").exists()
        {
            return venv;
        }
        if venv.directory.exists() {
            fs::remove_dir_all(&venv.directory)
                .unwrap_or_else(|e| panic!("{} ({e})", fault("cannot remove", &venv.directory)));
        }
        let mut make = Command::new(interpreter());
        checked(make.args(["-m", "venv"]).arg(&venv.directory).stdin(Stdio::null()).output());
        if !requirements.is_empty() {
            let mut install = venv.command("python");
            install.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet"]);
            checked(install.args(requirements).output());
        }
        fs::write(&complete, wanted).unwrap_or_else(|e| panic!("{} ({e})", fault("cannot write", &complete)));
        venv
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The path of one of its programs, such as `python`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join("bin").join(name)
    }

    /// One of its programs, not yet started, that sees no other Python packages and has no input.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.program(program));
        for name in ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"] {
            command.env_remove(name);
        }
        command.env("PYTHONUTF8", "1").env("PYTHONNOUSERSITE", "1").stdin(Stdio::null());
        command
    }
}

/// `${XDG_CACHE_HOME:-$HOME/.cache}/sparkify-warehouse`.
fn cache_directory() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(variable("HOME")?.join(".cache")))
        .expect("a cache directory: set HOME or XDG_CACHE_HOME")
        .join("sparkify-warehouse")
}

/// A Python that can make environments; installed on Debian if need be.
fn interpreter() -> &'static str {
    const CHECK: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))";
    let find = || {
        ["python3", "/usr/bin/python3"].into_iter().find(|python| {
            let mut command = Command::new(python);
            command.args(["-c", CHECK]).stdin(Stdio::null());
            command.output().is_ok_and(|output| output.status.success())
        })
    };
    if let Some(found) = find() {
        return found;
    }
    let advice =
        "install Python 3.9 or newer with its venv module (Debian: apt-get install python3 python3-venv)";
    assert!(is_root(), "there is no python3 that can make virtual environments: {advice}");
    let install = "apt-get update && apt-get install -y --no-install-recommends python3 python3-venv";
    checked(Command::new("sh").args(["-c", install]).env("DEBIAN_FRONTEND", "noninteractive").output());
    find().unwrap_or_else(|| panic!("there is no python3 that can make virtual environments: {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_made_once_and_anew_for_other_requirements() {
        let cache = tempfile::tempdir().unwrap();
        let make = |requirements: &[&str]| Venv::below(cache.path(), "empty", requirements);
        let venv = make(&[]);
        let output = venv.command("python").args(["-c", "import sys; print(sys.prefix)"]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), venv.directory().to_str().unwrap());
        let mark = venv.directory().join("mark");
        fs::write(&mark, "").unwrap();
        make(&[]);
        assert!(mark.exists(), "it was made a second time");
        fs::write(venv.directory().join(COMPLETE), "something else").unwrap();
        make(&[]);
        assert!(!mark.exists(), "what another list of requirements made was kept");
    }

    #[test]
    fn an_environment_that_was_left_half_made_is_made_anew() {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir_all(cache.path().join("half/bin")).unwrap();
        fs::write(cache.path().join("half/bin/python"), "no program").unwrap();
        let venv = Venv::below(cache.path(), "half", &[]);
        assert!(venv.command("python").args(["-c", ""]).status().unwrap().success());
    }

    #[test]
    fn a_failure_of_pip_shows_its_output() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().to_owned();
        let panic = std::thread::spawn(move || Venv::below(&path, "broken", &["./no-such-directory"])).join();
        let message = panic.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("no-such-directory"), "{message}");
        assert!(!cache.path().join("broken").join(COMPLETE).exists());
    }
}
