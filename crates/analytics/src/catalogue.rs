//! The queries of `sql/analytics/`.

use serde::Serialize;
use sparkify_schema::{
    Dialect,
    sql::{Folder, SqlLibrary, context},
};
use sparkify_warehouse::{RecordSet, Warehouse};

use crate::{Error, Result};

/// How an answer is best drawn.
///
/// The last column of a bar or line answer is the number to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Chart {
    /// A bar for each row.
    Bar,
    /// A line over the rows.
    Line,
    /// Not at all: the rows say it best.
    Table,
}

impl Chart {
    /// The name, as it stands in the header of a query file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bar => "bar",
            Self::Line => "line",
            Self::Table => "table",
        }
    }
}

/// A query of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Query {
    /// The name to ask for it by.
    pub name: String,
    /// The question in plain words; the title of the answer.
    pub purpose: String,
    /// How the answer is best drawn.
    pub chart: Chart,
}

/// The answer to a query.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The query's name.
    pub name: String,
    /// The question in plain words.
    pub purpose: String,
    /// How it is best drawn.
    pub chart: Chart,
    /// The rows.
    pub records: RecordSet,
}

/// The analytics queries of an [`SqlLibrary`], in the order of their files.
#[derive(Debug, Clone)]
pub struct Catalogue {
    library: SqlLibrary,
    queries: Vec<Query>,
}

impl Catalogue {
    /// The queries of that library.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownChart`] for a file whose header names a chart that does not exist.
    pub fn new(library: &SqlLibrary) -> Result<Self> {
        let queries = library.folder(Folder::Analytics).into_iter().map(|file| {
            let chart = match file.chart.as_deref() {
                Some("bar") => Chart::Bar,
                Some("line") => Chart::Line,
                Some("table") | None => Chart::Table,
                Some(chart) => {
                    return Err(Error::UnknownChart { name: file.name.clone(), chart: chart.to_owned() });
                }
            };
            Ok(Query { name: file.name.clone(), purpose: file.purpose.clone(), chart })
        });
        Ok(Self { queries: queries.collect::<Result<_>>()?, library: library.clone() })
    }

    /// The queries in their order.
    #[must_use]
    pub fn queries(&self) -> &[Query] {
        &self.queries
    }

    /// The query of that name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownQuery`], with the known names and the one most like it.
    pub fn find(&self, name: &str) -> Result<&Query> {
        self.queries.iter().find(|query| query.name == name).ok_or_else(|| {
            let known: Vec<_> = self.queries.iter().map(|query| query.name.clone()).collect();
            Error::UnknownQuery { name: name.to_owned(), nearest: nearest(name, &known), known }
        })
    }

    /// The statement of a query in a dialect.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownQuery`], or [`Error::Statement`] when its file does not render.
    pub fn sql(&self, name: &str, dialect: Dialect) -> Result<String> {
        let query = self.find(name)?;
        self.library
            .render(&query.name, dialect, context! {})
            .map_err(|source| Error::Statement { name: query.name.clone(), source })
    }

    /// Asks the warehouse.
    ///
    /// # Errors
    ///
    /// As [`sql`](Self::sql), or [`Error::Query`] with the warehouse's own error.
    pub async fn run(&self, warehouse: &dyn Warehouse, name: &str) -> Result<Answer> {
        let sql = self.sql(name, warehouse.dialect())?;
        let Query { name, purpose, chart } = self.find(name)?.clone();
        match warehouse.query(&sql).await {
            Ok(records) => Ok(Answer { name, purpose, chart, records }),
            Err(source) => Err(Error::Query { name, source }),
        }
    }
}

/// The known name that fewest edits make of `name`; a name that contains it, or is contained in it,
/// counts as one edit away. None if more than a third of the name would have to change.
fn nearest(name: &str, known: &[String]) -> Option<String> {
    let name = name.to_lowercase().replace('-', "_");
    let limit = (name.chars().count() / 3).max(1);
    let distance = |other: &str| {
        if name.len() >= 3 && (other.contains(&name) || name.contains(other)) {
            return 1;
        }
        edits(&name, other)
    };
    known
        .iter()
        .map(|other| (distance(other), other))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other.clone())
}

/// The Levenshtein distance: insertions, deletions and replacements of characters.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (deleted, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = deleted + 1;
        for (column, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggestion(name: &str) -> Option<String> {
        let catalogue = Catalogue::new(&SqlLibrary::embedded().unwrap()).unwrap();
        match catalogue.find(name).unwrap_err() {
            Error::UnknownQuery { nearest, .. } => nearest,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_nearest_name_is_suggested_and_none_when_nothing_is_near() {
        assert_eq!(suggestion("top_song").as_deref(), Some("top_songs"));
        assert_eq!(suggestion("Top-Artists").as_deref(), Some("top_artists"));
        assert_eq!(suggestion("plays_by_huor").as_deref(), Some("plays_by_hour"));
        assert_eq!(suggestion("gender").as_deref(), Some("plays_by_gender"));
        assert_eq!(suggestion("matchrate").as_deref(), Some("match_rate"));
        assert_eq!(suggestion("weather"), None);
        assert_eq!(suggestion(""), None);
    }

    #[test]
    fn a_chart_that_does_not_exist_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let analytics = directory.path().join("analytics");
        std::fs::create_dir(&analytics).unwrap();
        let text = "-- name: mine\n-- purpose: a test\n-- chart: pie\nSELECT 1";
        std::fs::write(analytics.join("mine.sql"), text).unwrap();
        let library = SqlLibrary::with_overrides(directory.path()).unwrap();
        let error = Catalogue::new(&library).unwrap_err();
        assert!(matches!(&error, Error::UnknownChart { chart, .. } if chart == "pie"));
    }
}
