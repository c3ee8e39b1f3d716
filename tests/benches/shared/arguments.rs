//! The arguments of a benchmark.

/// The number after an argument, if it is given.
pub(crate) fn argument(name: &str) -> Option<f64> {
    let arguments: Vec<_> = std::env::args().collect();
    let position = arguments.iter().position(|argument| argument == name)?;
    Some(arguments[position + 1].parse().unwrap())
}
