//! Loads of generated data into Redshift give the answers that the generator knew beforehand.

use sparkify_testkit::{Cli, Generated};

use super::{BUCKET, ROLE, Stand};
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

#[test]
fn late_files_in_a_second_load_give_the_answers() {
    let stand = Stand::new();
    let cli = loader(&stand);
    let data = Generated::make(&cli, &SETTINGS);
    data.load_twice_and_verify(&cli, &stand.redshift.owner_url());
    stand.assert_only_what_redshift_takes();
}
