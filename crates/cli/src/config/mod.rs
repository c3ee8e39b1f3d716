//! The settings: flags beat environment variables, these beat the configuration file, that beats the
//! defaults. Each setting remembers where it came from.

mod deployment;
pub(crate) mod environment;
mod file;
mod generate;
mod redshift;
mod source;
mod warehouse;

use std::{
    borrow::Cow,
    fmt::Display,
    path::{Path, PathBuf},
    time::Duration,
};

pub use deployment::DeploymentSettings;
pub use file::ConfigFile;
pub use generate::GenerateSettings;
pub use source::{SourcePlaces, SourceUrl};
use sparkify_analytics::output::Format;
use sparkify_etl::{MatchRule, Pack, Retries};
#[cfg(feature = "s3")]
use sparkify_storage::S3Options;
use sparkify_warehouse::duckdb::DuckDbOptions;
pub use warehouse::WarehouseUrl;
pub(crate) use warehouse::{MASK, secrets_among};

use crate::{args::GlobalArgs, exit::UsageError};

/// The directory that is the source when none is named.
const DEFAULT_SOURCE: &str = "data";

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag,
    /// An environment variable.
    Environment(String),
    /// The configuration file.
    File(PathBuf),
    /// Nothing else was said.
    Default,
}

impl Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it came from.
#[derive(Clone)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
    /// The value as it is shown: secrets are masked.
    pub shown: String,
}

/// The value as it is shown: it may hold a secret.
impl<T> std::fmt::Debug for Setting<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting")
            .field("shown", &self.shown)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The form of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// All settings.
#[derive(Debug)]
pub struct Settings {
    /// Where to load from; `None` if no place was named and `data` is not there.
    pub source: Option<Setting<SourceUrl>>,
    /// Where the events are, if not in the usual place.
    pub log_data: Option<Setting<SourceUrl>>,
    /// Where the songs are, if not in the usual place.
    pub song_data: Option<Setting<SourceUrl>>,
    /// Where the JSONPaths file is, if not in the usual place.
    pub log_json_path: Option<Setting<SourceUrl>>,
    /// The region of the source's buckets.
    pub s3_region: Option<Setting<String>>,
    /// The address of an S3-compatible server.
    pub s3_endpoint: Option<Setting<String>>,
    /// Whether the bucket stands in the path of a request to S3; `None` leaves it to the address.
    pub s3_path_style: Setting<Option<bool>>,
    /// Whether requests to S3 are not signed.
    pub s3_anonymous: Setting<bool>,
    /// The database.
    pub warehouse: Setting<WarehouseUrl>,
    /// Bad records that may be set aside.
    pub max_errors: Setting<u64>,
    /// How plays are matched with songs.
    pub match_rule: Setting<MatchRule>,
    /// The form of the results.
    pub format: Setting<Format>,
    /// How long to wait for a database in use.
    pub wait: Setting<Duration>,
    /// Memory for DuckDB.
    pub memory_limit: Setting<String>,
    /// Where DuckDB puts what does not fit into its memory.
    pub temp_dir: Option<Setting<PathBuf>>,
    /// Threads for DuckDB; 0 is one per core.
    pub threads: Setting<usize>,
    /// Connections that write at once to a PostgreSQL server; 0 is one per core.
    pub connections: Setting<usize>,
    /// How often a load begins anew.
    pub retries: Setting<u32>,
    /// Where a load into Redshift puts the files that COPY reads: `s3://BUCKET/PREFIX`.
    pub stage: Option<Setting<String>>,
    /// The region of that bucket.
    pub stage_region: Option<Setting<String>>,
    /// The role that Redshift reads S3 with: an ARN, or `default`.
    pub iam_role: Option<Setting<String>>,
    /// Whether records go into Redshift packed.
    pub pack: Setting<Pack>,
    /// The compressed bytes of a packed file.
    pub pack_size: Setting<usize>,
    /// Override directory for SQL files.
    pub sql_dir: Option<Setting<PathBuf>>,
    /// The form of the logs.
    pub log_format: Setting<LogFormat>,
    /// The deployment on AWS.
    pub deployment: DeploymentSettings,
    /// Whether every question is answered with yes.
    pub yes: bool,
    /// Whether no progress bar is shown.
    pub no_progress: bool,
    /// How much more is logged.
    pub verbose: u8,
    /// Whether only errors are logged.
    pub quiet: bool,
}

/// A source of environment variables.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Settings {
    /// Reads all settings. `directory` is where the program was started.
    ///
    /// # Errors
    ///
    /// When a value is not of its kind; the message names where it came from.
    pub fn read(
        arguments: &GlobalArgs,
        environment: Environment<'_>,
        file: &ConfigFile,
        directory: &Path,
    ) -> anyhow::Result<Self> {
        let layers = Layers { environment, file };
        let place = |key, flag: &Option<String>| match layers.find(key, flag.as_deref()) {
            Some(found) => found.source(file).map(Some),
            None => Ok(None),
        };
        let log_data = place("log_data", &arguments.log_data)?;
        let song_data = place("song_data", &arguments.song_data)?;
        let source = match place("source", &arguments.source)? {
            None if log_data.is_none() && song_data.is_none() => default_source(directory),
            named => named,
        };
        Ok(Self {
            source,
            log_data,
            song_data,
            log_json_path: place("log_json_path", &arguments.log_json_path)?,
            s3_region: layers
                .find("s3_region", arguments.s3_region.as_deref())
                .map(Found::setting)
                .transpose()?,
            s3_endpoint: layers
                .find("s3_endpoint", arguments.s3_endpoint.as_deref())
                .map(Found::setting)
                .transpose()?,
            s3_path_style: layers.text("s3_path_style", arguments.s3_path_style.as_deref(), "auto").parse(
                "true, false or auto",
                |text| match text {
                    "auto" => Ok(None),
                    text => text.parse().map(Some).map_err(|_| None),
                },
            )?,
            s3_anonymous: layers
                .text("s3_anonymous", arguments.s3_anonymous.then_some("true"), "false")
                .parse("true or false", |text| text.parse().map_err(|_| None))?,
            warehouse: {
                let found =
                    layers.text("warehouse", arguments.warehouse.as_deref(), "duckdb:sparkify.duckdb");
                let base = (found.origin != Origin::Flag).then(|| file.directory()).flatten();
                let url = found.parse(
                    "duckdb:FILE, postgres://USER@HOST/DATABASE or redshift://USER@HOST/DATABASE",
                    |text| WarehouseUrl::parse(text, base_for(&found.origin, base), environment),
                )?;
                Setting { shown: url.value.masked(), ..url }
            },
            max_errors: layers
                .text("max_errors", arguments.max_errors.as_deref(), "0")
                .parse("a whole number, 0 or more", parse_number)?,
            match_rule: layers.text("match_rule", arguments.match_rule.as_deref(), "exact").parse(
                "exact or title-artist",
                |text| {
                    [MatchRule::Exact, MatchRule::TitleArtist]
                        .into_iter()
                        .find(|rule| rule.name() == text)
                        .ok_or(None)
                },
            )?,
            format: layers
                .text("format", arguments.format.as_deref(), "table")
                .parse("table, json or csv", |text| text.parse::<Format>().map_err(|_| None))?,
            wait: layers
                .text("wait", arguments.wait.as_deref(), "0s")
                .parse("a time such as 60s or 5m", |text| {
                    humantime::parse_duration(text).map_err(|_| None)
                })?,
            memory_limit: layers
                .text("memory_limit", arguments.memory_limit.as_deref(), DuckDbOptions::DEFAULT_MEMORY_LIMIT)
                .parse("a size such as 400MB or 2GB", |text| {
                    if is_size(text) { Ok(text.to_owned()) } else { Err(None) }
                })?,
            temp_dir: layers
                .find("temp_dir", arguments.temp_dir.as_deref())
                .map(|found| found.path(file))
                .or_else(|| temp_dir_of_system(environment)),
            connections: layers
                .text("connections", arguments.connections.as_deref(), "0")
                .parse("a number", parse_number)?,
            retries: layers
                .text("retries", arguments.retries.as_deref(), &Retries::default().count.to_string())
                .parse("a whole number, 0 or more", parse_number)?,
            threads: layers
                .text("threads", arguments.threads.as_deref(), "0")
                .parse("a whole number, 0 or more", parse_number)?,
            stage: layers
                .find("stage", arguments.stage.as_deref())
                .map(|found| found.parse("s3://BUCKET/PREFIX", redshift::stage))
                .transpose()?,
            stage_region: layers
                .find("stage_region", arguments.stage_region.as_deref())
                .map(Found::setting)
                .transpose()?,
            iam_role: layers
                .find("iam_role", arguments.iam_role.as_deref())
                .map(|found| found.parse("the ARN of a role, or default", redshift::iam_role))
                .transpose()?,
            pack: layers
                .text("pack", arguments.pack.as_deref(), Pack::default().name())
                .parse("auto, always or never", |text| {
                    Pack::ALL.into_iter().find(|pack| pack.name() == text).ok_or(None)
                })?,
            pack_size: layers
                .text("pack_size", arguments.pack_size.as_deref(), "16MB")
                .parse("a size from 1MB to 16MB", redshift::pack_size)?,
            sql_dir: layers.find("sql_dir", arguments.sql_dir.as_deref()).map(|found| found.path(file)),
            log_format: layers.text("log_format", arguments.log_format.as_deref(), "text").parse(
                "text or json",
                |text| match text {
                    "text" => Ok(LogFormat::Text),
                    "json" => Ok(LogFormat::Json),
                    _ => Err(None),
                },
            )?,
            deployment: DeploymentSettings::read(&layers, arguments)?,
            yes: arguments.yes,
            no_progress: arguments.no_progress,
            verbose: arguments.verbose,
            quiet: arguments.quiet,
        })
    }

    /// How S3 is reached.
    #[cfg(feature = "s3")]
    #[must_use]
    pub fn s3(&self) -> S3Options {
        let value = |setting: &Option<Setting<String>>| setting.as_ref().map(|setting| setting.value.clone());
        S3Options {
            region: value(&self.s3_region),
            endpoint: value(&self.s3_endpoint),
            path_style: self.s3_path_style.value,
            anonymous: self.s3_anonymous.value,
            profile: value(&self.deployment.profile),
            ..S3Options::default()
        }
    }

    /// Each setting as it is shown, by the names that a configuration file uses.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        fn row<T>(name: &'static str, setting: &Setting<T>) -> Row {
            Row { name: name.into(), value: Some(setting.shown.clone()), origin: setting.origin.clone() }
        }
        fn optional<T>(name: &'static str, setting: Option<&Setting<T>>) -> Row {
            setting.map_or_else(
                || Row { name: name.into(), value: None, origin: Origin::Default },
                |setting| row(name, setting),
            )
        }
        let mut rows = vec![
            optional("source", self.source.as_ref()),
            optional("log_data", self.log_data.as_ref()),
            optional("song_data", self.song_data.as_ref()),
            optional("log_json_path", self.log_json_path.as_ref()),
            optional("s3_region", self.s3_region.as_ref()),
            optional("s3_endpoint", self.s3_endpoint.as_ref()),
            row("s3_path_style", &self.s3_path_style),
            row("s3_anonymous", &self.s3_anonymous),
            row("warehouse", &self.warehouse),
            row("max_errors", &self.max_errors),
            row("match_rule", &self.match_rule),
            row("format", &self.format),
            row("wait", &self.wait),
            row("memory_limit", &self.memory_limit),
            optional("temp_dir", self.temp_dir.as_ref()),
            row("threads", &self.threads),
            row("connections", &self.connections),
            row("retries", &self.retries),
            optional("stage", self.stage.as_ref()),
            optional("stage_region", self.stage_region.as_ref()),
            optional("iam_role", self.iam_role.as_ref()),
            row("pack", &self.pack),
            row("pack_size", &self.pack_size),
            optional("sql_dir", self.sql_dir.as_ref()),
            row("log_format", &self.log_format),
            row("deployment", &self.deployment.name),
            optional("region", self.deployment.region.as_ref()),
            optional("profile", self.deployment.profile.as_ref()),
        ];
        rows.extend(self.deployment.rows());
        rows
    }
}

/// A setting as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its value, secrets masked; `None` if it has none.
    pub value: Option<String>,
    /// Where the value came from.
    pub origin: Origin,
}

/// What errors need to know about the settings, even if these are faulty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forms {
    /// Whether results are JSON.
    pub(crate) json_results: bool,
    /// Whether logs are JSON.
    pub(crate) json_logs: bool,
}

impl Forms {
    /// Reads the two settings as far as they can be read; `file` is `None` if it is faulty.
    pub(crate) fn guess(
        arguments: &GlobalArgs,
        environment: Environment<'_>,
        file: Option<&ConfigFile>,
    ) -> Self {
        let none = ConfigFile::default();
        let layers = Layers { environment, file: file.unwrap_or(&none) };
        let is_json = |key, flag| layers.find(key, flag).is_some_and(|found| found.text == "json");
        Self {
            json_results: is_json("format", arguments.format.as_deref()),
            json_logs: is_json("log_format", arguments.log_format.as_deref()),
        }
    }
}

/// The names that a configuration file may use.
pub(crate) const KEYS: &[&str] = &[
    "source",
    "log_data",
    "song_data",
    "log_json_path",
    "s3_region",
    "s3_endpoint",
    "s3_path_style",
    "s3_anonymous",
    "warehouse",
    "max_errors",
    "match_rule",
    "format",
    "wait",
    "memory_limit",
    "temp_dir",
    "threads",
    "connections",
    "retries",
    "stage",
    "stage_region",
    "iam_role",
    "pack",
    "pack_size",
    "sql_dir",
    "log_format",
    "profile",
];

/// Relative names in a file mean files beside it; elsewhere, below where the program was started.
fn base_for<'a>(origin: &Origin, base: Option<&'a Path>) -> Option<&'a Path> {
    if matches!(origin, Origin::File(_)) { base } else { None }
}

fn default_source(directory: &Path) -> Option<Setting<SourceUrl>> {
    let there =
        ["log_data", "song_data"].iter().any(|folder| directory.join(DEFAULT_SOURCE).join(folder).is_dir());
    there.then(|| Setting {
        value: SourceUrl::Local(PathBuf::from(DEFAULT_SOURCE)),
        origin: Origin::Default,
        shown: DEFAULT_SOURCE.to_owned(),
    })
}

/// Where temporary files go on this system, if somebody has said so.
fn temp_dir_of_system(environment: Environment<'_>) -> Option<Setting<PathBuf>> {
    let shown = environment("TMPDIR").filter(|text| !text.is_empty())?;
    Some(Setting { value: PathBuf::from(&shown), origin: Origin::Environment("TMPDIR".to_owned()), shown })
}

fn parse_number<T: std::str::FromStr>(text: &str) -> Result<T, Option<String>> {
    text.replace('_', "").parse().map_err(|_| None)
}

fn is_size(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
    let unit = text[digits.len()..].trim().to_ascii_uppercase();
    digits.parse::<f64>().is_ok_and(|size| size > 0.0)
        && ["KB", "MB", "GB", "TB", "KIB", "MIB", "GIB", "TIB"].contains(&unit.as_str())
}

struct Layers<'a> {
    environment: Environment<'a>,
    file: &'a ConfigFile,
}

/// A text and where it came from.
struct Found {
    key: &'static str,
    text: String,
    origin: Origin,
}

impl Layers<'_> {
    fn find(&self, key: &'static str, flag: Option<&str>) -> Option<Found> {
        self.find_above_file(key, flag).or_else(|| {
            let text = self.file.get(key)?;
            Some(Found { key, text, origin: Origin::File(self.file.path().to_owned()) })
        })
    }

    /// What a flag or a variable says.
    fn find_above_file(&self, key: &'static str, flag: Option<&str>) -> Option<Found> {
        if let Some(text) = flag {
            return Some(Found { key, text: text.to_owned(), origin: Origin::Flag });
        }
        let variable = format!("SPARKIFY_{}", key.to_uppercase());
        // An empty variable is the usual way to unset one in a script.
        let text = (self.environment)(&variable).filter(|text| !text.is_empty())?;
        Some(Found { key, text, origin: Origin::Environment(variable) })
    }

    fn text(&self, key: &'static str, flag: Option<&str>, default: &str) -> Found {
        self.find(key, flag).unwrap_or_else(|| Found {
            key,
            text: default.to_owned(),
            origin: Origin::Default,
        })
    }
}

impl Found {
    fn path(self, file: &ConfigFile) -> Setting<PathBuf> {
        let base = base_for(&self.origin, file.directory());
        let value = base.map_or_else(|| PathBuf::from(&self.text), |base| base.join(&self.text));
        // An address that was meant for another setting.
        let is_address = self.text.contains("://");
        let shown = if is_address { warehouse::mask(&self.text) } else { value.display().to_string() };
        Setting { shown, value, origin: self.origin }
    }

    fn source(self, file: &ConfigFile) -> anyhow::Result<Setting<SourceUrl>> {
        let base = base_for(&self.origin, file.directory());
        let source = self.parse("a directory or s3://BUCKET/PREFIX", |text| SourceUrl::parse(text, base))?;
        Ok(Setting { shown: source.value.shown(), ..source })
    }

    /// The text itself, in which what may be a password is masked when it is shown.
    fn setting(self) -> anyhow::Result<Setting<String>> {
        let setting = self.parse("a text without control characters", |text| match text {
            text if text.contains(char::is_control) => Err(None),
            text => Ok(text.to_owned()),
        })?;
        Ok(Setting { shown: warehouse::mask(&setting.value), ..setting })
    }

    fn parse<T>(
        &self,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, Option<String>>,
    ) -> anyhow::Result<Setting<T>> {
        match parse(&self.text) {
            Ok(value) => Ok(Setting { value, origin: self.origin.clone(), shown: self.text.clone() }),
            Err(problem) => {
                let text = warehouse::mask(&self.text);
                let message = format!("{text:?} is no value for {}: it must be {expected}", self.named());
                Err(problem
                    .map_or_else(|| UsageError::new(&message), |hint| UsageError::with_hint(&message, hint))
                    .into())
            }
        }
    }

    /// The setting as the user wrote it.
    fn named(&self) -> String {
        match &self.origin {
            Origin::Flag => format!("--{}", self.key.replace('_', "-")),
            Origin::Environment(variable) => variable.clone(),
            Origin::File(path) => format!("{} in {}", self.key, path.display()),
            Origin::Default => self.key.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
