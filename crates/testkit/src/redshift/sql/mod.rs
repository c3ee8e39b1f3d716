//! Redshift's statements, told apart and made into PostgreSQL's.

mod ddl;
mod expressions;
mod plan;
mod settings;
mod token;

pub(super) use expressions::SCHEMA;
pub(super) use plan::{Plan, plan};
pub(super) use settings::{Setting, check_setting};
#[cfg(test)]
pub(super) use token::tokens;
pub(super) use token::{Kind, Token, statements};
