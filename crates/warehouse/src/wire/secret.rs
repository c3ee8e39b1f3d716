//! A password.

use zeroize::Zeroizing;

/// A text that is never printed, and wiped from memory when it goes.
///
/// ```
/// use sparkify_warehouse::postgres::Secret;
/// assert_eq!(format!("{:?}", Secret::new("open sesame")), "***");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}
