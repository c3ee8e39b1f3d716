//! The catalogue asks the right questions: answers worked out by hand, on DuckDB in memory.

use arrow_schema::DataType;
use sparkify_schema::{Dialect, ddl, model, sql::SqlLibrary};
use sparkify_warehouse::{
    MockWarehouse, Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
};

use crate::{
    Catalogue, Chart, Error,
    output::{self, Format},
};

/// Ada goes from free to paid, Bob stays free, Cy never plays. Session 14 belongs to nobody, so its
/// NextSong is no play. 2018-11-04 is a Sunday, 2018-12-31 a Monday of the first ISO week of 2019.
const EVENTS: &str = "INSERT INTO staging_events
        (session_id, item_in_session, ts, user_id, level, page, song, artist, location)
    SELECT e.session_id, e.item, EPOCH_MS(CAST(e.moment AS TIMESTAMP)), e.user_id, e.level, e.page, e.song,
        e.artist, e.location
    FROM (VALUES
        (10, 0, '2018-11-04 23:50:00',     1,    'free', 'Home',     NULL,      NULL,            'Rome'),
        (10, 1, '2018-11-04 23:52:00.500', 1,    'free', 'NextSong', 'Undo',    'Björk',         'Rome'),
        (10, 2, '2018-11-05 00:02:00',     1,    'free', 'NextSong', 'Revelry', 'Kings Of Leon', 'Rome'),
        (11, 0, '2018-11-05 08:00:00',     1,    'paid', 'NextSong', 'Undo ',   'Björk',         'Rome'),
        (11, 1, '2018-11-05 08:03:00',     1,    'paid', 'NextSong', 'Undo',    'Björk',         NULL),
        (12, 0, '2018-12-31 10:00:00',     2,    'free', 'NextSong', 'Revelry', 'Kings Of Leon', 'Oslo'),
        (13, 0, '2018-11-05 09:00:00',     3,    'free', 'Home',     NULL,      NULL,            'Bonn'),
        (13, 1, '2018-11-05 14:00:00.001', 3,    'free', 'Logout',   NULL,      NULL,            'Bonn'),
        (14, 0, '2018-11-06 10:00:00',     NULL, 'free', 'Home',     NULL,      NULL,            NULL),
        (14, 1, '2018-11-06 10:00:00',     NULL, 'free', 'NextSong', 'Undo',    'Björk',         NULL),
        (15, 0, '2018-11-06 12:00:00',     2,    'free', 'Home',     NULL,      NULL,            'Oslo')
    ) AS e (session_id, item, moment, user_id, level, page, song, artist, location)";

const STAR: [&str; 7] = [
    "INSERT INTO load_runs VALUES
        ('r', 1, TIMESTAMP '2019-01-01 00:00:00', 'data', 'exact', 1, 13, 13, 0, 0, 1, '0.1.0')",
    "INSERT INTO staging_songs (song_id, title, artist_id, artist_name) VALUES
        ('S1', 'Undo', 'A1', 'Björk'), ('S2', 'Hyperballad', 'A1', 'Björk')",
    "INSERT INTO users VALUES
        (1, 1, 'Ada', 'Lovelace', 'F', 'paid'), (2, 2, 'Bob', NULL, 'M', 'free'), (3, 3, 'Cy', 'Young', NULL, 'free')",
    "INSERT INTO artists VALUES (1, 'A1', 'Björk', NULL, NULL, NULL)",
    "INSERT INTO songs VALUES (1, 'S1', 'Undo', 'A1', 2001, 338.9), (2, 'S2', 'Hyperballad', 'A1', NULL, 320.1)",
    "INSERT INTO time
        SELECT ts, start, EXTRACT(HOUR FROM start), EXTRACT(DAY FROM start), EXTRACT(WEEK FROM start),
            EXTRACT(MONTH FROM start), EXTRACT(YEAR FROM start), EXTRACT(DOW FROM start)
        FROM (SELECT ts, EPOCH_MS(ts) AS start FROM staging_events WHERE page = 'NextSong' AND user_id IS NOT NULL)",
    // Only the second play of session 11 has the duration of the song in the catalogue.
    "INSERT INTO songplays
        SELECT session_id * 1048576 + item_in_session, EPOCH_MS(ts), user_id, level,
            CASE WHEN session_id = 11 AND item_in_session = 1 THEN 'S1' END,
            CASE WHEN session_id = 11 AND item_in_session = 1 THEN 'A1' END,
            session_id, item_in_session, location, NULL
        FROM staging_events WHERE page = 'NextSong' AND user_id IS NOT NULL",
];

/// Each query of the catalogue with its answer to the rows above.
const ANSWERS: [(&str, &str); 18] = [
    (
        "row_counts",
        "table_name,row_count\nloaded_files,0\nload_runs,1\nload_errors,0\nstaging_events,11\n\
         staging_songs,2\nusers,3\nartists,1\nsongs,2\ntime,5\nsongplays,5\n",
    ),
    ("top_songs", "song,artist,in_catalogue,plays\nUndo,Björk,yes,3\nRevelry,Kings Of Leon,no,2\n"),
    ("top_artists", "artist,listeners,plays\nBjörk,1,3\nKings Of Leon,2,2\n"),
    ("matched_songs", "title,artist,plays\nUndo,Björk,1\n"),
    ("plays_by_hour", "hour,plays\n0,1\n8,2\n10,1\n23,1\n"),
    ("plays_by_weekday", "weekday,weekday_name,plays\n0,Sunday,1\n1,Monday,4\n"),
    (
        "plays_by_week",
        "iso_year,week,monday,plays\n2018,44,2018-10-29,1\n2018,45,2018-11-05,3\n2019,1,2018-12-31,1\n",
    ),
    ("plays_by_day", "day,plays\n2018-11-04,1\n2018-11-05,3\n2018-12-31,1\n"),
    ("plays_by_level", "level,listeners,plays\nfree,2,3\npaid,1,2\n"),
    ("plays_by_gender", "gender,listeners,plays\nF,1,4\nM,1,1\n"),
    ("plays_by_location", "location,listeners,plays\nRome,1,3\nOslo,1,1\n"),
    ("top_users", "user_id,first_name,last_name,level,plays\n1,Ada,Lovelace,paid,4\n2,Bob,,free,1\n"),
    (
        "sessions",
        "sessions,sessions_with_play,average_events,most_events,average_plays,most_plays\n6,3,1.83,3,0.83,2\n",
    ),
    ("session_length", "minutes,sessions\n0 (one event),2\nup to 5,2\nup to 15,1\nover 240,1\n"),
    (
        "level_changes",
        "user_id,first_name,last_name,from_level,to_level,changed_at\n\
         1,Ada,Lovelace,free,paid,2018-11-05T08:00:00\n",
    ),
    (
        "daily_active_users",
        "day,plays,users_with_play,active_users\n2018-11-04,1,1,1\n2018-11-05,3,1,2\n2018-11-06,0,0,1\n\
         2018-12-31,1,1,1\n",
    ),
    (
        "weekly_active_users",
        "monday,plays,users_with_play,active_users\n2018-10-29,1,1,1\n2018-11-05,3,1,3\n2018-12-31,1,1,1\n",
    ),
    ("match_rate", "plays,matched,match_rate_percent\n5,1,20.0\n"),
];

fn catalogue() -> Catalogue {
    Catalogue::new(&SqlLibrary::embedded().unwrap()).unwrap()
}

async fn empty_warehouse() -> DuckDbWarehouse {
    let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
    let create = model::tables().into_iter().map(|table| ddl::create_table(table, Dialect::DuckDb).unwrap());
    warehouse.transact(create.collect()).await.unwrap();
    warehouse
}

async fn answer(warehouse: &dyn Warehouse, name: &str) -> String {
    let answer = catalogue().run(warehouse, name).await.unwrap();
    let mut text = Vec::new();
    output::write(Format::Csv, &answer.records, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn each_query_gives_the_answer_worked_out_by_hand() {
    let warehouse = empty_warehouse().await;
    let rows = std::iter::once(EVENTS).chain(STAR).map(str::to_owned).collect();
    warehouse.transact(rows).await.unwrap();
    let names: Vec<_> = catalogue().queries().iter().map(|query| query.name.clone()).collect();
    assert_eq!(names, ANSWERS.map(|(name, _)| name), "each query needs an answer here");
    for (name, expected) in ANSWERS {
        assert_eq!(answer(&warehouse, name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn each_query_answers_on_empty_tables() {
    let warehouse = empty_warehouse().await;
    for (name, _) in ANSWERS {
        let lines = answer(&warehouse, name).await.lines().count();
        let expected = match name {
            "row_counts" => model::counted_tables().len() + 1,
            "sessions" | "match_rate" => 2,
            _ => 1,
        };
        assert_eq!(lines, expected, "{name}");
    }
}

#[tokio::test]
async fn the_last_column_of_what_is_drawn_is_a_count() {
    let warehouse = empty_warehouse().await;
    for query in catalogue().queries().iter().filter(|query| query.chart != Chart::Table) {
        let schema = catalogue().run(&warehouse, &query.name).await.unwrap().records.schema();
        assert_eq!(schema.fields().last().unwrap().data_type(), &DataType::Int64, "{}", query.name);
    }
}

#[tokio::test]
async fn each_table_is_counted_under_its_own_name_in_the_order_of_the_model() {
    let sql = catalogue().sql("row_counts", Dialect::DuckDb).unwrap();
    for (place, table) in (1..).zip(model::counted_tables()) {
        let name = table.name;
        let count = format!(
            "SELECT {place} AS place, CAST('{name}' AS VARCHAR(32)) AS table_name, COUNT(*) AS row_count FROM {name}\n"
        );
        assert!(sql.contains(&count), "{count}{sql}");
    }
}

#[tokio::test]
async fn a_top_list_has_ten_rows_and_breaks_ties_by_the_bytes_of_the_text() {
    let warehouse = empty_warehouse().await;
    let events = "INSERT INTO staging_events (session_id, item_in_session, ts, user_id, level, page, song, artist)
        SELECT 1, i, i, 1, 'free', 'NextSong', SUBSTRING('bBaAzZéÉ2_-x', i, 1), 'Same' FROM RANGE(1, 13) r (i)";
    warehouse.transact(vec![events.to_owned(), STAR[6].to_owned()]).await.unwrap();
    let songs: String =
        answer(&warehouse, "top_songs").await.lines().skip(1).flat_map(|line| line.chars().next()).collect();
    assert_eq!(songs, "-2ABZ_abxz");
}

#[tokio::test]
async fn an_unknown_name_is_refused_with_the_known_names_before_the_warehouse_is_asked() {
    let mut warehouse = MockWarehouse::new();
    warehouse.expect_dialect().return_const(Dialect::Redshift);
    let error = catalogue().run(&warehouse, "top_song").await.unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("there is no query named \"top_song\"; known are: row_counts, top_songs, "));
    assert_eq!(error.hint().as_deref(), Some("did you mean top_songs?"));
    // A statement of another folder is not a query of the catalogue.
    assert!(matches!(catalogue().run(&warehouse, "insert_users").await, Err(Error::UnknownQuery { .. })));
}

#[tokio::test]
async fn the_error_of_the_warehouse_is_passed_on_with_its_hint() {
    let mut warehouse = MockWarehouse::new();
    warehouse.expect_dialect().return_const(Dialect::DuckDb);
    warehouse
        .expect_query()
        .withf(|sql| sql.starts_with("SELECT") && sql.contains("songplays"))
        .returning(|_| Err(sparkify_warehouse::Error::OutOfMemory { reason: "full".to_owned() }));
    let error = catalogue().run(&warehouse, "match_rate").await.unwrap_err();
    assert_eq!(error.to_string(), "the query match_rate failed");
    assert!(error.hint().unwrap().contains("--memory-limit"));
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the memory limit was reached: full");
}

#[test]
fn each_query_passes_the_check_of_statements_in_each_dialect() {
    for query in catalogue().queries() {
        for dialect in Dialect::ALL {
            let sql = catalogue().sql(&query.name, dialect).unwrap();
            crate::statement::ensure_read_only(&sql).unwrap();
        }
    }
}

#[test]
fn an_answer_keeps_the_title_and_the_chart_of_its_query() {
    let catalogue = catalogue();
    let query = catalogue.find("daily_active_users").unwrap();
    assert_eq!((query.purpose.as_str(), query.chart), ("users with an event, by day, UTC", Chart::Line));
    let json = serde_json::to_value(query).unwrap();
    assert_eq!(json["chart"], "line");
}
