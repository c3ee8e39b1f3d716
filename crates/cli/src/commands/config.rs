//! `config show`.

use std::sync::Arc;

use arrow_array::StringArray;
use sparkify_analytics::output::Format;

use super::texts;
use crate::config::Settings;

/// What a table shows for a setting without a value.
const NONE: &str = "(none)";

pub(super) fn show(settings: &Settings) -> anyhow::Result<()> {
    let rows = settings.rows();
    let none = (settings.format.value == Format::Table).then_some(NONE);
    let values: StringArray = rows.iter().map(|row| row.value.as_deref().or(none)).collect();
    super::print_columns(
        settings.format.value,
        vec![
            ("setting", texts(rows.iter().map(|row| &row.name))),
            ("value", Arc::new(values)),
            ("origin", texts(rows.iter().map(|row| row.origin.to_string()))),
        ],
    )
}
