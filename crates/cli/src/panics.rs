//! Panics: faults of the program, told like any other error.

use std::panic::PanicHookInfo;

use crate::{config::Forms, exit};

/// A fault of the program.
#[derive(Debug, thiserror::Error)]
#[error("the program has a fault, and cannot go on: {what} ({place})")]
pub(crate) struct Panicked {
    what: String,
    place: String,
}

impl Panicked {
    /// What the user can do about it.
    pub(crate) const HINT: &str = "what was published before is unharmed; please report this, with the command and its \
                                   settings, but without passwords";

    fn of(panic: &PanicHookInfo<'_>) -> Self {
        let what = panic.payload_as_str().unwrap_or("no reason is given").replace('\n', " ");
        let place = panic.location().map_or_else(|| "at an unknown place".to_owned(), ToString::to_string);
        Self { what, place }
    }
}

/// From here on, a panic of any thread is reported in the form that is asked for, and ends the process with the exit
/// code of a failure: no other thread goes on as if nothing had happened.
pub(crate) fn report(forms: Forms) {
    std::panic::set_hook(Box::new(move |panic| {
        let error = anyhow::Error::new(Panicked::of(panic));
        let _ = exit::report(&error, forms);
        std::process::exit(exit::FAILURE);
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Set in the process that is to panic.
    const VARIABLE: &str = "SPARKIFY_TEST_PANIC";

    /// Panics on a thread of its own, in a process of its own.
    fn panicking(form: &str) -> std::process::Output {
        let test = "panics::tests::a_panic_of_any_thread_is_an_error_like_any_other";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]).env(VARIABLE, form).output().unwrap()
    }

    #[test]
    fn a_panic_of_any_thread_is_an_error_like_any_other() {
        if let Ok(form) = std::env::var(VARIABLE) {
            report(Forms { json_results: form == "json", json_logs: false });
            let _ = std::thread::spawn(|| panic!("something\nbroke")).join();
            unreachable!("the process has ended");
        }
        let output = panicking("text");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: the program has a fault"), "{stderr}");
        assert!(stderr.contains("something broke") && stderr.contains("panics.rs"), "{stderr}");
        assert!(stderr.contains("hint: ") && !stderr.contains("panicked at"), "{stderr}");
        let output = panicking("json");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let line = stdout.lines().find_map(|line| line.find('{').map(|at| &line[at..])).unwrap();
        let document: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(document["error"]["exit_code"], 1);
    }
}
