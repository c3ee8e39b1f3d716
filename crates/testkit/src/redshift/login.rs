//! Who may log in, and the proof of it.

use std::{collections::BTreeMap, io, sync::Mutex};

use bytes::{Buf, BufMut, Bytes};
use sha2::{Digest, Sha256};

use super::{
    error::ServerError,
    lock,
    options::Authentication,
    random,
    wire::{Wire, put_text, take_text},
};

/// A login is locked after so many wrong passwords in a row, and stays so.
const MOST_FAILURES: u32 = 5;

/// A name that may log in.
#[derive(Debug, Clone)]
pub(super) struct Login {
    password: String,
    /// The role of PostgreSQL and its password.
    pub(super) role: String,
    pub(super) role_password: String,
    failures: u32,
}

/// All that may log in.
#[derive(Debug, Default)]
pub(super) struct Logins(Mutex<BTreeMap<String, Login>>);

impl Logins {
    /// Adds a login or changes it; changing it also unlocks it.
    pub(super) fn set(&self, name: &str, password: &str, role: &str, role_password: &str) {
        let login = Login {
            password: password.to_owned(),
            role: role.to_owned(),
            role_password: role_password.to_owned(),
            failures: 0,
        };
        lock(&self.0).insert(name.to_owned(), login);
    }

    pub(super) fn remove(&self, name: &str) {
        lock(&self.0).remove(name);
    }

    /// Wrong passwords in a row.
    pub(super) fn failures(&self, name: &str) -> u32 {
        lock(&self.0).get(name).map_or(0, |login| login.failures)
    }

    fn check(&self, name: &str, is_right: impl FnOnce(&str) -> bool) -> Result<Login, ServerError> {
        let mut logins = lock(&self.0);
        let wrong =
            || ServerError::fatal("28000", format!("password authentication failed for user \"{name}\""));
        let login = logins.get_mut(name).ok_or_else(wrong)?;
        if login.failures >= MOST_FAILURES {
            return Err(
                wrong().with_detail(format!("The user is locked after {MOST_FAILURES} failed logins."))
            );
        }
        if is_right(&login.password) {
            login.failures = 0;
            Ok(login.clone())
        } else {
            login.failures += 1;
            Err(wrong())
        }
    }
}

/// Asks for the proof and looks at it; `None` when the client went away.
pub(super) async fn log_in(
    wire: &mut Wire,
    logins: &Logins,
    user: &str,
    authentication: Authentication,
) -> io::Result<Option<Result<Login, ServerError>>> {
    match authentication {
        Authentication::Cleartext => {
            wire.put(b'R', |output| output.put_i32(3));
            let Some(mut answer) = answer(wire, b'p').await? else { return Ok(None) };
            let given = take_text(&mut answer).unwrap_or_default();
            Ok(Some(logins.check(user, |password| password == given)))
        }
        Authentication::Md5 => {
            let salt: [u8; 4] = random();
            wire.put(b'R', |output| {
                output.put_i32(5);
                output.put_slice(&salt);
            });
            let Some(mut answer) = answer(wire, b'p').await? else { return Ok(None) };
            let given = take_text(&mut answer).unwrap_or_default();
            let hash = |password: &str| {
                postgres_protocol::authentication::md5_hash(user.as_bytes(), password.as_bytes(), salt)
            };
            Ok(Some(logins.check(user, |password| hash(password) == given)))
        }
        Authentication::Digest => digest(wire, logins, user).await,
    }
}

/// Redshift's own: `SHA-256(SHA-256(password ‖ salt) ‖ nonce of the server ‖ nonce of the client)`.
async fn digest(
    wire: &mut Wire,
    logins: &Logins,
    user: &str,
) -> io::Result<Option<Result<Login, ServerError>>> {
    let (salt, nonce): ([u8; 16], [u8; 16]) = (random(), random());
    wire.put(b'R', |output| {
        output.put_i32(13);
        output.put_i32(0);
        for part in [salt, nonce] {
            output.put_i32(16);
            output.put_slice(&part);
        }
    });
    let Some(mut answer) = answer(wire, b'd').await? else { return Ok(None) };
    let (Some(given), Some(client_nonce)) = (take_bytes(&mut answer), take_bytes(&mut answer)) else {
        return Ok(None);
    };
    let hash = |password: &str| {
        let inner = Sha256::new().chain_update(password).chain_update(salt).finalize();
        Sha256::new().chain_update(inner).chain_update(nonce).chain_update(&client_nonce).finalize()
    };
    Ok(Some(logins.check(user, |password| hash(password).as_slice() == given)))
}

async fn answer(wire: &mut Wire, tag: u8) -> io::Result<Option<Bytes>> {
    wire.flush().await?;
    Ok(wire.read().await?.filter(|frame| frame.tag == tag).map(|frame| frame.body))
}

fn take_bytes(body: &mut Bytes) -> Option<Bytes> {
    if body.remaining() < 4 {
        return None;
    }
    let length = usize::try_from(body.get_i32()).ok()?;
    (body.remaining() >= length).then(|| body.split_to(length))
}

/// What a server says about itself after a login.
pub(super) fn put_parameters(wire: &mut Wire, user: &str) {
    for (name, value) in [
        ("client_encoding", "UNICODE"),
        ("server_encoding", "UNICODE"),
        ("server_version", "8.0.2"),
        ("DateStyle", "ISO, MDY"),
        ("TimeZone", "UTC"),
        ("integer_datetimes", "on"),
        ("is_superuser", "off"),
        ("session_authorization", user),
    ] {
        wire.put(b'S', |output| {
            put_text(output, name);
            put_text(output, value);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that knows Redshift's digest.
    async fn digest_login(password: &str) -> Result<Login, ServerError> {
        let logins = Logins::default();
        logins.set("loader", "right", "role", "of the role");
        let (server, client) = tokio::io::duplex(1024);
        let (mut server, mut client) = (Wire::new(Box::new(server)), Wire::new(Box::new(client)));
        let answering = async {
            let mut request = client.read().await.unwrap().unwrap().body;
            assert_eq!((request.get_i32(), request.get_i32()), (13, 0), "the digest, and SHA-256");
            let (salt, nonce) = (take_bytes(&mut request).unwrap(), take_bytes(&mut request).unwrap());
            let inner = Sha256::new().chain_update(password).chain_update(&salt).finalize();
            let outer = Sha256::new().chain_update(inner).chain_update(&nonce).chain_update("1541105830796");
            client.put(b'd', |output| {
                for part in [outer.finalize().as_slice(), b"1541105830796"] {
                    output.put_i32(i32::try_from(part.len()).unwrap());
                    output.put_slice(part);
                }
            });
            client.flush().await.unwrap();
        };
        let (result, ()) =
            tokio::join!(log_in(&mut server, &logins, "loader", Authentication::Digest), answering);
        result.unwrap().unwrap()
    }

    #[tokio::test]
    async fn the_digest_proves_the_password() {
        assert_eq!(digest_login("right").await.unwrap().role, "role");
        assert_eq!(digest_login("wrong").await.unwrap_err().code, "28000");
    }
}
