//! What somebody wrote down beside a run: notes.md as elements. The page makes them one by one and knows no HTML of
//! anybody's, so nothing in them can run.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde::Serialize;

/// The file of the user's, in the run directory.
pub(crate) const NOTES: &str = "notes.md";
/// Bytes of it that are shown.
const MOST_BYTES: u64 = 200_000;
/// Elements within each other; deeper ones are text of the last.
const DEEPEST: usize = 24;

/// A piece of the notes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Node {
    /// Text as it is.
    Text(String),
    /// An element that the page knows.
    Element {
        tag: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        href: Option<String>,
        of: Vec<Node>,
    },
}

impl Node {
    fn of(tag: &'static str, of: Vec<Self>) -> Self {
        Self::Element { tag, href: None, of }
    }
}

/// The notes of a run directory; none where there is no such file. One that cannot be read says so in its place.
pub(crate) fn notes(root: &Path) -> Vec<Node> {
    match text(&root.join(NOTES)) {
        Ok(Some(text)) => nodes(&text),
        Ok(None) => Vec::new(),
        Err(why) => vec![Node::of("p", vec![Node::Text(format!("{NOTES} cannot be read: {why}"))])],
    }
}

/// The first words of the notes, for a table of many runs.
pub(crate) fn first_line(root: &Path) -> Option<String> {
    fn words(node: &Node, found: &mut String) {
        match node {
            Node::Text(text) => found.push_str(text),
            Node::Element { of, .. } => of.iter().for_each(|node| words(node, found)),
        }
    }
    let mut found = String::new();
    words(notes(root).first()?, &mut found);
    let line: String = found.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(line.chars().take(160).collect()).filter(|line: &String| !line.is_empty())
}

fn text(path: &Path) -> io::Result<Option<String>> {
    match path.metadata() {
        // A pipe of that name would be waited for.
        Ok(found) if !found.is_file() => return Err(io::Error::other("it is no file")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    let is_cut = bytes.len() as u64 > MOST_BYTES;
    bytes.truncate(MOST_BYTES as usize);
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if is_cut {
        text += &format!("\n\n(the first {MOST_BYTES} bytes of {NOTES})\n");
    }
    Ok(Some(text))
}

/// Markdown as elements: headings below those of the page, links to the web and to addresses of mail only, HTML as the
/// text that it is.
fn nodes(text: &str) -> Vec<Node> {
    let mut open: Vec<(&'static str, Option<String>, Vec<Node>)> = vec![("", None, Vec::new())];
    // Elements that are too deep, and so have no place of their own.
    let mut hidden = 0;
    for event in Parser::new_ext(text, Options::empty()) {
        let node = match event {
            Event::Start(tag) => {
                if open.len() > DEEPEST || hidden > 0 {
                    hidden += 1;
                } else {
                    let (tag, href) = element(&tag);
                    open.push((tag, href, Vec::new()));
                }
                continue;
            }
            Event::End(_) if hidden > 0 => {
                hidden -= 1;
                continue;
            }
            Event::End(_) => match open.pop() {
                Some(("", _, of)) => {
                    if let Some((.., above)) = open.last_mut() {
                        above.extend(of);
                    }
                    continue;
                }
                Some((tag, href, of)) => Node::Element { tag, href, of },
                None => continue,
            },
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => Node::Text(text.into_string()),
            Event::Code(text) => Node::of("code", vec![Node::Text(text.into_string())]),
            Event::SoftBreak => Node::Text("\n".to_owned()),
            Event::HardBreak => Node::of("br", Vec::new()),
            Event::Rule => Node::of("hr", Vec::new()),
            other => Node::Text(format!("{other:?}")),
        };
        if let Some((.., of)) = open.last_mut() {
            of.push(node);
        }
    }
    open.pop().map(|(.., of)| of).unwrap_or_default()
}

/// The element of a tag, and where it leads; the empty one for what has no element here, whose text stands as it is.
fn element(tag: &Tag<'_>) -> (&'static str, Option<String>) {
    let name = match tag {
        Tag::Paragraph | Tag::HtmlBlock => "p",
        // The page's own headings go as far as the second level, the third is the highest of the notes.
        Tag::Heading { level, .. } => match *level as usize {
            1 => "h3",
            2 => "h4",
            3 => "h5",
            _ => "h6",
        },
        Tag::BlockQuote(_) => "blockquote",
        Tag::CodeBlock(_) => "pre",
        Tag::List(Some(_)) => "ol",
        Tag::List(None) => "ul",
        Tag::Item => "li",
        Tag::Emphasis => "em",
        Tag::Strong => "strong",
        Tag::Link { dest_url, .. } => {
            let leads = ["http://", "https://", "mailto:"]
                .iter()
                .any(|scheme| dest_url.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)));
            return if leads { ("a", Some(dest_url.to_string())) } else { ("", None) };
        }
        _ => "",
    };
    (name, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        serde_json::to_string(&nodes(text)).unwrap()
    }

    #[test]
    fn markdown_is_elements() {
        assert_eq!(
            json("# Why\nTwo *seeds*\n\n- a `b`\n- [c](https://example.org)"),
            r#"[{"tag":"h3","of":["Why"]},{"tag":"p","of":["Two ",{"tag":"em","of":["seeds"]}]},{"tag":"ul","of":[{"tag":"li","of":["a ",{"tag":"code","of":["b"]}]},{"tag":"li","of":[{"tag":"a","href":"https://example.org","of":["c"]}]}]}]"#
        );
    }

    #[test]
    fn what_could_run_is_text() {
        let told = json(
            "<script>alert(1)</script>\n\nx <img src=x onerror=alert(1)> [y](javascript:alert(1)) ![z](https://a/b.png)",
        );
        assert!(!told.contains("\"href\"") && !told.contains("\"img\""), "{told}");
        assert!(
            told.contains("<script>alert(1)</script>") && told.contains("onerror") && told.contains("\"z\""),
            "{told}"
        );
    }

    #[test]
    fn very_deep_notes_are_not_deeper_than_a_page_can_be() {
        fn depth(node: &Node) -> usize {
            let Node::Element { of, .. } = node else { return 0 };
            1 + of.iter().map(depth).max().unwrap_or(0)
        }
        let found = nodes(&format!("{}end", "> ".repeat(1000)));
        let deepest = found.iter().map(depth).max().unwrap();
        assert!(deepest <= DEEPEST, "{deepest}");
        assert!(serde_json::to_string(&found).unwrap().contains("end"));
    }

    #[test]
    fn no_file_no_notes_and_what_is_no_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        assert!(notes(folder.path()).is_empty() && first_line(folder.path()).is_none());
        std::fs::write(folder.path().join(NOTES), b"## A *first* line\n\nmore \xff").unwrap();
        assert_eq!(first_line(folder.path()).unwrap(), "A first line");
        std::fs::remove_file(folder.path().join(NOTES)).unwrap();
        std::fs::create_dir(folder.path().join(NOTES)).unwrap();
        assert_eq!(first_line(folder.path()).unwrap(), "notes.md cannot be read: it is no file");
    }
}
