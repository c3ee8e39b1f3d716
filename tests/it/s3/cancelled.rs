//! Ctrl-C while S3 keeps us waiting.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sparkify_testkit::{
    Cli, dump,
    s3::{Effect, Fault, Operation, S3Double},
};

use super::{SOURCE, load_from, s3_with, small_data};
use crate::cli;

/// Interrupts a load once it has made such a request, and returns how long it went on.
fn interrupt_during(cli: &Cli, s3: &S3Double, operation: Operation) -> Duration {
    let _ = cli.run(["create-tables"]).success();
    let mut command = cli.command(["etl", "--source", SOURCE]);
    let mut child = command.envs(s3.environment()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while s3.requests().of(operation) < 2 {
        assert!(begin.elapsed() < Duration::from_secs(60), "no such request");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(100));
    interrupt(&child);
    let begin = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    begin.elapsed()
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_load_that_waits_for_s3_stops_at_once() {
    for (operation, effect) in [
        (Operation::List, Effect::Delay(Duration::from_secs(20))),
        (Operation::Get, Effect::Delay(Duration::from_secs(20))),
        (Operation::Get, Effect::Stall(100)),
        (Operation::Get, Effect::SlowDown),
    ] {
        let (data, cli) = (small_data(), cli());
        let s3 = s3_with(&data.path());
        s3.inject(Fault::on(operation, effect.clone()).skip(1).always());
        let after = interrupt_during(&cli, &s3, operation);
        assert!(after < Duration::from_secs(2), "{effect:?}: {after:?}");
        assert!(dump(&cli.database()).values().all(Vec::is_empty));
        s3.heal();
        assert_eq!(load_from(&cli, &s3)["files"]["loaded"], 36);
    }
}
