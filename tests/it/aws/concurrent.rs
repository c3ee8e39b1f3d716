//! Two at once.

use super::{Aws, inventory};

#[test]
fn two_provisions_at_once_make_one_deployment() {
    let expected = {
        let aws = Aws::new();
        let _ = aws.provision().success();
        aws.inventory()
    };
    for _ in 0..3 {
        let aws = Aws::new();
        let runs = std::thread::scope(|scope| {
            let runs = [(); 2].map(|()| scope.spawn(|| aws.provision()));
            runs.map(|run| run.join().unwrap())
        });
        let codes = runs.each_ref().map(|run| run.code);
        assert!(codes.contains(&0), "{runs:?}");
        for run in runs.iter().filter(|run| run.code != 0) {
            // The one that lost says that somebody else is at it, and its next run finds everything done.
            assert!(run.stderr.contains("hint: "), "{run:?}");
        }
        let _ = aws.provision().success();
        assert_eq!(aws.inventory(), expected, "{codes:?}");
    }
}

#[test]
fn two_teardowns_at_once_leave_nothing() {
    let aws = Aws::new();
    let _ = aws.provision().success();
    let runs = std::thread::scope(|scope| {
        let runs = [(); 2].map(|()| scope.spawn(|| aws.teardown()));
        runs.map(|run| run.join().unwrap())
    });
    assert!(runs.iter().any(|run| run.code == 0), "{runs:?}");
    let _ = aws.teardown().success();
    assert!(inventory::is_empty(&aws.inventory()), "{}", aws.inventory());
}
