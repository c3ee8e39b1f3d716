//! Loads of generated data into Redshift give the answers that the generator knew beforehand.

use sparkify_testkit::{Cli, Generated};

use super::{BUCKET, ROLE, SOURCE, Stand, direct::copies};
use crate::{cli, generator::answers::SHAPES};

/// Small data with every trap.
const SETTINGS: [&str; 10] =
    ["--users", "40", "--songs", "60", "--match-rate", "0.4", "--tracks", "500", "--traps", "--corrupt"];

/// A command line that loads into the stand.
pub(crate) fn loader(stand: &Stand) -> Cli {
    let settings =
        [("SPARKIFY_STAGE", format!("s3://{BUCKET}/generated")), ("SPARKIFY_IAM_ROLE", ROLE.to_owned())];
    cli().with_environment(settings).with_environment(stand.s3.environment())
}

#[test]
fn loads_of_generated_data_give_its_answers() {
    // Those with malformed records come twice, with other seeds.
    for (seed, shape) in (301..).zip(SHAPES.iter().chain(&SHAPES[2..4])) {
        let stand = Stand::new();
        let cli = loader(&stand);
        let seed = seed.to_string();
        let arguments: Vec<_> = shape.iter().copied().chain(["--seed", &seed]).collect();
        let _ = Generated::make(&cli, &arguments).load_and_verify(&cli, &stand.redshift.owner_url());
        stand.assert_only_what_redshift_takes();
    }
}

/// Generated data as a source in S3.
fn in_bucket(stand: &Stand, cli: &Cli, settings: &[&str]) -> Generated {
    let data = Generated::make(cli, settings);
    stand.s3.create_bucket(SOURCE);
    stand.s3.put_directory(SOURCE, "made/", data.directory());
    data.loaded_from(&format!("s3://{SOURCE}/made"))
}

/// Events that come again have a status like `200.0`, which COPY does not take for a whole number.
fn without_fractions(stand: &Stand) {
    for key in stand.s3.list(SOURCE, "made/log_data/") {
        let text = String::from_utf8(stand.s3.get(SOURCE, &key).unwrap().to_vec()).unwrap();
        stand.s3.put(SOURCE, &key, text.replace(".0, \"level\"", ", \"level\""));
    }
}

#[test]
fn generated_data_in_s3_give_their_answers_whether_packed_or_read_by_redshift_itself() {
    let settings: Vec<_> = SETTINGS.into_iter().filter(|setting| *setting != "--corrupt").collect();
    for pack in ["never", "always"] {
        let stand = Stand::new();
        let cli = loader(&stand).with_environment([("SPARKIFY_PACK", pack)]);
        let data = in_bucket(&stand, &cli, &settings);
        if pack == "never" {
            without_fractions(&stand);
        }
        let _ = data.load_and_verify(&cli, &stand.redshift.owner_url());
        let copied = copies(&stand);
        assert!(copied.len() >= 2);
        assert!(copied.iter().all(|sql| sql.contains("GZIP") == (pack == "always")), "{pack}");
        stand.assert_only_what_redshift_takes();
    }
}

#[test]
fn bad_records_in_s3_are_set_aside_when_they_are_packed_and_refuse_the_load_otherwise() {
    let stand = Stand::new();
    let cli = loader(&stand);
    let data = in_bucket(&stand, &cli, &SETTINGS);
    let warehouse = stand.redshift.owner_url();
    let load = |pack: &str, tolerance: &str| {
        let place = format!("s3://{SOURCE}/made");
        let arguments = ["run", "--source", &place, "--warehouse", &warehouse, "--format", "json"];
        cli.run(arguments.into_iter().chain(["--pack", pack, "--max-errors", tolerance]))
    };
    let refused = load("never", "0").with_code(3).json();
    assert!(!refused["error"]["records"].as_array().unwrap().is_empty(), "{refused}");
    // Only what passes through this program can be set aside.
    assert!(load("never", "1000").with_code(1).stderr.contains("set aside"));
    let query = "SELECT COUNT(*) AS plays FROM songplays";
    let plays = cli.run(["explore", "--query", query, "--warehouse", &warehouse, "--format", "json"]);
    assert_eq!(plays.success().json()[0]["plays"], 0);
    let _ = data.load_and_verify(&cli.with_environment([("SPARKIFY_PACK", "auto")]), &warehouse);
}

#[test]
fn late_files_in_a_second_load_give_the_answers() {
    let stand = Stand::new();
    let cli = loader(&stand);
    let data = Generated::make(&cli, &SETTINGS);
    data.load_twice_and_verify(&cli, &stand.redshift.owner_url());
    stand.assert_only_what_redshift_takes();
}
