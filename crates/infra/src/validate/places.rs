//! Who may connect, what may be read, where it is put.

use super::Checked;
use crate::{
    config::{DeploymentConfig, Kind},
    error::ConfigError,
    network::Cidr,
    policy::S3Place,
};

pub(super) fn access(config: &DeploymentConfig) -> Checked {
    for text in &config.allow_cidr {
        let Some(cidr) = Cidr::parse(text) else {
            return Err(ConfigError::new(
                "allow_cidr",
                format!("{text:?} is no block of addresses"),
                "write it like 203.0.113.7/32",
            ));
        };
        if cidr.is_almost_anywhere() && !config.allow_anywhere {
            return Err(ConfigError::new(
                "allow_cidr",
                format!("{text} lets the internet at large connect"),
                "name the addresses that need it; if it must be, say so with --allow-anywhere (`allow_anywhere = true`)",
            ));
        }
    }
    Ok(())
}

pub(super) fn data(config: &DeploymentConfig) -> Checked {
    let read: Vec<_> = config.read.iter().map(|text| place("read", text)).collect::<Result<_, _>>()?;
    if read.is_empty() && config.staging.is_none() {
        return Err(ConfigError::new(
            "read",
            "the warehouse would have nothing to read",
            "name the source with read = [\"s3://bucket/prefix/\"], or a staging area with staging = \"s3://…\"",
        ));
    }
    if let Some(text) = &config.jsonpaths
        && place("jsonpaths", text)?.is_prefix()
    {
        return Err(ConfigError::new(
            "jsonpaths",
            format!("{text} is no object"),
            "name the file itself: s3://bucket/path/log_json_path.json",
        ));
    }
    if let Some(text) = &config.staging {
        let staging = place("staging", text)?;
        if !staging.is_prefix() || staging.key.is_empty() {
            return Err(ConfigError::new(
                "staging",
                format!("{text} is no prefix within a bucket"),
                "write it with a slash at the end: s3://bucket/staging/",
            ));
        }
        if let Some(other) = read.iter().find(|other| other.overlaps(&staging)) {
            return Err(ConfigError::new(
                "staging",
                format!("it overlaps with {other}, so that staged files would be taken for data"),
                "take a prefix of its own",
            ));
        }
    }
    Ok(())
}

fn place(setting: &'static str, text: &str) -> Result<S3Place, ConfigError> {
    S3Place::parse(text).map_err(|problem| {
        ConfigError::new(
            setting,
            format!("{text:?} {problem}"),
            "write s3://bucket/prefix/ for everything below a prefix, or s3://bucket/key for one object",
        )
    })
}

pub(super) fn subnets(config: &DeploymentConfig) -> Checked {
    if config.subnet_group.is_some() && !config.subnet_ids.is_empty() {
        return Err(ConfigError::new(
            "subnet_group",
            "it is set, and subnet_ids too",
            "leave one of them out: a group is made of subnet_ids",
        ));
    }
    if config.subnet_group.is_some() && config.kind == Kind::Serverless {
        return Err(ConfigError::new(
            "subnet_group",
            "Serverless has no subnet groups",
            "name the subnets with subnet_ids",
        ));
    }
    if config.kind == Kind::Serverless && (1..3).contains(&config.subnet_ids.len()) {
        return Err(ConfigError::new(
            "subnet_ids",
            format!(
                "Serverless needs three subnets in three availability zones, not {}",
                config.subnet_ids.len()
            ),
            "name three or more, or none for those of the default VPC",
        ));
    }
    for (setting, prefix, ids) in [
        ("subnet_ids", "subnet-", &config.subnet_ids),
        ("security_group_ids", "sg-", &config.security_group_ids),
    ] {
        if let Some(id) = ids.iter().find(|id| !id.starts_with(prefix)) {
            return Err(ConfigError::new(
                setting,
                format!("{id:?} is no such id"),
                format!("they look like {prefix}0123456789abcdef0"),
            ));
        }
    }
    Ok(())
}
