//! Ctrl-C.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;
use sparkify_testkit::{Finished, HttpFault};

use super::Aws;

fn interrupt(process: &std::process::Child) {
    assert!(Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap().success());
}

#[test]
fn ctrl_c_says_how_things_are_and_the_next_run_goes_on() {
    let aws = Aws::new();
    // It would wait for the cluster for a long time.
    aws.account.set(&json!({ "creating": 1_000_000 }));
    let process =
        aws.command(&["provision", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = std::time::Instant::now();
    while !aws.account.proxy().operations().iter().any(|operation| operation == "redshift:CreateCluster") {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", aws.account.proxy().operations());
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&process);
    let finished = Finished::from(process.wait_with_output().unwrap()).with_code(130);
    for expected in [
        "stopped on request",
        "role sparkify-music-us-west-2: create done",
        "creating",
        "`sparkify-cli provision` goes on",
    ] {
        assert!(finished.stderr.contains(expected), "{expected}: {}", finished.stderr);
    }
    let status = aws.run(&["status", "--format", "json"]).success().json();
    assert_eq!(status["state"], "pending", "{status}");
}

#[test]
fn ctrl_c_before_anything_was_done_says_so() {
    let aws = Aws::new();
    aws.account.proxy().break_call(0, HttpFault::HoldBefore);
    let process =
        aws.command(&["provision", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(aws.account.proxy().wait_until_held(Duration::from_secs(60)));
    interrupt(&process);
    let finished = Finished::from(process.wait_with_output().unwrap()).with_code(130);
    assert!(finished.stderr.contains("nothing was changed"), "{}", finished.stderr);
}
