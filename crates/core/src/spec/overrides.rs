//! `--set KEY=VALUE`: nodes of the tree replaced or added by dotted path.

use super::keys;
use super::node::{Entry, Kind, MAX_DEPTH, Node, Place};

/// Puts `value` at `path`, such as `train.epochs` or `parameters.0.alpha.value`. Mappings on the way are made where
/// they are missing.
///
/// # Errors
/// What is wrong with the path.
pub(super) fn apply(root: &mut Node, path: &str, value: Node) -> Result<(), String> {
    let segments: Vec<&str> = path.split('.').collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Err("expected KEY as keys joined by dots, such as `train.epochs`".into());
    }
    if segments.len() >= MAX_DEPTH {
        return Err(format!("nested deeper than {MAX_DEPTH} levels"));
    }
    let place = value.place.clone();
    let mut node = root;
    let mut parent = String::new();
    for &segment in &segments {
        if node.is_null() {
            *node = Node { place: place.clone(), kind: Kind::Map(Vec::new()) };
        }
        node = match &mut node.kind {
            Kind::Scalar { .. } => return Err(format!("`{parent}` is a single value, it has no keys")),
            Kind::List(items) => {
                let count = items.len();
                let item = segment.parse::<usize>().ok().and_then(|index| items.get_mut(index));
                item.ok_or_else(|| format!("`{parent}` is a list of {count}, expected an index from 0 after it"))?
            }
            Kind::Map(entries) => {
                entries.retain(|entry| !keys::are_rivals(&parent, &entry.key, segment));
                child(entries, segment, &place)
            }
        };
        if !parent.is_empty() {
            parent.push('.');
        }
        parent.push_str(segment);
    }
    *node = value;
    Ok(())
}

/// The value under `key`, made if missing.
fn child<'a>(entries: &'a mut Vec<Entry>, key: &str, place: &Place) -> &'a mut Node {
    let index = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        let value = Node { place: place.clone(), kind: Kind::Map(Vec::new()) };
        entries.push(Entry { key: key.to_owned(), key_place: place.clone(), value });
        entries.len() - 1
    });
    &mut entries[index].value
}
