//! The command line on a PostgreSQL server.

use std::time::{Duration, Instant};

use sparkify_testkit::{Cli, Cut, Finished, PostgresDatabase, PostgresServer, ServerCertificate, WireProxy};

use crate::{cli, conformance::command_line::data};

#[test]
fn a_load_that_lost_its_connection_says_so_and_begins_anew_as_often_as_it_may() {
    let (cli, data) = (cli(), data());
    let source = data.path().display().to_string();
    let (server, proxy) = (PostgresServer::shared(), WireProxy::start(PostgresServer::shared()));
    let url = proxy.url(&server.create_database());
    let _ = cli.run(["create-tables", "--warehouse", &url]).success();
    let etl = |more: &[&str]| {
        let arguments =
            ["etl", "--source", &source, "--warehouse", &url, "--format", "json", "--wait", "60s"];
        cli.run(arguments.iter().chain(more))
    };
    proxy.begin(Some(Cut::WithinRows(1)));
    let finished = etl(&["--retries", "0"]).with_code(1);
    assert!(proxy.was_cut());
    assert!(
        finished.stderr.contains("was lost") && finished.stderr.contains("hint: run again"),
        "{}",
        finished.stderr
    );
    assert!(!finished.stderr.contains("anew"), "{}", finished.stderr);

    proxy.begin(Some(Cut::WithinRows(1)));
    let finished = etl(&[]).success();
    assert!(proxy.was_cut());
    assert!(
        finished.stderr.contains("begins anew in") && finished.stderr.contains("attempt 2 of 4"),
        "{}",
        finished.stderr
    );
    let report = finished.json();
    assert_eq!((&report["attempts"], &report["records"]["staged"]), (&2.into(), &2010.into()));
}

#[test]
fn no_output_of_any_command_has_the_password() {
    let (cli, data) = (cli(), data());
    let (source, database) = (data.path().display().to_string(), PostgresServer::shared().create_database());
    let url = database.url();
    for command in ["create-tables", "run", "check", "explore", "config"] {
        let mut arguments = vec![command, "--warehouse", &url, "--source", &source, "-vv"];
        if command == "config" {
            arguments.insert(1, "show");
        }
        let finished = cli.run(&arguments).success();
        for text in [&finished.stdout, &finished.stderr] {
            assert!(!text.contains(sparkify_testkit::POSTGRES_PASSWORD), "{command}: {text}");
            let password =
                url.split_once("://").unwrap().1.split_once(':').unwrap().1.split_once('@').unwrap().0;
            assert!(!text.contains(password), "{command}: {text}");
        }
    }
}

/// Each command that reaches the server ends with exit code 1, with these words, and with a hint.
fn assert_refused(cli: &Cli, url: &str, words: &str) {
    for command in ["run", "etl", "create-tables", "check", "explore"] {
        let finished = cli.run([command, "--warehouse", url, "--source", "."]).with_code(1);
        let text = &finished.stderr;
        assert!(text.contains(words) && text.contains("hint: "), "{command}: {text}");
        assert!(!text.contains("anew"), "{command} was tried again: {text}");
        for secret in ["not-the-password", sparkify_testkit::POSTGRES_PASSWORD] {
            assert!(!text.contains(secret), "{command}: {text}");
        }
    }
}

#[test]
fn what_the_server_refuses_is_said_with_a_hint_and_exit_code_1() {
    let cli = cli();
    let server = PostgresServer::shared();
    let database = server.create_database();
    let roots = |path: &std::path::Path| format!("sslrootcert={}", path.display());
    let authority = roots(&server.authority());
    let started = Instant::now();
    assert_refused(&cli, "postgres://me@127.0.0.1:1/db?sslmode=disable&connect_timeout=2", "127.0.0.1:1");
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_refused(&cli, &wrong_password(&database), "refuses the login");
    let wrong_authority = format!("sslmode=verify-full&{}", roots(&server.other_authority()));
    assert_refused(&cli, &database.url_with("localhost", &wrong_authority), "not trusted");
    let wrong_host = format!("sslmode=verify-full&hostaddr=127.0.0.1&{authority}");
    assert_refused(&cli, &database.url_with("db.example.com", &wrong_host), "for another host");
    assert_refused(&cli, &database.url_with("localhost", "sslmode=disable"), "no encryption");
    let missing = PostgresDatabase { name: "no_such_database".to_owned(), ..database.clone() };
    assert_refused(&cli, &missing.url(), "does not exist");
    let expired = PostgresServer::start(ServerCertificate::Expired);
    assert_refused(&cli, &expired.create_database().url(), "has expired");

    // Tables are missing: no different from DuckDB.
    let finished = cli.run(["check", "--warehouse", &database.url()]).with_code(1);
    assert!(finished.stderr.contains("create-tables"), "{}", finished.stderr);
    // They cannot be made.
    let owner = format!("ALTER DATABASE {} OWNER TO postgres", database.name);
    server.execute("postgres", &owner);
    let finished = cli.run(["create-tables", "--warehouse", &database.url()]).with_code(1);
    assert!(
        finished.stderr.contains("may not do this") && finished.stderr.contains("GRANT"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_password_among_the_arguments_is_warned_of_once_and_one_from_elsewhere_is_not() {
    let (cli, database) = (cli(), PostgresServer::shared().create_database());
    let url = database.url();
    let warning = "the password in --warehouse shows in the list of processes";
    let _ = cli.run(["create-tables", "--warehouse", &url]).success();
    let warned = cli.run(["explore", "top_songs", "--warehouse", &url]).success();
    assert_eq!(warned.stderr.matches(warning).count(), 1, "{}", warned.stderr);
    assert!(warned.stderr.contains("PGPASSWORD") && warned.stderr.contains("~/.pgpass"), "{}", warned.stderr);
    let password = url.split_once(':').unwrap().1.split_once(':').unwrap().1.split_once('@').unwrap().0;
    assert!(!warned.stderr.contains(password), "{}", warned.stderr);
    let quiet = cli.run(["explore", "top_songs", "--quiet", "--warehouse", &url]).success();
    assert_eq!(quiet.stderr, "");

    let mut command = cli.command(["explore", "top_songs"]);
    let finished = Finished::from(command.env("SPARKIFY_WAREHOUSE", &url).output().unwrap()).success();
    assert_eq!(finished.stderr, "");
    let mut command = cli.command(["explore", "top_songs", "--warehouse", &url.replacen(password, "", 1)]);
    let finished =
        Finished::from(command.env("PGPASSWORD", sparkify_testkit::POSTGRES_PASSWORD).output().unwrap());
    assert_eq!(finished.success().stderr, "");
    std::fs::write(cli.directory().join("sparkify.toml"), format!("warehouse = \"{url}\"\n")).unwrap();
    assert_eq!(cli.run(["explore", "top_songs"]).success().stderr, "");
}

#[test]
fn a_variable_of_psqls_that_cannot_be_followed_is_wrong_usage_before_anything_is_sent() {
    let cli = cli();
    let mut command = cli.command(["check", "--warehouse", "postgres://me@127.0.0.1:1/db"]);
    let finished = Finished::from(command.env("PGSERVICE", "music").output().unwrap()).with_code(2);
    assert!(
        finished.stderr.contains("PGSERVICE") && finished.stderr.contains("hint: "),
        "{}",
        finished.stderr
    );
}

fn wrong_password(database: &PostgresDatabase) -> String {
    let url = database.url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, host) = rest.rsplit_once('@').unwrap();
    let user = user.split_once(':').map_or(user, |(user, _)| user);
    format!("{scheme}://{user}:not-the-password@{host}")
}
