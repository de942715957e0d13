//! Spans of time: `7d`, or a number where time is counted in numbers.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// How far two times are apart, at least 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// How many.
    amount: f64,
    /// Of what; `None`: of what the column counts in.
    unit: Option<TimeUnit>,
}

/// What a span is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeUnit {
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
}

/// The letter of each unit and its seconds.
const UNITS: [(char, TimeUnit, f64); 5] = [
    ('s', TimeUnit::Seconds, 1.0),
    ('m', TimeUnit::Minutes, 60.0),
    ('h', TimeUnit::Hours, 3_600.0),
    ('d', TimeUnit::Days, 86_400.0),
    ('w', TimeUnit::Weeks, 604_800.0),
];

impl Span {
    /// What is expected where one is to be.
    pub(in crate::spec) const EXPECTED: &'static str =
        "a span such as `7d` (s, m, h, d or w), or a number where the column is numbers";

    /// A span of a column of numbers; `None` for one that is negative or not finite.
    pub fn number(amount: f64) -> Option<Self> {
        (amount.is_finite() && amount >= 0.0).then_some(Self { amount, unit: None })
    }

    /// Reads `7d`, `1.5h`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (letter, unit, _) = UNITS.into_iter().find(|(letter, ..)| text.ends_with(*letter))?;
        let digits = text.strip_suffix(letter)?;
        let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let amount = digits.parse().ok().filter(|_| is_number)?;
        Some(Self { unit: Some(unit), ..Self::number(amount)? })
    }

    /// Its seconds; `None` for a plain number.
    pub fn seconds(self) -> Option<f64> {
        let (_, _, seconds) = UNITS.into_iter().find(|(_, unit, _)| Some(*unit) == self.unit)?;
        Some(self.amount * seconds)
    }

    /// Its number; `None` for one of time.
    pub fn plain(self) -> Option<f64> {
        self.unit.is_none().then_some(self.amount)
    }

    /// Whether it is none at all.
    pub fn is_zero(self) -> bool {
        self.amount == 0.0
    }

    /// Whether it is shorter than another; `None` where one is of time and the other a number.
    pub(in crate::spec) fn is_below(self, other: Self) -> Option<bool> {
        let both = self.seconds().zip(other.seconds()).or(self.plain().zip(other.plain()));
        both.map(|(one, other)| one < other)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = UNITS.iter().find(|(_, unit, _)| Some(*unit) == self.unit).map(|(letter, ..)| letter.to_string());
        write!(f, "{}{}", self.amount, letter.unwrap_or_default())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.plain() {
            Some(amount) => serializer.serialize_f64(amount),
            None => serializer.collect_str(self),
        }
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "string", "pattern": "^[0-9]+(\\.[0-9]*)?[smhdw]$"},
            {"type": "number", "minimum": 0},
        ]})
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn spans_are_read_and_written_alike() {
        for (text, seconds) in
            [("90s", 90.0), ("1.5h", 5_400.0), ("7d", 604_800.0), ("1w", 604_800.0), ("0d", 0.0), ("2m", 120.0)]
        {
            let span = Span::parse(text).unwrap();
            assert_eq!((span.seconds(), span.plain(), span.to_string().as_str()), (Some(seconds), None, text));
        }
        for text in ["", "d", "7", "-7d", "7 d", "7days", "1e3d", "+1d", "infd", "1..2d", ".5d", "7D"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
        assert_eq!(Span::number(-1.0), None);
        assert_eq!(Span::parse("7d").unwrap().is_below(Span::parse("1w").unwrap()), Some(false));
        assert_eq!(Span::parse("6d").unwrap().is_below(Span::parse("1w").unwrap()), Some(true));
        assert_eq!(Span::parse("6d").unwrap().is_below(Span::number(7.0).unwrap()), None);
    }
}
