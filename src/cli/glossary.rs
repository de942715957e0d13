//! The words of docs/glossary.md, as `--help` has them.

use focalsweep_report::glossary;

/// Columns of a line.
const WIDTH: usize = 96;
/// Those before a meaning.
const WORDS: usize = 26;

/// Each word with its meaning, broken at blanks.
pub(super) fn in_help() -> String {
    let mut out = String::from("Words:");
    for (word, meaning) in glossary() {
        let mut line = format!("\n  {word:<width$}", width = WORDS - 2);
        let mut used = WORDS;
        if word.chars().count() > WORDS - 4 {
            line.push_str(&format!("\n{:WORDS$}", ""));
        }
        for (at, part) in meaning.split_whitespace().enumerate() {
            let long = part.chars().count() + usize::from(at > 0);
            if used + long > WIDTH {
                line.push_str(&format!("\n{:WORDS$}", ""));
                used = WORDS;
            } else if at > 0 {
                line.push(' ');
            }
            line.push_str(part);
            used += long;
        }
        out.push_str(&line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_documents_is_there_without_marks() {
        let text = in_help();
        for (word, meaning) in glossary() {
            let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(told.contains(&format!("{word} {meaning}")), "{word}");
        }
        assert!(!text.contains(['`', '[', ']', '|']), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        for word in ["row of data", "row of results", "trial", "operating point", "decision"] {
            assert!(text.contains(&format!("\n  {word}")), "{word}");
        }
    }
}
