//! The double of Redshift, seen by a client.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod copy;
mod login;
mod session;
mod statements;

use std::sync::Arc;

use sparkify_testkit::{
    POSTGRES_PASSWORD, POSTGRES_USER, PostgresServer,
    redshift::{RedshiftDouble, RedshiftDoubleOptions},
};
use tokio_postgres::{Client, Config, Error, SimpleQueryMessage, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

async fn double() -> RedshiftDouble {
    RedshiftDouble::start(PostgresServer::shared(), RedshiftDoubleOptions::default()).await
}

/// One that takes what Redshift takes but does otherwise than meant.
async fn double_without_lint() -> RedshiftDouble {
    let options = RedshiftDoubleOptions { lint: false, ..RedshiftDoubleOptions::default() };
    RedshiftDouble::start(PostgresServer::shared(), options).await
}

fn config(double: &RedshiftDouble, user: &str, password: &str) -> Config {
    let mut config = Config::new();
    config.host(double.host()).port(double.port()).user(user).password(password).dbname(double.database());
    config.ssl_mode(SslMode::Require);
    config
}

fn tls(authority: &std::path::Path) -> MakeRustlsConnect {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    MakeRustlsConnect::new(config)
}

async fn connect_as(double: &RedshiftDouble, user: &str, password: &str) -> Result<Client, Error> {
    let (client, connection) = config(double, user, password).connect(tls(&double.authority())).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn connect(double: &RedshiftDouble) -> Client {
    connect_as(double, POSTGRES_USER, POSTGRES_PASSWORD).await.unwrap()
}

/// The rows of a query as text; `-` stands for NULL.
async fn rows(client: &Client, sql: &str) -> Vec<String> {
    let messages = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
    let mut rows = Vec::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            let values: Vec<_> = (0..row.len()).map(|index| row.get(index).unwrap_or("-")).collect();
            rows.push(values.join("|"));
        }
    }
    rows
}

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
}

/// The SQLSTATE and message of a statement that fails.
async fn failure(client: &Client, sql: &str) -> (String, String) {
    let error = client.batch_execute(sql).await.expect_err(sql);
    describe(&error)
}

fn describe(error: &Error) -> (String, String) {
    let Some(error) = error.as_db_error() else { return ("closed".to_owned(), error.to_string()) };
    let detail = error.detail().map(|detail| format!(" {detail}")).unwrap_or_default();
    (error.code().code().to_owned(), format!("{}{detail}", error.message()))
}
