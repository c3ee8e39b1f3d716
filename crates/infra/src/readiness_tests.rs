use super::*;
use crate::services::{Endpoint, Tags};

fn cluster(status: &str) -> Cluster {
    Cluster {
        id: "c".into(),
        status: status.into(),
        availability: None,
        endpoint: Some(Endpoint { host: "c.example".into(), port: 5439 }),
        node_type: "ra3.large".into(),
        nodes: 1,
        database: None,
        admin_user: None,
        admin_secret_arn: None,
        publicly_accessible: false,
        encrypted: true,
        roles: vec![AttachedRole { arn: "arn:aws:iam::1:role/r".into(), status: "in-sync".into() }],
        default_role_arn: None,
        security_group_ids: Vec::new(),
        subnet_group: None,
        parameter_group: None,
        parameter_status: None,
        vpc_id: None,
        snapshot_retention_days: 1,
        maintenance_window: None,
        created_at: None,
        tags: Tags::new(),
    }
}

#[test]
fn available_counts_with_its_additions_and_nothing_like_it() {
    assert_eq!(of_cluster(&cluster("available")), Readiness::Ready);
    assert_eq!(of_cluster(&cluster("available, prep-for-resize")), Readiness::Ready);
    assert_eq!(of_cluster(&cluster("available, resize-cleanup")), Readiness::Ready);
    assert_eq!(of_cluster(&cluster("available-soon")), Readiness::Pending("available-soon".into()));
    assert_eq!(of_cluster(&cluster("")), Readiness::Pending(String::new()));
}

#[test]
fn each_state_of_the_documentation_has_its_meaning() {
    for state in [
        "cancelling-resize",
        "creating",
        "modifying",
        "pausing",
        "resuming",
        "rebooting",
        "renaming",
        "resizing",
        "rotating-keys",
        "updating-hsm",
        "a-new-one",
    ] {
        assert_eq!(of_cluster(&cluster(state)), Readiness::Pending(state.into()));
    }
    for state in [
        "hardware-failure",
        "incompatible-hsm",
        "incompatible-network",
        "incompatible-parameters",
        "incompatible-restore",
        "storage-full",
    ] {
        assert!(matches!(of_cluster(&cluster(state)), Readiness::Stuck { .. }), "{state}");
    }
    assert_eq!(of_cluster(&cluster("paused")), Readiness::Paused);
    assert!(matches!(of_cluster(&cluster("deleting")), Readiness::Deleting(_)));
    assert!(matches!(of_cluster(&cluster("final-snapshot")), Readiness::Deleting(_)));
}

#[test]
fn available_is_not_ready_without_availability_endpoint_and_roles_in_sync() {
    for availability in ["Unavailable", "Maintenance", "Modifying"] {
        let found = Cluster { availability: Some(availability.into()), ..cluster("available") };
        assert!(matches!(of_cluster(&found), Readiness::Pending(state) if state.contains(availability)));
    }
    let found = Cluster { availability: Some("Failed".into()), ..cluster("available") };
    assert!(matches!(of_cluster(&found), Readiness::Stuck { .. }));
    let found = Cluster { endpoint: None, ..cluster("available") };
    assert!(matches!(of_cluster(&found), Readiness::Pending(state) if state.contains("without an endpoint")));
    let found = Cluster { endpoint: Some(Endpoint { host: String::new(), port: 0 }), ..cluster("available") };
    assert!(matches!(of_cluster(&found), Readiness::Pending(_)));
    for status in ["adding", "removing", ""] {
        let roles = vec![AttachedRole { arn: "arn:aws:iam::1:role/p/r".into(), status: status.into() }];
        let found = Cluster { roles, ..cluster("available") };
        assert_eq!(of_cluster(&found), Readiness::Pending(format!("available, role r {status}")));
    }
}
