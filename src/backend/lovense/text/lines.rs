//! Putting answers together: a notification may hold a part of one, or several.

/// No answer is longer, bytes. What is longer is noise.
const LONGEST: usize = 128;

/// Collects bytes until they are answers.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    part: Vec<u8>,
    /// Too much has come without an end: forget everything up to the next one.
    noise: bool,
}

impl Lines {
    /// Takes what came and returns the answers that are complete, without their ends. Bytes that
    /// are no text are replaced; empty answers are left out.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for &byte in bytes {
            if byte != b';' {
                self.noise |= self.part.len() >= LONGEST;
                if !self.noise {
                    self.part.push(byte);
                }
                continue;
            }
            let part = std::mem::take(&mut self.part);
            if std::mem::take(&mut self.noise) {
                continue;
            }
            let text = String::from_utf8_lossy(&part);
            let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
            if !text.is_empty() {
                complete.push(text.to_owned());
            }
        }
        complete
    }

    /// Forgets what has come of an unfinished answer: the connection is a new one.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn split_and_merged_answers() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"O"), [""; 0]);
        assert_eq!(lines.push(b"K;s8"), ["OK"]);
        assert_eq!(
            lines.push(b"5;;\r\nC:11:0082059AD3BD;8"),
            ["s85", "C:11:0082059AD3BD"]
        );
        lines.clear();
        assert_eq!(lines.push(b"7;"), ["7"]);
    }

    #[test]
    fn noise_without_an_end_is_forgotten() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(&[b'x'; 100_000]), [""; 0]);
        assert!(lines.part.len() <= LONGEST);
        assert_eq!(lines.push(b"85;OK;"), ["OK"]);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_same_comes_out(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b';')], 0..400),
            cuts in proptest::collection::vec(1usize..30, 1..50),
        ) {
            let whole = Lines::default().push(&bytes);
            let mut lines = Lines::default();
            let mut pieces = Vec::new();
            let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(*cuts.next().expect("endless")));
                pieces.extend(lines.push(now));
                rest = later;
            }
            prop_assert_eq!(whole, pieces);
        }
    }
}
