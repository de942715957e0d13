//! `${VAR}` in the values of a sweep file.
//!
//! `${NAME}` stands for a variable of the environment, `${NAME:-text}` for `text` where it is not set or empty, `$${`
//! for the characters `${`; any other `$` is itself. Lines of `launch.slurm.setup` are shell, which reads them itself;
//! in the command of a trainer `${name}` is a parameter of the trial.

use super::fields::{Reader, join};
use super::node::{Kind, Node};

/// The value of a variable; `None` where it is not set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Lines of shell, whose references are left to it.
const SHELL: &str = "launch.slurm.setup";
/// What stands for `${` itself.
const ESCAPED: &str = "$${";

impl Reader {
    /// Puts variables in the place of the references in all values below `node`. Without an environment, as in a file
    /// that was recorded, references are text.
    pub(super) fn expand(&mut self, node: &mut Node, path: &str, environment: Option<Environment<'_>>) {
        match &mut node.kind {
            Kind::Scalar { text, .. } if text.contains("${") => match expanded(text, environment) {
                Ok(value) => *text = value,
                Err((message, help)) => self.syntax_at(node.place.clone(), path, message, Some(help)),
            },
            Kind::Scalar { .. } => {}
            Kind::List(items) => {
                let environment = environment.filter(|_| path != SHELL && !is_command(path));
                for (index, item) in items.iter_mut().enumerate() {
                    self.expand(item, &join(path, &index.to_string()), environment);
                }
            }
            Kind::Map(entries) => {
                for entry in entries {
                    if entry.key.contains(ESCAPED) {
                        entry.key = entry.key.replace(ESCAPED, "${");
                    }
                    self.expand(&mut entry.value, &join(path, &entry.key), environment);
                }
            }
        }
    }
}

/// Whether it is a command of a trainer.
fn is_command(path: &str) -> bool {
    let key = path.strip_prefix("trainers.").and_then(|path| path.split_once('.'));
    key.is_some_and(|(_, key)| key == "command" || key == "predict")
}

/// The text with its references replaced, or what is wrong with one and the way out.
fn expanded(text: &str, environment: Option<Environment<'_>>) -> Result<String, (String, String)> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let escape = rest[..at].ends_with('$').then(|| at - 1);
        let (Some(environment), None) = (environment, escape) else {
            out.push_str(&rest[..escape.unwrap_or(at)]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        };
        out.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let literal = "write `$${` where the characters `${` are meant".to_owned();
        let reference = inside.split_once('}').and_then(|(inside, after)| {
            let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, text)| (name, Some(text)));
            let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            let fits = starts && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            fits.then_some((name, default, after))
        });
        let Some((name, default, after)) = reference else {
            let message = "found `${` without the name of a variable, expected `${NAME}` or `${NAME:-text}`".to_owned();
            return Err((message, literal));
        };
        match (environment(name), default) {
            (Some(value), None) => out.push_str(&value),
            (Some(value), Some(_)) if !value.is_empty() => out.push_str(&value),
            (_, Some(default)) => out.push_str(default),
            (None, None) => {
                let message = format!("the environment has no variable `{name}`");
                return Err((
                    message,
                    format!("set it (`export {name}=…`), give a default (`${{{name}:-…}}`), or {literal}"),
                ));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// YAML or JSON text that was made of values, so that they read back as they are: `$${` for each `${`.
pub fn escaped(text: String) -> String {
    if text.contains("${") { text.replace("${", ESCAPED) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn in_environment(text: &str) -> Result<String, (String, String)> {
        let variables = |name: &str| match name {
            "DIR" => Some("/data/${x}".to_owned()),
            "_2" => Some(String::new()),
            _ => None,
        };
        expanded(text, Some(&variables))
    }

    #[test]
    fn references_are_replaced_once() {
        for (text, value) in [
            ("${DIR}/rows.csv", "/data/${x}/rows.csv"),
            ("a${_2}b${_2:-c}", "abc"),
            ("${NO:-d/${_2}}", "d/${_2}"),
            ("${NO:-}", ""),
            ("$DIR $ $$ $${DIR} $$${DIR}", "$DIR $ $$ ${DIR} $${DIR}"),
        ] {
            assert_eq!(in_environment(text).as_deref(), Ok(value), "{text}");
        }
        for (text, word) in [("a ${NO}", "`NO`"), ("${", "without"), ("${a b}", "without"), ("${1}", "without")] {
            assert!(in_environment(text).unwrap_err().0.contains(word), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_reads_back(text in "[$\\{\\}aA:-]{0,12}") {
            prop_assert_eq!(expanded(&escaped(text.clone()), None).unwrap(), text.clone());
            prop_assert_eq!(in_environment(&escaped(text.clone())).unwrap(), text);
        }
    }
}
