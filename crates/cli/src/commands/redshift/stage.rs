//! The place in S3 for the files of a load.

use std::sync::Arc;

use sparkify_storage::{Action, Error, S3Options, S3Url, object_store};
use sparkify_warehouse::redshift::{IamRole, StageAccess, StageFault, StageFaults, Staging};

use crate::{config::Settings, exit::UsageError};

/// Opens the place, which may be in another region than the source. `of_deployment` is where the warehouse is.
pub(super) async fn open(
    settings: &Settings,
    url: &S3Url,
    role: IamRole,
    of_deployment: Option<String>,
) -> anyhow::Result<Staging> {
    // The place is ours, so requests are signed even if those for the source are not.
    let s3 = S3Options { anonymous: false, ..settings.s3() };
    let region = region(settings, &s3, url.bucket(), of_deployment).await?;
    let s3 = S3Options { region: Some(region.clone()), ..s3 };
    Ok(Staging {
        store: sparkify_storage::connect(&s3, url.bucket()).await.map_err(Error::of_stage)?,
        bucket: url.bucket().to_owned(),
        prefix: url.key().to_owned(),
        region,
        role,
        faults: Arc::new(S3Faults),
    })
}

/// The region of the bucket: what the user says, or else S3, or else the one that is most likely.
async fn region(
    settings: &Settings,
    s3: &S3Options,
    bucket: &str,
    of_deployment: Option<String>,
) -> anyhow::Result<String> {
    if let Some(region) = &settings.stage_region {
        return Ok(region.value.clone());
    }
    let named = [&settings.s3_region, &settings.deployment.region].into_iter().flatten().next();
    let likely = match named {
        Some(region) => Some(region.value.clone()),
        None => sparkify_storage::region(s3).await.or(of_deployment),
    };
    let asked = S3Options { region: likely.clone(), ..s3.clone() };
    let told = sparkify_storage::bucket_region(&asked, bucket).await.map_err(Error::of_stage)?;
    tracing::debug!(bucket, ?told, ?likely, "the region of the stage");
    told.or(likely).ok_or_else(|| {
        UsageError::with_hint(
            format!("the region of the bucket {bucket} is not known"),
            "name it with --stage-region, or set AWS_REGION",
        )
        .into()
    })
}

/// What the errors of S3 mean.
#[derive(Debug)]
struct S3Faults;

impl StageFaults for S3Faults {
    fn explain(&self, error: object_store::Error, access: StageAccess, url: &str) -> StageFault {
        let action = match access {
            StageAccess::List => Action::List,
            StageAccess::Read => Action::Read,
            StageAccess::Write => Action::Write,
            StageAccess::Delete => Action::Delete,
        };
        // Our own addresses are in order; whatever is not loses its remedy only.
        let Ok(url) = S3Url::parse(url) else {
            return StageFault { reason: error.to_string(), remedy: None };
        };
        let error = Error::of(error, action, &url).of_stage();
        let (mut reason, remedy) = (error.problem(), error.hint());
        if let Some(cause) = error.into_source() {
            reason.push_str(&format!(": {cause}"));
        }
        StageFault { reason, remedy }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sparkify_storage::{
        Credentials, SharedCredentialsProvider, connect_with,
        object_store::{ObjectStoreExt, path::Path},
    };
    use sparkify_testkit::s3::{
        Effect, Fault, Operation, S3_ACCESS_KEY, S3_SECRET_KEY, S3Double, S3DoubleOptions,
    };

    use super::*;

    const BUCKET: &str = "our-stage";

    #[tokio::test]
    async fn whatever_s3_answers_to_a_put_is_said_with_what_to_do() {
        let s3 = S3Double::launch(S3DoubleOptions::default());
        s3.create_bucket(BUCKET);
        let options = S3Options {
            region: Some(s3.region().to_owned()),
            endpoint: Some(s3.endpoint()),
            retries: 1,
            timeout: Duration::from_millis(500),
            ..S3Options::default()
        };
        let keys = Credentials::new(S3_ACCESS_KEY, S3_SECRET_KEY, None, None, "test");
        let store = connect_with(&options, BUCKET, SharedCredentialsProvider::new(keys)).await.unwrap();
        let right = || "eu-central-1".to_owned();
        for (effect, problem, remedy) in [
            (Effect::AccessDenied, "access denied: it may not be written", "s3:PutObject, s3:GetObject"),
            (Effect::NoSuchBucket, "there is no bucket our-stage", "in --stage"),
            (
                Effect::PermanentRedirect(right()),
                "is in the region eu-central-1",
                "--stage-region eu-central-1",
            ),
            (
                Effect::AuthorizationHeaderMalformed(right()),
                "is in the region eu-central-1",
                "--stage-region eu-central-1",
            ),
            (Effect::ExpiredToken, "the AWS credentials have expired", "aws sso login"),
            (Effect::SlowDown, "S3 is too busy", "run again later"),
            (Effect::InternalError, "S3 is too busy", "run again later"),
            (Effect::CutConnection, "S3 cannot be reached", "--stage-region"),
            (Effect::Delay(Duration::from_secs(1)), "S3 cannot be reached", "--stage-region"),
        ] {
            s3.inject(Fault::on(Operation::Put, effect.clone()).always());
            let error = store.put(&Path::from("a b/1.json.gz"), "x".into()).await.unwrap_err();
            s3.heal();
            let fault = S3Faults.explain(error, StageAccess::Write, "s3://our-stage/a b/1.json.gz");
            assert!(fault.reason.contains(problem), "{effect:?}: {fault:?}");
            assert!(!fault.reason.contains('\n'), "in one line: {fault:?}");
            assert!(fault.remedy.as_ref().is_some_and(|said| said.contains(remedy)), "{effect:?}: {fault:?}");
        }
    }
}
