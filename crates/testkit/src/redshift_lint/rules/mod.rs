//! The rules, by what they are about.

mod clauses;
mod ddl;
mod functions;
mod names;
mod relations;
mod session;
mod time;
mod types;
mod undecidable;
mod whole;
mod windows;

pub use undecidable::NOT_DECIDABLE;

use super::{Findings, Rule, copy, merge, objects, transaction, tree};

pub(super) use relations::relations;

/// Every check, in no particular order.
pub(super) const CHECKS: &[fn(&mut Findings<'_, '_>)] = &[
    whole::check,
    clauses::check,
    windows::check,
    functions::check,
    names::check,
    types::check,
    ddl::check,
    session::check,
    time::check,
    merge::check,
    copy::check,
];

/// Every rule, for [`lint`](super::lint), [`check_transaction`](super::check_transaction) and the files.
#[must_use]
pub fn all_rules() -> Vec<Rule> {
    [
        whole::RULES,
        clauses::RULES,
        windows::RULES,
        functions::RULES,
        names::RULES,
        types::RULES,
        ddl::RULES,
        session::RULES,
        time::RULES,
        merge::RULES,
        copy::RULES,
        tree::RULES,
        transaction::RULES,
        objects::RULES,
    ]
    .concat()
}

/// Shortens the lists of rules.
macro_rules! rules {
    ($($name:ident: $about:literal;)*) => {
        &[$($crate::redshift_lint::Rule { name: stringify!($name), about: $about }),*]
    };
}
pub(super) use rules;
