//! Plain YAML scalars by the core schema of YAML 1.2 (yaml.org/spec/1.2.2, section 10.3.2).
//!
//! Unlike YAML 1.1, `yes`, `no`, `on` and `off` are text and `1e-4` is a number.

/// What a plain scalar means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Resolved {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text,
}

/// Resolves a plain (unquoted) scalar.
pub(super) fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        _ => integer(text).map(Resolved::Int).or_else(|| float(text).map(Resolved::Float)).unwrap_or(Resolved::Text),
    }
}

fn integer(text: &str) -> Option<i128> {
    let based = |digits: &str, radix| {
        // from_str_radix would take a sign here, the core schema does not.
        if digits.starts_with(['+', '-']) { None } else { i128::from_str_radix(digits, radix).ok() }
    };
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    // Rust's own grammar has `inf`, `nan` and `infinity` beyond the digits; the rest is the core schema's.
    let starts_as_number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let all_known = unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if starts_as_number && all_known { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Resolved, resolve};

    /// The examples of the YAML 1.2.2 specification (10.3.2) and the traps of YAML 1.1.
    #[test]
    fn resolves_by_the_core_schema() {
        for (text, expected) in [
            ("", Resolved::Null),
            ("~", Resolved::Null),
            ("TRUE", Resolved::Bool(true)),
            ("0", Resolved::Int(0)),
            ("-19", Resolved::Int(-19)),
            ("+7", Resolved::Int(7)),
            ("0o7", Resolved::Int(7)),
            ("0x3A", Resolved::Int(58)),
            ("010", Resolved::Int(10)),
            ("0.", Resolved::Float(0.0)),
            ("-0.0", Resolved::Float(-0.0)),
            (".5", Resolved::Float(0.5)),
            ("+12e03", Resolved::Float(12000.0)),
            ("-2E+05", Resolved::Float(-200_000.0)),
            ("1e-4", Resolved::Float(1e-4)),
            (".inf", Resolved::Float(f64::INFINITY)),
            ("-.Inf", Resolved::Float(f64::NEG_INFINITY)),
        ] {
            assert_eq!(resolve(text), expected, "{text:?}");
        }
        assert!(matches!(resolve(".NaN"), Resolved::Float(x) if x.is_nan()));
        for text in [
            "yes", "no", "off", "1_000", "1,5", "inf", "nan", "NaN", ".", "-", "+", "e5", "1e", "0x", "0o8", "0x-1",
            "1.2.3", "١",
        ] {
            assert_eq!(resolve(text), Resolved::Text, "{text:?}");
        }
    }
}
