//! Connections: encryption, authentication, what the server says about itself.

use sparkify_testkit::{
    POSTGRES_PASSWORD, POSTGRES_USER, PostgresServer, ServerCertificate,
    redshift::{Authentication, Message, Outcome, RedshiftDouble, RedshiftDoubleOptions},
};
use tokio_postgres::{NoTls, config::SslMode};

use crate::{config, connect, connect_as, describe, double, rows, tls};

async fn with(options: RedshiftDoubleOptions) -> RedshiftDouble {
    RedshiftDouble::start(PostgresServer::shared(), options).await
}

#[tokio::test]
async fn passwords_are_taken_in_clear_text_and_as_md5() {
    for authentication in [Authentication::Cleartext, Authentication::Md5] {
        let double = with(RedshiftDoubleOptions { authentication, ..Default::default() }).await;
        let client = connect(&double).await;
        assert_eq!(rows(&client, "SELECT 1").await, ["1"]);
        let error = connect_as(&double, POSTGRES_USER, "wrong").await.unwrap_err();
        assert_eq!(describe(&error).0, "28000", "{authentication:?}");
    }
}

#[tokio::test]
async fn the_digest_of_redshift_is_unknown_to_the_driver() {
    let options = RedshiftDoubleOptions { authentication: Authentication::Digest, ..Default::default() };
    let double = with(options).await;
    let error = connect_as(&double, POSTGRES_USER, POSTGRES_PASSWORD).await.unwrap_err();
    let text = format!("{error:?}");
    assert!(text.contains("unknown authentication tag `13`"), "{text}");
}

#[tokio::test]
async fn the_server_is_redshift_by_what_it_says() {
    let double = double().await;
    let (client, connection) =
        config(&double, POSTGRES_USER, POSTGRES_PASSWORD).connect(tls(&double.authority())).await.unwrap();
    assert_eq!(connection.parameter("server_version"), Some("8.0.2"));
    assert_eq!(connection.parameter("client_encoding"), Some("UNICODE"));
    assert_eq!(connection.parameter("server_version_num"), None);
    tokio::spawn(connection);
    assert!(rows(&client, "SELECT version()").await[0].contains("Redshift"));
    assert_eq!(rows(&client, "SHOW server_version").await, ["8.0.2"]);
    assert_eq!(rows(&client, "SELECT current_database()").await, ["dev"]);
    assert_eq!(rows(&client, "SELECT COUNT(*) FROM stv_slices").await, ["2"]);
}

#[tokio::test]
async fn nobody_gets_in_without_encryption_or_past_a_wrong_certificate() {
    let double = double().await;
    let mut plain = config(&double, POSTGRES_USER, POSTGRES_PASSWORD);
    plain.ssl_mode(SslMode::Disable);
    let error = plain.connect(NoTls).await.err().unwrap();
    assert!(describe(&error).1.contains("SSL off"), "{error:?}");

    let right = config(&double, POSTGRES_USER, POSTGRES_PASSWORD);
    let error = right.connect(tls(&double.other_authority())).await.err().unwrap();
    assert!(format!("{error:?}").contains("UnknownIssuer"), "{error:?}");

    let certificate = ServerCertificate::Expired;
    let double = with(RedshiftDoubleOptions { certificate, ..Default::default() }).await;
    let error = config(&double, POSTGRES_USER, POSTGRES_PASSWORD)
        .connect(tls(&double.authority()))
        .await
        .err()
        .unwrap();
    assert!(format!("{error:?}").contains("Expired"), "{error:?}");
}

#[tokio::test]
async fn a_double_without_tls_is_talked_to_in_the_open() {
    let double = with(RedshiftDoubleOptions { tls: false, ..Default::default() }).await;
    let mut plain = config(&double, POSTGRES_USER, POSTGRES_PASSWORD);
    plain.ssl_mode(SslMode::Prefer);
    let (client, connection) = plain.connect(tls(&double.authority())).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(rows(&client, "SELECT 1").await, ["1"]);
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_user() {
    let double = double().await;
    double.set_login("IAM:loader", "temporary");
    for _ in 0..5 {
        connect_as(&double, "IAM:loader", "wrong").await.unwrap_err();
    }
    assert_eq!(double.failed_logins("IAM:loader"), 5);
    let error = connect_as(&double, "IAM:loader", "temporary").await.unwrap_err();
    assert!(describe(&error).1.contains("locked"), "{error:?}");
    double.set_login("IAM:loader", "temporary");
    connect_as(&double, "IAM:loader", "temporary").await.unwrap();
    assert!(double.received().iter().any(|received| matches!(
        (&received.message, &received.outcome),
        (Message::Startup { user, .. }, Outcome::Failed(_)) if user == "IAM:loader"
    )));
}

#[tokio::test]
async fn unknown_databases_and_parameters_are_fatal() {
    let double = double().await;
    let mut other = config(&double, POSTGRES_USER, POSTGRES_PASSWORD);
    other.dbname("prod");
    let error = other.connect(tls(&double.authority())).await.err().unwrap();
    assert_eq!(describe(&error).0, "3D000");

    for (options, code) in [
        ("-c extra_float_digits=3", Some("22023")),
        ("-c lock_timeout=3", Some("42704")),
        ("-c statement_timeout=3000", None),
    ] {
        let mut config = config(&double, POSTGRES_USER, POSTGRES_PASSWORD);
        config.options(options);
        let result = config.connect(tls(&double.authority())).await;
        assert_eq!(result.err().map(|error| describe(&error).0).as_deref(), code, "{options}");
    }
}

#[tokio::test]
async fn a_stranger_has_no_rights() {
    let postgres = PostgresServer::shared();
    let double = double().await;
    double.add_stranger(postgres, "stranger_of_the_double", "secret");
    let owner = connect(&double).await;
    crate::run(&owner, "CREATE TABLE t (a INT)").await;
    let stranger = connect_as(&double, "stranger_of_the_double", "secret").await.unwrap();
    assert_eq!(crate::failure(&stranger, "SELECT * FROM t").await.0, "42501");
    assert_eq!(crate::failure(&stranger, "CREATE TABLE u (a INT)").await.0, "42501");
    assert_eq!(rows(&stranger, "SELECT 1").await, ["1"]);
}
