use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};

use super::*;

fn urls(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| format!("s3://b/{name}")).collect()
}

fn history(status: &[&str], rows: i64, files: i64, errors: i64) -> RecordSet {
    let number = |number| Arc::new(Int64Array::from(vec![number; status.len()])) as ArrayRef;
    RecordSet::from_columns(vec![
        ("status", Arc::new(StringArray::from(status.to_vec())) as ArrayRef),
        ("loaded_rows", number(rows)),
        ("source_file_count", number(files)),
        ("error_count", number(errors)),
    ])
    .unwrap()
}

fn detail(names: &[&str], lines: i64) -> RecordSet {
    let urls: Vec<_> = names.iter().map(|name| format!("s3://b/{name}")).collect();
    RecordSet::from_columns(vec![
        ("file_name", Arc::new(StringArray::from(urls)) as ArrayRef),
        ("lines_scanned", Arc::new(Int64Array::from(vec![lines; names.len()]))),
        ("file_etag", Arc::new(StringArray::from(vec!["x"; names.len()]))),
    ])
    .unwrap()
}

#[test]
fn what_the_views_show_is_waited_for_until_it_is_whole_and_only_strange_files_are_wrong_at_once() {
    let copied = Copied { query_id: 7, rows: 4 };
    let asked = urls(&["a", "b"]);
    let shown = |history: &RecordSet, detail: &RecordSet| compare(copied, &asked, history, detail);
    let whole = history(&["completed"], 4, 2, 0);
    let both = detail(&["a", "b"], 2);
    assert!(matches!(shown(&whole, &both), Shown::All(files) if files.len() == 2));
    let none = history(&[], 0, 0, 0);
    for (history, detail) in [
        (&none, &detail(&[], 0)),
        (&none, &both),
        (&history(&["running"], 2, 2, 0), &both),
        (&whole, &detail(&[], 0)),
        (&whole, &detail(&["b"], 2)),
    ] {
        assert!(matches!(shown(history, detail), Shown::NotYet(_)), "{:?}", shown(history, detail));
    }
    assert!(matches!(shown(&whole, &detail(&["a", "b"], 1)), Shown::Few(_)), "a part of a file is missing");
    for history in [
        history(&["completed"], 3, 2, 0),
        history(&["completed"], 4, 3, 0),
        history(&["completed"], 4, 2, 1),
        history(&["aborted"], 0, 2, 1),
    ] {
        assert!(matches!(shown(&history, &both), Shown::Differs(_)), "{:?}", shown(&history, &both));
    }
    let long = "long".repeat(100);
    let cut = detail(&[&long[..256 - "s3://b/".len()]], 4);
    let found = compare(copied, &urls(&[&long]), &history(&["completed"], 4, 1, 0), &cut);
    assert!(matches!(&found, Shown::All(files) if files[0].url.ends_with(&long)), "{found:?}");
    let strange = shown(&none, &detail(&["a", "c"], 2));
    assert!(matches!(&strange, Shown::Wrong(reason) if reason.contains("s3://b/c")), "{strange:?}");
}

#[tokio::test]
async fn something_that_comes_late_is_looked_at_at_once_and_until_the_patience_ends() {
    for (patience, expected) in [(0, 2), (20, 2), (300, 3), (700, 4)] {
        let begin = Instant::now();
        let mut looks = Looks::new(Duration::from_millis(patience));
        assert!(looks.next().await && begin.elapsed() < Duration::from_millis(150));
        let mut count = 1;
        while looks.next().await {
            count += 1;
        }
        // A slow machine looks less often.
        assert!((2..=expected).contains(&count), "{count} looks in {patience} ms");
        assert!(begin.elapsed() >= Duration::from_millis(patience));
    }
}

#[test]
fn every_object_of_a_manifest_is_mandatory() {
    let urls = ["s3://b/a".to_owned(), "s3://b/\"quoted\"".to_owned()];
    let manifest: serde_json::Value = serde_json::from_str(&manifest(&urls)).unwrap();
    assert_eq!(
        manifest,
        serde_json::json!({ "entries": [
            { "url": "s3://b/a", "mandatory": true },
            { "url": "s3://b/\"quoted\"", "mandatory": true },
        ]})
    );
}

#[test]
fn the_paths_stand_in_the_order_of_the_columns_below_the_one_key_that_copy_knows() {
    let keys = ["artist".to_owned(), "itemInSession".to_owned()];
    assert_eq!(json_paths(&keys), r#"{"jsonpaths":["$['artist']","$['itemInSession']"]}"#);
}

#[test]
fn a_hash_is_written_in_full() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(sha256(""), empty);
}

#[test]
fn entity_tags_are_compared_without_quotes() {
    for tag in ["\"abc\"", "abc", " W/\"abc\" "] {
        assert_eq!(bare_etag(tag), "abc");
    }
}
