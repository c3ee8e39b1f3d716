//! The data that is loaded.

use std::path::{Path, PathBuf};

use sparkify_testkit::{real_data, replicate};

/// Makes the data unless it is there: the logs at hand, again and again with other users and sessions.
pub(crate) fn prepare(directory: &Path, millions: f64) -> PathBuf {
    if !directory.exists() {
        println!("making {millions} million events in {}", directory.display());
        let sample = tempfile::tempdir().unwrap();
        let original = real_data().unwrap_or_else(|| {
            let path = sample.path().join("sample");
            sparkify_eventsim::Sample::default().write(&path).unwrap();
            path
        });
        replicate(&original, directory, (millions * 1e6) as u64, 15_000);
    }
    directory.to_owned()
}
