//! The generator: that its data is like the real data, and that loads of it give its answers.

pub(crate) mod answers;
mod bucket;
mod command_line;
mod figures;
mod statistics;
