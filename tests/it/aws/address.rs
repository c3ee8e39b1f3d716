//! Whose address the security group lets in.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use sparkify_testkit::Finished;

use super::{Aws, NAME};

/// A service on this machine that answers every request with that.
fn service(answer: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream
                .write_all(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{answer}\n").as_bytes());
        }
    });
    url
}

fn run(aws: &Aws, arguments: &[&str], answer: &'static str) -> Finished {
    let mut command = aws.command(arguments);
    Finished::from(command.env("SPARKIFY_ADDRESS_SERVICE", service(answer)).output().unwrap())
}

#[test]
fn without_a_configured_block_this_machine_alone_is_let_in() {
    let aws = Aws::with("[deployment]\nname = \"music\"\n");
    let plan = run(&aws, &["provision", "--plan"], "198.51.100.23").success();
    assert!(plan.stdout.contains("198.51.100.23/32 tcp/5439"), "{}", plan.stdout);
    let _ = run(&aws, &["provision", "--yes"], "198.51.100.23").success();
    let rules = |aws: &Aws| aws.inventory()["security_groups"][0]["ingress"].clone();
    assert_eq!(rules(&aws), serde_json::json!(["tcp 5439-5439 198.51.100.23/32"]), "{NAME}");
    // From elsewhere the rule is that of the machine that provisions.
    let _ = run(&aws, &["provision", "--yes"], "203.0.113.99").success();
    assert_eq!(rules(&aws), serde_json::json!(["tcp 5439-5439 203.0.113.99/32"]));
}

#[test]
fn an_answer_that_is_no_address_for_it_is_refused_with_the_way_out() {
    for (answer, expected) in [("<html>log in</html>", "is no address"), ("2001:db8::1", "over IPv4")] {
        let aws = Aws::with("[deployment]\nname = \"music\"\n");
        let refused = run(&aws, &["provision", "--plan"], answer).with_code(1);
        assert!(refused.stderr.contains(expected), "{answer}: {}", refused.stderr);
        assert!(refused.stderr.contains("--allow-cidr ADDRESS/32"), "{answer}: {}", refused.stderr);
        // Looking needs no address.
        let _ = run(&aws, &["status"], answer).success();
    }
}
