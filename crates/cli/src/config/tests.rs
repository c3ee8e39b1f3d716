use super::*;

fn nothing(_: &str) -> Option<String> {
    None
}

fn directory_with(text: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("sparkify.toml"), text).unwrap();
    directory
}

fn read(arguments: &GlobalArgs, environment: Environment<'_>, directory: &Path) -> anyhow::Result<Settings> {
    let file = ConfigFile::read(arguments.config.as_deref(), directory)?;
    Settings::read(arguments, environment, &file, directory)
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let directory = directory_with("max_errors = 3\nmatch_rule = \"title-artist\"\nwait = \"5s\"\n");
    let environment = |name: &str| match name {
        "SPARKIFY_MAX_ERRORS" => Some("4".to_owned()),
        "SPARKIFY_WAIT" => Some("6s".to_owned()),
        _ => None,
    };
    let arguments = GlobalArgs { max_errors: Some("5".to_owned()), ..GlobalArgs::default() };
    let settings = read(&arguments, &environment, directory.path()).unwrap();
    assert_eq!((settings.max_errors.value, settings.max_errors.origin), (5, Origin::Flag));
    assert_eq!(settings.wait.value, Duration::from_secs(6));
    assert_eq!(settings.wait.origin, Origin::Environment("SPARKIFY_WAIT".to_owned()));
    assert_eq!(settings.match_rule.value, MatchRule::TitleArtist);
    assert_eq!(settings.match_rule.origin, Origin::File(directory.path().join("sparkify.toml")));
    assert_eq!(settings.threads.origin, Origin::Default);
}

#[test]
fn the_file_is_found_in_a_directory_above_and_its_paths_are_beside_it() {
    let directory = directory_with("source = \"logs\"\nwarehouse = \"duckdb:db/x.duckdb\"\n");
    let below = directory.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let settings = read(&GlobalArgs::default(), &nothing, &below).unwrap();
    assert_eq!(settings.source.unwrap().value, SourceUrl::Local(directory.path().join("logs")));
    let expected = directory.path().join("db/x.duckdb");
    assert!(matches!(settings.warehouse.value, WarehouseUrl::DuckDbFile(path) if path == expected));
}

#[test]
fn without_a_source_the_directory_data_is_it_only_if_it_has_data() {
    let directory = tempfile::tempdir().unwrap();
    assert!(read(&GlobalArgs::default(), &nothing, directory.path()).unwrap().source.is_none());
    std::fs::create_dir_all(directory.path().join("data/log_data")).unwrap();
    let settings = read(&GlobalArgs::default(), &nothing, directory.path()).unwrap();
    assert_eq!(settings.source.unwrap().shown, "data");
}

#[test]
fn a_wrong_value_is_refused_with_its_origin_and_what_is_expected() {
    let directory = directory_with("threads = \"many\"\n");
    let error = read(&GlobalArgs::default(), &nothing, directory.path()).unwrap_err().to_string();
    assert!(
        error.contains("\"many\"") && error.contains("threads") && error.contains("sparkify.toml"),
        "{error}"
    );
    assert!(error.contains("a whole number"), "{error}");
    for text in ["colour = 1", "source = [1]", "source = "] {
        let directory = directory_with(text);
        assert!(read(&GlobalArgs::default(), &nothing, directory.path()).is_err(), "{text}");
    }
    let missing = GlobalArgs { config: Some("/no/such/file.toml".into()), ..GlobalArgs::default() };
    let error = read(&missing, &nothing, directory.path()).unwrap_err();
    assert!(error.is::<UsageError>(), "{error:?}");
}

#[test]
fn a_wrong_value_is_named_as_the_user_wrote_it() {
    let directory = tempfile::tempdir().unwrap();
    let message = |arguments: &GlobalArgs, environment: Environment<'_>| {
        read(arguments, environment, directory.path()).unwrap_err().to_string()
    };
    let flag = GlobalArgs { max_errors: Some("-1".to_owned()), ..GlobalArgs::default() };
    assert!(message(&flag, &nothing).contains("for --max-errors:"));
    let environment = |name: &str| (name == "SPARKIFY_MAX_ERRORS").then(|| "1.5".to_owned());
    assert!(message(&GlobalArgs::default(), &environment).contains("for SPARKIFY_MAX_ERRORS:"));
}

#[test]
fn the_forms_of_the_output_are_known_although_the_settings_are_faulty() {
    let directory = directory_with("format = \"json\"\nthreads = \"many\"\n");
    let arguments = GlobalArgs { log_format: Some("json".to_owned()), ..GlobalArgs::default() };
    assert!(read(&arguments, &nothing, directory.path()).is_err());
    let file = ConfigFile::read(None, directory.path()).unwrap();
    let forms = Forms::guess(&arguments, &nothing, Some(&file));
    assert!(forms.json_results && forms.json_logs);
    let forms = Forms::guess(&arguments, &nothing, None);
    assert!(!forms.json_results && forms.json_logs, "nothing can be said of a faulty file");
    let arguments = GlobalArgs { format: Some("csv".to_owned()), ..GlobalArgs::default() };
    let forms = Forms::guess(&arguments, &nothing, Some(&file));
    assert!(!forms.json_results && !forms.json_logs);
}

#[test]
fn a_faulty_file_is_reported_with_its_line_but_without_its_text() {
    let directory = directory_with("# a comment\nwarehouse = redshift://me:geheim@host/db\n");
    let error = read(&GlobalArgs::default(), &nothing, directory.path()).unwrap_err().to_string();
    assert!(error.contains("sparkify.toml") && error.contains("line 2"), "{error}");
    assert!(!error.contains("geheim"), "{error}");
}

#[test]
fn a_database_without_its_kind_is_refused_with_the_right_spelling() {
    assert!(matches!(WarehouseUrl::parse("duckdb::memory:", None, &nothing), Ok(WarehouseUrl::DuckDbMemory)));
    let hint = WarehouseUrl::parse("x.duckdb", None, &nothing).unwrap_err().unwrap();
    assert!(hint.contains("duckdb:x.duckdb"));
    assert!(WarehouseUrl::parse("duckdb:", None, &nothing).is_err());
}

#[test]
fn a_name_with_a_password_in_it_is_told_from_one_without() {
    for text in [
        "postgres://me:s3c@ret@host:5432/db",
        "redshift://me:x@host/db",
        "postgresql://me@host/db?sslmode=require&password=abc",
    ] {
        assert!(WarehouseUrl::has_password(text), "{text}");
    }
    for text in [
        "postgres://me@host:5432/db",
        "postgres://me:@host/db",
        "postgres://me@host/db?passfile=x&password=",
        "redshift://music",
        "duckdb:me:x@host",
        "me:x@host",
    ] {
        assert!(!WarehouseUrl::has_password(text), "{text}");
    }
}

#[test]
fn a_password_is_never_shown() {
    assert_eq!(warehouse::mask("postgres://me:s3c@ret@host:5432/db"), "postgres://****");
    assert_eq!(warehouse::mask("postgres://host/db?password=abc&x=1"), "postgres://****");
    assert_eq!(warehouse::mask("a:b://c@host"), "****");
    for harmless in ["duckdb:file", "5 min", "12:30", "http://127.0.0.1:9000/x", "s3://music/logs", "many"] {
        assert_eq!(warehouse::mask(harmless), harmless);
    }
    for text in [
        "redshift://me:ge/heim@host/db",
        "redshift://me:ge?heim@host/db",
        "redshift:me:geheim@host/db",
        "me:geheim@host",
        "postgres://host/db?PASSWORD=geheim",
        "postgres://host/db?user=me&password=geheim",
    ] {
        assert!(!warehouse::mask(text).contains("heim"), "{}", warehouse::mask(text));
        let shown = match WarehouseUrl::parse(text, None, &nothing) {
            Ok(url) => url.masked(),
            Err(hint) => hint.unwrap_or_default(),
        };
        assert!(!shown.contains("heim"), "{shown}");
    }
    let named = |name: &str| {
        let arguments = GlobalArgs { warehouse: Some(name.to_owned()), ..GlobalArgs::default() };
        read(&arguments, &nothing, Path::new("/"))
    };
    let refused = named("oracle://me:geheim@host/db").unwrap_err();
    assert!(!format!("{refused:?}").contains("geheim"));
    let settings = named("postgres://me:geheim@host/db").unwrap();
    assert!(!format!("{settings:?}").contains("geheim"));
    let result = named("redshift://me:geheim@host/db");
    assert!(!format!("{result:?}").contains("geheim"));
}

mod odd_addresses {
    use proptest::prelude::*;

    use super::*;
    use crate::exit::hint_of;

    /// A word that stands in each password.
    const WORD: &str = "Zq7Wx";

    fn address() -> impl Strategy<Value = String> {
        let odd = "[a-c0-9/?#@:%&=+,;. \\\\'\"\\[\\]-]{0,6}";
        let form = prop::sample::select(vec![
            "postgres://etl:{}@127.0.0.1:5432/music",
            "postgresql://etl:{}@db.example.com",
            "postgres://:{}@/music?host=/tmp",
            "postgres://etl:{}@[::1]/music?sslmode=maybe",
            "postgres://etl:{}",
            "postgres://etl@host/db?password={}",
            "postgres://host/db?sslmode=disable&password={}&connect_timeout=3",
            "postgres://etl:{}@host/db?connect_timeout=soon",
            "postgresql+psycopg2://etl:{}@host/db",
            "redshift://etl:{}@c.example.com/dev",
            "redshift://IAM:etl:{}@c.example.com:5439/dev",
            "redshift:etl:{}@c.example.com",
            "jdbc:postgresql://host/db?user=etl&password={}",
            "host=127.0.0.1 user=etl password={} dbname=music",
            "password='{}' host=localhost",
            "etl:{}@host",
            "{}@host",
            "duckdb:md:music?motherduck_token={}",
            "s3://AKIA:{}@music/logs",
            "http://etl:{}@localhost:9000",
        ]);
        (form, odd, odd).prop_filter_map(
            "what follows the only @ or / is a host or a database",
            |(form, before, after)| {
                let password = format!("{before}{WORD}{after}");
                let without_host = form.ends_with("{}") && form.starts_with("postgres://");
                (!(without_host && password.contains(['@', '/']))).then(|| form.replace("{}", &password))
            },
        )
    }

    /// Everything that is said about settings.
    fn said(arguments: &GlobalArgs, environment: Environment<'_>) -> String {
        match super::read(arguments, environment, Path::new("/")) {
            Ok(settings) => format!("{settings:?}\n{:?}", settings.rows()),
            Err(error) => format!("{error:?}\n{error:#}\n{:?}", hint_of(&error)),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

        #[test]
        fn no_message_and_no_setting_shows_a_password_however_odd_the_address(address in address()) {
            let flag = GlobalArgs { warehouse: Some(address.clone()), ..GlobalArgs::default() };
            let in_environment = |name: &str| (name == "SPARKIFY_WAREHOUSE").then(|| address.clone());
            let said_of_both = [said(&flag, &nothing), said(&GlobalArgs::default(), &in_environment)];
            for said in said_of_both {
                prop_assert!(!said.contains(WORD), "{address}: {said}");
            }
        }

        #[test]
        fn no_other_setting_shows_a_login_that_was_written_into_it(address in address()) {
            // Anything else may be the name of a file.
            prop_assume!(address.contains("://"));
            for key in KEYS.iter().filter(|key| **key != "warehouse") {
                let variable = format!("SPARKIFY_{}", key.to_uppercase());
                let environment = |name: &str| (name == variable).then(|| address.clone());
                let said = said(&GlobalArgs::default(), &environment);
                prop_assert!(!said.contains(WORD), "{key}, {address}: {said}");
            }
        }
    }
}

#[test]
fn sizes_have_a_unit() {
    for size in ["400MB", "2GB", "1.5 GiB", "512mb"] {
        assert!(is_size(size), "{size}");
    }
    for size in ["400", "MB", "-1MB", "x MB", "1XB", ""] {
        assert!(!is_size(size), "{size}");
    }
}

#[test]
fn the_deployment_has_a_section_of_its_own() {
    let directory = directory_with(
        "profile = \"data\"\n[deployment]\nname = \"nightly\"\nregion = \"eu-west-1\"\nnodes = 2\n",
    );
    let settings = read(&GlobalArgs::default(), &nothing, directory.path()).unwrap();
    let deployment = &settings.deployment;
    assert_eq!(deployment.name.value, "nightly");
    assert_eq!(deployment.region.as_ref().unwrap().value, "eu-west-1");
    assert_eq!(deployment.profile.as_ref().unwrap().value, "data");
    let rows = settings.rows();
    let nodes = rows.iter().find(|row| row.name == "deployment.nodes").unwrap();
    assert_eq!(nodes.value.as_deref(), Some("2"));
    assert!(matches!(nodes.origin, Origin::File(_)));

    let environment = |name: &str| (name == "SPARKIFY_DEPLOYMENT").then(|| "hourly".to_owned());
    let settings = read(&GlobalArgs::default(), &environment, directory.path()).unwrap();
    assert_eq!(settings.deployment.name.value, "hourly");
    let flags = GlobalArgs {
        deployment: Some("daily".to_owned()),
        region: Some("us-east-1".to_owned()),
        ..GlobalArgs::default()
    };
    let settings = read(&flags, &environment, directory.path()).unwrap();
    assert_eq!(settings.deployment.name.value, "daily");
    assert_eq!(settings.deployment.region.unwrap().value, "us-east-1");
}

#[test]
fn a_deployment_that_is_no_section_is_refused_with_the_right_spelling() {
    let directory = directory_with("deployment = \"nightly\"\n");
    let error = read(&GlobalArgs::default(), &nothing, directory.path()).unwrap_err();
    assert!(error.to_string().contains("deployment must be a section"), "{error}");
}

#[cfg(feature = "s3")]
#[test]
fn where_the_bucket_stands_is_said_by_flag_environment_or_file() {
    let directory = directory_with("s3_path_style = true\nstage_region = \"eu-central-1\"\n");
    let path_style = |flag: Option<&str>, environment: Environment<'_>| {
        let arguments = GlobalArgs { s3_path_style: flag.map(str::to_owned), ..GlobalArgs::default() };
        read(&arguments, environment, directory.path()).map(|settings| settings.s3().path_style)
    };
    let environment = |name: &str| (name == "SPARKIFY_S3_PATH_STYLE").then(|| "false".to_owned());
    assert_eq!(path_style(None, &nothing).unwrap(), Some(true));
    assert_eq!(path_style(None, &environment).unwrap(), Some(false));
    assert_eq!(path_style(Some("auto"), &environment).unwrap(), None);
    assert!(path_style(Some("virtual"), &nothing).unwrap_err().to_string().contains("true, false or auto"));
    let settings = read(&GlobalArgs::default(), &nothing, directory.path()).unwrap();
    assert_eq!(settings.stage_region.unwrap().value, "eu-central-1");
    assert_eq!(settings.s3_region.map(|region| region.value), None, "it is the source's, and nobody said it");
}
