//! Logging in: encryption, certificates, passwords, and what is said when it does not work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use sparkify_testkit::{
    Numbers, POSTGRES_PASSWORD, POSTGRES_USER, PostgresServer, ServerCertificate,
    redshift::{Action, Authentication, Fault, Message, RedshiftDouble, RedshiftDoubleOptions},
};
use sparkify_warehouse::{
    Error, Warehouse,
    redshift::{Login, LoginError, LoginProvider, RedshiftOptions, RedshiftWarehouse, Secret},
};

use super::{Stand, append::with_table, integer, options, text};

fn double(change: impl FnOnce(&mut RedshiftDoubleOptions)) -> RedshiftDouble {
    let mut options = RedshiftDoubleOptions::default();
    change(&mut options);
    RedshiftDouble::launch(PostgresServer::shared(), options)
}

/// Opens what must not open; the error has a hint, and no password in it.
async fn refused(options: &RedshiftOptions) -> Error {
    let error = match RedshiftWarehouse::open(options).await {
        Ok(warehouse) => panic!("{warehouse:?} was opened"),
        Err(error) => error,
    };
    let text = format!("{error} {error:?} {options:?} {}", error.hint().unwrap());
    for secret in [POSTGRES_PASSWORD, "not-the-password"] {
        assert!(!text.contains(secret), "{text}");
    }
    error
}

fn url_with(double: &RedshiftDouble, host: &str, parameters: &str) -> String {
    let url = double.owner_url();
    let (before, _) = url.split_once('?').unwrap();
    format!("{}?{parameters}", before.replace("@localhost:", &format!("@{host}:")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_as_it_is_and_an_md5_digest_log_in_with_tls_and_without() {
    for authentication in [Authentication::Cleartext, Authentication::Md5] {
        for tls in [true, false] {
            let double = double(|options| (options.authentication, options.tls) = (authentication, tls));
            let warehouse = RedshiftWarehouse::open(&options(&double.owner_url())).await.unwrap();
            assert_eq!(text(&warehouse, "SELECT current_user").await, POSTGRES_USER);
            assert!(text(&warehouse, "SELECT version()").await.contains("Redshift"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_sha_256_digest_is_refused_with_the_remedy_and_without_the_password_being_sent() {
    let double = double(|options| options.authentication = Authentication::Digest);
    let begin = Instant::now();
    let error = refused(&options(&double.owner_url())).await;
    assert!(matches!(&error, Error::DigestLogin { user, .. } if user == POSTGRES_USER), "{error:?}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("ALTER USER") && hint.contains("md5") && hint.contains("temporary"), "{hint}");
    assert!(begin.elapsed() < Duration::from_secs(2), "it was tried again");
    assert!(!error.is_retryable());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once_only_since_five_lock_the_user() {
    let double = double(|_| ());
    for attempt in 1..=2 {
        let error = refused(&options(&double.url(POSTGRES_USER, "not-the-password"))).await;
        assert!(matches!(error, Error::Login { .. }), "{error:?}");
        assert!(!error.is_retryable() && error.hint().unwrap().contains("locks"));
        assert_eq!(double.failed_logins(POSTGRES_USER), attempt);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_later_on_is_not_tried_again_either() {
    let stand = super::Stand::new();
    let warehouse = Arc::new(stand.open().await);
    // A query takes the one connection that there is, so that the others have to log in.
    let long = "SELECT COUNT(*) FROM stv_slices";
    stand.redshift.inject(Fault::before_any(long, Action::Delay(Duration::from_secs(60))));
    let query = tokio::spawn({
        let warehouse = Arc::clone(&warehouse);
        async move { warehouse.query(long).await }
    });
    stand.until_sent(1, |sql| sql == long).await;
    stand.redshift.set_login(POSTGRES_USER, "another password");
    for attempt in 1..=4 {
        let error = warehouse.query("SELECT 1").await.unwrap_err();
        assert!(
            matches!(&error, Error::Login { reason, .. } if (attempt > 1) == reason.contains("not tried again")),
            "{error:?}"
        );
        assert_eq!(stand.redshift.failed_logins(POSTGRES_USER), 1, "attempt {attempt}");
    }
    warehouse.interrupt();
    assert!(matches!(query.await.unwrap(), Err(Error::Interrupted)));
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_credentials_are_used_exactly_as_they_are() {
    let double = double(|_| ());
    double.set_login("IAM:loader", "temporary/+=:@ password");
    let warehouse = RedshiftWarehouse::open(&options(&double.url("IAM:loader", "temporary/+=:@ password")))
        .await
        .unwrap();
    assert_eq!(integer(&warehouse, "SELECT 1").await, 1);
    double.remove_login("IAM:loader");
    let error = refused(&options(&double.url("IAM:loader", "temporary/+=:@ password"))).await;
    assert!(matches!(error, Error::Login { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_startup_has_nothing_that_redshift_does_not_know_and_the_settings_are_made_one_by_one() {
    let double = double(|_| ());
    let mut options = options(&double.owner_url());
    options.server.statement_timeout = Some(Duration::from_secs(600));
    options.query_group = Some("it's etl".to_owned());
    let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
    assert_eq!(integer(&warehouse, "SELECT 1").await, 1);
    let received = double.received();
    let Some(Message::Startup { parameters, .. }) = received
        .iter()
        .map(|received| &received.message)
        .find(|message| matches!(message, Message::Startup { .. }))
    else {
        panic!("{received:?}")
    };
    let names: Vec<_> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.iter().all(|name| ["client_encoding", "application_name"].contains(name)), "{names:?}");
    let statements: Vec<_> = received.iter().filter_map(|received| received.sql()).collect();
    for setting in [
        "SET timezone TO 'UTC'",
        "SET extra_float_digits TO 2",
        "SET statement_timeout TO 600000",
        "SET query_group TO 'it''s etl'",
    ] {
        assert!(statements.contains(&setting), "{setting} is not in {statements:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_verified_as_asked_for() {
    let double = double(|_| ());
    let (ours, other) = (double.authority(), double.other_authority());
    let (ours, other) = (ours.display(), other.display());
    for (host, parameters) in [
        ("localhost", format!("sslmode=verify-full&sslrootcert={ours}")),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={ours}")),
        // Through a tunnel: the certificate is for the endpoint.
        ("localhost", format!("sslmode=verify-full&sslrootcert={ours}&hostaddr=127.0.0.1")),
        ("redshift.example.com", format!("sslmode=verify-ca&sslrootcert={ours}&hostaddr=127.0.0.1")),
        ("localhost", "sslmode=require".to_owned()),
        ("localhost", String::new()),
    ] {
        let warehouse = RedshiftWarehouse::open(&options(&url_with(&double, host, &parameters))).await;
        assert!(warehouse.is_ok(), "{host} {parameters}: {warehouse:?}");
    }
    for (host, parameters, reason) in [
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}"), "not trusted"),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={other}"), "not trusted"),
        ("localhost", format!("sslmode=require&sslrootcert={other}"), "not trusted"),
        // A tunnel is verified like the host behind it.
        ("redshift.example.com", format!("sslrootcert={ours}&hostaddr=127.0.0.1"), "another host"),
        (
            "redshift.example.com",
            format!("sslmode=verify-full&sslrootcert={ours}&hostaddr=127.0.0.1"),
            "another host",
        ),
    ] {
        let error = refused(&options(&url_with(&double, host, &parameters))).await;
        assert!(matches!(&error, Error::Tls { reason: said, .. } if said.contains(reason)), "{error:?}");
    }
    let error = refused(&options(&url_with(&double, "localhost", "sslmode=disable"))).await;
    assert!(matches!(error, Error::Login { .. } | Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_and_a_server_that_does_not_encrypt_are_refused() {
    let expired = double(|options| options.certificate = ServerCertificate::Expired);
    let error = refused(&options(&expired.owner_url())).await;
    assert!(matches!(&error, Error::Tls { reason, .. } if reason.contains("expired")), "{error:?}");
    let plain = double(|options| options.tls = false);
    let error = refused(&options(&url_with(&plain, "localhost", "sslmode=require"))).await;
    assert!(matches!(&error, Error::Tls { reason, .. } if reason.contains("does not encrypt")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_server_is_told_from_redshift() {
    let database = PostgresServer::shared().create_database();
    let url = database.url().replace("postgres://", "redshift://");
    let error = refused(&options(&url)).await;
    assert!(
        matches!(&error, Error::NotRedshift { reason, .. } if reason.contains("PostgreSQL 1")),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("postgres://"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_tried_three_times_and_one_that_is_silent_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("redshift://me:not-the-password@127.0.0.1:{port}/dev?connect_timeout=1");
    let error = refused(&options(&url)).await;
    assert!(matches!(&error, Error::Unreachable { reason, .. } if reason.contains("in time")), "{error:?}");
    drop(listener);
    let begin = Instant::now();
    let error = refused(&options(&url)).await;
    assert!(matches!(&error, Error::Unreachable { .. }) && error.to_string().contains(&port.to_string()));
    assert!(error.hint().unwrap().contains("security group"));
    assert!(begin.elapsed() >= Duration::from_secs(1), "it was not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_exist_is_named() {
    let double = double(|_| ());
    let url = double.owner_url().replace("/dev?", "/no_such_database?");
    let error = refused(&options(&url)).await;
    assert!(
        matches!(&error, Error::NoDatabase { reason, .. } if reason.contains("no_such_database")),
        "{error:?}"
    );
}

/// Temporary logins of one user, numbered, each of which the double is told when it is given out; the one
/// before is taken away.
#[derive(Debug)]
struct Temporary {
    stand: Arc<Stand>,
    lifetime: Duration,
    given: AtomicU32,
}

impl Temporary {
    fn new(stand: &Arc<Stand>, lifetime: Duration) -> Arc<Self> {
        Arc::new(Self { stand: Arc::clone(stand), lifetime, given: AtomicU32::new(0) })
    }

    fn given(&self) -> u32 {
        self.given.load(Ordering::SeqCst)
    }

    /// The present login ends, as after 15 minutes or when somebody ends it.
    fn end(&self) {
        self.stand.redshift.set_login("IAM:loader", "of nobody");
    }
}

#[async_trait]
impl LoginProvider for Temporary {
    async fn login(&self) -> Result<Login, LoginError> {
        let password = format!("temporary {}", self.given.fetch_add(1, Ordering::SeqCst) + 1);
        self.stand.redshift.set_login("IAM:loader", &password);
        let expires_at = Some(SystemTime::now() + self.lifetime);
        Ok(Login { user: "IAM:loader".to_owned(), password: Secret::new(password), expires_at })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_takes_longer_than_its_login_holds_gets_new_ones_and_none_is_refused() {
    let stand = Arc::new(Stand::new());
    with_table(&stand).await;
    // So short that each connection needs another.
    let logins = Temporary::new(&stand, Duration::from_secs(30));
    let options =
        RedshiftOptions { logins: Some(Arc::<Temporary>::clone(&logins)), ..stand.load_options().await };
    let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    let before = logins.given();
    stand.redshift.inject(Fault::before_any("COPY", Action::Delay(Duration::from_secs(8))));
    let append = load.append("t", Numbers::new(3, 50));
    let end = async {
        stand.until_sent(1, |sql| sql.starts_with("COPY ")).await;
        logins.end();
    };
    let (rows, ()) = tokio::join!(append, end);
    assert_eq!(rows.unwrap(), 150);
    load.commit().await.unwrap();
    assert!(logins.given() > before, "whoever watched the COPY connected with a new one");
    assert_eq!(stand.redshift.failed_logins("IAM:loader"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_ended_early_is_replaced_once_and_then_given_up() {
    let stand = Arc::new(Stand::new());
    with_table(&stand).await;
    let logins = Temporary::new(&stand, Duration::from_secs(900));
    let options =
        RedshiftOptions { logins: Some(Arc::<Temporary>::clone(&logins)), ..stand.load_options().await };
    let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
    assert_eq!((integer(&warehouse, "SELECT 1").await, logins.given()), (1, 1));
    logins.end();
    // A load needs a second connection, for its lock.
    let load = warehouse.begin_load().await.unwrap();
    assert_eq!(logins.given(), 2);
    load.abort(Vec::new()).await.unwrap();
}

/// Gives out a login that the server does not know.
#[derive(Debug)]
struct Refused(AtomicU32);

#[async_trait]
impl LoginProvider for Refused {
    async fn login(&self) -> Result<Login, LoginError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let password = Secret::new("not-the-password");
        Ok(Login { user: POSTGRES_USER.to_owned(), password, expires_at: None })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_login_that_is_refused_is_not_tried_again() {
    let double = double(|_| ());
    let logins = Arc::new(Refused(AtomicU32::new(0)));
    let options =
        RedshiftOptions { logins: Some(Arc::<Refused>::clone(&logins)), ..options(&double.owner_url()) };
    let error = refused(&options).await;
    assert!(matches!(error, Error::Login { .. }), "{error:?}");
    assert_eq!((logins.0.load(Ordering::SeqCst), double.failed_logins(POSTGRES_USER)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_a_copy_stops_for_good_when_its_login_is_refused() {
    let stand = Stand::new();
    with_table(&stand).await;
    stand.redshift.set_login("IAM:loader", "temporary");
    let (host, port) = ("redshift://IAM%3Aloader:temporary", stand.redshift.port());
    let parameters = format!("sslmode=verify-full&sslrootcert={}", stand.redshift.authority().display());
    let url = format!("{host}@localhost:{port}/dev?{parameters}");
    let options = RedshiftOptions { server: super::options(&url).server, ..stand.load_options().await };
    let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
    let mut load = warehouse.begin_load().await.unwrap();
    stand.redshift.inject(Fault::before_any("COPY", Action::Delay(Duration::from_secs(11))));
    let append = load.append("t", Numbers::new(3, 50));
    let end = async {
        stand.until_sent(1, |sql| sql.starts_with("COPY ")).await;
        stand.redshift.set_login("IAM:loader", "of nobody");
    };
    // It is looked at every few seconds, and the load needs nobody who looks.
    let (rows, ()) = tokio::join!(append, end);
    assert_eq!(rows.unwrap(), 150);
    load.commit().await.unwrap();
    assert_eq!(stand.redshift.failed_logins("IAM:loader"), 1);
}
