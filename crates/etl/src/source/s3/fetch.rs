//! Reading an object exactly as it was listed.

use std::sync::Arc;

use futures_util::StreamExt;
use sparkify_storage::{
    Action, ErrorKind, ObjectStore, S3Url,
    object_store::{Error, GetOptions, GetRange, GetResult, path::Path},
};

use super::pipe::PipeWriter;
use crate::{
    error::{SourceError, SourceProblem},
    source::SourceFile,
};

/// How often reading is taken up again without having come further. The store tries several times each.
const RESUMES: u32 = 2;

/// An object to be fetched.
pub(super) struct Fetch<'a> {
    store: &'a Arc<dyn ObjectStore>,
    file: &'a SourceFile,
    url: S3Url,
    path: Path,
    /// With its quotation marks.
    etag: Option<String>,
}

impl<'a> Fetch<'a> {
    pub(super) fn new(store: &'a Arc<dyn ObjectStore>, file: &'a SourceFile, url: S3Url, path: Path) -> Self {
        let etag = file.etag();
        let etag = etag.map(|etag| format!("\"{etag}\""));
        Self { store, file, url, path, etag }
    }

    /// Writes the whole object into the pipe. Where a connection breaks, reading goes on at that byte, and
    /// only if it is still the same object.
    pub(super) async fn run(&self, pipe: &PipeWriter) -> Result<(), SourceError> {
        let (mut offset, mut resumes) = (0, 0);
        loop {
            let begun_at = offset;
            let broken = match self.part(offset, &mut offset, pipe).await? {
                Part::Done => return Ok(()),
                Part::Broken(error) => error,
            };
            resumes = if offset > begun_at { 0 } else { resumes + 1 };
            if resumes > RESUMES {
                return Err(self.failed(broken));
            }
            tracing::info!(object = %self.url, offset, "reading broke off and goes on there");
        }
    }

    /// Reads from a byte on, as far as it goes.
    async fn part(&self, from: u64, offset: &mut u64, pipe: &PipeWriter) -> Result<Part, SourceError> {
        if from > 0 && from == self.file.size {
            return Ok(Part::Done);
        }
        let options = GetOptions {
            if_match: self.etag.clone(),
            range: (from > 0).then_some(GetRange::Offset(from)),
            ..GetOptions::default()
        };
        let object = self.store.get_opts(&self.path, options).await.map_err(|error| self.failed(error))?;
        self.check(&object)?;
        let mut parts = object.into_stream();
        while let Some(part) = parts.next().await {
            match part {
                Ok(part) => {
                    *offset += part.len() as u64;
                    if !pipe.write(part).await {
                        return Ok(Part::Done);
                    }
                }
                Err(error) => return Ok(Part::Broken(error)),
            }
        }
        if *offset == self.file.size {
            return Ok(Part::Done);
        }
        let message = format!("the answer had {} of {} bytes", *offset, self.file.size);
        Ok(Part::Broken(Error::Generic { store: "S3", source: message.into() }))
    }

    /// A server without conditions answers with whatever is there now.
    fn check(&self, object: &GetResult) -> Result<(), SourceError> {
        let same = match (&object.meta.e_tag, &self.etag) {
            (Some(found), Some(listed)) => found.trim_matches('"') == listed.trim_matches('"'),
            _ => true,
        };
        if same && object.meta.size == self.file.size {
            return Ok(());
        }
        Err(SourceError::new(self.file.path.clone(), SourceProblem::Changed))
    }

    fn failed(&self, error: Error) -> SourceError {
        let error = sparkify_storage::Error::of(error, Action::Read, &self.url);
        match error.kind() {
            ErrorKind::Precondition => SourceError::new(self.file.path.clone(), SourceProblem::Changed),
            ErrorKind::NotFound => SourceError::new(self.file.path.clone(), SourceProblem::Deleted),
            _ => error.into(),
        }
    }
}

enum Part {
    /// The end was reached, or nobody reads any more.
    Done,
    Broken(Error),
}
