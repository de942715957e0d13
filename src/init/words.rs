//! Words of a sweep file.

/// The split where few positives choose.
pub(super) const FOLDS: &str = "{folds: 5}";

/// Text as a value of YAML: as it is where that is plain and means itself, else in quotes.
pub(super) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.'))
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' '))
        && !text.ends_with(' ')
        && !matches!(text.to_lowercase().as_str(), "null" | "." | "..");
    if plain { text.to_owned() } else { quoted(text) }
}

/// Text in double quotes, which are JSON's too.
pub(super) fn quoted(text: &str) -> String {
    focalsweep_core::spec::escaped(serde_json::Value::from(text).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_come_back(name in "[ -~é\\n\\t\u{85}]{1,12}") {
            for written in [scalar(&name), quoted(&name)] {
                let text = format!(
                    "name: a\ndata: {{source: a.csv, label: the label, categorical: [{}]}}\nparameters: {{}}\n",
                    quoted(&name)
                );
                let spec = focalsweep_core::spec::parse("t", &text).unwrap();
                prop_assert_eq!(&spec.data.categorical, std::slice::from_ref(&name));
                let text = format!("name: a\ndata:\n  source: a.csv\n  label: {written}  # why\nparameters: {{}}\n");
                let spec = focalsweep_core::spec::parse("t", &text).unwrap();
                prop_assert_eq!(spec.data.label, name.clone());
            }
        }
    }
}
