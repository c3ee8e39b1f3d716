//! Nothing is done that nobody agreed to.

use super::{Aws, inventory};

#[test]
fn without_a_terminal_nothing_is_made_or_deleted_unless_yes_is_said() {
    let aws = Aws::new();
    let refused = aws.run(&["provision"]).with_code(2);
    assert!(
        refused.stderr.contains("--yes") && refused.stderr.contains("provision --plan"),
        "{}",
        refused.stderr
    );
    assert!(inventory::is_empty(&aws.inventory()));
    let _ = aws.provision().success();
    let there = aws.inventory();
    let refused = aws.run(&["teardown", "--skip-final-snapshot"]).with_code(2);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(aws.inventory(), there);
    // What is there already needs no yes.
    let _ = aws.run(&["provision"]).success();
}

#[test]
fn a_teardown_wants_to_know_about_the_final_snapshot() {
    let aws = Aws::new();
    let _ = aws.provision().success();
    let there = aws.inventory();
    let undecided = aws.run(&["teardown", "--yes"]).with_code(2);
    assert!(undecided.stderr.contains("--final-snapshot or --skip-final-snapshot"), "{}", undecided.stderr);
    assert_eq!(aws.inventory(), there);
    let _ = aws.run(&["teardown", "--yes", "--final-snapshot", "--skip-final-snapshot"]).with_code(2);
    let _ = aws.run(&["provision", "--detailed-exitcode"]).with_code(2);
}

#[test]
fn a_wrong_setting_is_wrong_usage_and_names_what_is_right() {
    for (section, expected) in [
        ("node_type = \"dc2.large\"", "dc2"),
        ("nodes = 1000", "nodes"),
        ("allow_cidr = [\"0.0.0.0/0\"]", "allow_anywhere"),
        ("nodetype = \"ra3.large\"", "nodetype"),
        ("nodes = \"two\"", "nodes"),
        ("kind = \"rds\"", "serverless"),
    ] {
        let aws = Aws::with(&format!("[deployment]\n{section}\n"));
        let finished = aws.run(&["provision", "--plan"]).with_code(2);
        assert!(finished.stderr.contains(expected), "{section}: {}", finished.stderr);
        assert!(finished.stderr.contains("hint: "), "{section}: {}", finished.stderr);
        assert_eq!(aws.account.proxy().calls().len(), 0, "{section}");
    }
}
