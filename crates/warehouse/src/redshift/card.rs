//! The records that a COPY refused: what the system views say, and the line itself.

use std::io::BufReader;

use async_trait::async_trait;
use object_store::path::Path;

use super::{
    copy::{Copy, Moment},
    refusal::Refused,
    staging::Area,
};
use crate::{Error, ObjectLine, ObjectLines, RecordSet, line_of};

/// The error of a COPY that refused records; the server's own if it does not show them.
pub(super) async fn refused(copy: &Copy<'_>, moment: &Moment, error: Error) -> Error {
    let (found, more) = match copy.rejects(moment).await {
        Ok(found) => found,
        Err(unseen) => {
            tracing::warn!(error = %unseen, "which records COPY refused cannot be seen");
            (Vec::new(), false)
        }
    };
    if found.is_empty() {
        return error;
    }
    let packed = PackedLines(copy.area.clone());
    let lines = copy.lines.unwrap_or(&packed);
    let mut rejects = Vec::with_capacity(found.len());
    for refused in found {
        let line = lines.line(&refused.url, refused.line).await;
        rejects.push(refused.with_line(line));
    }
    Error::RecordsRefused { table: copy.table.to_owned(), rejects, more }
}

/// How many records are shown; `load_error_detail` asks for one more.
const SHOWN: usize = 20;

/// The first rows of `load_error_detail`, and whether there are more.
pub(super) fn rejects(found: &RecordSet) -> (Vec<Refused>, bool) {
    let shown = (0..found.row_count().min(SHOWN)).map(|row| Refused::read(found, row));
    (shown.collect(), found.row_count() > SHOWN)
}

/// The lines of the files that were packed here.
#[derive(Debug)]
struct PackedLines(Area);

#[async_trait]
impl ObjectLines for PackedLines {
    async fn line(&self, url: &str, number: u64) -> Option<ObjectLine> {
        let bucket = format!("s3://{}/", self.0.staging().bucket);
        let path = Path::parse(url.strip_prefix(&bucket)?).ok()?;
        let content = self.0.get(&path).await.ok()?;
        line_of(BufReader::new(flate2::read::GzDecoder::new(&content[..])), number)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, sync::Arc};

    use arrow_array::{ArrayRef, Int32Array, Int64Array, StringArray};
    use object_store::memory::InMemory;

    use super::*;
    use crate::redshift::{IamRole, PlainStageFaults, Staging, staging::Home};

    #[test]
    fn what_the_server_says_becomes_a_card() {
        let found = |rows: usize| {
            let texts = |text: &str| Arc::new(StringArray::from(vec![text; rows])) as ArrayRef;
            RecordSet::from_columns(vec![
                ("file_name", texts("s3://b/a.json")),
                ("line_number", Arc::new(Int64Array::from(vec![3; rows]))),
                ("column_name", texts("artist")),
                ("column_type", texts("varchar")),
                ("column_length", texts("1024")),
                ("position", Arc::new(Int32Array::from(vec![17; rows]))),
                ("error_code", Arc::new(Int32Array::from(vec![1204; rows]))),
                ("error_message", texts("String length exceeds DDL length")),
            ])
            .unwrap()
        };
        let (all, more) = rejects(&found(1));
        assert_eq!((all.len(), more), (1, false));
        let reject = all[0].clone().with_line(None);
        assert_eq!((reject.path.as_str(), reject.line), ("s3://b/a.json", 3));
        assert_eq!((reject.field.as_deref(), reject.engine.as_ref().unwrap().code), (Some("artist"), 1204));
        assert!(reject.reason.to_string().contains("1024 bytes"));
        for (rows, shown, more) in [(SHOWN, SHOWN, false), (SHOWN + 1, SHOWN, true)] {
            let found = rejects(&found(rows));
            assert_eq!((found.0.len(), found.1), (shown, more));
        }
    }

    #[tokio::test]
    async fn a_line_of_a_packed_file_is_shown() {
        let staging = Staging {
            store: Arc::new(InMemory::new()),
            bucket: "b".to_owned(),
            prefix: "p".to_owned(),
            region: "us-west-2".to_owned(),
            role: IamRole::Default,
            faults: Arc::new(PlainStageFaults),
        };
        let area = Area::new(staging, Home::with_id("db"));
        let path = area.path("0-t", "part-00001.json.gz");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"{\"n\":1}\n{\"n\":2}\n").unwrap();
        area.put(&path, encoder.finish().unwrap()).await.unwrap();
        let lines = PackedLines(area.clone());
        assert_eq!(lines.line(&area.url(&path), 2).await.unwrap().text(), "{\"n\":2}");
        assert_eq!(lines.line("s3://other/x", 2).await, None);
    }
}
