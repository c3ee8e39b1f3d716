//! A run that is killed at any moment leaves everything or nothing, and the next run finishes the work.

use std::time::{Duration, Instant};

use sparkify_testkit::{Cli, DataSet, Dump, Event, Song, dump, query};

use crate::cli;

/// How often a run is killed; the moments are spread evenly over the time of a whole run.
const KILLS: u32 = 40;

/// Enough data that a run has a read, a transform and a commit to be killed in.
fn data() -> DataSet {
    let data = DataSet::new();
    for file in 0..20 {
        let events: Vec<_> = (0..300)
            .map(|item| {
                let level = if (file + item) % 3 == 0 { "paid" } else { "free" };
                Event::play(file, item).user(item % 50).level(level).song(&format!("Song {}", item % 40))
            })
            .collect();
        data.write_events(&format!("{file}.json"), &events);
        let songs =
            [Song::new(&format!("SO{file}"), &format!("AR{}", file / 2)).title(&format!("Song {file}"))];
        data.write_songs(&format!("{file}.json"), &songs);
    }
    data
}

/// Adds files, changes one and delivers another again.
fn change(data: &DataSet) {
    data.write_events("1.json", &[Event::play(1, 0).user(77), Event::play(1, 1).user(78)]);
    data.write_events(
        "copy.json",
        &[Event::play(2, 5).user(5).level("free").song("Song 5"), Event::play(900, 0)],
    );
    let more: Vec<_> =
        (0..3000).map(|item| Event::play(1000 + item / 100, item % 100).user(item % 60)).collect();
    data.write_events("more.json", &more);
    data.write_songs("late.json", &[Song::new("SO999", "AR999").title("Song 39")]);
}

/// Starts a load, kills it after a while, and says whether it was still running.
fn load_and_kill(cli: &Cli, data: &DataSet, after: Duration) -> bool {
    let mut child = cli.start(["run", "--source", data.path().to_str().unwrap()]);
    std::thread::sleep(after);
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

/// The tables, or nothing if there are none yet.
fn tables(cli: &Cli) -> Option<Dump> {
    let there = cli.database().exists()
        && query(
            &cli.database(),
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'songplays'",
        ) == [["1"]];
    there.then(|| dump(&cli.database()))
}

#[test]
fn a_killed_first_load_leaves_all_or_nothing_and_the_next_run_completes_it() {
    let data = data();
    let reference = cli();
    let begin = Instant::now();
    let _ = reference.load(&data.path());
    let whole = begin.elapsed();
    let complete = dump(&reference.database());

    let mut killed = 0;
    for attempt in 0..KILLS {
        let cli = cli();
        killed += u32::from(load_and_kill(&cli, &data, whole * attempt / KILLS));
        if let Some(tables) = tables(&cli) {
            assert!(
                tables.values().all(Vec::is_empty) || tables == complete,
                "attempt {attempt} left a part"
            );
        }
        let _ = cli.load(&data.path());
        assert!(dump(&cli.database()) == complete, "attempt {attempt}");
        let _ = cli.run(["check"]).success();
    }
    assert!(killed > KILLS / 2, "only {killed} runs were killed while they worked");
}

#[test]
fn a_killed_later_load_leaves_the_earlier_state_or_the_new_one() {
    let before_change = data();
    let begun = cli();
    let _ = begun.load(&before_change.path());
    let before = dump(&begun.database());
    change(&before_change);

    let reference = cli();
    std::fs::copy(begun.database(), reference.database()).unwrap();
    let begin = Instant::now();
    let _ = reference.load(&before_change.path());
    let whole = begin.elapsed();
    let after = dump(&reference.database());
    assert!(before != after);

    let mut killed = 0;
    for attempt in 0..KILLS {
        let cli = cli();
        std::fs::copy(begun.database(), cli.database()).unwrap();
        // Killed twice: the second time while it recovers from the first.
        killed += u32::from(load_and_kill(&cli, &before_change, whole * attempt / KILLS));
        killed += u32::from(load_and_kill(&cli, &before_change, whole * (attempt * 7 % KILLS) / KILLS));
        let state = dump(&cli.database());
        assert!(state == before || state == after, "attempt {attempt} left a part");
        let _ = cli.load(&before_change.path());
        assert!(dump(&cli.database()) == after, "attempt {attempt}");
    }
    assert!(killed > KILLS / 2, "only {killed} runs were killed while they worked");
}

#[test]
fn two_runs_at_once_load_everything_once() {
    let data = data();
    let cli = cli();
    let source = data.path();
    let arguments = ["run", "--source", source.to_str().unwrap(), "--wait", "60s"];
    let mut children: Vec<_> = (0..4).map(|_| cli.start(arguments)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let reference = self::cli();
    let _ = reference.load(&source);
    assert!(dump(&cli.database()) == dump(&reference.database()));
    assert_eq!(query(&cli.database(), "SELECT COUNT(*) FROM load_runs"), [["1"]]);
}
