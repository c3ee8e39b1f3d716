//! Reading a sample back.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Existing, LocalDirectory, Progress, Sample, Settings, Written, generate};

/// A sample on disk, read back.
pub(super) struct Disk {
    _parent: TempDir,
    pub(super) written: Written,
    /// Contents by path with `/`, uncompressed.
    pub(super) files: BTreeMap<String, String>,
    /// The same as it was written.
    pub(super) bytes: BTreeMap<String, Vec<u8>>,
}

impl Disk {
    pub(super) fn new(sample: Sample) -> Self {
        Self::of(&sample.settings())
    }

    pub(super) fn of(settings: &Settings) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("sample");
        let sink = LocalDirectory::create(&root, Existing::Refuse).unwrap();
        let written = generate(settings, &sink, &Progress::default()).unwrap();
        let mut bytes = BTreeMap::new();
        read(&root, "", &mut bytes);
        let files = bytes.iter().map(|(name, bytes)| (name.clone(), text(name, bytes))).collect();
        Self { _parent: parent, written, files, bytes }
    }

    pub(super) fn answers(&self) -> Value {
        serde_json::from_str(&self.files["answers.json"]).unwrap()
    }

    pub(super) fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self.files.iter().filter(move |(name, _)| name.starts_with(folder));
        files.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    pub(super) fn rows(&self) -> Vec<Value> {
        let lines = self.under("log_data/").flat_map(|(_, text)| text.split('\n'));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(super) fn songs(&self) -> Vec<Value> {
        self.under("song_data/").map(|(_, text)| serde_json::from_str(text).unwrap()).collect()
    }
}

fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            read(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// The text of a file, uncompressed. What is no UTF-8 is replaced.
fn text(name: &str, bytes: &[u8]) -> String {
    let mut plain = Vec::new();
    match name.rsplit('.').next() {
        Some("gz") => {
            flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
        }
        Some("zst") => plain = zstd::stream::decode_all(bytes).unwrap(),
        _ => plain.extend_from_slice(bytes),
    }
    String::from_utf8_lossy(&plain).into_owned()
}
