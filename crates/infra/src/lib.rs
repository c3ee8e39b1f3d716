//! The AWS resources of a deployment: plan, apply, status, teardown.
