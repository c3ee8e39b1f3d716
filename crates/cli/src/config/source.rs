//! Where the files to load are.

use std::path::{Path, PathBuf};

use sparkify_etl::source::Places;
#[cfg(feature = "s3")]
use sparkify_storage::S3Url;

use super::{Setting, Settings};
use crate::exit::UsageError;

/// A directory, file, prefix or object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceUrl {
    /// A path of this machine.
    Local(PathBuf),
    /// An address in S3.
    #[cfg(feature = "s3")]
    S3(S3Url),
}

impl SourceUrl {
    /// Reads `s3://…` or a path (a relative one is below `base` if there is one).
    ///
    /// # Errors
    ///
    /// A hint, when it is meant for S3 and no address there.
    pub fn parse(text: &str, base: Option<&Path>) -> Result<Self, Option<String>> {
        match text.split_once("://") {
            Some(("s3" | "s3a" | "s3n", _)) => Self::parse_s3(text),
            Some((scheme, _)) if !scheme.contains('/') => {
                Err(Some("files are loaded from a directory or from S3".to_owned()))
            }
            _ => Ok(Self::Local(base.map_or_else(|| PathBuf::from(text), |base| base.join(text)))),
        }
    }

    #[cfg(feature = "s3")]
    fn parse_s3(text: &str) -> Result<Self, Option<String>> {
        S3Url::parse(text).map(Self::S3).map_err(|error| Some(format!("{error}; {}", error.hint())))
    }

    #[cfg(not(feature = "s3"))]
    fn parse_s3(_: &str) -> Result<Self, Option<String>> {
        Err(Some("this program was built without S3; build it with --features s3".to_owned()))
    }

    /// As it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Local(path) => path.display().to_string(),
            #[cfg(feature = "s3")]
            Self::S3(url) => url.to_string(),
        }
    }

    const fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }
}

/// The parts of the source, all of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourcePlaces {
    /// Directories and a file.
    Local(Places<PathBuf>),
    /// Prefixes and an object.
    #[cfg(feature = "s3")]
    S3(Places<S3Url>),
}

impl SourcePlaces {
    /// The usual places below a directory.
    pub(crate) fn below(directory: PathBuf) -> Self {
        Self::Local(Places::below(directory, |root, name| root.join(name)))
    }

    /// The places that the settings name; `None` if they name no place with data.
    pub(crate) fn of(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let parts = [&settings.source, &settings.log_data, &settings.song_data, &settings.log_json_path];
        let mut local = parts.iter().filter_map(|part| part.as_ref()).map(|part| part.value.is_local());
        let first_is_local = local.next();
        if local.any(|is_local| Some(is_local) != first_is_local) {
            return Err(UsageError::with_hint(
                "the parts of the source are in different kinds of places",
                "name either directories or addresses in S3 with --source, --log-data, --song-data and \
                 --log-json-path",
            )
            .into());
        }
        let is_named =
            [&settings.source, &settings.log_data, &settings.song_data].iter().any(|s| s.is_some());
        match first_is_local.filter(|_| is_named) {
            None => Ok(None),
            #[cfg(feature = "s3")]
            Some(false) => Ok(Some(Self::S3(places(
                parts,
                |url| match url {
                    SourceUrl::S3(url) => Some(url.clone()),
                    SourceUrl::Local(_) => None,
                },
                S3Url::join,
            )))),
            Some(_) => Ok(Some(Self::Local(places(
                parts,
                |url| match url {
                    SourceUrl::Local(path) => Some(path.clone()),
                    #[cfg(feature = "s3")]
                    SourceUrl::S3(_) => None,
                },
                |root, name| root.join(name),
            )))),
        }
    }
}

fn places<P>(
    parts: [&Option<Setting<SourceUrl>>; 4],
    get: impl Fn(&SourceUrl) -> Option<P>,
    join: impl Fn(&P, &str) -> P,
) -> Places<P> {
    let [root, log_data, song_data, json_paths] =
        parts.map(|part| part.as_ref().and_then(|part| get(&part.value)));
    let usual = root.map_or_else(Places::default, |root| Places::below(root, join));
    usual.with_named(log_data, song_data, json_paths)
}
