//! `COPY` from S3: what is to be loaded is read, made into rows, and given to PostgreSQL's own COPY.

mod aws;
mod columns;
mod convert;
mod files;
mod http;
mod load;
mod parse;
mod progress;
mod records;
mod rows;
mod run;
mod s3;

pub(super) use aws::Aws;
pub(super) use parse::CopyStatement;
pub(super) use progress::Progress;
pub(super) use run::run;
