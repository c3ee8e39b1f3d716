//! The parts of a server's URL.
//!
//! A password may be typed with characters that mean something in a URL. So the URL is first divided at its last
//! `@`, and no message repeats a part of it: any part may be a piece of a password.

use super::{Scheme, invalid};
use crate::Result;

/// What a URL may be meant to be in which a `/`, `?` or `#` stands before an `@`.
const ESCAPES: &str =
    "in a user name, a password or a parameter, write % as %25, / as %2F, ? as %3F, # as %23 and @ as %40";

/// The values of the URL by the names that its parameters have.
pub(super) fn parse_url(url: &str, scheme: &Scheme) -> Result<Vec<(String, String)>> {
    let form = scheme.form;
    let rest = scheme
        .names
        .iter()
        .find_map(|name| url.strip_prefix(name)?.strip_prefix("://"))
        .ok_or_else(|| invalid(format!("it does not begin with {}://", scheme.name()), form))?;
    let mut values = Vec::new();
    let mut put = |name: &str, value: &str| -> Result<()> {
        let value = decode(value).ok_or_else(|| {
            invalid(format!("{name} has a % that no two hexadecimal digits follow"), ESCAPES)
        })?;
        values.push((name.to_owned(), value));
        Ok(())
    };
    let (login, place) = divide(rest, scheme)?;
    let prefix = scheme.user_prefixes.iter().find(|prefix| login.starts_with(**prefix));
    let after_prefix = prefix.map_or(0, |prefix| prefix.len());
    let (user, password) = match login[after_prefix..].find(':') {
        Some(colon) => (&login[..after_prefix + colon], &login[after_prefix + colon + 1..]),
        None => (login, ""),
    };
    put("user", user)?;
    put("password", password)?;
    let (place, query) = place.split_once('?').unwrap_or((place, ""));
    let (place, database) = place.split_once('/').unwrap_or((place, ""));
    put("dbname", database)?;
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) =
                rest.split_once(']').ok_or_else(|| invalid("a ] is missing".to_owned(), form))?;
            (host, port.strip_prefix(':').unwrap_or(port))
        }
        // Of several hosts, each may have a port; that there are several is said later.
        None if place.contains(',') => (place, ""),
        None => match place.rsplit_once(':') {
            // It may be a login without its host.
            Some((host, _)) if host.contains(':') => {
                return Err(invalid("its host has a colon in it".to_owned(), form));
            }
            Some(parts) => parts,
            None => (place, ""),
        },
    };
    put("host", host)?;
    put("port", port)?;
    for (number, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !scheme.knows(name) {
            return Err(invalid(
                format!("this program has no such parameter as number {} after the ?", number + 1),
                &format!("the parameters are {}", scheme.parameters.join(", ")),
            ));
        }
        put(name, value)?;
    }
    // What is left out must not hide the environment.
    values.retain(|(_, value)| !value.is_empty());
    Ok(values)
}

/// The login and the rest. A login with a `/`, `?` or `#` is only taken for one if the usual reading, in which the
/// place ends there, is out of the question: otherwise a password might go to another server than was meant.
fn divide<'a>(rest: &'a str, scheme: &Scheme) -> Result<(&'a str, &'a str)> {
    let Some((login, place)) = rest.rsplit_once('@') else { return Ok(("", rest)) };
    let Some(end) = login.find(['/', '?', '#']) else { return Ok((login, place)) };
    let authority = &login[..end];
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    let may_be_host = authority.starts_with('[') || port.bytes().all(|byte| byte.is_ascii_digit());
    let has_parameters = login.split_once('?').is_some_and(|(_, query)| {
        query.split('&').filter_map(|pair| pair.split_once('=')).any(|(name, _)| scheme.knows(name))
    });
    if authority.contains('@') || may_be_host || has_parameters {
        return Err(invalid(
            "it can be read in two ways, since an @ comes after a /, ? or #".to_owned(),
            ESCAPES,
        ));
    }
    Ok((login, place))
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).ok()
}

pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    static SCHEME: Scheme = Scheme {
        names: &["redshift"],
        port: 5439,
        host: None,
        database: None,
        place_from_environment: false,
        form: "",
        parameters: &["password", "sslmode"],
        user_prefixes: &["IAM:"],
    };

    fn values(rest: &str) -> Result<Vec<(String, String)>> {
        parse_url(&format!("redshift://{rest}"), &SCHEME)
    }

    #[test]
    fn a_password_may_have_any_character_where_no_other_reading_is_possible() {
        for (rest, user, password) in [
            ("etl:se/cret@host/db", "etl", "se/cret"),
            ("etl:se?cret@host/db", "etl", "se?cret"),
            ("etl:se#cret@host/db", "etl", "se#cret"),
            ("etl:s@cr@t@host/db", "etl", "s@cr@t"),
            ("etl:1a/x=y&z?q@host/db", "etl", "1a/x=y&z?q"),
            ("IAM:etl:se/c+t==@host/db", "IAM:etl", "se/c+t=="),
            ("IAM:etl@host/db", "IAM:etl", ""),
        ] {
            let values = values(rest).unwrap();
            let value = |name| values.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
            assert_eq!((value("user"), value("password")), (user, password), "{rest}");
            assert_eq!((value("host"), value("dbname")), ("host", "db"), "{rest}");
        }
    }

    #[test]
    fn a_login_without_a_host_is_not_taken_for_one() {
        for rest in ["etl:word:", "etl:12:5439/db", "etl:wo,rd"] {
            assert!(matches!(values(rest), Err(Error::Options { .. })) || rest.contains(','), "{rest}");
        }
    }

    #[test]
    fn an_address_that_can_be_read_in_two_ways_is_refused() {
        for rest in [
            "host/db?password=a@b",
            "host:5439/db?password=a@b",
            "etl@host/db?sslmode=a@b",
            "etl:s@cr/t@host/db",
            "etl:12345/x@host/db",
            "[::1]/x@host",
            "/db?password=a@b",
            "etl:x/y?password=a@b",
        ] {
            let error = values(rest).unwrap_err();
            assert!(
                matches!(&error, Error::Options { reason, .. } if reason.contains("two ways")),
                "{rest}: {error}"
            );
        }
    }
}
