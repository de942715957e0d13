//! Typed readers of single fields. A reader notes a fault and answers `None`, so that reading goes on and finds all.

use std::collections::{BTreeMap, HashMap};

use super::bounds::{Bounds, End};
use super::fault::MOST_FAULTS;
use super::keys;
use super::node::{Entry, Kind, Node, Place};
use super::scalar::{Resolved, resolve};
use super::types::Method;
use super::words::Word;

/// A fault before its place is told in lines and columns.
#[derive(Debug)]
pub(super) struct RawFault {
    pub(super) place: Place,
    pub(super) path: String,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Of a key that is there twice: the byte at which it was first written.
    pub(super) first: Option<usize>,
}

/// A value, the place of its key and its path.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    pub(super) node: &'a Node,
    pub(super) key_place: Place,
    pub(super) path: String,
}

/// A mapping whose keys have been checked.
pub(super) struct Section<'a> {
    pub(super) path: String,
    pub(super) key_place: Place,
    fields: Vec<(&'static str, At<'a>)>,
}

impl<'a> Section<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&At<'a>> {
        self.fields.iter().find(|(name, _)| *name == key).map(|(_, at)| at)
    }

    /// As [`Section::get`], for keys that `null` takes away.
    pub(super) fn get_some(&self, key: &str) -> Option<&At<'a>> {
        self.get(key).filter(|at| at.node.is_blank() || !at.node.is_null())
    }

    /// The keys that are there, in the order of the file.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &At<'a>)> {
        self.fields.iter().map(|(key, at)| (*key, at))
    }
}

/// Collects the faults of a file.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) faults: Vec<RawFault>,
    /// Whether the file is one that a run recorded.
    pub(super) recorded: bool,
    /// How trials are chosen, which says what a parameter may be.
    pub(super) method: Method,
    /// Names of the trainers that the file has, each with the parameters that its command names; `None` where they
    /// could not be read.
    pub(super) trainers: Option<BTreeMap<String, Vec<String>>>,
    /// Values of which it is told already that they cannot be read.
    pub(super) broken: Vec<(Place, String)>,
}

impl Reader {
    /// Notes a fault of a value.
    pub(super) fn fault(&mut self, at: &At<'_>, message: impl Into<String>, help: Option<String>) {
        self.fault_at(at.node.place.clone(), &at.path, message, help);
    }

    pub(super) fn fault_at(&mut self, place: Place, path: &str, message: impl Into<String>, help: Option<String>) {
        self.note(RawFault { place, path: path.to_owned(), message: message.into(), help, first: None });
    }

    /// Notes that a value cannot be read at all, so that nothing else is told of it.
    pub(super) fn syntax_at(&mut self, place: Place, path: &str, message: String, help: Option<String>) {
        self.fault_at(place.clone(), path, message, help);
        if !self.is_full() {
            self.broken.push((place, path.to_owned()));
        }
    }

    fn note(&mut self, fault: RawFault) {
        // All values of an override have one place.
        let is_of = |(place, path): &(Place, String)| {
            *place == fault.place && (matches!(place, Place::File(_)) || *path == fault.path)
        };
        if !self.is_full() && !self.broken.iter().any(is_of) {
            self.faults.push(fault);
        }
    }

    /// Whether nothing more will be told.
    fn is_full(&self) -> bool {
        self.faults.len() >= MOST_FAULTS
    }

    pub(super) fn expected(&mut self, at: &At<'_>, expected: &str, help: Option<String>) {
        self.fault(at, format!("found {}, expected {expected}", describe(at.node)), help);
    }

    /// A key without which nothing can be run.
    pub(super) fn required<'s, 'a>(&mut self, section: &'s Section<'a>, key: &str, what: &str) -> Option<&'s At<'a>> {
        let found = section.get(key);
        if found.is_none() {
            let path = join(&section.path, key);
            self.fault_at(section.key_place.clone(), &path, format!("missing, expected {what}"), None);
        }
        found
    }

    /// A mapping with some of these keys. Unknown keys and keys that are there twice are faults; a misspelt key is read
    /// as the one that is nearest, so that it does not also count as missing.
    pub(super) fn section<'a>(&mut self, at: &At<'a>, known: &'static [&'static str]) -> Option<Section<'a>> {
        let Kind::Map(entries) = &at.node.kind else {
            self.expected(at, "a mapping", Some(valid_keys(known)));
            return None;
        };
        let mut fields: Vec<(&'static str, At<'a>)> = Vec::new();
        let mut first: HashMap<&str, &Entry> = HashMap::new();
        for entry in entries {
            if self.is_full() {
                break;
            }
            let path = join(&at.path, &entry.key);
            if let Some(earlier) = first.get(entry.key.as_str()) {
                self.duplicate(&path, entry, earlier);
                continue;
            }
            first.insert(&entry.key, entry);
            let exact = known.iter().find(|key| **key == entry.key).copied();
            let meant = match exact {
                Some(key) => Some(key),
                None => {
                    let is_there = |key: &str| entries.iter().any(|entry| entry.key == key);
                    self.unknown(&path, entry, known).filter(|key| !is_there(key))
                }
            };
            if let Some(key) = meant
                && fields.iter().all(|(name, _)| *name != key)
            {
                fields.push((key, At { node: &entry.value, key_place: entry.key_place.clone(), path }));
            }
        }
        Some(Section { path: at.path.clone(), key_place: at.key_place.clone(), fields })
    }

    /// Notes an unknown key and answers the one that it was meant to be.
    fn unknown(&mut self, path: &str, entry: &Entry, known: &'static [&'static str]) -> Option<&'static str> {
        let foreign = keys::foreign(&entry.key).filter(|_| !path.contains('.') || keys::home(&entry.key).is_none());
        let home = if foreign.is_none() { keys::home(&entry.key) } else { None };
        let nearest = if home.is_none() && foreign.is_none() { keys::nearest(&entry.key, known) } else { None };
        let help = match (foreign, home.as_deref().or(nearest)) {
            (Some(what), _) => format!("{what}; {}", valid_keys(known)),
            (None, Some(key)) => format!("did you mean `{key}`? {}", valid_keys(known)),
            (None, None) => valid_keys(known),
        };
        self.fault_at(entry.key_place.clone(), path, "unknown key", Some(help));
        nearest
    }

    fn duplicate(&mut self, path: &str, entry: &Entry, earlier: &Entry) {
        let first = match &earlier.key_place {
            Place::File(range) => Some(range.start),
            Place::Override(_) => None,
        };
        let message = "this key is there twice, expected it once".to_owned();
        self.note(RawFault { place: entry.key_place.clone(), path: path.to_owned(), message, help: None, first });
    }

    /// A mapping with keys of the user's own, such as column names.
    pub(super) fn mapping<'a>(&mut self, at: &At<'a>, what: &str) -> Option<Vec<(&'a str, At<'a>)>> {
        let Kind::Map(entries) = &at.node.kind else {
            self.expected(at, what, None);
            return None;
        };
        let mut fields: Vec<(&str, At<'a>)> = Vec::new();
        let mut first: HashMap<&str, &Entry> = HashMap::new();
        for entry in entries {
            let path = join(&at.path, &entry.key);
            match first.get(entry.key.as_str()) {
                Some(earlier) => self.duplicate(&path, entry, earlier),
                None => {
                    first.insert(&entry.key, entry);
                    fields.push((&entry.key, At { node: &entry.value, key_place: entry.key_place.clone(), path }));
                }
            }
        }
        Some(fields)
    }

    /// The items of a list.
    pub(super) fn list<'a>(&mut self, at: &At<'a>, what: &str) -> Option<Vec<At<'a>>> {
        let Kind::List(items) = &at.node.kind else {
            let help = match &at.node.kind {
                Kind::Scalar { text, .. } if !text.is_empty() => Some(format!("write `[{}]`", flow(at.node))),
                _ => None,
            };
            self.expected(at, what, help);
            return None;
        };
        let item = |(index, node): (usize, &'a Node)| At {
            node,
            key_place: node.place.clone(),
            path: join(&at.path, &index.to_string()),
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// A finite number.
    pub(super) fn number(&mut self, at: &At<'_>, bounds: Bounds) -> Option<f64> {
        let number = match at.node.resolved() {
            Some(Resolved::Int(x)) => Some(x as f64),
            Some(Resolved::Float(x)) => Some(x),
            _ => None,
        };
        let fits = number.filter(|x| x.is_finite() && bounds.holds(*x));
        if fits.is_none() {
            let help = if number.is_none() { number_help(at.node) } else { None };
            self.expected(at, bounds.words, help);
        }
        fits
    }

    /// A whole number; `1e3` and `1000.0` are taken too.
    pub(super) fn whole<T: TryFrom<u64>>(&mut self, at: &At<'_>, low: u64, high: u64) -> Option<T> {
        let number = match at.node.resolved() {
            Some(Resolved::Int(x)) => Some(x),
            // Beyond 2^53 a float no longer says which whole number is meant.
            Some(Resolved::Float(x)) if x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0 => Some(x as i128),
            _ => None,
        };
        let fits = number.filter(|x| (i128::from(low)..=i128::from(high)).contains(x));
        let value = fits.and_then(|x| u64::try_from(x).ok()).and_then(|x| T::try_from(x).ok());
        if value.is_none() {
            let expected = match number {
                Some(x) if x > i128::from(high) => format!("a whole number of at most {high}"),
                _ => format!("a whole number of at least {low}"),
            };
            let help = if number.is_none() { number_help(at.node) } else { None };
            self.expected(at, &expected, help);
        }
        value
    }

    /// As [`Reader::whole`], with both ends of `bounds` belonging to it.
    pub(super) fn whole_within<T: TryFrom<u64>>(&mut self, at: &At<'_>, bounds: Bounds) -> Option<T> {
        let end = |end: End, without: u64| match end {
            End::At(value) | End::Beyond(value) => value as u64,
            End::Open => without,
        };
        self.whole(at, end(bounds.low, 0), end(bounds.high, u64::MAX))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, at: &At<'_>) -> Option<bool> {
        if let Some(Resolved::Bool(value)) = at.node.resolved() {
            return Some(value);
        }
        let help = match &at.node.kind {
            Kind::Scalar { text, .. } => match text.to_lowercase().as_str() {
                "yes" | "y" | "on" | "1" | "true" => Some("write `true`".to_owned()),
                "no" | "n" | "off" | "0" | "false" => Some("write `false`".to_owned()),
                _ => None,
            },
            Kind::List(_) | Kind::Map(_) => None,
        };
        self.expected(at, "true or false", help);
        None
    }

    /// Text that is not empty; a number or boolean is taken as it is written.
    pub(super) fn text<'a>(&mut self, at: &At<'a>, what: &str) -> Option<&'a str> {
        match &at.node.kind {
            Kind::Scalar { text, .. } if !text.is_empty() && !at.node.is_null() => Some(text),
            _ => {
                self.expected(at, what, None);
                None
            }
        }
    }

    /// One of the known words.
    pub(super) fn word<T: Word>(&mut self, at: &At<'_>) -> Option<T> {
        let written = match &at.node.kind {
            Kind::Scalar { text, .. } => text.as_str(),
            Kind::List(_) | Kind::Map(_) => "",
        };
        if let Some((_, value)) = T::WORDS.iter().find(|(word, _)| *word == written) {
            return Some(*value);
        }
        let known: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
        let help = keys::nearest(written, &known).map(|word| format!("did you mean `{word}`?"));
        self.expected(at, &one_of(&known), help);
        None
    }
}

/// `a`, `b` or `c`.
pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn valid_keys(known: &[&str]) -> String {
    format!("valid keys: {}", known.join(", "))
}

/// `parent.key`, or `key` at the top.
pub(super) fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") }
}

/// What a message says was found.
pub(super) fn describe(node: &Node) -> String {
    match (&node.kind, node.resolved()) {
        (Kind::List(items), _) if items.is_empty() => "an empty list".into(),
        (Kind::List(_), _) => "a list".into(),
        (Kind::Map(entries), _) if entries.is_empty() => "an empty mapping".into(),
        (Kind::Map(_), _) => "a mapping".into(),
        (Kind::Scalar { text, plain: true }, _) if text.is_empty() => "nothing".into(),
        (Kind::Scalar { text, .. }, Some(Resolved::Text)) => format!("the text `{}`", shorten(text)),
        (Kind::Scalar { text, .. }, _) => format!("`{}`", shorten(text)),
    }
}

/// At most 40 characters.
fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(39).chain(['…']).collect() }
}

/// The node as one line of YAML, shortened, for messages that show what to write.
pub(super) fn flow(node: &Node) -> String {
    shorten(&match &node.kind {
        Kind::Scalar { text, .. } => text.clone(),
        Kind::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Kind::Map(_) => "{…}".to_owned(),
    })
}

/// What to write where text stands for a number.
fn number_help(node: &Node) -> Option<String> {
    let Kind::Scalar { text, plain } = &node.kind else { return None };
    let is_number = |text: &str| matches!(resolve(text), Resolved::Int(_) | Resolved::Float(_));
    let bare = text.replace('_', "");
    match plain {
        false if is_number(text) => Some("take the quotes off".into()),
        true if is_number(&bare) && bare != *text => Some(format!("write `{bare}`")),
        _ => None,
    }
}
