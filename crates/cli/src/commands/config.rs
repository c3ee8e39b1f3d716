//! `config show`.

use crate::config::Settings;

pub(super) fn show(settings: &Settings) -> anyhow::Result<()> {
    let rows: Vec<_> = settings.rows().into_iter().map(Vec::from).collect();
    super::print_rows(settings.format.value, &["setting", "value", "origin"], &rows)
}
