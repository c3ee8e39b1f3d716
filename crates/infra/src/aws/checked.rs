//! Credentials that can be used as they are.

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, Result, SharedCredentialsProvider, error::CredentialsError, future},
};

/// Credentials of another provider, unless they have characters that cannot stand in a request, for which the SDK
/// would panic: a line break at the end of a variable, say.
#[derive(Debug)]
pub(super) struct Checked(pub(super) SharedCredentialsProvider);

impl ProvideCredentials for Checked {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { check(self.0.provide_credentials().await?) })
    }
}

fn check(credentials: Credentials) -> Result {
    let is_wellformed = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    for (name, text) in [
        ("the access key id", Some(credentials.access_key_id())),
        ("the secret access key", Some(credentials.secret_access_key())),
        ("the session token", credentials.session_token()),
    ] {
        if !text.is_none_or(is_wellformed) {
            return Err(CredentialsError::invalid_configuration(format!(
                "{name} has a blank or a line break in it, or another character that none has"
            )));
        }
    }
    Ok(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_with_characters_that_no_request_can_have_are_refused_without_a_word_of_them() {
        let of = |id: &str, secret: &str, token: Option<&str>| {
            check(Credentials::new(id, secret, token.map(str::to_owned), None, "test"))
        };
        assert!(of("AKIA", "s/e+c=", Some("tok/en==")).is_ok());
        for (id, secret, token) in [
            ("AKIA\n", "geheim", None),
            (" AKIA", "geheim", None),
            ("AKIA", "geheim\r", None),
            ("AKIA", "geheim", Some("geheim\n")),
            ("AKIÄ", "geheim", None),
        ] {
            let error = of(id, secret, token).unwrap_err();
            assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
        }
    }
}
