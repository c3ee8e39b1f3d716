//! A password file, as psql's: `HOST:PORT:DATABASE:USER:PASSWORD`, one login a line.

use std::path::Path;

use super::{Host, Secret};

/// The password that a file has for a login.
pub(super) fn password_of_file(
    path: &Path,
    host: &Host,
    port: u16,
    database: &str,
    user: &str,
) -> Option<Secret> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    if is_open_to_others(&metadata) {
        tracing::warn!(
            "the password file {} is not used, since others may read it; close it with chmod 600",
            path.display()
        );
        return None;
    }
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).ok()?);
    let host = match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.to_string_lossy().into_owned(),
    };
    let names_host = |field: &str| field == host || (host.starts_with('/') && field == "localhost");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields = split_fields(line);
        let [line_host, line_port, line_database, line_user, password] = &fields[..] else { continue };
        let is = |field: &str, value: &str| field == "*" || field == value;
        if (line_host == "*" || names_host(line_host))
            && is(line_port, &port.to_string())
            && is(line_database, database)
            && is(line_user, user)
        {
            return Some(Secret::new(password.clone()));
        }
    }
    None
}

/// Splits at the colons, five fields at most; a backslash takes the next character as it is.
fn split_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            ':' if fields.len() < 5 => fields.push(String::new()),
            c => {
                let c = if c == '\\' { characters.next().unwrap_or(c) } else { c };
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    fields
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}
