//! Loads that begin anew: when, how often, after which pause, and what becomes of a commit without an answer.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

const FIRST_PAUSE: Duration = Duration::from_secs(8);

fn options(retries: u32) -> LoadOptions {
    LoadOptions { retries: Retries { count: retries, first_pause: FIRST_PAUSE }, ..LoadOptions::default() }
}

async fn load_retrying(retries: u32, scripts: Vec<Script>) -> (Result<RunReport>, Vec<String>) {
    load_in_attempts(scripts, &options(retries), &Cancel::default()).await
}

fn lost() -> EngineError {
    EngineError::ConnectionLost { location: "mock".to_owned(), reason: "reset".to_owned() }
}

fn conflict() -> EngineError {
    EngineError::Conflict { location: "mock".to_owned(), reason: "deadlock".to_owned() }
}

fn shutdown() -> EngineError {
    EngineError::ServerShutdown { location: "mock".to_owned(), reason: "restarting".to_owned() }
}

fn unreachable() -> EngineError {
    EngineError::Unreachable { location: "mock".to_owned(), reason: "refused".to_owned() }
}

fn wrong_password() -> EngineError {
    EngineError::Login { location: "mock".to_owned(), reason: "password authentication failed".to_owned() }
}

/// Loses the connection in the middle of the transforms.
fn failing_with(error: fn() -> EngineError) -> Script {
    Script { failing: Some("INSERT INTO songplays"), error: Some(error), ..Script::default() }
}

fn attempts(log: &[String]) -> usize {
    log.iter().filter(|entry| *entry == "begin").count()
}

#[tokio::test(start_paused = true)]
async fn a_load_that_lost_its_connection_begins_anew_and_reports_its_own_numbers() {
    for error in [lost, conflict, shutdown] {
        let (result, log) = load_retrying(1, vec![failing_with(error), Script::default()]).await;
        let report = result.unwrap();
        assert_eq!((report.records.read, report.records.staged, report.attempts), (1, 1, 2));
        assert_eq!(attempts(&log), 2);
        let aborted = position(&log, "abort");
        assert!(log[aborted + 1..].contains(&"prepare".to_owned()), "{log:#?}");
        assert_eq!(log.last().unwrap(), "commit");
    }
}

#[tokio::test(start_paused = true)]
async fn the_pauses_grow_and_after_the_last_attempt_its_error_is_told() {
    let begin = Instant::now();
    let (result, log) = load_retrying(2, vec![failing_with(lost); 3]).await;
    let error = result.unwrap_err();
    assert!(matches!(&error, Error::GaveUp { attempts: 3, .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("run again"));
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "transform insert_songplays failed");
    assert_eq!(attempts(&log), 3);
    // Both pauses, each with at most a half left out.
    let waited = begin.elapsed();
    assert!(
        FIRST_PAUSE * 3 / 2 <= waited && waited <= FIRST_PAUSE * 3 + Duration::from_secs(1),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_load_without_retries_fails_at_once() {
    let begin = Instant::now();
    let (result, log) = load_retrying(0, vec![failing_with(lost)]).await;
    assert_eq!(result.unwrap_err().to_string(), "transform insert_songplays failed");
    assert_eq!((attempts(&log), begin.elapsed()), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn what_another_attempt_cannot_help_is_not_tried_again() {
    for error in [wrong_password, || refused("INSERT INTO songplays")] {
        let (result, log) = load_retrying(9, vec![failing_with(error)]).await;
        assert!(matches!(result.unwrap_err(), Error::Warehouse { .. }));
        assert_eq!(attempts(&log), 1);
    }
    let (result, log) = load_retrying(9, vec![Script { violations: 1, ..Script::default() }]).await;
    assert!(matches!(result.unwrap_err(), Error::Quality { .. }));
    assert_eq!(attempts(&log), 1);
}

#[tokio::test(start_paused = true)]
async fn a_password_that_is_refused_ends_the_attempts() {
    let refused = Script { begin_error: Some(wrong_password), ..Script::default() };
    let (result, log) = load_retrying(9, vec![failing_with(lost), refused]).await;
    let error = result.unwrap_err();
    let Error::GaveUp { attempts: 2, source } = &error else { panic!("{error:?}") };
    assert!(matches!(source.as_ref(), Error::Warehouse { source: EngineError::Login { .. }, .. }));
    assert_eq!(attempts(&log), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_reached_after_it_answered_is_waited_for() {
    let down = Script { begin_error: Some(unreachable), ..Script::default() };
    let (result, log) =
        load_retrying(3, vec![failing_with(shutdown), down.clone(), down, Script::default()]).await;
    assert_eq!(result.unwrap().attempts, 4);
    assert_eq!(attempts(&log), 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answered_is_not_waited_for() {
    let mut warehouse = MockWarehouse::new();
    warehouse.expect_dialect().return_const(Dialect::DuckDb);
    warehouse.expect_query().times(1).returning(|_| Err(unreachable()));
    let library = SqlLibrary::embedded().unwrap();
    let progress = Arc::new(Progress::default());
    let result =
        load(&warehouse, source(&Log::default()), &library, &options(9), &progress, &Cancel::default()).await;
    assert!(matches!(result, Err(Error::Warehouse { source: EngineError::Unreachable { .. }, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_commit_without_an_answer_that_took_place_is_found_in_the_ledger_with_its_report() {
    let unanswered = Script { commit_error: Some(lost), ..Script::default() };
    let found = Script { published: true, known_files: vec!["memory/a.json"], ..Script::default() };
    let (result, log) = load_retrying(3, vec![unanswered, found]).await;
    let report = result.unwrap();
    // Not what the second attempt would have found: that everything is there already.
    assert_eq!((report.records.staged, report.files.loaded, report.files.skipped), (1, 1, 0));
    assert_eq!(report.attempts, 2);
    assert!(!report.checks.is_empty());
    assert_eq!(log.iter().filter(|entry| *entry == "prepare").count(), 1, "{log:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_commit_without_an_answer_that_did_not_take_place_is_made_up_for() {
    let unanswered = Script { commit_error: Some(lost), ..Script::default() };
    let (result, log) = load_retrying(3, vec![unanswered, Script::default()]).await;
    let report = result.unwrap();
    assert_eq!((report.records.staged, report.attempts), (1, 2));
    assert_eq!(log.iter().filter(|entry| *entry == "prepare").count(), 2, "{log:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_looked_for_again_when_the_connection_breaks_before_the_ledger_could_be_asked() {
    let unanswered = Script { commit_error: Some(lost), ..Script::default() };
    let down = Script { begin_error: Some(unreachable), ..Script::default() };
    let found = Script { published: true, known_files: vec!["memory/a.json"], ..Script::default() };
    let (result, _) = load_retrying(3, vec![unanswered, down, found]).await;
    assert_eq!(result.unwrap().records.staged, 1);
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_fate_is_never_known_is_the_error_of_the_load() {
    let unanswered = Script { commit_error: Some(lost), ..Script::default() };
    let refused = Script { begin_error: Some(wrong_password), ..Script::default() };
    let (result, _) = load_retrying(3, vec![unanswered.clone(), refused]).await;
    assert_eq!(result.unwrap_err().to_string(), "publishing failed");
    let (result, _) = load_retrying(0, vec![unanswered]).await;
    assert_eq!(result.unwrap_err().to_string(), "publishing failed");
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_when_the_user_stops_the_load() {
    let cancel = Cancel::default();
    let stop = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.cancel();
    });
    let begin = Instant::now();
    let (result, _) = load_in_attempts(vec![failing_with(lost)], &options(9), &cancel).await;
    assert!(matches!(result, Err(Error::Cancelled)));
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}
