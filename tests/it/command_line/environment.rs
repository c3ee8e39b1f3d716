//! Settings and variables with characters that nobody means to write.

use sparkify_testkit::Finished;

use crate::cli;

/// Variables beside the settings that this program or the libraries of AWS read.
const FOREIGN: [&str; 24] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_CA_BUNDLE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGUSER",
    "PGPASSWORD",
    "PGDATABASE",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGAPPNAME",
    "PGOPTIONS",
    "PGCONNECT_TIMEOUT",
];

/// The names of all settings.
fn settings() -> Vec<String> {
    let shown = cli().run(["config", "show", "--format", "json"]).success().json();
    shown.as_array().unwrap().iter().map(|row| row["setting"].as_str().unwrap().to_owned()).collect()
}

/// It ended by itself, and showed neither the value nor anything that a terminal would obey.
#[track_caller]
fn assert_told(finished: &Finished, what: &str) {
    assert!([0, 1, 2, 3].contains(&finished.code), "{what}: {}\n{}", finished.code, finished.stderr);
    assert!(
        !finished.stderr.contains("panicked") && !finished.stderr.contains("has a fault"),
        "{what}: {}",
        finished.stderr
    );
    for text in [&finished.stdout, &finished.stderr] {
        let odd = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(odd, None, "{what}: {text:?}");
    }
}

#[test]
fn a_variable_with_a_control_character_is_named_before_anything_is_done() {
    let cli = cli();
    let settings = settings().into_iter().map(|name| format!("SPARKIFY_{}", name.to_uppercase()));
    for variable in settings.chain(FOREIGN.map(str::to_owned)) {
        for value in ["geheim\n", "ge\u{1b}[31mheim"] {
            let mut command = cli.command(["config", "show"]);
            let finished = Finished::from(command.env(&variable, value).output().unwrap()).with_code(2);
            assert_told(&finished, &variable);
            assert!(finished.stderr.contains(&variable), "{variable}: {}", finished.stderr);
            assert!(!finished.stderr.contains("heim"), "{variable}: {}", finished.stderr);
        }
    }
}

#[test]
fn no_flag_and_no_line_of_the_configuration_file_can_make_the_program_panic() {
    let cli = cli();
    let source = ["run", "--source", "s3://music", "--s3-endpoint", "http://127.0.0.1:1", "--retries", "0"];
    let switches = ["s3_anonymous"];
    for setting in settings().iter().filter(|setting| !switches.contains(&setting.as_str())) {
        for value in ["us-east-1\n", "\r1", "a\u{1b}[31m", "\u{7f}", "\u{202e}1", "1\t"] {
            let flag = format!("--{}={value}", setting.replace('_', "-"));
            let mut command = cli
                .command(source.iter().copied().filter(|word| *word != "s3://music" || setting != "source"));
            command.arg(flag);
            if setting == "source" {
                command = cli.command(["run", &format!("--source={value}")]);
            }
            for (name, value) in [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "secret")] {
                command.env(name, value);
            }
            assert_told(&Finished::from(command.output().unwrap()), &format!("{setting}={value:?}"));
            let text = format!("{setting} = {}\n", toml::Value::String(value.to_owned()));
            std::fs::write(cli.directory().join("odd.toml"), text).unwrap();
            assert_told(
                &cli.run(["config", "show", "--config", "odd.toml"]),
                &format!("{setting} = {value:?}"),
            );
        }
    }
}

#[test]
fn credentials_of_a_profile_with_a_line_break_are_refused_as_those_of_a_variable() {
    let cli = cli();
    let text = "[profile odd]\nregion = us-east-1\ncredential_process = printf '{\"Version\":1,\"AccessKeyId\":\"AKIA\\\\n\",\
                \"SecretAccessKey\":\"geheim\"}'\n";
    std::fs::write(cli.directory().join("config"), text).unwrap();
    for arguments in [
        &["run", "--source", "s3://music", "--s3-endpoint", "http://127.0.0.1:1", "--retries", "0"][..],
        &[
            "generate",
            "--users",
            "2",
            "--songs",
            "2",
            "--out",
            "s3://music/x",
            "--s3-endpoint",
            "http://127.0.0.1:1",
        ],
        &["status"],
    ] {
        for format in ["table", "json"] {
            let mut command = cli.command([arguments, &["--format", format]].concat());
            command.env("AWS_CONFIG_FILE", cli.directory().join("config")).env("AWS_PROFILE", "odd");
            let finished = Finished::from(command.output().unwrap()).with_code(1);
            assert_told(&finished, &format!("{arguments:?}"));
            assert!(
                finished.stderr.contains("the access key id has a blank or a line break"),
                "{}",
                finished.stderr
            );
            assert!(!finished.stderr.contains("geheim"), "{}", finished.stderr);
            if format == "json" {
                assert_eq!(finished.json()["error"]["exit_code"], 1);
            }
        }
    }
}
