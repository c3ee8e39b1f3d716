//! No password leaves through text.

use super::*;
use crate::{outputs::Login, teardown::SnapshotDecision};

#[tokio::test]
async fn no_debug_or_json_text_holds_the_temporary_password() {
    let (_, deployment) = provisioned(config()).await;
    let outputs = deployment.resolve().await.unwrap();
    let credentials = deployment.credentials(&outputs, Login::Admin).await.unwrap();
    let plan = deployment.plan().await.unwrap();
    let status = deployment.status().await.unwrap();
    let teardown = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    let texts = [
        format!("{credentials:?}"),
        format!("{outputs:?}{plan:?}{status:?}{teardown:?}"),
        serde_json::to_string(&(&outputs, &plan, &status, &teardown)).unwrap(),
    ];
    for text in texts {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(credentials.password.expose(), "hunter2-temporary", "it is there for who logs in");
}
