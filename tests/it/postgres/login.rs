//! Logging in: encryption, certificates, passwords, and what is said when it does not work.

use std::{sync::OnceLock, time::Instant};

use sparkify_testkit::{POSTGRES_PASSWORD, POSTGRES_USER, PostgresServer, ServerCertificate};
use sparkify_warehouse::{
    Error, Warehouse,
    postgres::{PostgresOptions, PostgresWarehouse},
};

use super::{integer, options, text};

/// A server whose certificate has expired.
fn expired() -> &'static PostgresServer {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    SERVER.get_or_init(|| PostgresServer::start(ServerCertificate::Expired))
}

/// Opens what must not open; the error has a hint, and no password in it.
async fn refused(options: &PostgresOptions) -> Error {
    let error = match PostgresWarehouse::open(options).await {
        Ok(warehouse) => panic!("{warehouse:?} was opened"),
        Err(error) => error,
    };
    let mut text = format!("{error} {error:?} {options:?} {}", error.hint().unwrap());
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    for secret in [POSTGRES_PASSWORD, "p%40ss", "not-the-password"] {
        assert!(!text.contains(secret), "{text}");
    }
    error
}

/// A server whose certificate is its own authority's, as PostgreSQL's manual makes one.
fn self_signed() -> &'static PostgresServer {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    SERVER.get_or_init(|| PostgresServer::start(ServerCertificate::SelfSigned))
}

const TLS_VERSION: &str = "SELECT COALESCE(version, 'none') FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

#[tokio::test(flavor = "multi_thread")]
async fn each_sslmode_that_encrypts_does_so() {
    let server = PostgresServer::shared();
    let (database, authority) = (server.create_database(), server.authority());
    let root = format!("&sslrootcert={}", authority.display());
    for parameters in
        ["", "sslmode=require", &format!("sslmode=verify-ca{root}"), &format!("sslmode=verify-full{root}")]
    {
        for host in ["localhost", "127.0.0.1"] {
            let warehouse =
                PostgresWarehouse::open(&options(&database.url_with(host, parameters))).await.unwrap();
            assert_eq!(text(&warehouse, TLS_VERSION).await, "TLSv1.3", "{parameters}");
            assert!(!warehouse.location().contains("p%40ss") && !format!("{warehouse:?}").contains("p@ss"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_needs_no_encryption_whatever_the_sslmode() {
    let server = PostgresServer::shared();
    let database = server.create_database();
    for mode in ["", "&sslmode=disable", "&sslmode=verify-full"] {
        let parameters = format!("host={}{mode}", server.socket_directory().display());
        let warehouse = PostgresWarehouse::open(&options(&database.url_with("", &parameters))).await.unwrap();
        assert_eq!(text(&warehouse, TLS_VERSION).await, "none");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_is_refused_unless_nothing_is_verified() {
    let server = PostgresServer::shared();
    let database = server.create_database();
    // With authorities, `require` verifies as `verify-ca` does; so it is with psql.
    for mode in ["require", "verify-ca", "verify-full"] {
        for roots in [server.other_authority().display().to_string(), "system".to_owned()] {
            let url = database.url_with("localhost", &format!("sslmode={mode}&sslrootcert={roots}"));
            let error = refused(&options(&url)).await;
            assert!(
                matches!(&error, Error::Tls { reason, .. } if reason.contains("not trusted") || reason.contains("no certificates")),
                "{error:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_host_is_refused_by_verify_full_only() {
    let server = PostgresServer::shared();
    let (database, authority) = (server.create_database(), server.authority());
    let url = |mode: &str| {
        let parameters = format!("hostaddr=127.0.0.1&sslmode={mode}&sslrootcert={}", authority.display());
        database.url_with("db.example.com", &parameters)
    };
    let error = refused(&options(&url("verify-full"))).await;
    assert!(matches!(&error, Error::Tls { reason, .. } if reason.contains("another host")), "{error:?}");
    for mode in ["verify-ca", "require"] {
        let warehouse = PostgresWarehouse::open(&options(&url(mode))).await.unwrap();
        assert_eq!(text(&warehouse, TLS_VERSION).await, "TLSv1.3");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_refused() {
    let (database, authority) = (expired().create_database(), expired().authority());
    for mode in ["verify-ca", "verify-full"] {
        let url =
            database.url_with("localhost", &format!("sslmode={mode}&sslrootcert={}", authority.display()));
        let error = refused(&options(&url)).await;
        assert!(matches!(&error, Error::Tls { reason, .. } if reason.contains("expired")), "{error:?}");
    }
    PostgresWarehouse::open(&options(&database.url_with("localhost", "sslmode=require"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_in_the_home_directory_count_for_require_too() {
    let server = PostgresServer::shared();
    let database = server.create_database();
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".postgresql")).unwrap();
    let open = async |authority: &std::path::Path| {
        std::fs::copy(authority, home.path().join(".postgresql/root.crt")).unwrap();
        let environment = |name: &str| (name == "HOME").then(|| home.path().display().to_string());
        let url = database.url_with("localhost", "sslmode=require");
        PostgresWarehouse::open(&PostgresOptions::from_url(&url, &environment).unwrap()).await
    };
    let error = open(&server.other_authority()).await.unwrap_err();
    assert!(matches!(&error, Error::Tls { reason, .. } if reason.contains("not trusted")), "{error:?}");
    assert_eq!(text(&open(&server.authority()).await.unwrap(), TLS_VERSION).await, "TLSv1.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_to_another_host_is_verified_as_if_there_were_none() {
    let server = PostgresServer::shared();
    let database = server.create_database();
    let root = format!("hostaddr=127.0.0.1&sslrootcert={}", server.authority().display());
    let error = refused(&options(&database.url_with("db.example.com", &root))).await;
    assert!(matches!(&error, Error::Tls { reason, .. } if reason.contains("another host")), "{error:?}");
    let error = refused(&options(&database.url_with("db.example.com", "hostaddr=127.0.0.1"))).await;
    assert!(matches!(&error, Error::Tls { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_self_signed_certificate_is_trusted_where_it_is_named_and_for_its_host_only() {
    let (server, database) = (self_signed(), self_signed().create_database());
    let url = |host: &str, mode: &str, roots: &std::path::Path| {
        let parameters = format!("hostaddr=127.0.0.1&sslmode={mode}&sslrootcert={}", roots.display());
        database.url_with(host, &parameters)
    };
    for (host, mode) in [
        ("localhost", "verify-full"),
        ("localhost", "verify-ca"),
        ("db.example.com", "verify-ca"),
        ("db.example.com", "require"),
    ] {
        let options = options(&url(host, mode, &server.authority()));
        let warehouse = PostgresWarehouse::open(&options).await.unwrap();
        assert_eq!(text(&warehouse, TLS_VERSION).await, "TLSv1.3", "{host} {mode}");
    }
    let error = refused(&options(&url("db.example.com", "verify-full", &server.authority()))).await;
    assert!(matches!(&error, Error::Tls { reason, .. } if reason.contains("another host")), "{error:?}");
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = refused(&options(&url("localhost", mode, &server.other_authority()))).await;
        assert!(matches!(&error, Error::Tls { reason, .. } if reason.contains("self-signed")), "{error:?}");
        assert!(error.hint().unwrap().contains("ssl_cert_file"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_must_be_bound_to_its_connection_is_so_or_is_not_made() {
    let server = PostgresServer::shared();
    let database = server.create_database();
    let bound =
        PostgresWarehouse::open(&options(&format!("{}&channel_binding=require", database.url()))).await;
    assert_eq!(integer(&bound.unwrap(), "SELECT 1").await, 1);
    let socket = format!("host={}&channel_binding=require", server.socket_directory().display());
    let error = refused(&options(&database.url_with("", &socket))).await;
    assert!(matches!(&error, Error::Login { reason, .. } if reason.contains("channel binding")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_authorities_that_is_none_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("roots.pem");
    let database = PostgresServer::shared().create_database();
    let url = database.url_with("localhost", &format!("sslmode=verify-full&sslrootcert={}", path.display()));
    for content in
        [None, Some("no certificate"), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let error = refused(&options(&url)).await;
        assert!(matches!(&error, Error::Tls { reason, .. } if reason.contains("roots.pem")), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_encryption_refuses_a_connection_without() {
    let database = PostgresServer::shared().create_database();
    let error = refused(&options(&database.url_with("localhost", "sslmode=disable"))).await;
    assert!(matches!(&error, Error::Login { reason, .. } if reason.contains("no encryption")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_user_or_none_is_refused_at_once() {
    let database = PostgresServer::shared().create_database();
    for login in [
        format!("{POSTGRES_USER}:not-the-password"),
        "nobody_here:not-the-password".to_owned(),
        POSTGRES_USER.to_owned(),
    ] {
        let begin = Instant::now();
        let url = format!("postgres://{login}@localhost:{}/{}", database.port, database.name);
        let error = refused(&options(&url)).await;
        assert!(matches!(error, Error::Login { .. }), "{error:?}");
        assert!(!error.is_retryable());
        assert!(begin.elapsed().as_millis() < 900, "it was tried again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_exist_is_named() {
    let mut database = PostgresServer::shared().create_database();
    database.name = "no_such_database".to_owned();
    let error = refused(&options(&database.url())).await;
    assert!(
        matches!(&error, Error::NoDatabase { reason, .. } if reason.contains("no_such_database")),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_another_encoding_is_refused() {
    let server = PostgresServer::shared();
    let mut database = server.create_database();
    database.name.push_str("_latin");
    let create = format!(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'",
        database.name
    );
    server.execute("postgres", &create);
    let error = refused(&options(&database.url())).await;
    assert!(
        matches!(&error, Error::UnsuitableServer { reason, .. } if reason.contains("LATIN1")),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_tried_three_times_and_then_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let begin = Instant::now();
    let error = refused(&options(&format!("postgres://me:not-the-password@127.0.0.1:{port}/x"))).await;
    assert!(matches!(&error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    assert!(begin.elapsed().as_millis() >= 1000, "it was not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_and_is_silent_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = refused(&options(&format!("postgres://me@127.0.0.1:{port}/x?connect_timeout=1"))).await;
    assert!(matches!(&error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections_are_told_from_other_trouble() {
    let server = PostgresServer::shared();
    let database = server.create_database();
    server.execute("postgres", &format!("ALTER DATABASE {} CONNECTION LIMIT 0", database.name));
    let error = refused(&options(&database.url())).await;
    assert!(matches!(error, Error::TooManyConnections { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_and_the_password_file_are_enough_to_log_in() {
    use std::os::unix::fs::PermissionsExt;
    let server = PostgresServer::shared();
    let database = server.create_database();
    let home = tempfile::tempdir().unwrap();
    let (port, authority) = (database.port.to_string(), server.authority().display().to_string());
    let value = |name: &str, password: Option<&str>| match name {
        "PGHOST" => Some("localhost".to_owned()),
        "PGPORT" => Some(port.clone()),
        "PGUSER" => Some(POSTGRES_USER.to_owned()),
        "PGDATABASE" => Some(database.name.clone()),
        "PGSSLMODE" => Some("verify-full".to_owned()),
        "PGSSLROOTCERT" => Some(authority.clone()),
        "PGAPPNAME" => Some("from the environment".to_owned()),
        "PGPASSWORD" => password.map(str::to_owned),
        "HOME" => Some(home.path().display().to_string()),
        _ => None,
    };
    let with = |password: Option<&str>| {
        PostgresOptions::from_url("postgres://", &|name| value(name, password)).unwrap()
    };
    let warehouse = PostgresWarehouse::open(&with(Some(POSTGRES_PASSWORD))).await.unwrap();
    assert_eq!(text(&warehouse, "SELECT current_setting('application_name')").await, "from the environment");
    assert_eq!(text(&warehouse, TLS_VERSION).await, "TLSv1.3");

    assert!(matches!(refused(&with(None)).await, Error::Login { .. }));
    let path = home.path().join(".pgpass");
    let escaped = POSTGRES_PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
    std::fs::write(&path, format!("localhost:{port}:*:{POSTGRES_USER}:{escaped}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(refused(&with(None)).await, Error::Login { .. }), "others may read it");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let warehouse = PostgresWarehouse::open(&with(None)).await.unwrap();
    assert_eq!(integer(&warehouse, "SELECT 1").await, 1);
}
