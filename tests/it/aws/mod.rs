//! The commands about resources on AWS, through the program and against moto.
//!
//! `docs/aws-testing.md` says what moto is, and what these tests therefore prove and do not.

mod address;
mod build;
mod concurrent;
mod confirmation;
mod database;
mod doctor;
mod documents;
mod end_to_end;
mod foreign;
mod interrupted;
mod inventory;
mod leftovers;
mod life;
mod needed;
mod permissions;
mod refused;
mod secrets;
mod stopped;
mod surplus;
mod terminal;

use std::process::Command;

use serde_json::{Value, json};
use sparkify_testkit::{Cli, Finished, MotoAccount, MotoServer};

/// What its resources are called.
const NAME: &str = "sparkify-music";
/// What its role is called.
const ROLE: &str = "sparkify-music-us-west-2";

/// What is wanted, unless a test wants something else.
const WANTED: &str = "[deployment]\nname = \"music\"\nallow_cidr = [\"203.0.113.7/32\"]\n";

/// Pauses that suit moto, and deadlines that suit tests.
const TIMING: &str = "poll=5ms,ready=30s,settle=20s,probe=100ms,connect=2s";

/// The program in a directory of its own, with an account of AWS of its own.
#[derive(Debug)]
struct Aws {
    account: MotoAccount,
    cli: Cli,
}

impl Aws {
    fn new() -> Self {
        Self::with(WANTED)
    }

    /// The same with another configuration file.
    fn with(configuration: &str) -> Self {
        let aws = Self { account: MotoServer::shared().account(), cli: crate::cli() };
        aws.configure(configuration);
        // No database answers here, which is known at once.
        aws.account.set(&json!({ "host": "127.0.0.1" }));
        aws
    }

    fn configure(&self, configuration: &str) {
        std::fs::write(self.cli.directory().join("sparkify.toml"), configuration).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let environment = self.account.environment();
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.command_with(&environment, arguments)
    }

    fn command_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = self.cli.command(arguments);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.env("SPARKIFY_AWS_TIMING", TIMING).envs(environment.iter().copied());
        command
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        Finished::from(self.command(arguments).output().unwrap())
    }

    fn run_as(&self, (key, secret): &(String, String), arguments: &[&str]) -> Finished {
        let environment = self.account.environment_of(key, secret);
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Finished::from(self.command_with(&environment, arguments).output().unwrap())
    }

    fn provision(&self) -> Finished {
        self.run(&["provision", "--yes", "--format", "json"])
    }

    fn teardown(&self) -> Finished {
        self.run(&["teardown", "--yes", "--skip-final-snapshot", "--format", "json"])
    }

    /// The plan, and whether there is anything to do, by the exit code.
    fn plan(&self) -> (Value, bool) {
        let finished = self.run(&["provision", "--plan", "--detailed-exitcode", "--format", "json"]);
        assert!([0, 2].contains(&finished.code), "{}{}", finished.stdout, finished.stderr);
        let plan = finished.json();
        assert_eq!(plan["has_changes"].as_bool(), Some(finished.code == 2), "{plan}");
        (plan, finished.code == 2)
    }

    /// Everything that is in the account.
    fn inventory(&self) -> Value {
        inventory::of(&self.account)
    }
}

/// The actions of a plan by resource, such as `("role", "create")`.
fn actions(plan: &Value) -> Vec<(&str, &str)> {
    let steps = plan["steps"].as_array().unwrap();
    steps.iter().map(|step| (step["resource"].as_str().unwrap(), step["action"].as_str().unwrap())).collect()
}
