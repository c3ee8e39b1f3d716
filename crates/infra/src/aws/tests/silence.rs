//! No secret in the log, at any verbosity.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use super::*;

#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_trace_of_everything_holds_neither_database_passwords_nor_secret_keys() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let script = Script::new()
        .on(
            "GetClusterCredentials",
            [Reply::ok(
                "<GetClusterCredentialsResponse><GetClusterCredentialsResult><DbUser>IAM:sparkify_admin</DbUser>\
                 <DbPassword>password-hunter2</DbPassword></GetClusterCredentialsResult></GetClusterCredentialsResponse>",
            )],
        )
        .on("GetCredentials", [Reply::ok(r#"{"dbUser":"IAM:engineer","dbPassword":"password-hunter2"}"#)]);
    let services = script.services();
    let credentials = services.clusters.user_credentials("c", "sparkify_admin", "sparkify").await.unwrap();
    services.serverless.credentials("w", "sparkify").await.unwrap();
    tracing::trace!(?credentials, ?services);
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("IAM:sparkify_admin") && log.len() > 1000, "the trace was written");
    for secret in ["password-hunter2", "secret-key-hunter3", "session-token-hunter4"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
