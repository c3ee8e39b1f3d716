//! What the configuration no longer asks for.

use super::{Aws, NAME, inventory};

const SERVERLESS: &str =
    "[deployment]\nname = \"music\"\nkind = \"serverless\"\nallow_cidr = [\"203.0.113.7/32\"]\n";

#[test]
fn a_cluster_that_is_left_when_the_kind_changes_is_shown_with_its_price_until_it_is_gone() {
    let aws = Aws::new();
    let _ = aws.provision().success();
    aws.configure(SERVERLESS);
    let (plan, _) = aws.plan();
    let surplus = plan["surplus"].as_array().unwrap();
    assert_eq!(surplus.len(), 1, "{plan}");
    assert_eq!((&surplus[0]["resource"], &surplus[0]["name"]), (&"cluster".into(), &NAME.into()));
    assert_eq!(surplus[0]["usd_per_hour"], 0.543);
    for arguments in [&["provision", "--plan"][..], &["status"]] {
        let shown = aws.run(arguments).success().stdout;
        assert!(shown.contains("not asked for by the configuration"), "{shown}");
        assert!(shown.contains("sparkify-music (available): $0.543 an hour"), "{shown}");
    }
    let csv = aws.run(&["provision", "--plan", "--format", "csv"]).success().stdout;
    assert!(csv.contains("surplus,cluster,sparkify-music"), "{csv}");
    let status = aws.run(&["status", "--format", "json"]).success().json();
    assert_eq!(status["state"], "incomplete", "{status}");
    assert_eq!(status["surplus"], plan["surplus"]);

    assert_eq!(aws.inventory()["clusters"].as_array().unwrap().len(), 1, "looking does not delete it");
    assert_eq!(aws.teardown().success().json()["clean"], true);
    assert!(inventory::is_empty(&aws.inventory()), "{}", aws.inventory());
    assert_eq!(aws.plan().0["surplus"], serde_json::json!([]));
}
