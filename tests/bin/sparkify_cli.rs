//! The `sparkify-cli` binary; all of it is in the library, so that tests and other tools can use it.

fn main() -> std::process::ExitCode {
    sparkify_cli::main()
}
