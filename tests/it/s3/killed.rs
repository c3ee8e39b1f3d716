//! A load from S3 that is killed at any moment leaves everything or nothing, and the next run finishes it.

use std::time::{Duration, Instant};

use sparkify_testkit::{dump, s3::S3DoubleOptions};

use super::{SOURCE, load_from, s3_like, small_data};
use crate::cli;

const KILLS: u32 = 16;

#[test]
fn a_killed_load_from_s3_leaves_all_or_nothing_and_the_next_run_completes_it() {
    let data = small_data();
    let options = S3DoubleOptions { latency: Duration::from_millis(10), ..S3DoubleOptions::default() };
    let s3 = s3_like(options, &data.path());
    let reference = cli();
    let begin = Instant::now();
    let _ = load_from(&reference, &s3);
    let whole = begin.elapsed();
    let complete = dump(&reference.database());

    let mut killed = 0;
    for attempt in 0..KILLS {
        let cli = cli();
        let _ = cli.run(["create-tables"]).success();
        let mut command = cli.command(["etl", "--source", SOURCE]);
        command
            .envs(s3.environment())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(whole * attempt / KILLS);
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let tables = dump(&cli.database());
        assert!(tables.values().all(Vec::is_empty) || tables == complete, "attempt {attempt} left a part");
        let _ = load_from(&cli, &s3);
        assert!(dump(&cli.database()) == complete, "attempt {attempt}");
    }
    assert!(killed > KILLS / 2, "only {killed} runs were killed while they worked");
}
