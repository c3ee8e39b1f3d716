//! How a double is to behave.

use std::{collections::BTreeMap, time::Duration};

use super::random;
use crate::ServerCertificate;

/// How a client has to prove who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// Code 3: the password as it is.
    Cleartext,
    /// Code 5: a salted MD5.
    Md5,
    /// Code 13: Redshift's own digest, for passwords that are stored as SHA-256. PostgreSQL's drivers do not
    /// know it.
    Digest,
}

/// The isolation of the database's transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Redshift's default for new databases.
    Snapshot,
    /// What older databases have.
    Serializable,
}

impl Isolation {
    pub(super) const fn of_postgres(self) -> &'static str {
        match self {
            Self::Snapshot => "repeatable read",
            Self::Serializable => "serializable",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "Snapshot Isolation",
            Self::Serializable => "Serializable",
        }
    }
}

/// What is odd about each COPY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// One of its rows is lost, without a word.
    LosesRow,
    /// The lines that it says it has scanned are lines of text, not objects.
    CountsLinesOfText,
    /// It does not say which entity tags the files had.
    HidesTags,
}

/// How a double is to behave.
#[derive(Debug, Clone)]
pub struct RedshiftDoubleOptions {
    /// How clients log in.
    pub authentication: Authentication,
    /// With encryption, and then never without.
    pub tls: bool,
    /// The certificate it shows.
    pub certificate: ServerCertificate,
    /// The name of its database.
    pub database: String,
    /// Where it finds S3, by a role and so without signatures: `http://127.0.0.1:PORT`. COPY needs it.
    pub s3_endpoint: Option<String>,
    /// The region of the cluster.
    pub region: String,
    /// The regions of buckets; others are wherever COPY looks for them, unless S3 says where they are.
    pub bucket_regions: BTreeMap<String, String>,
    /// The roles that are attached to the cluster; `None` for any.
    pub roles: Option<Vec<String>>,
    /// The identity of the warehouse; `None` if it cannot be asked for.
    pub namespace: Option<String>,
    /// The number of slices.
    pub slices: u32,
    /// What is odd about each COPY.
    pub oddity: Option<Oddity>,
    /// The isolation of transactions.
    pub isolation: Isolation,
    /// A request to cancel (of the protocol) has no effect, of which there is a report.
    pub ignore_cancel_requests: bool,
    /// `pg_cancel_backend` and CANCEL have no effect.
    pub ignore_cancel_orders: bool,
    /// Statements are held against the rules of [`redshift_lint`](crate::redshift_lint), which refuse more than
    /// Redshift does: also what it takes and does otherwise than meant.
    pub lint: bool,
    /// How late the system views about loads are: for half of this time a COPY that has ended still runs for them and has
    /// refused nothing; its files appear one after the other, the last at the end of it.
    pub view_lag: Duration,
}

impl Default for RedshiftDoubleOptions {
    fn default() -> Self {
        Self {
            authentication: Authentication::Md5,
            tls: true,
            certificate: ServerCertificate::Valid,
            database: "dev".to_owned(),
            s3_endpoint: None,
            region: "us-west-2".to_owned(),
            bucket_regions: BTreeMap::new(),
            roles: None,
            namespace: Some(random::<16>().map(|byte| format!("{byte:02x}")).concat()),
            slices: 2,
            oddity: None,
            isolation: Isolation::Snapshot,
            ignore_cancel_requests: false,
            ignore_cancel_orders: false,
            lint: true,
            view_lag: Duration::ZERO,
        }
    }
}
