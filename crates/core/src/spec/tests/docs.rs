//! docs/spec.md says what the reader does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::parameters::{PARAMETERS, ReadBy};
use super::super::words::Word;
use super::super::{json_schema, keys};
use super::read;

const PAGE: &str = include_str!("../../../../../docs/spec.md");

/// The rows of the table under a heading, as cells.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let after = PAGE.split_once(&format!("\n## {heading}\n")).unwrap().1;
    let section = after.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

fn documented(heading: &str) -> Vec<&'static str> {
    table(heading).iter().map(|cells| cells[0].trim_matches('`')).collect()
}

/// Every key that the schema has below `at`, but for what stands under `parameters`.
fn schema_keys(schema: &Value, at: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(pointer) = at["$ref"].as_str() {
        return schema_keys(schema, schema.pointer(pointer.trim_start_matches('#')).unwrap(), path, found);
    }
    for option in ["anyOf", "oneOf"].iter().flat_map(|key| at[key].as_array().into_iter().flatten()) {
        schema_keys(schema, option, path, found);
    }
    for (key, property) in at["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if path != "parameters" {
            schema_keys(schema, property, &path, found);
        }
        found.insert(path);
    }
}

#[test]
fn every_key_that_is_read_is_documented_and_no_other() {
    let schema = json_schema();
    let mut known = BTreeSet::new();
    schema_keys(&schema, &schema, "", &mut known);
    // A part that is nothing but its keys needs no line of its own.
    let is_part = |key: &String| known.iter().any(|other| other.starts_with(&format!("{key}.")));
    let listed: Vec<&str> = documented("Keys");
    let there: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(there.len(), listed.len(), "a key stands there twice");
    let missing: Vec<&String> = known.iter().filter(|key| !there.contains(key.as_str()) && !is_part(key)).collect();
    assert!(missing.is_empty(), "docs/spec.md lacks {missing:?}");
    let unknown: Vec<&&str> = there.iter().filter(|key| !known.contains(**key)).collect();
    assert!(unknown.is_empty(), "docs/spec.md names {unknown:?}, which are not read");
    assert!(listed.len() > 50, "{listed:?}");
}

/// Whatever the schema says: the reader itself knows each key that the page names, in tables and in lists of keys.
#[test]
fn the_reader_takes_every_documented_key() {
    let parameters = documented("Parameters").into_iter().map(|name| format!("parameters.{name}"));
    let domains = documented("Values of a parameter").into_iter().map(|name| format!("parameters.gamma.{name}"));
    for key in documented("Keys").into_iter().map(str::to_owned).chain(parameters).chain(domains) {
        // Which takes all that a grid does.
        let text = "name: a\ndata: {source: a.csv, label: y}\nmethod: random\nparameters: {loss: {value: focal}}\n";
        // Nearly no key takes this; the fault must not be that the key is not known.
        let lines = read(text, &[(&key, "{no_such_key: 1}")]).err().unwrap_or_default();
        let is_unknown = |line: &String| line.contains(&format!("{key}: unknown key"));
        assert!(!lines.iter().any(is_unknown), "{key}: {lines:?}");
    }
    let lines = read("name: a\ndata: {source: a.csv, label: y}\nparameters: {loss: {value: bce}}\n", &[("nmae", "1")]);
    assert!(lines.unwrap_err()[0].contains("nmae: unknown key"), "the words are those that this test looks for");
}

#[test]
fn parameters_are_documented_as_their_table_has_them() {
    let rows = PARAMETERS.iter().map(|parameter| {
        let read_by = match parameter.read_by {
            ReadBy::EveryTrial => "every trial".to_owned(),
            ReadBy::Losses(losses) => {
                losses.iter().map(|loss| format!("`{}`", loss.word())).collect::<Vec<_>>().join(", ")
            }
            ReadBy::Samplings(samplings) => {
                samplings.iter().map(|sampling| format!("`{}`", sampling.word())).collect::<Vec<_>>().join(", ")
            }
        };
        let cells = [format!("`{}`", parameter.name), read_by, parameter.default.into(), parameter.about.into()];
        format!("| {} |\n", cells.join(" | "))
    });
    let header = "| parameter | read by | default | meaning |\n|---|---|---|---|\n".to_owned();
    let expected: String = std::iter::once(header).chain(rows).collect();
    assert!(PAGE.contains(&expected), "docs/spec.md, Parameters, is to have\n\n{expected}");
    assert_eq!(documented("Values of a parameter"), keys::DRAWN);
    assert_eq!(documented("Trainers"), keys::TRAINER);
}
