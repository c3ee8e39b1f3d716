//! The true numbers of the real data, computed by an independent program.

use sparkify_testkit::{query, real_data};

use crate::cli;

/// Runs the check on the real data; without it, what must hold of any data is checked on the sample.
#[test]
fn the_real_data_gives_the_true_numbers() {
    let Some(data) = real_data() else {
        eprintln!("the real data is not at hand; the sample is checked instead");
        let cli = cli();
        let report = cli.run(["run", "--format", "json"]).success().json();
        assert_eq!(report["records"]["read"], report["records"]["staged"]);
        assert_eq!(report["tables"]["songs"], 120);
        return;
    };
    let cli = cli();
    let report = cli.load(&data);
    assert_eq!(report["files"], serde_json::json!({"found": 101, "loaded": 101, "changed": 0, "skipped": 0}));
    assert_eq!(
        report["records"],
        serde_json::json!({"read": 8127, "staged": 8127, "rejected": 0, "duplicate": 0, "replaced": 0})
    );
    for (table, rows) in [
        ("staging_events", 8056),
        ("staging_songs", 71),
        ("songplays", 6820),
        ("users", 97),
        ("songs", 71),
        ("artists", 69),
        ("time", 6813),
    ] {
        assert_eq!(report["tables"][table], rows, "{table}");
    }
    assert_eq!(report["matched_songplays"], 1);

    let database = cli.database();
    let answer = |sql: &str| {
        let rows = query(&database, sql).into_iter().map(|row| row.join(" "));
        rows.collect::<Vec<_>>().join("; ")
    };
    for (sql, expected) in [
        ("SELECT MIN(ts), MAX(ts) FROM staging_events", "1541105830796 1543607664796"),
        (
            "SELECT MIN(start_time), MAX(start_time) FROM songplays",
            "2018-11-01T21:01:46.796 2018-11-30T19:54:24.796",
        ),
        ("SELECT COUNT(DISTINCT ts) FROM staging_events", "8023"),
        ("SELECT level, COUNT(*) FROM users GROUP BY level ORDER BY level", "free 75; paid 22"),
        ("SELECT COUNT(DISTINCT user_id) FROM songplays", "96"),
        ("SELECT user_id FROM users WHERE user_id NOT IN (SELECT user_id FROM songplays)", "21"),
        (
            "SELECT level FROM users WHERE user_id IN (15, 16, 29, 36, 49, 80, 85, 88)",
            "paid; paid; paid; paid; paid; paid; paid; paid",
        ),
        ("SELECT gender, COUNT(*) FROM users GROUP BY gender ORDER BY gender", "F 55; M 42"),
        ("SELECT COUNT(*) FROM staging_events WHERE user_id IS NULL", "286"),
        ("SELECT COUNT(DISTINCT session_id) FROM staging_events", "941"),
        ("SELECT COUNT(DISTINCT session_id) FROM songplays", "776"),
        (
            "SELECT MIN(session_id), MAX(session_id), MIN(item_in_session), MAX(item_in_session) FROM staging_events",
            "3 1114 0 127",
        ),
        ("SELECT level, COUNT(*) FROM songplays GROUP BY level ORDER BY level", "free 1229; paid 5591"),
        (
            "SELECT gender, COUNT(*) FROM songplays p JOIN users u ON u.user_id = p.user_id GROUP BY gender ORDER BY gender",
            "F 4887; M 1933",
        ),
        (
            "SELECT weekday, COUNT(*) FROM songplays p JOIN time t ON t.start_time = p.start_time GROUP BY weekday ORDER BY weekday",
            "0 396; 1 1014; 2 1071; 3 1364; 4 1052; 5 1295; 6 628",
        ),
        (
            "SELECT week, COUNT(*) FROM songplays p JOIN time t ON t.start_time = p.start_time GROUP BY week ORDER BY week",
            "44 410; 45 1257; 46 1958; 47 1711; 48 1484",
        ),
        (
            "SELECT hour, COUNT(*) AS n FROM songplays p JOIN time t ON t.start_time = p.start_time GROUP BY hour ORDER BY n DESC LIMIT 7",
            "16 542; 18 498; 17 494; 15 477; 14 432; 19 367; 20 360",
        ),
        (
            "SELECT u.user_id, first_name, last_name, COUNT(*) AS n FROM songplays p JOIN users u ON u.user_id = p.user_id \
             GROUP BY u.user_id, first_name, last_name ORDER BY n DESC LIMIT 5",
            "49 Chloe Cuevas 689; 80 Tegan Levine 665; 97 Kate Harrell 557; 15 Lily Koch 463; 44 Aleena Kirby 397",
        ),
        (
            "SELECT location, COUNT(*) AS n FROM songplays GROUP BY location ORDER BY n DESC LIMIT 3",
            "San Francisco-Oakland-Hayward, CA 691; Portland-South Portland, ME 665; Lansing-East Lansing, MI 557",
        ),
        ("SELECT COUNT(*) FROM staging_songs WHERE year = 0", "43"),
        ("SELECT COUNT(*) FROM songs WHERE year IS NULL", "43"),
        ("SELECT COUNT(*) FROM staging_songs WHERE artist_location IS NULL", "28"),
        ("SELECT COUNT(*) FROM staging_songs WHERE artist_latitude IS NULL", "40"),
        (
            "SELECT user_id, start_time, session_id, item_in_session, song_id, artist_id FROM songplays WHERE song_id IS NOT NULL",
            "15 2018-11-21T21:56:47.796 818 5 SOZCTXZ12AB0182364 AR5KOSW1187FB35FF4",
        ),
        ("SELECT title FROM songs WHERE song_id = 'SOZCTXZ12AB0182364'", "Setanta matins"),
        ("SELECT printf('%.5f', SUM(length)) FROM staging_events WHERE page = 'NextSong'", "1684759.74663"),
        (
            "SELECT MAX(octet_length(encode(song))), MAX(octet_length(encode(user_agent))), MAX(octet_length(encode(artist))), \
             MAX(octet_length(encode(location))) FROM staging_events",
            "159 139 101 46",
        ),
        (
            "SELECT COUNT(*) FROM (SELECT start_time FROM songplays GROUP BY start_time HAVING COUNT(*) > 1)",
            "7",
        ),
    ] {
        assert_eq!(answer(sql), expected, "{sql}");
    }
}
