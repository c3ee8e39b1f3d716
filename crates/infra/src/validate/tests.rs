use super::*;

fn refused(change: impl FnOnce(&mut DeploymentConfig)) -> ConfigError {
    let mut config = DeploymentConfig::default();
    change(&mut config);
    let error = validate(&config).unwrap_err();
    assert!(!error.hint.is_empty(), "{error} says what to do");
    error
}

fn accepted(change: impl FnOnce(&mut DeploymentConfig)) {
    let mut config = DeploymentConfig::default();
    change(&mut config);
    validate(&config).unwrap();
}

#[test]
fn the_defaults_are_valid_and_safe() {
    let config = DeploymentConfig::default();
    config.validate().unwrap();
    assert!(!config.publicly_accessible && !config.allow_anywhere && config.allow_cidr.is_empty());
    assert_eq!((config.node_type.as_str(), config.nodes, config.port), ("ra3.large", 1, 5439));
    assert!(config.usage_limit.is_some(), "Serverless is limited unless that is taken out");
}

#[test]
fn old_nodes_are_refused_with_the_reason() {
    for node_type in ["dc2.large", "dc2.8xlarge", "dc1.large", "ds2.xlarge"] {
        let error = refused(|config| config.node_type = node_type.into());
        assert!(error.problem.contains("makes no new clusters"), "{error}");
        assert!(error.hint.contains("ra3.large"));
    }
    assert!(refused(|config| config.node_type = "m5.large".into()).hint.contains("ra3.4xlarge"));
}

#[test]
fn the_number_of_nodes_fits_the_type() {
    for (node_type, fine, bad) in [
        ("ra3.large", vec![1, 2, 16], vec![0, 17]),
        ("ra3.xlplus", vec![1, 2, 16], vec![0, 17]),
        ("ra3.4xlarge", vec![2, 32], vec![0, 1, 33]),
        ("ra3.16xlarge", vec![2, 128], vec![1, 129]),
        ("rg.large", vec![1, 16], vec![17]),
        ("rg.xlarge", vec![2, 16], vec![1, 17]),
        ("rg.4xlarge", vec![2, 32], vec![1, 33]),
        ("rg.12xlarge", vec![2, 128], vec![1, 129]),
    ] {
        for nodes in fine {
            accepted(|config| (config.node_type, config.nodes) = (node_type.into(), nodes));
        }
        for nodes in bad {
            let error = refused(|config| (config.node_type, config.nodes) = (node_type.into(), nodes));
            assert_eq!(error.setting, "nodes", "{node_type} {nodes}");
        }
    }
}

#[test]
fn names_keep_to_what_aws_takes() {
    for name in ["a", "nightly", "a-1", "x9"] {
        accepted(|config| config.name = name.into());
    }
    for name in ["", "-a", "a-", "a--b", "1a", "A", "a_b", "a b", "ä", &"a".repeat(39)] {
        assert_eq!(refused(|config| config.name = name.into()).setting, "name", "{name}");
    }
    for database in ["dev", "sparkify2"] {
        accepted(|config| config.database = database.into());
    }
    for database in ["", "Dev", "a-b", "a_b", "1a", "user", "template1", &"a".repeat(65)] {
        assert_eq!(refused(|config| config.database = database.into()).setting, "database", "{database}");
    }
    for user in ["public", "Admin", "1admin", "a:b", "a/b", ""] {
        assert_eq!(refused(|config| config.admin_user = user.into()).setting, "admin_user", "{user}");
    }
    for region in ["", "us", "US-WEST-2", "us west 2"] {
        assert_eq!(refused(|config| config.region = Some(region.into())).setting, "region", "{region}");
    }
}

#[test]
fn ports_are_those_of_ra3_and_rg() {
    for port in [5431, 5439, 5455, 8191, 8215] {
        accepted(|config| config.port = port);
    }
    for port in [0, 5430, 5456, 8190, 8216, 443] {
        assert_eq!(refused(|config| config.port = port).setting, "port");
    }
}

#[test]
fn the_whole_internet_needs_to_be_asked_for() {
    for cidr in ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "1.2.3.4/0"] {
        let error = refused(|config| config.allow_cidr = vec![cidr.into()]);
        assert!(error.hint.contains("--allow-anywhere"), "{error}");
        accepted(|config| (config.allow_cidr, config.allow_anywhere) = (vec![cidr.into()], true));
    }
    accepted(|config| config.allow_cidr = vec!["10.0.0.0/8".into(), "203.0.113.7".into()]);
    assert_eq!(refused(|config| config.allow_cidr = vec!["home".into()]).setting, "allow_cidr");
}

#[test]
fn capacities_of_serverless_keep_to_the_steps() {
    let serverless = |base, most: Option<u32>| {
        let config = DeploymentConfig {
            kind: Kind::Serverless,
            base_capacity: base,
            max_capacity: most,
            ..DeploymentConfig::default()
        };
        validate(&config).map_err(|error| error.setting)
    };
    for base in [4, 8, 16, 128, 512, 544, 1024] {
        assert_eq!(serverless(base, None), Ok(()), "{base}");
    }
    for base in [0, 1, 5, 12, 520, 1056] {
        assert_eq!(serverless(base, None), Err("base_capacity"), "{base}");
    }
    assert_eq!(serverless(8, Some(16)), Ok(()));
    assert_eq!(serverless(8, Some(4)), Err("max_capacity"));
    assert_eq!(serverless(8, Some(17)), Err("max_capacity"));
}

#[test]
fn serverless_does_without_what_only_clusters_have() {
    let refused = |change: fn(&mut DeploymentConfig)| {
        let mut config = DeploymentConfig { kind: Kind::Serverless, ..DeploymentConfig::default() };
        change(&mut config);
        validate(&config).unwrap_err().setting
    };
    assert_eq!(refused(|config| config.subnet_group = Some("g".into())), "subnet_group");
    assert_eq!(
        refused(|config| config.subnet_ids = vec!["subnet-1".into(), "subnet-2".into()]),
        "subnet_ids"
    );
    assert_eq!(
        refused(|config| _ = config.parameters.insert("statement_timeout".into(), "1".into())),
        "parameters"
    );
    assert_eq!(refused(|config| config.usage_limit.as_mut().unwrap().rpu_hours = 0), "usage_limit");
}

#[test]
fn places_in_s3_are_plain_and_apart() {
    for read in [
        "s3://bucket",
        "bucket/prefix/",
        "s3://B/x/",
        "s3://bucket/a*/",
        "s3://bucket/a?/",
        "s3://bucket/${aws:username}/",
        "s3://bucket//x/",
        "https://bucket/x",
    ] {
        assert_eq!(refused(|config| config.read = vec![read.into()]).setting, "read", "{read}");
    }
    assert_eq!(refused(|config| config.jsonpaths = Some("s3://bucket/paths/".into())).setting, "jsonpaths");
    assert_eq!(refused(|config| config.staging = Some("s3://bucket/".into())).setting, "staging");
    assert_eq!(refused(|config| config.staging = Some("s3://bucket/stage".into())).setting, "staging");
    let error = refused(|config| config.staging = Some("s3://udacity-dend/log_data/stage/".into()));
    assert!(error.problem.contains("overlaps"), "{error}");
    accepted(|config| config.staging = Some("s3://ours/stage/".into()));
    assert_eq!(refused(|config| config.read.clear()).setting, "read");
}

#[test]
fn tls_cannot_be_turned_off_and_parameters_are_known_ones() {
    let parameter = |name: &str, value: &str| {
        let (name, value) = (name.to_owned(), value.to_owned());
        refused(move |config| _ = config.parameters.insert(name, value))
    };
    assert!(parameter("require_ssl", "false").problem.contains("in the clear"));
    assert!(parameter("no_such", "1").hint.contains("statement_timeout"));
    accepted(|config| _ = config.parameters.insert("require_ssl".into(), "true".into()));
}

#[test]
fn snapshots_are_kept_for_as_long_as_aws_allows() {
    for days in [0, 36] {
        assert_eq!(
            refused(|config| config.snapshot_retention_days = days).setting,
            "snapshot_retention_days"
        );
    }
    for days in [-2, 0, 3654] {
        assert_eq!(
            refused(|config| config.final_snapshot_retention_days = days).setting,
            "final_snapshot_retention_days"
        );
    }
    for days in [-1, 1, 3653] {
        accepted(|config| config.final_snapshot_retention_days = days);
    }
}

#[test]
fn a_maintenance_window_is_half_an_hour_at_least() {
    for window in ["sun:05:00-sun:05:30", "sat:23:45-sun:00:15", "sun:23:50-mon:00:30"] {
        accepted(|config| config.maintenance_window = Some(window.into()));
    }
    for window in [
        "sun:05:00-sun:05:29",
        "sun:05:00-sun:05:00",
        "sunday:05:00-sun:06:00",
        "sun:24:00-mon:01:00",
        "sun:5:00-sun:6:00",
        "",
        "mon:00:00-tue:00:00",
    ] {
        let error = refused(|config| config.maintenance_window = Some(window.into()));
        assert_eq!(error.setting, "maintenance_window", "{window}");
    }
}

#[test]
fn tags_leave_our_prefix_alone() {
    for key in ["sparkify:deployment", "aws:x", "AWS:x", ""] {
        assert_eq!(refused(|config| _ = config.tags.insert(key.into(), "x".into())).setting, "tags", "{key}");
    }
    accepted(|config| _ = config.tags.insert("team".into(), "data".into()));
}

#[test]
fn a_misspelt_setting_is_an_error() {
    let error = toml::from_str::<DeploymentConfig>("node-type = \"ra3.large\"").unwrap_err();
    assert!(error.to_string().contains("node-type"), "{error}");
    let config: DeploymentConfig =
        toml::from_str("usage_limit = { rpu_hours = 5, period = \"daily\" }\nfinal_snapshot = \"take\"")
            .unwrap();
    assert_eq!(config.usage_limit.unwrap().rpu_hours, 5);
}
