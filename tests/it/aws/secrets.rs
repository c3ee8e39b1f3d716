//! No secret is printed, whatever is asked for.

use sparkify_testkit::{AWS_SECRET_ACCESS_KEY, Finished};

use super::Aws;

/// What passwords of the double look like.
const MARKS: [&str; 2] = ["MANAGED-", "TEMPORARY-"];

#[track_caller]
fn check(finished: &Finished, what: &str) {
    for text in [&finished.stdout, &finished.stderr] {
        for secret in MARKS.into_iter().chain([AWS_SECRET_ACCESS_KEY]) {
            let at = text.find(secret);
            assert!(at.is_none(), "{what}: {}", &text[at.unwrap().saturating_sub(300)..][..400]);
        }
    }
}

#[test]
fn no_secret_is_in_the_fullest_trace_or_in_any_result() {
    let aws = Aws::new();
    for arguments in [
        &["provision", "--plan"][..],
        &["provision", "--yes"],
        &["status"],
        &["doctor"],
        &["pause"],
        &["resume"],
        &["config", "show"],
        &["teardown", "--plan"],
        &["teardown", "--yes", "--final-snapshot"],
    ] {
        for format in ["table", "json"] {
            let mut command = aws.command(arguments);
            command.args(["-vvv", "--log-format", "json", "--format", format]).env("RUST_LOG", "trace");
            let finished = Finished::from(command.output().unwrap());
            let traces = finished.stderr.contains("\"level\":\"TRACE\"");
            assert_eq!(traces, arguments[0] != "config", "{arguments:?}: {}", finished.stderr);
            check(&finished, &format!("{arguments:?} {format}"));
            check(&aws.run(&[arguments, &["--format", format]].concat()), &format!("{arguments:?} {format}"));
        }
    }
}
