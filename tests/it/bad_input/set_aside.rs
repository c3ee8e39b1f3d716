//! Bad records that are set aside, and what happens when their file is corrected.

use sparkify_testkit::dump_without_ids;

use super::{records::cases, *};

#[test]
fn bad_records_can_be_set_aside_while_the_good_ones_of_their_file_load() {
    let loaded = Loaded::new().load();
    for case in cases() {
        let name = case.name;
        let path = loaded.data.write(case.file, &case.bytes);
        let shown = path.display().to_string();
        let refused = error(&loaded.run(&[]), 3);
        let cli = loaded.copy();
        let count = case.bad.len() as u64;
        let report = run(&cli, &loaded.data, &["--max-errors", &count.to_string()]).success().json();

        let records = &report["records"];
        let of = |key: &str| records[key].as_u64().expect("a count");
        assert_eq!(
            (of("read"), of("staged"), of("rejected")),
            (case.good + count, case.good, count),
            "{name}"
        );
        assert_eq!(of("read"), of("staged") + of("rejected") + of("duplicate"), "{name}");
        assert_eq!(report["files"]["loaded"], 1, "{name}");

        let errors = query(
            &cli.database(),
            "SELECT path, line_number, column_number, field, reason, value, run_id FROM load_errors \
             ORDER BY path, line_number, column_number",
        );
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let expected: Vec<_> = refused["records"]
            .as_array()
            .expect("an array")
            .iter()
            .map(|record| {
                let mut row: Vec<_> = ["path", "line", "column", "field", "reason", "value"]
                    .map(|key| text(&record[key]))
                    .into();
                if record["field"].is_null() {
                    "NULL".clone_into(&mut row[3]);
                }
                row.push(text(&report["run_id"]));
                row
            })
            .collect();
        assert_eq!(errors, expected, "{name}");
        assert_eq!(errors.len() as u64, count, "{name}");

        let files = query(
            &cli.database(),
            &format!(
                "SELECT path, records, rejected FROM loaded_files WHERE run_id = '{}'",
                text(&report["run_id"])
            ),
        );
        assert_eq!(files, [[shown, (case.good + count).to_string(), count.to_string()]], "{name}");
        let others = query(&cli.database(), "SELECT SUM(rejected) FROM loaded_files");
        assert_eq!(others, [[count.to_string()]], "{name}");

        let loaded_there = query(
            &cli.database(),
            "SELECT (SELECT COUNT(*) FROM songplays WHERE session_id = 900) + \
             (SELECT COUNT(*) FROM songs WHERE song_id <> 'SO1')",
        );
        assert_eq!(loaded_there, [[case.good.to_string()]], "{name}");
        std::fs::remove_file(path).expect("a removed file");
    }
}

#[test]
fn one_bad_record_more_than_allowed_stops_the_load_and_changes_nothing() {
    let loaded = Loaded::new().load();
    let before = loaded.state();
    for case in cases().into_iter().filter(|case| case.bad.len() > 1) {
        let path = loaded.data.write(case.file, &case.bytes);
        let allowed = case.bad.len() - 1;
        let finished = loaded.run(&["--max-errors", &allowed.to_string()]);
        case.assert_reported(&finished, &path);
        let verb = if allowed == 1 { "is" } else { "are" };
        let message =
            format!("{} bad records, and {allowed} {verb} allowed; nothing was loaded", case.bad.len());
        assert_eq!(error(&finished, 3)["message"], message);
        assert_eq!(loaded.state(), before, "{}", case.name);
        std::fs::remove_file(path).expect("a removed file");
    }
}

#[test]
fn the_limit_holds_for_a_run_and_not_for_all_runs() {
    let loaded = Loaded::new().load();
    for file in 0..3 {
        loaded.data.write(&format!("log_data/bad-{file}.json"), "bad\n");
        let _ = loaded.run(&["--max-errors", "1"]).success();
    }
    assert_eq!(query(&loaded.cli.database(), "SELECT COUNT(*) FROM load_errors"), [["3"]]);
}

#[test]
fn a_corrected_file_loads_as_if_it_had_never_been_bad() {
    let event = |item: i64, user: i64| Event::play(900, item).user(user).first_name("Ann").line();
    let good = [event(0, 70), event(1, 71), event(2, 72)];
    let mut bad = good.clone();
    bad[1] = bad[1].replace("\"ts\":", "\"ts\":\"\",\"was\":");
    let name = "log_data/2018/11/2018-11-03-events.json";

    let clean = Loaded::new();
    clean.data.write(name, good.join("\n"));
    let _ = clean.run(&[]).success();
    let wanted = (dump_without_ids(&clean.cli.database()), ledger(&clean));

    for set_aside in [false, true] {
        let loaded = Loaded::new().load();
        loaded.data.write(name, bad.join("\n"));
        if set_aside {
            let report = loaded.run(&["--max-errors", "1"]).success().json();
            assert_eq!(report["records"]["rejected"], 1);
            assert_eq!(report["tables"]["users"], 4);
        } else {
            let _ = loaded.run(&[]).with_code(3);
        }
        loaded.data.write(name, good.join("\n"));
        let report = loaded.run(&[]).success().json();
        assert_eq!(report["records"]["rejected"], 0);
        assert_eq!(report["files"]["changed"], u64::from(set_aside));
        assert_eq!(
            (dump_without_ids(&loaded.cli.database()), ledger(&loaded)),
            wanted,
            "set aside: {set_aside}"
        );
        // What was set aside stays on record with its run.
        let errors = query(&loaded.cli.database(), "SELECT COUNT(*) FROM load_errors");
        assert_eq!(errors, [[u64::from(set_aside).to_string()]]);
        let report = loaded.run(&[]).success().json();
        assert_eq!(report["files"]["loaded"], 0, "and it is not loaded again");
    }

    /// The files below the data set, without the run that loaded each.
    fn ledger(loaded: &Loaded) -> Vec<Vec<String>> {
        let root = loaded.data.path().display().to_string();
        let sql =
            "SELECT path, kind, size_bytes, content_hash, records, rejected FROM loaded_files ORDER BY path";
        let mut rows = query(&loaded.cli.database(), sql);
        for row in &mut rows {
            row[0] = row[0].replace(&root, "");
        }
        rows
    }
}
