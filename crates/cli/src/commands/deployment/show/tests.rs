use sparkify_infra::{Kind, cost::CostItem, plan::ResourceKind, services::FinalSnapshot};

use super::*;

fn estimate() -> CostEstimate {
    CostEstimate {
        items: vec![CostItem {
            what: "1 × ra3.large".to_owned(),
            usd_per_hour: Some(0.543),
            when: "always".to_owned(),
            source: Some("price of 2026-10-07".to_owned()),
        }],
        usd_per_hour: Some(0.543),
        usd_per_month: Some(396.39),
        note: "an estimate, not a quote".to_owned(),
    }
}

fn step(action: Action, resource: ResourceKind, differences: Vec<Difference>) -> Step {
    Step { resource, name: "sparkify-x".to_owned(), action, differences, note: None }
}

fn difference(current: Option<&str>, desired: Option<&str>, reason: Option<&str>) -> Difference {
    let text = |text: Option<&str>| text.map(str::to_owned);
    Difference {
        attribute: "nodes".to_owned(),
        current: text(current),
        desired: text(desired),
        not_changed_because: text(reason),
    }
}

fn a_plan(steps: Vec<Step>) -> Plan {
    Plan {
        deployment: "x".to_owned(),
        region: "us-west-2".to_owned(),
        account: "123456789012".to_owned(),
        kind: Kind::Cluster,
        steps,
        cost: estimate(),
        surplus: Vec::new(),
        notes: vec!["the node type could not be checked".to_owned()],
    }
}

#[test]
fn a_plan_shows_each_resource_with_what_differs_and_what_it_costs() {
    let text = plan(&a_plan(vec![
        step(Action::Create, ResourceKind::Role, vec![difference(None, Some("2"), None)]),
        step(Action::Change, ResourceKind::Cluster, vec![difference(Some("1"), Some("2"), None)]),
        step(
            Action::Keep,
            ResourceKind::SubnetGroup,
            vec![difference(Some("1"), None, Some("it cannot be changed"))],
        ),
    ]));
    assert_eq!(
        text,
        "deployment x (cluster) in us-west-2, account 123456789012\n\
         \n  create    role             sparkify-x\
         \n            nodes  2\
         \n  change    cluster          sparkify-x\
         \n            nodes  1 -> 2\
         \n  keep      subnet group     sparkify-x\
         \n            nodes  stays 1, configured is (none): it cannot be changed\
         \n\ncost, as an estimate\
         \n  1 × ra3.large: $0.543 an hour, always; price of 2026-10-07\
         \n  in all: $0.543 an hour, $396.39 a month\
         \n  an estimate, not a quote\
         \nnote: the node type could not be checked\
         \n\n1 to create, 1 to change, 1 as it is\n"
    );
}

#[test]
fn what_is_not_asked_for_stands_in_the_plan_with_its_price() {
    let found = Surplus {
        resource: ResourceKind::Cluster,
        name: "sparkify-x".to_owned(),
        state: Some("available".to_owned()),
        usd_per_hour: Some(0.543),
        note: "it goes on costing".to_owned(),
    };
    let text = plan(&Plan { surplus: vec![found], ..a_plan(Vec::new()) });
    let expected = "\nof this deployment, and not asked for by the configuration:\n  \
                    cluster          sparkify-x (available): $0.543 an hour, it goes on costing\n";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_plan_without_changes_says_so() {
    let text = plan(&a_plan(vec![step(Action::Keep, ResourceKind::Role, Vec::new())]));
    assert!(text.ends_with("1 as it is\nthere is nothing to do\n"), "{text}");
}

fn a_teardown(snapshot: SnapshotDecision, removals: &[Removal]) -> TeardownPlan {
    let step = |removal: &Removal| RemovalStep {
        resource: ResourceKind::Cluster,
        name: "sparkify-x".to_owned(),
        removal: *removal,
        state: Some("available".to_owned()),
    };
    TeardownPlan {
        deployment: "x".to_owned(),
        region: "us-west-2".to_owned(),
        account: "1".to_owned(),
        steps: removals.iter().map(step).collect(),
        snapshot,
        costing: Vec::new(),
        notes: Vec::new(),
    }
}

#[test]
fn what_is_asked_before_a_teardown_says_what_becomes_of_the_data() {
    let last = FinalSnapshot { name: "last".to_owned(), retention_days: 7 };
    let take = a_teardown(SnapshotDecision::Take(last), &[Removal::Delete, Removal::Foreign]);
    assert_eq!(teardown_question(&take), "Delete this resource after a final snapshot?");
    assert!(teardown_plan(&take).contains("final snapshot: last, kept for 7 days"));
    assert!(teardown_plan(&take).contains("sparkify-x (available): not of this deployment, stays"));
    let skip = a_teardown(SnapshotDecision::Skip, &[Removal::Delete, Removal::Wait]);
    assert_eq!(teardown_question(&skip), "Delete these 2 resources, with all data?");
}

#[test]
fn a_report_of_a_teardown_names_what_is_left() {
    let remnant = |name: &str| Remnant {
        resource: ResourceKind::Role,
        name: name.to_owned(),
        note: "refused".to_owned(),
    };
    let report = TeardownReport {
        deleted: Vec::new(),
        left: vec![remnant("a")],
        costing: Vec::new(),
        unproven: vec!["the secrets cannot be listed".to_owned()],
        notes: Vec::new(),
    };
    assert_eq!(leftovers(&report), ["role a", "the secrets cannot be listed"]);
    let text = teardown_report(&report);
    assert!(
        text.contains("LEFT:\n  role             a: refused\n") && !text.contains("nothing is left"),
        "{text}"
    );
    let clean = TeardownReport { left: Vec::new(), unproven: Vec::new(), ..report };
    assert!(teardown_report(&clean).contains("nothing is left"));
}
