//! What the tests share: data sets made row by row, the command line as a process, dumps of tables,
//! a PostgreSQL server, a proxy that cuts connections to it.
//! a PostgreSQL server, an S3 in memory.
//! a PostgreSQL server, a double of Redshift.
//!
//! Only for tests: everything here panics when something is not as it should be.
//!
//! # Example
//!
//! ```
//! use sparkify_testkit::{DataSet, Event, Song};
//!
//! let data = DataSet::new();
//! data.write_events("2018/11/2018-11-01-events.json", &[Event::play(139, 1).user(8).ts(1_541_106_132_796)]);
//! data.write_songs("A/B/C/TRABC.json", &[Song::new("SO1", "AR1").title("Setanta matins")]);
//! assert!(data.path().join("log_data/2018/11/2018-11-01-events.json").is_file());
//! ```
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod answers;
mod batches;
mod cli;
mod data;
mod dump;
mod http_proxy;
mod moto;
mod postgres;
mod process;
pub mod python;
pub mod redshift;
pub mod redshift_lint;
mod replicate;
pub mod s3;
pub mod sqlfluff;
mod wire_proxy;

pub use answers::{Generated, Loads};
pub use batches::{Numbers, OneBatch};
pub use cli::{Cli, Finished};
pub use data::{DataSet, Event, Song, real_data};
pub use dump::{Dump, dump, dump_of, dump_of_without_ids, dump_without_ids, query, rows_of};
pub use http_proxy::{HttpCall, HttpFault, HttpProxy};
pub use moto::{AWS_REGION, AWS_SECRET_ACCESS_KEY, MotoAccount, MotoServer};
pub use postgres::{POSTGRES_PASSWORD, POSTGRES_USER, PostgresDatabase, PostgresServer, ServerCertificate};
pub use replicate::replicate;
pub use wire_proxy::{Cut, WireProxy};
