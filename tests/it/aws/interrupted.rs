//! Interrupted at each call to AWS in turn, and run again: the same end, and nothing double.

use std::{
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::Value;
use sparkify_testkit::{Finished, HttpFault};

use super::{Aws, inventory};

/// Cases that are tried at once. Most of their time they wait for a pause to end.
const THREADS: usize = 6;

/// How a run is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interruption {
    /// The connection breaks before AWS hears of the call.
    CutBefore,
    /// AWS does it, and the answer is lost.
    CutAfter,
    /// AWS is overloaded.
    Unavailable,
    /// The process is killed before AWS hears of the call.
    KilledBefore,
    /// The process is killed when AWS has done it.
    KilledAfter,
}

const ALL: [Interruption; 5] = [
    Interruption::KilledAfter,
    Interruption::CutAfter,
    Interruption::CutBefore,
    Interruption::Unavailable,
    Interruption::KilledBefore,
];

/// Those after which AWS has done something that the program does not know of.
const UNKNOWN_TO_US: [Interruption; 2] = [Interruption::KilledAfter, Interruption::CutAfter];

/// Every call that changes something with each of the interruptions, and every other call with one of all in
/// turn: for AWS they are the same.
fn cases(operations: &[String], interruptions: &[Interruption]) -> Vec<(usize, Interruption)> {
    let mut cases = Vec::new();
    for (number, operation) in operations.iter().enumerate() {
        let verb = operation.split(':').nth(1).unwrap();
        let reads = ["Describe", "Get", "List", "HEAD", "GET"].iter().any(|reads| verb.starts_with(reads));
        if reads {
            cases.push((number, ALL[number % ALL.len()]));
        } else {
            cases.extend(interruptions.iter().map(|interruption| (number, *interruption)));
        }
    }
    cases
}

/// Runs the command and interrupts it at that call.
fn interrupt(aws: &Aws, arguments: &[&str], number: usize, how: Interruption) -> Option<Finished> {
    let proxy = aws.account.proxy();
    proxy.reset();
    let finished = match how {
        Interruption::CutBefore | Interruption::CutAfter | Interruption::Unavailable => {
            let fault = match how {
                Interruption::CutBefore => HttpFault::CutBefore,
                Interruption::CutAfter => HttpFault::CutAfter,
                _ => HttpFault::unavailable(),
            };
            proxy.break_call(number, fault);
            Some(aws.run(arguments))
        }
        Interruption::KilledBefore | Interruption::KilledAfter => {
            let before = how == Interruption::KilledBefore;
            proxy.break_call(number, if before { HttpFault::HoldBefore } else { HttpFault::HoldAfter });
            let mut process =
                aws.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            assert!(proxy.wait_until_held(Duration::from_secs(120)), "call {number} never came");
            process.kill().unwrap();
            process.wait().unwrap();
            None
        }
    };
    assert!(proxy.calls().len() > number, "call {number} never came");
    proxy.reset();
    finished
}

/// Tries all cases, some at once.
fn try_all(cases: &[(usize, Interruption)], case: impl Fn(usize, Interruption) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((number, how)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    case(*number, *how);
                }
            });
        }
    });
}

fn provision_is_interrupted_anywhere(configuration: &str, interruptions: &[Interruption]) {
    const PROVISION: &[&str] = &["provision", "--yes", "--format", "json"];
    let undisturbed = Aws::with(configuration);
    let _ = undisturbed.provision().success();
    let operations = undisturbed.account.proxy().operations();
    let expected: Value = undisturbed.inventory();
    let cases = cases(&operations, interruptions);
    assert!(cases.len() > operations.len(), "{operations:?}");
    try_all(&cases, |number, how| {
        let aws = Aws::with(configuration);
        let what = format!("call {number} ({}) {how:?}", operations[number]);
        let first = interrupt(&aws, PROVISION, number, how);
        let second = aws.run(PROVISION);
        assert_eq!(second.code, 0, "{what}: {first:?} {second:?}");
        assert_eq!(aws.inventory(), expected, "{what}: {first:?} {second:?}");
    });
}

#[test]
fn a_provision_that_was_interrupted_at_any_call_goes_on_where_it_was() {
    provision_is_interrupted_anywhere(super::WANTED, &ALL);
}

#[test]
fn one_of_serverless_too() {
    provision_is_interrupted_anywhere(
        "[deployment]\nname = \"music\"\nkind = \"serverless\"\nallow_cidr = [\"203.0.113.7/32\"]\n",
        &UNKNOWN_TO_US,
    );
}

#[test]
fn a_teardown_that_was_interrupted_at_any_call_goes_on_where_it_was() {
    const TEARDOWN: &[&str] = &["teardown", "--yes", "--skip-final-snapshot", "--format", "json"];
    let undisturbed = Aws::new();
    let _ = undisturbed.provision().success();
    undisturbed.account.proxy().reset();
    let _ = undisturbed.teardown().success();
    let operations = undisturbed.account.proxy().operations();
    try_all(&cases(&operations, &ALL), |number, how| {
        let aws = Aws::new();
        let _ = aws.provision().success();
        let what = format!("call {number} ({}) {how:?}", operations[number]);
        let first = interrupt(&aws, TEARDOWN, number, how);
        let second = aws.run(TEARDOWN);
        assert_eq!(second.code, 0, "{what}: {first:?} {second:?}");
        assert_eq!(second.json()["clean"], true, "{what}: {first:?} {second:?}");
        assert!(inventory::is_empty(&aws.inventory()), "{what}: {}", aws.inventory());
    });
}

#[test]
fn an_outage_ends_in_an_error_that_says_to_run_it_again() {
    let aws = Aws::new();
    aws.account.proxy().break_from(8, HttpFault::unavailable());
    let mut command = aws.command(&["provision", "--yes"]);
    let output = command.env("SPARKIFY_AWS_TIMING", "poll=5ms,ready=1s,settle=300ms").output().unwrap();
    let finished = Finished::from(output).with_code(1);
    assert!(finished.stderr.contains("run the same command again"), "{}", finished.stderr);
    aws.account.proxy().reset();
    let _ = aws.provision().success();
}
