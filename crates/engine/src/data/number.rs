//! Numbers as they are written: for programs, and for people, with currency signs, percent signs and groups of digits.

use std::borrow::Cow;

/// Signs and codes of currencies that are known.
const CURRENCIES: [&str; 22] = [
    "R$", "US$", "A$", "C$", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₫", "₴", "USD", "EUR", "GBP", "CHF", "JPY",
    "CNY", "INR", "kr",
];

/// The marks of a file's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    /// Before the decimals, `.` or `,`.
    pub(super) decimal: char,
    /// Between groups of three digits; `None`: there are no groups but in numbers for people.
    pub(super) thousands: Option<char>,
}

impl Default for Marks {
    fn default() -> Self {
        Self { decimal: '.', thousands: None }
    }
}

/// What makes a number one for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Writing {
    /// A currency, a percent sign, parentheses for a minus, groups of digits.
    Adorned,
    /// Only with the other decimal mark, as `630,00` where the mark is a point.
    OtherDecimal,
}

impl Marks {
    /// A number for programs; may be NaN or infinite where that is written out.
    pub(super) fn plain(self, text: &str) -> Option<f64> {
        match self {
            Self { decimal: '.', thousands: None } => text.parse().ok(),
            Self { decimal, thousands } => {
                let digits = match thousands {
                    Some(mark) if text.contains(mark) => Cow::Owned(ungrouped(text, mark, decimal)?),
                    _ => Cow::Borrowed(text),
                };
                match decimal {
                    '.' => digits.parse().ok(),
                    _ if digits.contains('.') => None,
                    _ => digits.replace(decimal, ".").parse().ok(),
                }
            }
        }
    }

    /// A number for people, or for programs: `$1,234.50`, `13.5%` (which is 13.5), `(20.00)` (which is -20), `1 234`.
    pub(super) fn adorned(self, text: &str) -> Option<f64> {
        if let Some(value) = self.plain(text) {
            return Some(value);
        }
        let (bare, sign) = bare(text)?;
        let value = self.plain(bare).or_else(|| {
            let marks = [',', '.', ' ', '\'', '\u{a0}', '\u{202f}'];
            let mut marks = marks.iter().filter(|&&mark| mark != self.decimal && bare.contains(mark));
            let mark = *marks.next()?;
            let unmarked = ungrouped(bare, mark, self.decimal)?;
            Self { thousands: None, ..self }.plain(&unmarked)
        })?;
        // Words such as `inf` wear nothing.
        value.is_finite().then_some(sign * value)
    }

    /// How a text that is no plain number is one for people; `None` where it is none.
    pub(super) fn writing(self, text: &str) -> Option<Writing> {
        if self.adorned(text).is_some() {
            return Some(Writing::Adorned);
        }
        let other = Self { decimal: if self.decimal == '.' { ',' } else { '.' }, thousands: None };
        other.adorned(text).map(|_| Writing::OtherDecimal)
    }
}

/// The text without currency, percent sign and parentheses, and the sign that these and a leading `-` make.
fn bare(text: &str) -> Option<(&str, f64)> {
    let (mut rest, mut sign) = (text.trim(), 1.0);
    if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        (rest, sign) = (inner.trim(), -1.0);
    }
    let mut strip_sign = |rest: &mut &str| {
        let minus = rest.strip_prefix(['-', '\u{2212}']);
        if let Some(after) = minus.or_else(|| rest.strip_prefix('+')) {
            sign *= if minus.is_some() { -1.0 } else { 1.0 };
            *rest = after.trim_start();
            return true;
        }
        false
    };
    let signed = strip_sign(&mut rest);
    let before = CURRENCIES.iter().find_map(|sign| rest.strip_prefix(sign));
    if let Some(after) = before {
        rest = after.trim_start();
        if !signed {
            strip_sign(&mut rest);
        }
    } else if let Some(before) = CURRENCIES.iter().find_map(|sign| rest.strip_suffix(sign)) {
        rest = before.trim_end();
    } else if let Some(before) = rest.strip_suffix('%') {
        rest = before.trim_end();
    }
    rest.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',').then_some((rest, sign))
}

/// `1,234,567.89` as `1234567.89`: groups of three digits after a first one of one to three that does not begin with 0.
fn ungrouped(text: &str, mark: char, decimal: char) -> Option<String> {
    let (whole, decimals) = match text.split_once(decimal) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (text, None),
    };
    let (sign, digits) = match whole.strip_prefix(['-', '+']) {
        Some(digits) => (&whole[..1], digits),
        None => ("", whole),
    };
    let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = digits.split(mark);
    let first = groups.next().filter(|first| (1..=3).contains(&first.len()) && !first.starts_with('0'))?;
    let fits = is_digits(first) && groups.all(|group| group.len() == 3 && is_digits(group));
    fits.then(|| {
        let mut number = format!("{sign}{}", digits.replace(mark, ""));
        if let Some(decimals) = decimals {
            number.push(decimal);
            number += decimals;
        }
        number
    })
}

/// Whether a text is a whole number that begins with zeros it does not need, such as a code of digits.
pub(super) fn has_leading_zero(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    digits.len() > 1 && digits[0] == b'0' && digits.iter().all(u8::is_ascii_digit)
}

/// Whether a text is a whole number beyond 2^53 that the nearest double does not say: so it is an identifier, or more
/// exact than can be told here.
pub(super) fn is_too_long(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.len() >= 16
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.parse::<f64>().is_ok_and(|value| value.to_string() != digits.trim_start_matches('0'))
}
