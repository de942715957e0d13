//! YAML text as a tree whose every node knows its place in the text.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};

use super::fault::MOST_FAULTS;
use super::scalar::{Resolved, resolve};
use crate::text::shortened;

/// Levels of nesting that a file may have; a sweep needs five.
pub(super) const MAX_DEPTH: usize = 32;
/// Values that a file may have, those of aliases counted as often as they stand for something: some 200 MB.
const MAX_NODES: usize = 1_000_000;

/// Where a node was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Bytes of the file.
    File(Range<usize>),
    /// The override of this index.
    Override(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// `plain`: written without quotes.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// In the order of the file, duplicates and all.
    Map(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Node,
}

/// A fault of the YAML itself.
#[derive(Debug, Clone)]
pub(super) struct SyntaxFault {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Node {
    /// The scalar's meaning; quoted scalars are text.
    pub(super) fn resolved(&self) -> Option<Resolved> {
        match &self.kind {
            Kind::Scalar { text, plain: true } => Some(resolve(text)),
            Kind::Scalar { plain: false, .. } => Some(Resolved::Text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The text of a scalar.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// Nothing after the colon.
    pub(super) fn is_blank(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if text.is_empty())
    }

    pub(super) fn is_null(&self) -> bool {
        self.resolved() == Some(Resolved::Null)
    }

    fn size(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar { .. } => 0,
            Kind::List(items) => items.iter().map(Self::size).sum(),
            Kind::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
        }
    }

    fn depth(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar { .. } => 0,
            Kind::List(items) => items.iter().map(Self::depth).max().unwrap_or(0),
            Kind::Map(entries) => entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0),
        }
    }

    /// Every place in the tree becomes `place`.
    fn move_to(&mut self, place: &Place) {
        self.place = place.clone();
        match &mut self.kind {
            Kind::Scalar { .. } => {}
            Kind::List(items) => items.iter_mut().for_each(|item| item.move_to(place)),
            Kind::Map(entries) => entries.iter_mut().for_each(|entry| {
                entry.key_place = place.clone();
                entry.value.move_to(place);
            }),
        }
    }
}

/// A tree, and the faults after which reading could go on.
pub(super) type Parsed = (Node, Vec<SyntaxFault>);

/// Reads the one document of `text`; an empty text is a blank scalar. Tags, merge keys and keys that cannot be used do
/// not end the reading, so that they hide no other fault.
pub(super) fn parse_text(text: &str) -> Result<Parsed, SyntaxFault> {
    let mut builder = Builder {
        lines: Lines::new(text),
        stack: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
        faults: Vec::new(),
    };
    let mut documents = 0;
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| scan_fault(&builder.lines, &error))?;
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                let message = "a second document starts here, expected one sweep a file".into();
                return Err(SyntaxFault { place: builder.lines.place(&span), message, help: None });
            }
        }
        builder.event(event, &span)?;
    }
    let empty = Node { place: Place::File(0..0), kind: Kind::Scalar { text: String::new(), plain: true } };
    Ok((builder.root.unwrap_or(empty), builder.faults))
}

/// Reads the VALUE of the override of this index.
pub(super) fn parse_override(text: &str, index: usize) -> Result<Parsed, SyntaxFault> {
    let place = Place::Override(index);
    match parse_text(text) {
        Ok((mut node, mut faults)) => {
            node.move_to(&place);
            faults.iter_mut().for_each(|fault| fault.place = place.clone());
            Ok((node, faults))
        }
        Err(fault) => Err(SyntaxFault { place, ..fault }),
    }
}

fn scan_fault(lines: &Lines<'_>, error: &ScanError) -> SyntaxFault {
    let byte = lines.byte(error.marker());
    let end = lines.text[byte..].chars().next().filter(|c| !c.is_control()).map_or(byte, |c| byte + c.len_utf8());
    let help = lines.tab_before(byte).then(|| "indent with spaces, YAML does not take tabs".to_owned());
    SyntaxFault { place: Place::File(byte..end), message: format!("not valid YAML: {}", error.info()), help }
}

/// A list or mapping whose end has not come yet.
struct Frame {
    start: usize,
    anchor: usize,
    kind: Open,
}

enum Open {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        key: Option<Key>,
        /// What `<<` merges, in the order of the file.
        merged: Vec<Node>,
    },
}

/// A key whose value has not come yet.
enum Key {
    Name(String, Place),
    /// `<<` without quotes.
    Merge(Place),
    /// None that can be used; its value is left out.
    Broken,
}

struct Builder<'a> {
    lines: Lines<'a>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    faults: Vec<SyntaxFault>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), SyntaxFault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = self.is_plain(&text, style == ScalarStyle::Plain, tag.as_deref(), span);
                let kind = Kind::Scalar { text: text.into_owned(), plain };
                self.complete(Node { place: self.lines.place(span), kind }, anchor)
            }
            Event::Alias(anchor) => {
                let place = self.lines.place(span);
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(fault(place, "this alias stands inside the node that it names"));
                };
                // One of them is counted when it is put in its place.
                self.nodes += node.size() - 1;
                if self.nodes > MAX_NODES || self.stack.len() + node.depth() > MAX_DEPTH {
                    return Err(fault(place, "aliases make this file too large"));
                }
                let node = node.clone();
                self.complete(node, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), &["seq"], span);
                self.open(anchor, span, Open::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), &["map"], span);
                self.open(anchor, span, Open::Map { entries: Vec::new(), key: None, merged: Vec::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    /// Keeps a fault after which reading goes on; no more than are told.
    fn note(&mut self, fault: SyntaxFault) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }

    /// Whether a scalar is resolved as one without quotes, which its tag may say: `!!float "1"` is a number, `!!str 1`
    /// is text.
    fn is_plain(&mut self, text: &str, plain: bool, tag: Option<&Tag>, span: &Span) -> bool {
        let Some(word) = self.check_tag(tag, &["str", "int", "float", "bool", "null"], span) else { return plain };
        let resolved = resolve(text);
        let fits = match word {
            "str" => return false,
            "int" => matches!(resolved, Resolved::Int(_)),
            "float" => matches!(resolved, Resolved::Int(_) | Resolved::Float(_)),
            "bool" => matches!(resolved, Resolved::Bool(_)),
            _ => resolved == Resolved::Null,
        };
        if !fits {
            let place = self.lines.place(span);
            let help =
                if word == "bool" { "write `true` or `false`" } else { "take the tag off, or correct the value" };
            let message = format!("`!!{word}` does not fit `{}`", shortened(text, 40));
            self.note(SyntaxFault { place, message, help: Some(help.to_owned()) });
        }
        true
    }

    /// The word of a tag of YAML's core schema, such as the `float` of `!!float`; others are faults.
    fn check_tag(&mut self, tag: Option<&Tag>, known: &[&'static str], span: &Span) -> Option<&'static str> {
        let tag = tag?;
        let word = known.iter().find(|word| tag.is_yaml_core_schema() && tag.suffix == **word).copied();
        // `!` alone says that a scalar is text.
        let word = word.or((tag.handle.is_empty() && tag.suffix == "!" && known.contains(&"str")).then_some("str"));
        if word.is_none() {
            let written: Vec<String> = known.iter().map(|word| format!("`!!{word}`")).collect();
            let shown = if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
            let message = format!("the tag `{}` has no meaning here", shortened(&shown, 40));
            let help = Some(format!("take it off; {} may stand here", written.join(", ")));
            self.note(SyntaxFault { place: self.lines.place(span), message, help });
        }
        word
    }

    fn open(&mut self, anchor: usize, span: &Span, kind: Open) -> Result<(), SyntaxFault> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(fault(self.lines.place(span), &format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.stack.push(Frame { start: self.lines.byte(&span.start), anchor, kind });
        Ok(())
    }

    fn close(&mut self, span: &Span) -> Result<(), SyntaxFault> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let end = self.lines.byte(&span.end).max(frame.start);
        let place = Place::File(self.lines.first_line(frame.start..end));
        let kind = match frame.kind {
            Open::List(items) => Kind::List(items),
            Open::Map { entries, merged, .. } => Kind::Map(self.merge(entries, merged)),
        };
        self.complete(Node { place, kind }, frame.anchor)
    }

    /// The entries of a mapping with those that `<<` merges into it: keys of its own come first, then those of the
    /// mappings merged, of each key the first (yaml.org/type/merge.html).
    fn merge(&mut self, mut entries: Vec<Entry>, merged: Vec<Node>) -> Vec<Entry> {
        let mut known: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        for node in merged {
            let place = node.place.clone();
            let maps = match node.kind {
                Kind::List(items) => items,
                kind => vec![Node { place: node.place, kind }],
            };
            for map in maps {
                let Kind::Map(of) = map.kind else {
                    let message = "`<<` merges a mapping or a list of mappings, found another value".to_owned();
                    let help = Some("name one by its anchor: `<<: *name`".to_owned());
                    self.note(SyntaxFault { place: place.clone(), message, help });
                    continue;
                };
                entries.extend(of.into_iter().filter(|entry| known.insert(entry.key.clone())));
            }
        }
        entries
    }

    /// Puts a finished node where it belongs.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), SyntaxFault> {
        self.nodes += 1;
        if anchor > 0 {
            self.nodes += node.size();
        }
        if self.nodes > MAX_NODES {
            let help = "a range (`min`, `max` and `count`) says many numbers in one line".to_owned();
            let message = format!("more than {MAX_NODES} values up to here, which is no sweep");
            return Err(SyntaxFault { place: node.place, message, help: Some(help) });
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let mut broken = None;
        match self.stack.last_mut().map(|frame| &mut frame.kind) {
            None => self.root = Some(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map { entries, key, merged }) => match key.take() {
                Some(Key::Name(name, key_place)) => {
                    let mut value = node;
                    if value.is_blank() {
                        // A blank value has no place of its own: its key stands for it.
                        value.place = key_place.clone();
                    }
                    entries.push(Entry { key: name, key_place, value });
                }
                // A column may have that name.
                Some(Key::Merge(key_place)) if matches!(node.kind, Kind::Scalar { .. }) => {
                    entries.push(Entry { key: "<<".to_owned(), key_place, value: node });
                }
                Some(Key::Merge(_)) => merged.push(node),
                Some(Key::Broken) => {}
                None => {
                    *key = Some(match node.kind {
                        Kind::Scalar { text, plain: true } if text == "<<" => Key::Merge(node.place),
                        Kind::Scalar { text, .. } => Key::Name(text, node.place),
                        Kind::List(_) | Kind::Map(_) => {
                            broken = Some(fault(node.place, "a key must be a word, found a list or mapping"));
                            Key::Broken
                        }
                    });
                }
            },
        }
        broken.into_iter().for_each(|fault| self.note(fault));
        Ok(())
    }
}

fn fault(place: Place, message: &str) -> SyntaxFault {
    SyntaxFault { place, message: message.to_owned(), help: None }
}

/// Turns lines and columns into bytes and back. The parser counts characters, and its running index is not to be had in
/// bytes.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// A line, a column and its byte, found last: what is asked for next mostly stands a little further on.
    last: Cell<(usize, usize, usize)>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let ends_line = |i: usize| bytes[i] == b'\n' || (bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
        let starts = std::iter::once(0).chain((0..bytes.len()).filter(|&i| ends_line(i)).map(|i| i + 1)).collect();
        Self { text, starts, last: Cell::default() }
    }

    fn byte(&self, marker: &Marker) -> usize {
        let (line, column) = (marker.line().saturating_sub(1), marker.col());
        let Some(&start) = self.starts.get(line) else { return self.text.len() };
        let (from, known) = match self.last.get() {
            (last, at, byte) if last == line && at <= column => (byte, at),
            _ => (start, 0),
        };
        let rest = &self.text[from..];
        let byte = from + rest.char_indices().nth(column - known).map_or(rest.len(), |(byte, _)| byte);
        if byte < self.text.len() {
            self.last.set((line, column, byte));
        }
        byte
    }

    /// Line and column of a byte, both from 1.
    pub(super) fn line_and_column(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|&start| start <= byte);
        let before = self.text.get(self.starts[line - 1]..byte).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    fn place(&self, span: &Span) -> Place {
        let start = self.byte(&span.start);
        Place::File(self.first_line(start..self.byte(&span.end).max(start)))
    }

    /// `range` cut at the end of its first line, without trailing blanks.
    fn first_line(&self, range: Range<usize>) -> Range<usize> {
        let written = &self.text[range.clone()];
        let line = written.split(['\n', '\r']).next().unwrap_or(written);
        range.start..range.start + line.trim_end().len()
    }

    /// Whether a tab stands in the indentation of the line of `byte` or of the line before it.
    fn tab_before(&self, byte: usize) -> bool {
        let line = self.starts.partition_point(|&start| start <= byte);
        let from = self.starts[line.saturating_sub(2)];
        self.text[from..byte].lines().any(|line| line.trim_start_matches(' ').starts_with('\t'))
    }
}
