//! The words of docs/glossary.md, as `--help` and the page have them.

/// One meaning each: what the documents link to.
const GLOSSARY: &str = include_str!("../../../../docs/glossary.md");

/// Each word that this program uses in a sense of its own, with its meaning; without marks of Markdown.
pub fn glossary() -> impl Iterator<Item = (String, String)> {
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
    fn every_row_of_the_document_is_a_word() {
        let rows = GLOSSARY.lines().filter(|line| line.starts_with("| ")).count() - 1;
        assert!(rows > 30 && glossary().count() == rows, "{rows}");
        assert!(glossary().all(|(word, meaning)| !format!("{word}{meaning}").contains(['`', '[', ']', '|'])));
        assert_eq!(bare("[one](a.md), `two` and [three](b.md#c)"), "one, two and three");
    }
}
