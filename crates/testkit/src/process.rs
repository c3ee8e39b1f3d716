//! Processes that must succeed.

use std::process::{Command, Output};

/// The output of a process that came to a good end.
#[track_caller]
pub(crate) fn checked(output: std::io::Result<Output>) -> Output {
    let output = output.expect("a process");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// What a process that must succeed printed.
#[track_caller]
pub(crate) fn text_of(command: &mut Command) -> String {
    let output = checked(command.output());
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// Whether this process may do anything.
pub(crate) fn is_root() -> bool {
    text_of(Command::new("id").arg("-u")) == "0"
}
