//! What the backends of servers that speak PostgreSQL's protocol have in common: where a server is and how to
//! log in, encryption, connections that are thrown away unless they are clean, interruption, and the numbers.

mod lease;
mod numeric;
mod password_file;
mod running;
mod secret;
mod server;
mod server_error;
mod text;
mod tls;
mod turn;
mod url;

pub use secret::Secret;
pub use server::{Host, RootCertificates, Server, SslMode};

pub(crate) use lease::Lease;
pub(crate) use numeric::numeric_array;
#[cfg(feature = "redshift")]
pub(crate) use running::Fate;
pub(crate) use running::{Canceller, Entry, Running};
pub(crate) use server::{Given, Scheme, invalid};
pub(crate) use server_error::{
    During, Failure, classify, commit_failed, confirm_end, is_refused, load_under_way,
};
#[cfg(feature = "redshift")]
pub(crate) use server_error::{is_broken, message, tls_error};
#[cfg(feature = "redshift")]
pub(crate) use text::oid;
pub(crate) use text::{Column, record_set};
pub(crate) use tls::client_config;
pub(crate) use turn::Turn;
#[cfg(feature = "redshift")]
pub(crate) use url::encode;
