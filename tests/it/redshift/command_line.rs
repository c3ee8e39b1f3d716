//! The command line on Redshift.

use std::{
    io::{BufRead, BufReader},
    process::Child,
    time::{Duration, Instant},
};

use sparkify_testkit::{
    Cli, DataSet, Event, Finished, POSTGRES_PASSWORD, POSTGRES_USER, Song,
    redshift::{Action, Authentication, Fault, Isolation, Message, ServerError},
};

use super::{BUCKET, ROLE, Stand, run, start};
use crate::{cli, conformance::command_line::source};

fn data() -> DataSet {
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0).user(7).song("One"), Event::play(1, 1).user(8)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1").title("One")]);
    data
}

#[test]
fn every_command_works_on_redshift() {
    let (stand, cli, data) = (Stand::new(), cli(), data());
    let path = data.path();
    let source = path.to_str().unwrap();
    let _ = run(&cli, &stand, &["create-tables"]).success();
    let _ = run(&cli, &stand, &["create-tables"]).success();
    let etl = run(&cli, &stand, &["etl", "--source", source]).success();
    assert!(etl.stdout.contains("redshift://loader@localhost"), "{}", etl.stdout);
    let checks = run(&cli, &stand, &["check", "--format", "json"]).success().json();
    assert!(checks.as_array().unwrap().len() >= 29, "{checks}");
    let count =
        run(&cli, &stand, &["explore", "--query", "SELECT COUNT(*) AS n FROM songplays", "--format", "json"]);
    assert_eq!(count.success().json()[0]["n"], 2);
    let answers = run(&cli, &stand, &["explore", "--format", "json"]).success().json();
    assert!(answers.as_object().unwrap().len() >= 15);
    let _ = run(&cli, &stand, &["explore", "--query", "DELETE FROM songplays"]).with_code(2);
    let _ = run(&cli, &stand, &["create-tables", "--drop", "--yes"]).success();
    let count =
        run(&cli, &stand, &["explore", "--query", "SELECT COUNT(*) AS n FROM songplays", "--format", "json"]);
    assert_eq!(count.success().json()[0]["n"], 0);
    stand.assert_only_what_redshift_takes();
}

#[test]
fn the_real_logs_go_by_way_of_s3_and_leave_nothing_there() {
    let parent = tempfile::tempdir().unwrap();
    let source = source(&parent);
    let (stand, cli) = (Stand::new(), cli());
    let arguments = ["run", "--source", source.to_str().unwrap(), "--format", "json"];
    let report = run(&cli, &stand, &arguments).success().json();
    assert!(report["records"]["staged"].as_i64().unwrap() > 1000, "{report}");
    assert!(stand.sent_that_begin("COPY") > 0);
    assert_eq!(stand.staged(), Vec::<String>::new());
    stand.assert_only_what_redshift_takes();
}

#[test]
fn a_load_without_a_place_in_s3_or_a_role_is_wrong_usage_before_anything_happens() {
    let (stand, cli, data) = (Stand::new(), cli(), data());
    let (path, url, stage) = (data.path(), stand.redshift.owner_url(), format!("s3://{BUCKET}/x"));
    let source = path.to_str().unwrap();
    for (arguments, named) in [
        (vec!["etl", "--source", source, "--warehouse", &url, "--iam-role", ROLE], "--stage"),
        (vec!["run", "--source", source, "--warehouse", &url, "--stage", &stage], "--iam-role"),
        (
            vec!["etl", "--source", source, "--warehouse", &url, "--stage", "/tmp/x", "--iam-role", ROLE],
            "s3://",
        ),
        (
            vec!["etl", "--source", source, "--warehouse", &url, "--stage", &stage, "--iam-role", "me"],
            "arn:aws",
        ),
    ] {
        let finished = cli.run(&arguments).with_code(2);
        assert!(finished.stderr.contains(named) && finished.stderr.contains("hint:"), "{}", finished.stderr);
    }
    assert_eq!(stand.redshift.received(), Vec::new());
}

#[test]
fn the_settings_are_shown_without_the_password() {
    let (stand, cli) = (Stand::new(), cli());
    let shown = run(&cli, &stand, &["config", "show"]).success().stdout;
    assert!(
        shown.contains(&format!("redshift://{POSTGRES_USER}@localhost:{}/dev", stand.redshift.port())),
        "{shown}"
    );
    assert!(shown.contains(ROLE) && shown.contains(&format!("s3://{BUCKET}/of the command line")), "{shown}");
    let finished =
        cli.run(["config", "show", "--warehouse", "redshift://me:hunter2@h.example.com:0/x"]).with_code(2);
    assert!(!finished.stderr.contains("hunter2"), "{}", finished.stderr);
}

#[test]
fn no_password_is_in_the_log_however_much_is_logged() {
    let (stand, cli, data) = (Stand::new(), cli(), data());
    let path = data.path();
    let finished =
        run(&cli, &stand, &["run", "--source", path.to_str().unwrap(), "-vvv", "--log-format", "json"]);
    let finished = finished.success();
    for secret in [POSTGRES_PASSWORD, "p@ss:w", "%70%40"] {
        assert!(!finished.stderr.contains(secret) && !finished.stdout.contains(secret));
    }
    assert!(finished.stderr.contains("COPY"), "statements are logged");
    assert!(finished.stderr.contains("record(s) loaded successfully"), "what the server says is logged");
}

#[test]
fn how_transactions_are_isolated_is_in_the_log_of_a_load_where_it_can_be_seen() {
    let data = data();
    let path = data.path();
    let etl = ["run", "--source", path.to_str().unwrap(), "-vv"];
    for (isolation, shown) in
        [(Isolation::Snapshot, "Snapshot Isolation"), (Isolation::Serializable, "Serializable")]
    {
        let stand = Stand::with(|options| options.isolation = isolation);
        let finished = run(&cli(), &stand, &etl).success();
        assert!(finished.stderr.contains(&format!("isolation=\"{shown}\"")), "{}", finished.stderr);
    }
    let stand = Stand::new();
    let hidden = ServerError::new("42501", "permission denied for relation stv_db_isolation_level");
    stand.redshift.inject(Fault::containing("stv_db_isolation_level", Action::Fail(hidden)));
    let finished = run(&cli(), &stand, &etl).success();
    assert!(finished.stderr.contains("isolation=\"unknown\""), "{}", finished.stderr);
}

#[test]
fn a_login_that_cannot_be_made_is_explained() {
    let stand = Stand::with(|options| options.authentication = Authentication::Digest);
    let finished = run(&cli(), &stand, &["check"]).with_code(1);
    assert!(
        finished.stderr.contains("SHA-256") && finished.stderr.contains("ALTER USER"),
        "{}",
        finished.stderr
    );
    let stand = Stand::new();
    let url = stand.redshift.url(POSTGRES_USER, "not-the-password");
    let finished = cli().run(["check", "--warehouse", &url]).with_code(1);
    assert!(finished.stderr.contains("refuses the login") && !finished.stderr.contains("not-the-password"));
    assert_eq!(stand.redshift.failed_logins(POSTGRES_USER), 1, "it was tried once");
}

/// A load whose two COPYs never end by themselves, from when both have begun: before that, one whose records are
/// still read would end the load.
fn endless_load(cli: &Cli, stand: &Stand, data: &DataSet) -> Child {
    let _ = run(cli, stand, &["create-tables"]).success();
    stand.redshift.inject(Fault::before_any("COPY", Action::Delay(Duration::from_secs(600))).times(2));
    let path = data.path();
    let child = start(cli, stand, &["etl", "--source", path.to_str().unwrap()]);
    let begin = Instant::now();
    while stand.sent_that_begin("COPY") < 2 {
        assert!(begin.elapsed() < Duration::from_secs(60), "there are no two COPYs");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn press_ctrl_c(child: &Child) {
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

fn assert_nothing_is_left(cli: &Cli, stand: &Stand) {
    assert_eq!(stand.staged(), Vec::<String>::new());
    let count = "SELECT COUNT(*) AS n FROM staging_events";
    let count = run(cli, stand, &["explore", "--query", count, "--format", "json"]).success().json();
    assert_eq!(count[0]["n"], 0);
}

#[test]
fn ctrl_c_stops_a_load_cancels_on_the_server_says_that_it_has_ended_and_leaves_nothing() {
    let (stand, cli, data) = (Stand::new(), cli(), data());
    let child = endless_load(&cli, &stand, &data);
    press_ctrl_c(&child);
    let finished = Finished::from(child.wait_with_output().unwrap()).with_code(130);
    assert!(finished.stderr.contains("nothing was loaded"), "{}", finished.stderr);
    assert!(finished.stderr.contains("the server confirms"), "{}", finished.stderr);
    assert!(stand.redshift.received().iter().any(|received| received.message == Message::Cancel));
    assert!(stand.sent_that_begin("SELECT pg_cancel_backend") == 0, "the request was enough");
    assert_nothing_is_left(&cli, &stand);
}

#[test]
fn a_statement_that_a_request_does_not_end_is_ended_by_an_order() {
    let stand = Stand::with(|options| options.ignore_cancel_requests = true);
    let (cli, data) = (cli(), data());
    let child = endless_load(&cli, &stand, &data);
    press_ctrl_c(&child);
    let finished = Finished::from(child.wait_with_output().unwrap()).with_code(130);
    assert!(stand.sent_that_begin("SELECT pg_cancel_backend") > 0);
    for said in ["has had no effect; another session orders it", "the server confirms", "nothing was loaded"]
    {
        assert!(finished.stderr.contains(said), "{said}: {}", finished.stderr);
    }
    assert_nothing_is_left(&cli, &stand);
}

#[test]
fn a_statement_that_nothing_ends_is_warned_of_and_a_second_ctrl_c_leaves_it() {
    let stand =
        Stand::with(|options| (options.ignore_cancel_requests, options.ignore_cancel_orders) = (true, true));
    let (cli, data) = (cli(), data());
    let mut child = endless_load(&cli, &stand, &data);
    press_ctrl_c(&child);
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    while !said.contains("and has not yet") {
        said.push_str(&lines.next().unwrap_or_else(|| panic!("it ended: {said}")).unwrap());
    }
    assert!(said.contains("status=\"running\"") && said.contains("CANCEL"), "{said}");
    assert!(
        stand.sent_that_begin("SELECT pg_cancel_backend") > 0
            && stand.sent_that_begin("SELECT status FROM sys_query_history") > 0
    );
    press_ctrl_c(&child);
    let finished = child.wait().unwrap();
    assert_eq!(finished.code(), Some(130));
    let confirmed = lines.any(|line| line.unwrap().contains("the server confirms"));
    assert!(!confirmed && !said.contains("the server confirms"), "{said}");
}
