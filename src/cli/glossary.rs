//! The words of docs/glossary.md, as `--help` has them.

/// One meaning each: what the documents link to.
const GLOSSARY: &str = include_str!("../../docs/glossary.md");

/// Columns of a line.
const WIDTH: usize = 96;
/// Those before a meaning.
const WORDS: usize = 26;

/// Each word with its meaning, broken at blanks.
pub(super) fn in_help() -> String {
    let mut out = String::from("Words:");
    for (word, meaning) in entries() {
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

/// The rows of the table, without marks of Markdown.
fn entries() -> impl Iterator<Item = (String, String)> {
    let rows = GLOSSARY.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    // Its head.
    rows.skip(1).map(|(word, meaning)| (bare(word), bare(meaning)))
}

/// `the decision` of `[the decision](report.md)`, and no backquotes.
fn bare(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, (label, after))) = rest
        .split_once('[')
        .and_then(|(before, link)| Some((before, link.split_once("](")?)))
        .and_then(|(before, (label, target))| Some((before, (label, target.split_once(')')?.1))))
    {
        out.push_str(before);
        out.push_str(label);
        rest = after;
    }
    out.push_str(rest);
    out.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_documents_is_there_without_marks() {
        let text = in_help();
        let rows = GLOSSARY.lines().filter(|line| line.starts_with("| ")).count() - 1;
        assert!(rows > 30 && entries().count() == rows, "{rows}");
        for (word, meaning) in entries() {
            let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(told.contains(&format!("{word} {meaning}")), "{word}");
        }
        assert!(!text.contains(['`', '[', ']', '|']), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        for word in ["row of data", "row of results", "trial", "operating point", "decision"] {
            assert!(text.contains(&format!("\n  {word}")), "{word}");
        }
        assert_eq!(bare("[one](a.md), `two` and [three](b.md#c)"), "one, two and three");
    }
}
