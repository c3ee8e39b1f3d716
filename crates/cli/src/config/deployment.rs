//! The settings of the deployment on AWS.

use super::{Found, Layers, Origin, Row, Setting};
use crate::args::GlobalArgs;

/// The name of a deployment that has none.
const DEFAULT_NAME: &str = "warehouse";

/// What is said about the deployment on AWS. The rest of its section is read by who uses it, so that a
/// fault in it is none for those who do not.
#[derive(Debug)]
pub struct DeploymentSettings {
    /// Its name.
    pub name: Setting<String>,
    /// The region; `None` is that of the profile.
    pub region: Option<Setting<String>>,
    /// The profile; `None` is that of the environment, or the default one.
    pub profile: Option<Setting<String>>,
    /// The section of the configuration file, and where that is.
    pub section: Option<(toml::Table, Origin)>,
}

impl DeploymentSettings {
    pub(super) fn read(layers: &Layers<'_>, arguments: &GlobalArgs) -> anyhow::Result<Self> {
        let name = layers.find_in_deployment("deployment", "name", arguments.deployment.as_deref());
        let region = layers.find_in_deployment("region", "region", arguments.region.as_deref());
        let origin = || Origin::File(layers.file.path().to_owned());
        let default = || Setting {
            value: DEFAULT_NAME.to_owned(),
            origin: Origin::Default,
            shown: DEFAULT_NAME.to_owned(),
        };
        Ok(Self {
            name: name.map(Found::setting).transpose()?.unwrap_or_else(default),
            region: region.map(Found::setting).transpose()?,
            profile: layers.find("profile", arguments.profile.as_deref()).map(Found::setting).transpose()?,
            section: layers.file.deployment().map(|table| (table.clone(), origin())),
        })
    }
}

impl DeploymentSettings {
    /// What else the section says.
    pub(super) fn rows(&self) -> Vec<Row> {
        let Some((table, origin)) = &self.section else { return Vec::new() };
        let further = table.iter().filter(|(key, _)| !["name", "region"].contains(&key.as_str()));
        let row = |(key, value): (&String, &toml::Value)| Row {
            name: format!("deployment.{key}").into(),
            value: Some(super::file::text_of(value)),
            origin: origin.clone(),
        };
        further.map(row).collect()
    }
}

impl Layers<'_> {
    /// A setting that the configuration file has in the section about AWS under a name of its own.
    fn find_in_deployment(
        &self,
        key: &'static str,
        key_of_section: &str,
        flag: Option<&str>,
    ) -> Option<Found> {
        self.find_above_file(key, flag).or_else(|| {
            let text = self.file.of_deployment(key_of_section)?;
            Some(Found { key, text, origin: Origin::File(self.file.path().to_owned()) })
        })
    }
}

/// The settings as the library wants them.
#[cfg(feature = "aws")]
mod library {
    use sparkify_infra::{ConnectOptions, DeploymentConfig};

    use super::DeploymentSettings;
    use crate::{args::AccessArgs, exit::UsageError};

    impl DeploymentSettings {
        /// What is wanted, by the section with what flags and variables say instead.
        ///
        /// # Errors
        ///
        /// When the section has a key that is none, or a value of the wrong kind.
        pub fn config(&self, access: &AccessArgs) -> anyhow::Result<DeploymentConfig> {
            let mut config = match &self.section {
                None => DeploymentConfig::default(),
                Some((table, origin)) => {
                    let read = |table: toml::Table| toml::Value::Table(table).try_into::<DeploymentConfig>();
                    read(table.clone()).map_err(|error| {
                        // The error does not name the key, so each is tried by itself.
                        let faulty = table.iter().find_map(|(key, value)| {
                            let alone = toml::Table::from_iter([(key.clone(), value.clone())]);
                            Some((key.as_str(), read(alone).err()?))
                        });
                        let (key, error) = faulty.unwrap_or(("", error));
                        let dot = if key.is_empty() { "" } else { "." };
                        UsageError::with_hint(
                            format!("{origin}: deployment{dot}{key}: {}", error.message()),
                            "docs/aws.md has the keys of the section and their values",
                        )
                    })?
                }
            };
            config.name.clone_from(&self.name.value);
            config.region = self.region.as_ref().map(|region| region.value.clone());
            if !access.allow_cidr.is_empty() {
                config.allow_cidr.clone_from(&access.allow_cidr);
            }
            config.allow_anywhere |= access.allow_anywhere;
            Ok(config)
        }

        /// How to reach AWS.
        #[must_use]
        pub fn connect_options(&self) -> ConnectOptions {
            ConnectOptions {
                region: self.region.as_ref().map(|region| region.value.clone()),
                profile: self.profile.as_ref().map(|profile| profile.value.clone()),
                ..ConnectOptions::default()
            }
        }
    }
}
