//! Points in time as they are written in files: ISO 8601 to microseconds since 1970 in UTC, and back.

/// What stands for a time that is missing.
pub(super) const MISSING: i64 = i64::MIN;
/// Microseconds of a second, an hour and a day.
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
pub(super) const DAY: i64 = 24 * HOUR;

/// A point in time that was read, and whether its zone stood there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// Microseconds since 1970-01-01 00:00 UTC.
    pub(super) micros: i64,
    /// Whether `Z` or an offset was written; without one it is taken as UTC.
    pub(super) zoned: bool,
}

/// A date (`2024-02-29`), or a date and a time (`2024-02-29T12:30:00.25+01:00`), by ISO 8601 as programs write it: four
/// digits of a year, `T` or a blank, seconds and their fraction if there are any, then `Z`, ` UTC`, an offset or
/// nothing. What is finer than a microsecond is cut off. `None` for all else, also for days that no calendar has.
pub(super) fn parse(text: &str) -> Option<Written> {
    let mut cursor = Cursor(text.as_bytes());
    let (year, _, month, _, day) =
        (cursor.digits(4)?, cursor.byte(b"-")?, cursor.digits(2)?, cursor.byte(b"-")?, cursor.digits(2)?);
    if !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let midnight = days_since_1970(year, month, day) * DAY;
    if cursor.0.is_empty() {
        return Some(Written { micros: midnight, zoned: false });
    }
    cursor.byte(b"Tt ")?;
    let (hour, _, minute) = (cursor.digits(2)?, cursor.byte(b":")?, cursor.digits(2)?);
    let mut micros = hour * HOUR + minute * 60 * SECOND;
    let mut second = 0;
    if cursor.byte(b":").is_some() {
        second = cursor.digits(2)?;
        micros += second * SECOND;
        if cursor.byte(b".,").is_some() {
            micros += cursor.fraction()?;
        }
    }
    let offset = cursor.offset()?;
    let fits = hour < 24 && minute < 60 && second < 60 && cursor.0.is_empty();
    fits.then(|| Written { micros: midnight + micros - offset.unwrap_or(0), zoned: offset.is_some() })
}

/// A day as `20240229`, which is ISO 8601 as well but looks like a number: read where a column is said to hold times.
pub(super) fn parse_compact(text: &str) -> Option<Written> {
    let (year, rest) = text.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    if day.len() == 2 { parse(&format!("{year}-{month}-{day}")) } else { None }
}

/// How a point in time is written: `2024-02-29`, or with the time `2024-02-29 12:30:00` and its fraction where there is
/// one; in UTC.
pub(super) fn in_words(micros: i64) -> String {
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest == 0 {
        return date;
    }
    let (seconds, fraction) = (rest / SECOND, rest % SECOND);
    let time = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = format!("{fraction:06}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{date} {time}") } else { format!("{date} {time}.{fraction}") }
}

/// Days from one point in time to another; NaN where it is missing.
pub(super) fn days_since(micros: i64, since: i64) -> f64 {
    if micros == MISSING { f64::NAN } else { micros.saturating_sub(since) as f64 / DAY as f64 }
}

/// Sine and cosine of the time of the day on a circle of 24 hours, UTC.
pub(super) fn on_the_clock(micros: i64) -> (f64, f64) {
    (std::f64::consts::TAU * of_day(micros) as f64 / DAY as f64).sin_cos()
}

/// Microseconds since midnight, UTC.
pub(super) fn of_day(micros: i64) -> i64 {
    micros.rem_euclid(DAY)
}

/// The day of the week, 0 for Monday, UTC.
pub(super) fn weekday(micros: i64) -> usize {
    // The first of January 1970 was a Thursday.
    (micros.div_euclid(DAY) + 3).rem_euclid(7) as usize
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar: years begin in March, so that the leap day is the
/// last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The year, month and day of a day since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

/// What is left of a text.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let mut value = 0;
        for digit in digits {
            value = 10 * value + i64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        self.0 = rest;
        Some(value)
    }

    /// One of these bytes.
    fn byte(&mut self, any: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        any.contains(&first).then(|| {
            self.0 = rest;
            first
        })
    }

    /// The digits of a fraction of a second, at least one, in microseconds.
    fn fraction(&mut self) -> Option<i64> {
        let (mut value, mut unit, mut any) = (0, SECOND / 10, false);
        while let Some((digit, rest)) = self.0.split_first().filter(|(digit, _)| digit.is_ascii_digit()) {
            value += i64::from(digit - b'0') * unit;
            (unit, any, self.0) = (unit / 10, true, rest);
        }
        any.then_some(value)
    }

    /// `Z`, ` UTC`, `+hh`, `+hhmm` or `+hh:mm` in microseconds; `Some(None)` where nothing stands.
    #[expect(clippy::option_option, reason = "no zone is not the same as one that cannot be read")]
    fn offset(&mut self) -> Option<Option<i64>> {
        if self.0.first() == Some(&b' ') {
            self.0 = &self.0[1..];
        } else if self.0.is_empty() {
            return Some(None);
        }
        if let Some(rest) = self.0.strip_prefix(b"UTC").or_else(|| self.0.strip_prefix(b"Z")) {
            self.0 = rest;
            return Some(Some(0));
        }
        let sign = if self.byte(b"+-")? == b'+' { 1 } else { -1 };
        let hours = self.digits(2)?;
        let colon = self.byte(b":").is_some();
        let minutes = if self.0.is_empty() && !colon { 0 } else { self.digits(2)? };
        (hours < 24 && minutes < 60).then_some(Some(sign * (hours * HOUR + minutes * 60 * SECOND)))
    }
}
