//! What cannot be deleted is named.

use sparkify_testkit::HttpFault;

use super::{Aws, ROLE, inventory};

#[test]
fn a_teardown_that_leaves_something_ends_with_4_and_names_it() {
    let aws = Aws::new();
    let _ = aws.provision().success();
    let denied = HttpFault::error(403, "AccessDenied", "not authorized to perform: iam:DeleteRole");
    aws.account.proxy().break_operation("iam:DeleteRole", usize::MAX, denied);
    let finished = aws.teardown().with_code(4);
    let document = finished.json();
    assert_eq!(document["clean"], false);
    assert!(document["report"]["left"].to_string().contains(ROLE), "{document}");
    assert!(finished.stderr.contains(ROLE) && finished.stderr.contains("hint: "), "{}", finished.stderr);
    let there = aws.inventory();
    assert_eq!(there["roles"].as_array().unwrap().len(), 1, "{there}");
    assert_eq!(there["clusters"].as_array().unwrap().len(), 0, "the rest is gone");
    let table = aws.run(&["teardown", "--yes", "--skip-final-snapshot"]).with_code(4);
    assert!(table.stdout.contains("LEFT") && table.stdout.contains("iam:DeleteRole"), "{}", table.stdout);
    aws.account.proxy().reset();
    assert_eq!(aws.teardown().success().json()["clean"], true);
    assert!(inventory::is_empty(&aws.inventory()));
}
