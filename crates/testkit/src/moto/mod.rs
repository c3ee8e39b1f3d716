//! AWS as [moto](https://docs.getmoto.org) plays it, in a process of its own.
//!
//! What moto lacks for a deployment of Redshift is in `shim/`: the life cycle of a cluster, managed
//! passwords, Redshift Serverless, what AWS refuses and moto accepts. All of that is our reading of AWS's
//! documents; `docs/aws-testing.md` says what tests against it prove and what they do not.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Seek, Write},
    net::{SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    process::{Child, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{HttpProxy, python::Venv};

/// The region of the tests.
pub const AWS_REGION: &str = "us-west-2";
/// The secret of the tests' access key; it must not be seen anywhere.
pub const AWS_SECRET_ACCESS_KEY: &str = "sEcReT/of+the/tests0123456789abcdefghijk";
const AWS_ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

/// The version whose inner parts the shim knows.
const VERSION: &str = "5.2.5";

/// Everything with its version: the shim reaches into moto.
const REQUIREMENTS: [&str; 26] = [
    "moto==5.2.5",
    "flask==3.1.3",
    "flask-cors==6.0.5",
    "blinker==1.9.0",
    "boto3==1.44.5",
    "botocore==1.44.5",
    "certifi==2026.10.18",
    "cffi==2.1.1",
    "charset-normalizer==3.5.2",
    "click==8.5.1",
    "cryptography==50.0.2",
    "idna==3.20",
    "itsdangerous==2.2.0",
    "Jinja2==3.1.6",
    "jmespath==1.1.0",
    "MarkupSafe==3.0.4",
    "pycparser==3.12",
    "python-dateutil==2.9.0.post0",
    "PyYAML==6.0.3",
    "requests==2.34.2",
    "responses==0.26.3",
    "s3transfer==0.19.3",
    "six==1.17.0",
    "urllib3==2.8.0",
    "Werkzeug==3.1.9",
    "xmltodict==1.0.4",
];

/// The program that the process runs.
const SHIM: [(&str, &str); 5] = [
    ("__main__.py", include_str!("shim/__main__.py")),
    ("accounts.py", include_str!("shim/accounts.py")),
    ("provisioned.py", include_str!("shim/provisioned.py")),
    ("refusals.py", include_str!("shim/refusals.py")),
    ("serverless.py", include_str!("shim/serverless.py")),
];

/// A process that plays AWS.
#[derive(Debug)]
pub struct MotoServer {
    address: SocketAddr,
    process: Child,
}

impl MotoServer {
    /// The one that all tests of the process share, each with an account of its own.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<MotoServer> = LazyLock::new(MotoServer::start);
        &SHARED
    }

    /// Makes the environment if need be, and starts it.
    #[must_use]
    pub fn start() -> Self {
        let venv = Venv::with(&format!("moto-{VERSION}"), &REQUIREMENTS);
        // It removes the directory when it has read it.
        let shim = TempDir::with_prefix("moto").expect("a temporary directory").keep();
        for (name, text) in SHIM {
            fs::write(shim.join(name), text).expect("a written file");
        }
        let mut log = tempfile::tempfile().expect("a temporary file");
        let mut command = venv.command("python");
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["AWS_", "MOTO_"].iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name.as_ref());
            }
        }
        let mut process = command
            .arg(&shim)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().expect("a second handle"))
            .current_dir("/")
            // A Ctrl-C for the tests is not for it: it ends with its standard input, when they end.
            .process_group(0)
            .spawn()
            .expect("a process");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its standard output");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let Some(port) = line.trim().strip_prefix("listening on ").and_then(|port| port.parse().ok()) else {
            let mut text = String::new();
            let _ = log.rewind().and_then(|()| log.read_to_string(&mut text));
            let advice = format!("if its environment is broken, remove {}", venv.directory().display());
            panic!("moto does not start: {advice}\n{text}");
        };
        Self { address: ([127, 0, 0, 1], port).into(), process }
    }

    /// A new account, with nothing in it but what AWS puts there.
    #[must_use]
    pub fn account(&self) -> MotoAccount {
        static ACCOUNTS: AtomicU64 = AtomicU64::new(100_000_000_001);
        let id = ACCOUNTS.fetch_add(1, Ordering::Relaxed).to_string();
        let proxy = HttpProxy::start(self.address, vec![("X-Moto-Account-Id".to_owned(), id.clone())]);
        MotoAccount { id, server: self.address, proxy }
    }
}

impl Drop for MotoServer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// An account of AWS as moto plays it, behind a proxy of its own.
#[derive(Debug)]
pub struct MotoAccount {
    id: String,
    server: SocketAddr,
    proxy: HttpProxy,
}

impl MotoAccount {
    /// Its twelve digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What stands between it and its callers.
    #[must_use]
    pub fn proxy(&self) -> &HttpProxy {
        &self.proxy
    }

    /// The environment of a program that is to use the account, and nothing else of this machine.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        self.environment_of(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)
    }

    /// The same with an access key.
    #[must_use]
    pub fn environment_of(&self, key: &str, secret: &str) -> Vec<(String, String)> {
        let endpoint = self.proxy.url();
        [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_REGION", AWS_REGION),
            ("AWS_ACCESS_KEY_ID", key),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// How long states last, counted in looks at them: `creating`, `adding_roles`, `modifying`, `pausing`,
    /// `resuming`, `deleting`, `releasing_interface`; `host` and `port` where a database answers, `password`
    /// with which; `permissions`, whether callers need them.
    pub fn set(&self, settings: &Value) {
        self.door("settings", settings);
    }

    /// A call by somebody else than the program under test, through boto3; the operation is spelled as
    /// there: `create_role`.
    ///
    /// # Panics
    ///
    /// When it is refused.
    #[track_caller]
    pub fn call(&self, service: &str, operation: &str, parameters: &Value) -> Value {
        let answer = self.try_call(service, operation, parameters);
        answer.unwrap_or_else(|code| panic!("{service} {operation}: {code}"))
    }

    /// The same, for calls that may be refused.
    ///
    /// # Errors
    ///
    /// The name of AWS's error.
    pub fn try_call(&self, service: &str, operation: &str, parameters: &Value) -> Result<Value, String> {
        let mut answer = self.door(
            "call",
            &json!({
                "region": AWS_REGION, "service": service, "operation": operation, "parameters": parameters,
            }),
        );
        match answer["error"].as_str() {
            Some(code) => Err(code.to_owned()),
            None => Ok(answer["answer"].take()),
        }
    }

    /// A new user with that policy and nothing else; its access key and secret. From here on the account
    /// asks everybody for permissions.
    #[must_use]
    pub fn user_with_policy(&self, policy: &Value) -> (String, String) {
        static USERS: AtomicU64 = AtomicU64::new(0);
        let name = format!("user-{}", USERS.fetch_add(1, Ordering::Relaxed));
        self.call("iam", "create_user", &json!({ "UserName": name }));
        let document = policy.to_string();
        let parameters = json!({ "UserName": name, "PolicyName": "all", "PolicyDocument": document });
        self.call("iam", "put_user_policy", &parameters);
        let key = self.call("iam", "create_access_key", &json!({ "UserName": name }));
        self.set(&json!({ "permissions": true }));
        let text = |name: &str| key["AccessKey"][name].as_str().expect("a text").to_owned();
        (text("AccessKeyId"), text("SecretAccessKey"))
    }

    fn door(&self, name: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(self.server).expect("a connection to moto");
        let head = format!(
            "POST /shim/{}/{name} HTTP/1.1\r\nHost: moto\r\nContent-Type: application/json\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n",
            self.id,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).expect("a sent request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer in UTF-8");
        let (_, document) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let document: Value = serde_json::from_str(document).unwrap_or_else(|e| panic!("{e}\n{answer}"));
        if let Some(failed) = document["failed"].as_str() {
            panic!("{failed}");
        }
        document
    }
}

#[cfg(test)]
mod tests;
