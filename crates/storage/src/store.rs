//! The store: that of `object_store`, which gets new credentials when S3 says that those at hand are over.

use std::{
    fmt,
    future::Future,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    aws::AmazonS3,
    list::{PaginatedListOptions, PaginatedListStore},
    path::Path,
};

use crate::{
    credentials::ChainCredentials,
    error::{is_broken, is_expired},
};

const DELIMITER: &str = "/";
/// As many objects as S3 deletes at once.
const DELETED_AT_ONCE: usize = 1000;
/// How often that is tried when the connection breaks. Deleting twice does no harm, which the store below does
/// not know of a POST.
const DELETING_ATTEMPTS: u32 = 4;
const DELETING_PAUSE: Duration = Duration::from_millis(100);

/// Credentials are replaced before they expire. Yet a session can be ended early, or the clock be wrong:
/// then a request is made once more with new ones.
#[derive(Debug, Clone)]
pub(crate) struct RefreshingStore {
    inner: AmazonS3,
    credentials: Option<Arc<ChainCredentials>>,
}

impl RefreshingStore {
    pub(crate) const fn new(inner: AmazonS3, credentials: Option<Arc<ChainCredentials>>) -> Self {
        Self { inner, credentials }
    }

    /// Does something, and does it again with new credentials if the session was over.
    async fn attempt<T, F: Future<Output = Result<T>>>(&self, work: impl Fn() -> F) -> Result<T> {
        let begun = Instant::now();
        match (work().await, &self.credentials) {
            (Err(error), Some(credentials)) if is_expired(&error) => {
                tracing::info!("S3 says that the session is over; getting new credentials");
                credentials.forget(begun).await;
                work().await
            }
            (result, _) => result,
        }
    }

    /// Deletes these objects by one request, which is made again if the connection breaks.
    async fn delete_together(&self, objects: Vec<Path>) -> Result<Vec<Path>> {
        let delete = || {
            let objects = futures_util::stream::iter(objects.clone()).map(Ok).boxed();
            self.inner.delete_stream(objects).try_collect::<Vec<_>>()
        };
        let (mut attempt, mut pause) = (1, DELETING_PAUSE);
        loop {
            match self.attempt(delete).await {
                Err(error) if attempt < DELETING_ATTEMPTS && is_broken(&error) => {
                    tracing::debug!(%error, attempt, "deleting broke off and is tried again");
                }
                result => return result,
            }
            tokio::time::sleep(pause).await;
            (attempt, pause) = (attempt + 1, pause * 2);
        }
    }

    /// All pages of a listing.
    fn pages(
        self,
        prefix: Option<&Path>,
        offset: Option<&Path>,
        delimiter: Option<&'static str>,
    ) -> BoxStream<'static, Result<ListResult>> {
        let prefix = prefix.filter(|path| !path.as_ref().is_empty()).map(|path| format!("{path}{DELIMITER}"));
        let first = PaginatedListOptions {
            offset: offset.map(ToString::to_string),
            delimiter: delimiter.map(Into::into),
            ..PaginatedListOptions::default()
        };
        futures_util::stream::try_unfold((self, Some(first)), move |(store, options)| {
            let prefix = prefix.clone();
            async move {
                let Some(options) = options else { return Ok(None) };
                let page =
                    store.attempt(|| store.inner.list_paginated(prefix.as_deref(), options.clone())).await?;
                let next = page.page_token.map(|token| PaginatedListOptions {
                    page_token: Some(token),
                    offset: None,
                    ..options
                });
                Ok(Some((page.result, (store, next))))
            }
        })
        .boxed()
    }

    fn objects(self, prefix: Option<&Path>, offset: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let objects = |page: ListResult| futures_util::stream::iter(page.objects.into_iter().map(Ok));
        self.pages(prefix, offset, None).map_ok(objects).try_flatten().boxed()
    }
}

impl fmt::Display for RefreshingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for RefreshingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.attempt(|| self.inner.put_opts(location, payload.clone(), options.clone())).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.attempt(|| self.inner.put_multipart_opts(location, options.clone())).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.attempt(|| self.inner.get_opts(location, options.clone())).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.attempt(|| self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .try_chunks(DELETED_AT_ONCE)
            .map_err(|error| error.1)
            .and_then(move |chunk| {
                let store = store.clone();
                async move {
                    let deleted = store.delete_together(chunk).await?;
                    Ok(futures_util::stream::iter(deleted.into_iter().map(Ok)))
                }
            })
            .try_flatten()
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.clone().objects(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.clone().objects(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut pages = self.clone().pages(prefix, None, Some(DELIMITER));
        let mut all = pages.try_next().await?.unwrap_or(ListResult {
            common_prefixes: Vec::new(),
            objects: Vec::new(),
            extensions: object_store::Extensions::default(),
        });
        while let Some(page) = pages.try_next().await? {
            all.common_prefixes.extend(page.common_prefixes);
            all.objects.extend(page.objects);
        }
        Ok(all)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.attempt(|| self.inner.copy_opts(from, to, options.clone())).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: object_store::RenameOptions) -> Result<()> {
        self.attempt(|| self.inner.rename_opts(from, to, options.clone())).await
    }
}
