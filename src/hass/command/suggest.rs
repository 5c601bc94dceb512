//! "Did you mean": the nearest of the words that would have been right.

/// `; did you mean "…"?`, or nothing if no word is near.
pub(super) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // Long words are no typos, and comparing them costs time.
    if word.chars().count() > 40 {
        return String::new();
    }
    let lower = word.to_lowercase();
    let allowed = 1 + lower.chars().count() / 4;
    known
        .into_iter()
        .map(|known| (distance(&lower, known), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, known)| format!("; did you mean {known:?}?"))
        .unwrap_or_default()
}

/// How many characters must be put in, left out or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["vibrate", "rotate", "for"];
        assert_eq!(suggestion("vibrat", known), "; did you mean \"vibrate\"?");
        assert_eq!(suggestion("Vibrate", known), "; did you mean \"vibrate\"?");
        assert_eq!(suggestion("speed", known), "");
        assert_eq!(suggestion(&"x".repeat(1000), known), "");
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
