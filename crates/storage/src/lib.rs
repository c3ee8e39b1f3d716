//! Object storage on S3: addresses, credentials, a client, and errors that say what to do.
//!
//! [`connect`] gives an [`ObjectStore`] for a bucket. It finds region, endpoint and credentials as the AWS
//! tools do, refreshes credentials before they expire, retries what is worth it, and passes on what S3 says
//! when it refuses. [`Error::of`] makes of an error of the store one that names the missing permission, the
//! right region, or whatever else helps.
//!
//! The crate stands alone: whoever reads or stages objects builds on it.
//!
//! # Example
//!
//! ```no_run
//! use object_store::{ObjectStoreExt, path::Path};
//! use sparkify_storage::{Action, Error, S3Options, S3Url, connect};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let url = S3Url::parse("s3://udacity-dend/log_json_path.json")?;
//! let options = S3Options { region: Some("us-west-2".to_owned()), ..S3Options::default() };
//! let store = connect(&options, url.bucket()).await?;
//! let object = store.get(&Path::parse(url.key())?).await;
//! let object = object.map_err(|error| Error::of(error, Action::Read, &url))?;
//! println!("{} bytes", object.meta.size);
//! # Ok(())
//! # }
//! ```

mod connect;
mod credentials;
mod error;
mod http;
mod options;
mod refusal;
mod store;
mod url;

pub use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
pub use object_store::{self, ObjectStore};

pub use crate::{
    connect::{bucket_region, connect, connect_with, region},
    error::{Action, BoxError, Error, ErrorKind, Result},
    options::S3Options,
    url::{S3Url, UrlError},
};
