//! The words of a command with a trial's parameters in them.

use std::collections::BTreeMap;

use focalsweep_core::spec::Scalar;

/// The word that stands for all parameters.
const ALL: &str = "${args}";

/// The words of `command`: `${name}` is the parameter of that name, the word `${args}` all of them as `--name=value`.
/// What names no parameter stays as it is; a sweep file that was read has none.
pub(super) fn expanded(command: &[String], parameters: &BTreeMap<String, Scalar>) -> Vec<String> {
    let mut words = Vec::with_capacity(command.len());
    for word in command {
        if word == ALL {
            words.extend(parameters.iter().map(|(name, value)| format!("--{name}={value}")));
            continue;
        }
        let (mut out, mut rest) = (String::with_capacity(word.len()), word.as_str());
        while let Some(at) = rest.find("${") {
            let (before, reference) = rest.split_at(at);
            out.push_str(before);
            let found = reference[2..].split_once('}').and_then(|(name, after)| Some((parameters.get(name)?, after)));
            match found {
                Some((value, after)) => {
                    out.push_str(&value.to_string());
                    rest = after;
                }
                None => {
                    out.push_str("${");
                    rest = &reference[2..];
                }
            }
        }
        out.push_str(rest);
        words.push(out);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_take_the_place_of_their_names() {
        let parameters: BTreeMap<String, Scalar> = [
            ("n".to_owned(), Scalar::Int(31)),
            ("rate".to_owned(), Scalar::Float(0.1)),
            ("kind".to_owned(), Scalar::Text("a ${n} b".to_owned())),
            ("fast".to_owned(), Scalar::Bool(true)),
        ]
        .into();
        let of =
            |words: &[&str]| expanded(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &parameters);
        assert_eq!(of(&["x", "-n${n}", "${rate}${fast}", "${", "$n"]), ["x", "-n31", "0.1true", "${", "$n"]);
        // A value is not looked into.
        assert_eq!(of(&["${kind}"]), ["a ${n} b"]);
        assert_eq!(of(&["${args}"]), ["--fast=true", "--kind=a ${n} b", "--n=31", "--rate=0.1"]);
    }
}
