//! What AWS refuses: some of it passes, some of it has to be said.

use sparkify_testkit::HttpFault;

use super::{Aws, inventory};

#[test]
fn throttling_of_every_other_call_is_waited_out() {
    let undisturbed = Aws::new();
    let _ = undisturbed.provision().success();
    let aws = Aws::new();
    for number in (0..80).step_by(2) {
        let fault = HttpFault::error(400, "Throttling", "Rate exceeded");
        aws.account.proxy().break_call(number, fault);
    }
    let _ = aws.provision().success();
    assert_eq!(aws.inventory(), undisturbed.inventory());
    let _ = aws.teardown().success();
    assert!(inventory::is_empty(&aws.inventory()), "{}", aws.inventory());
}

#[test]
fn what_does_not_pass_ends_the_run_with_what_to_do() {
    for (operation, code, expected) in [
        ("redshift:CreateCluster", "InsufficientClusterCapacity", "another `node_type`"),
        ("redshift:CreateCluster", "ClusterQuotaExceeded", "Service Quotas"),
        ("redshift:CreateCluster", "UnauthorizedOperation", "lacks the permission"),
        ("iam:CreateRole", "LimitExceeded", "Service Quotas"),
        ("ec2:CreateSecurityGroup", "SecurityGroupLimitExceeded", "Service Quotas"),
        ("sts:GetCallerIdentity", "ExpiredToken", "log in again"),
    ] {
        let aws = Aws::new();
        let fault = HttpFault::error(400, code, "as the tests wish");
        aws.account.proxy().break_operation(operation, 1, fault);
        let refused = aws.run(&["provision", "--yes"]).with_code(1);
        assert!(refused.stderr.contains(expected), "{code}: {}", refused.stderr);
        assert!(refused.stderr.contains(code), "{code}: {}", refused.stderr);
        // It has not been tried again, and what was done before stays.
        let operations = aws.account.proxy().operations();
        assert_eq!(operations.iter().filter(|done| *done == operation).count(), 1, "{code}: {operations:?}");
        let _ = aws.provision().success();
    }
}

#[test]
fn a_security_group_whose_interface_is_still_there_is_waited_for() {
    let aws = Aws::new();
    aws.account.set(&serde_json::json!({ "releasing_interface": 25, "deleting": 10 }));
    let _ = aws.provision().success();
    assert_eq!(aws.teardown().success().json()["clean"], true);
    assert!(inventory::is_empty(&aws.inventory()), "{}", aws.inventory());
}
