//! The arguments of a benchmark.

/// The number after an argument, if it is given.
pub(crate) fn argument(name: &str) -> Option<f64> {
    Some(text_argument(name)?.parse().unwrap())
}

/// The text after an argument, if it is given.
pub(crate) fn text_argument(name: &str) -> Option<String> {
    let arguments: Vec<_> = std::env::args().collect();
    let position = arguments.iter().position(|argument| argument == name)?;
    Some(arguments[position + 1].clone())
}
