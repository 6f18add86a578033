//! How much is told of the reason why a package cannot be installed.

/// Lines of a problem that are told; what comes behind them says less and less.
const MOST_LINES: usize = 20;

/// The first lines of an explanation, with how many steps were left out behind them.
pub(crate) fn shortened(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_LINES);
    if more > 0 {
        lines.truncate(MOST_LINES);
        lines.push(format!("and {more} more steps"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn what_is_left_out_is_counted() {
        let lines = |count: usize| -> Vec<String> { (0..count).map(|n| n.to_string()).collect() };
        assert_eq!(shortened(lines(20)), lines(20));
        let told = shortened(lines(25));
        assert_eq!(told.len(), 21);
        assert_eq!(told[20], "and 5 more steps");
    }
}
