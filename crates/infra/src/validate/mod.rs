//! The rules that settings must keep, as far as they can be known without asking AWS.

mod places;

use crate::{
    config::{DeploymentConfig, Kind},
    error::ConfigError,
};

type Checked = Result<(), ConfigError>;

/// A type of nodes and how many of them a cluster may have.
#[derive(Debug)]
struct NodeType {
    name: &'static str,
    single: bool,
    most: u32,
}

/// What can be created; several nodes are at least two.
const NODE_TYPES: [NodeType; 8] = [
    NodeType { name: "ra3.large", single: true, most: 16 },
    NodeType { name: "ra3.xlplus", single: true, most: 16 },
    NodeType { name: "ra3.4xlarge", single: false, most: 32 },
    NodeType { name: "ra3.16xlarge", single: false, most: 128 },
    NodeType { name: "rg.large", single: true, most: 16 },
    NodeType { name: "rg.xlarge", single: false, most: 16 },
    NodeType { name: "rg.4xlarge", single: false, most: 32 },
    NodeType { name: "rg.12xlarge", single: false, most: 128 },
];

/// The parameters of a parameter group that can be set.
const PARAMETERS: [&str; 13] = [
    "auto_analyze",
    "datestyle",
    "enable_case_sensitive_identifier",
    "enable_user_activity_logging",
    "extra_float_digits",
    "max_concurrency_scaling_clusters",
    "max_cursor_result_set_size",
    "query_group",
    "require_ssl",
    "search_path",
    "statement_timeout",
    "use_fips_ssl",
    "wlm_json_configuration",
];

/// Words that cannot be the name of a database or user.
const RESERVED: [&str; 22] = [
    "all", "analyse", "analyze", "and", "any", "array", "as", "both", "case", "create", "default", "from",
    "group", "open", "order", "public", "select", "system", "table", "tag", "user", "where",
];

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

pub(crate) fn validate(config: &DeploymentConfig) -> Checked {
    name(&config.name)?;
    if let Some(region) = &config.region {
        self::region(region)?;
    }
    match config.kind {
        Kind::Cluster => nodes(&config.node_type, config.nodes)?,
        Kind::Serverless => serverless(config)?,
    }
    database(&config.database)?;
    admin_user(&config.admin_user)?;
    port(config.port)?;
    places::access(config)?;
    places::data(config)?;
    places::subnets(config)?;
    parameters(config)?;
    snapshots(config)?;
    if let Some(window) = &config.maintenance_window {
        maintenance_window(window)?;
    }
    tags(config)
}

fn name(name: &str) -> Checked {
    let parts_are_fine = name.split('-').all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    let begins_with_letter = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if parts_are_fine && begins_with_letter && name.len() <= 38 {
        return Ok(());
    }
    Err(ConfigError::new(
        "name",
        format!("{name:?} cannot be part of the names of AWS resources"),
        "take up to 38 lower-case letters, digits and single hyphens, with a letter first and no hyphen last",
    ))
}

fn region(region: &str) -> Checked {
    let fine = region.matches('-').count() >= 2
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fine {
        return Ok(());
    }
    Err(ConfigError::new("region", format!("{region:?} is no region"), "write it like us-west-2"))
}

fn nodes(node_type: &str, nodes: u32) -> Checked {
    if node_type.starts_with("dc") || node_type.starts_with("ds") {
        return Err(ConfigError::new(
            "node_type",
            format!(
                "{node_type} is of a generation that AWS makes no new clusters of (dc2 since April 2025)"
            ),
            "take ra3.large, the smallest of the present ones, or kind = \"serverless\"",
        ));
    }
    let Some(known) = NODE_TYPES.iter().find(|known| known.name == node_type) else {
        let names: Vec<_> = NODE_TYPES.iter().map(|known| known.name).collect();
        return Err(ConfigError::new(
            "node_type",
            format!("{node_type:?} is not known"),
            format!("the types are {}", names.join(", ")),
        ));
    };
    let range = format!("{}2 to {}", if known.single { "1, or " } else { "" }, known.most);
    let fine = (nodes == 1 && known.single) || (2..=known.most).contains(&nodes);
    if fine {
        return Ok(());
    }
    Err(ConfigError::new(
        "nodes",
        format!("a cluster of {node_type} cannot be made with {nodes} nodes"),
        format!("it may have {range}"),
    ))
}

fn serverless(config: &DeploymentConfig) -> Checked {
    let allowed = |rpus: u32| {
        rpus == 4
            || (8..=512).contains(&rpus) && rpus.is_multiple_of(8)
            || (512..=1024).contains(&rpus) && rpus.is_multiple_of(32)
    };
    let base = config.base_capacity;
    if !allowed(base) {
        return Err(ConfigError::new(
            "base_capacity",
            format!("{base} RPUs cannot be had"),
            "take 4, or 8 to 512 in steps of 8 (in some regions on to 1024 in steps of 32)",
        ));
    }
    if let Some(most) = config.max_capacity
        && (!allowed(most) || most < base)
    {
        return Err(ConfigError::new(
            "max_capacity",
            format!("{most} RPUs cannot be the most, with {base} as the base"),
            "take at least the base capacity, in steps of 8",
        ));
    }
    if config.usage_limit.is_some_and(|limit| limit.rpu_hours == 0) {
        return Err(ConfigError::new(
            "usage_limit",
            "a limit of 0 RPU-hours lets no query run",
            "set rpu_hours to at least 1",
        ));
    }
    Ok(())
}

fn database(database: &str) -> Checked {
    let fine = database.len() <= 64
        && database.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && database.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if fine
        && !RESERVED.contains(&database)
        && !["template0", "template1", "padb_harvest"].contains(&database)
    {
        return Ok(());
    }
    Err(ConfigError::new(
        "database",
        format!("{database:?} cannot be the name of a database"),
        "take up to 64 lower-case letters and digits, with a letter first, and no reserved word",
    ))
}

fn admin_user(user: &str) -> Checked {
    let fine = user.len() <= 128
        && user.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && user
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_+.@-".contains(&byte));
    if fine && !RESERVED.contains(&user) {
        return Ok(());
    }
    Err(ConfigError::new(
        "admin_user",
        format!("{user:?} cannot be the name of the administrator"),
        "take lower-case letters, digits and _ + . @ -, with a letter first, and no reserved word",
    ))
}

fn port(port: u16) -> Checked {
    if (5431..=5455).contains(&port) || (8191..=8215).contains(&port) {
        return Ok(());
    }
    Err(ConfigError::new(
        "port",
        format!("{port} is outside of what Redshift takes"),
        "take 5431 to 5455 or 8191 to 8215; 5439 is usual",
    ))
}

fn parameters(config: &DeploymentConfig) -> Checked {
    if config.parameters.is_empty() {
        return Ok(());
    }
    if config.kind == Kind::Serverless {
        return Err(ConfigError::new(
            "parameters",
            "Serverless has no parameter groups",
            "leave them out; TLS is required in any case",
        ));
    }
    for (name, value) in &config.parameters {
        if !PARAMETERS.contains(&name.as_str()) {
            return Err(ConfigError::new(
                "parameters",
                format!("there is no parameter {name:?}"),
                format!("they are {}", PARAMETERS.join(", ")),
            ));
        }
        if name == "require_ssl" && value != "true" {
            return Err(ConfigError::new(
                "parameters",
                "without require_ssl passwords and data may travel in the clear",
                "leave it out; it is true in every case",
            ));
        }
    }
    Ok(())
}

fn snapshots(config: &DeploymentConfig) -> Checked {
    if !(1..=35).contains(&config.snapshot_retention_days) {
        return Err(ConfigError::new(
            "snapshot_retention_days",
            format!("automatic snapshots cannot be kept for {} days", config.snapshot_retention_days),
            "take 1 to 35",
        ));
    }
    let days = config.final_snapshot_retention_days;
    if days != -1 && !(1..=3653).contains(&days) {
        return Err(ConfigError::new(
            "final_snapshot_retention_days",
            format!("a snapshot cannot be kept for {days} days"),
            "take 1 to 3653, or -1 for ever",
        ));
    }
    Ok(())
}

/// `ddd:hh24:mi-ddd:hh24:mi`, half an hour at least and less than a day.
fn maintenance_window(window: &str) -> Checked {
    const WEEK: u32 = 7 * 24 * 60;
    let minute = |text: &str| -> Option<u32> {
        let mut parts = text.split(':');
        let (day, hour, minute) = (parts.next()?, parts.next()?, parts.next()?);
        let day = DAYS.iter().position(|known| *known == day)?;
        if parts.next().is_some() || hour.len() != 2 || minute.len() != 2 {
            return None;
        }
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(u32::try_from(day).ok()? * 24 * 60 + hour * 60 + minute)
    };
    let length =
        window.split_once('-').and_then(|(from, to)| Some((minute(to)? + WEEK - minute(from)?) % WEEK));
    if length.is_some_and(|length| (30..24 * 60).contains(&length)) {
        return Ok(());
    }
    Err(ConfigError::new(
        "maintenance_window",
        format!("{window:?} is no window of at least half an hour"),
        "write it in UTC like sun:05:00-sun:05:30",
    ))
}

fn tags(config: &DeploymentConfig) -> Checked {
    if config.tags.len() > 40 {
        return Err(ConfigError::new(
            "tags",
            "there are more than 40",
            "take fewer; AWS allows 50 with its own",
        ));
    }
    for (key, value) in &config.tags {
        let problem = if key.is_empty() || key.chars().count() > 128 {
            "is not 1 to 128 characters long"
        } else if key.to_ascii_lowercase().starts_with("aws:") || key.starts_with("sparkify:") {
            "begins with a prefix that is not free"
        } else if value.chars().count() > 256 {
            "has a value of more than 256 characters"
        } else {
            continue;
        };
        return Err(ConfigError::new("tags", format!("the key {key:?} {problem}"), "take another"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
