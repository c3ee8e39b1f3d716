//! What somebody at a terminal sees and is asked.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use sparkify_testkit::{Finished, python::Venv};

use super::{Aws, inventory};

/// Runs a program with a terminal for input, output and errors.
const TERMINAL: &str = "import os, pty, sys; \
                        sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// Runs the program at a terminal where somebody types these answers.
fn at_a_terminal(aws: &Aws, arguments: &[&str], answers: &str) -> Finished {
    let program = aws.command(arguments);
    let mut command: Command = Venv::with("plain", &[]).command("python");
    command.args(["-c", TERMINAL]).arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("TERM", "xterm").current_dir(aws.cli.directory());
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    Finished::from(process.wait_with_output().unwrap())
}

#[test]
fn a_plan_is_shown_and_carried_out_when_somebody_says_yes() {
    let aws = Aws::new();
    let refused = at_a_terminal(&aws, &["provision"], "n\n").with_code(1);
    for expected in ["create    cluster", "as an estimate", "Do this? [y/N]", "nothing was changed"] {
        assert!(refused.stdout.contains(expected), "{expected}: {}", refused.stdout);
    }
    assert!(inventory::is_empty(&aws.inventory()));
    let made = at_a_terminal(&aws, &["provision"], "y\n").success();
    for expected in
        ["create cluster sparkify-music: done in", "cluster sparkify-music: ready after", "redshift://music"]
    {
        assert!(made.stdout.contains(expected), "{expected}: {}", made.stdout);
    }
    // There is nothing to ask about.
    let again = at_a_terminal(&aws, &["provision"], "").success();
    assert!(
        again.stdout.contains("there is nothing to do") && !again.stdout.contains("[y/N]"),
        "{}",
        again.stdout
    );
}

#[test]
fn a_teardown_asks_about_the_snapshot_first() {
    let aws = Aws::new();
    let _ = aws.provision().success();
    let there = aws.inventory();
    let refused = at_a_terminal(&aws, &["teardown"], "n\nn\n").with_code(1);
    for expected in ["Take a final snapshot first?", "these 3 resources, with all data? [y/N]"] {
        assert!(refused.stdout.contains(expected), "{expected}: {}", refused.stdout);
    }
    assert_eq!(aws.inventory(), there);
    let gone = at_a_terminal(&aws, &["teardown"], "y\ny\n").success();
    for expected in ["after a final snapshot? [y/N]", "nothing is left", "goes on costing"] {
        assert!(gone.stdout.contains(expected), "{expected}: {}", gone.stdout);
    }
    assert_eq!(aws.inventory()["snapshots"].as_array().unwrap().len(), 1);
}
