//! Whatever is generated, a load of it gives the answers that the generator knew beforehand.

use proptest::prelude::*;
use sparkify_testkit::{Generated, PostgresServer};

use crate::{
    cli,
    redshift::{Stand, generated::loader},
};

const DUCKDB: &str = "duckdb:answers.duckdb";

/// Settings of several kinds; the seed is added.
pub(crate) const SHAPES: [&[&str]; 6] = [
    &["--users", "40", "--songs", "120", "--match-rate", "0.3", "--tracks", "1000"],
    &["--users", "60", "--songs", "200", "--match-rate", "0.2", "--tracks", "2000", "--traps"],
    &["--users", "50", "--songs", "90", "--match-rate", "0.5", "--tracks", "500", "--traps", "--corrupt"],
    &["--users", "60", "--songs", "60", "--traps", "--corrupt", "--compress", "gz", "--growth-rate", "2"],
    &["--events", "6000", "--songs", "400", "--corrupt", "--compress", "zst", "--from", "2019-12-20"],
    &["--users", "30", "--songs", "35", "--traps", "--from", "2016-02-20T13:45:10", "--to", "2016-03-08"],
];

fn generated(cli: &sparkify_testkit::Cli, shape: &[&str], seed: u64) -> Generated {
    let seed = seed.to_string();
    let arguments: Vec<_> = shape.iter().copied().chain(["--seed", &seed]).collect();
    Generated::make(cli, &arguments)
}

#[test]
fn loads_into_duckdb_give_the_answers() {
    for seed in 1..=12 {
        let cli = cli();
        let data = generated(&cli, SHAPES[seed as usize % SHAPES.len()], seed);
        let _ = data.load_and_verify(&cli, DUCKDB);
    }
}

#[test]
fn loads_into_postgres_give_the_answers() {
    // Each shape with two seeds.
    for seed in 101..=112 {
        let (cli, database) = (cli(), PostgresServer::shared().create_database());
        let data = generated(&cli, SHAPES[seed as usize % SHAPES.len()], seed);
        let _ = data.load_and_verify(&cli, &database.url());
    }
}

#[test]
fn loads_that_match_by_title_and_artist_give_the_answers_of_that_rule() {
    for (seed, shape) in (121..).zip(&SHAPES[1..4]) {
        let (cli, database) = (cli(), PostgresServer::shared().create_database());
        let exact = generated(&cli, shape, seed).answers()["tables"]["songplays"].clone();
        let data = generated(&cli, shape, seed).by_title_and_artist();
        // The lengths of some plays differ from those of the songs.
        assert_ne!(data.answers()["tables"]["songplays"], exact);
        let _ = data.load_and_verify(&cli, DUCKDB);
        data.load_twice_and_verify(&cli, &database.url());
    }
}

#[test]
fn late_files_loaded_by_a_second_run_give_the_answers_on_both_engines() {
    for seed in 201..=204 {
        let (cli, database) = (cli(), PostgresServer::shared().create_database());
        let data = generated(&cli, SHAPES[[1, 2, 3, 5][seed as usize % 4]], seed);
        data.load_twice_and_verify(&cli, DUCKDB);
        data.load_twice_and_verify(&cli, &database.url());
    }
}

#[test]
fn an_answer_that_is_wrong_is_noticed() {
    let cli = cli();
    let data = generated(&cli, SHAPES[2], 7);
    let _ = data.load_and_verify(&cli, DUCKDB);
    // Another data set of the same size has other answers.
    let other = crate::cli();
    let data = generated(&other, SHAPES[2], 8);
    let differences = data.differences(&cli, DUCKDB, sparkify_testkit::Loads::One);
    let all = differences.join("\n");
    for what in [
        "table users",
        "table songplays",
        "table time",
        "top_songs",
        "level_changes",
        "set aside",
        "sessions",
    ] {
        assert!(all.contains(what), "{what}: {all}");
    }
}

// Settings that fail are printed, smaller ones if there are such.
proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_data_set_gives_its_answers(
        seed in any::<u64>(),
        users in 0_u32..50,
        songs in 0_u32..80,
        tracks in 0_u32..400,
        match_rate in 0.0..=1.0,
        days in 1_u32..9,
        growth in 0.0..3.0,
        attrition in 0.0..3.0,
        traps in any::<bool>(),
        corrupt in any::<bool>(),
        compress in prop::sample::select(vec!["none", "gz", "zst"]),
        engine in prop::sample::select(vec!["duckdb", "duckdb", "postgres", "redshift"]),
    ) {
        let cli = cli();
        let to = format!("2018-11-{:02}T17:30:00", 23 + days - 1);
        let numbers = [seed.to_string(), users.to_string(), songs.to_string(), tracks.to_string()];
        let rates = [match_rate, growth, attrition].map(|rate: f64| rate.to_string());
        let mut arguments = vec![
            "--seed", &numbers[0], "--users", &numbers[1], "--songs", &numbers[2], "--tracks", &numbers[3],
            "--match-rate", &rates[0], "--growth-rate", &rates[1], "--attrition-rate", &rates[2],
            "--from", "2018-11-22", "--to", &to, "--compress", compress,
        ];
        arguments.extend(traps.then_some("--traps"));
        arguments.extend(corrupt.then_some("--corrupt"));
        let data = Generated::make(&cli, &arguments);
        if data.answers()["files"]["count"].as_u64() > Some(1) {
            match engine {
                "duckdb" => {
                    let _ = data.load_and_verify(&cli, DUCKDB);
                }
                "postgres" => {
                    let database = PostgresServer::shared().create_database();
                    let _ = data.load_and_verify(&cli, &database.url());
                }
                _ => {
                    let stand = Stand::new();
                    let cli = loader(&stand);
                    let data = Generated::make(&cli, &arguments);
                    let _ = data.load_and_verify(&cli, &stand.redshift.owner_url());
                }
            }
        }
    }
}
