//! Who does not need AWS does not compile it.

use std::process::Command;

/// The packages that the command line is made of, by its features.
fn packages(features: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "-p",
            "sparkify-cli",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
        ])
        .args(features)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_command_line_is_built_without_aws_unless_asked_for() {
    let of_aws = |features: &[&str]| -> Vec<String> {
        packages(features).into_iter().filter(|name| name.starts_with("aws-")).collect()
    };
    assert_eq!(of_aws(&[]), [""; 0]);
    let full = of_aws(&["--features", "full"]);
    for name in ["aws-sdk-ec2", "aws-sdk-redshift", "aws-sdk-redshiftserverless"] {
        assert!(full.iter().any(|found| found == name), "{name}");
    }
    let without_ec2 = of_aws(&["--features", "aws"]);
    assert!(!without_ec2.iter().any(|name| name == "aws-sdk-ec2"), "it takes five minutes to compile");
    assert!(without_ec2.iter().any(|name| name == "aws-sdk-redshift"));
}

#[test]
fn one_provider_of_cryptography_is_built() {
    let all = packages(&["--features", "full"]);
    assert!(all.iter().any(|name| name == "ring"));
    assert!(!all.iter().any(|name| name.starts_with("aws-lc")), "two providers are built");
}
