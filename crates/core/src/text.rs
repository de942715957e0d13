//! Text of others as it may be shown. Names and messages come from files and servers, and terminals, pages and editors
//! take orders from some characters.

use std::borrow::Cow;

/// Characters of a name in a table; files have it whole.
pub const IN_A_TABLE: usize = 60;

/// Whether something that shows text obeys `c` instead of showing it: control characters, separators of lines, marks
/// that turn the direction of writing or have no width (CVE-2021-42574).
fn is_order(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line that is shown as it is: `\n` for a line break, `\u{1b}` for an escape.
pub fn escaped(text: &str) -> Cow<'_, str> {
    escape_but(text, &[])
}

/// As [`escaped`], for text of several lines.
pub fn escaped_lines(text: &str) -> Cow<'_, str> {
    escape_but(text, &['\n', '\t'])
}

/// As [`escaped`], but for some characters.
pub fn escape_but<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    let is_shown = |c: char| !is_order(c) || kept.contains(&c);
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_shown(c) { safe.push(c) } else { safe.extend(c.escape_default()) }
    }
    Cow::Owned(safe)
}

/// [`escaped`], and of more than `most` characters only the first, with an ellipsis.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    cut(text, most, &[])
}

/// As [`shortened`], for text of several lines.
pub fn shortened_lines(text: &str, most: usize) -> Cow<'_, str> {
    cut(text, most, &['\n', '\t'])
}

fn cut<'a>(text: &'a str, most: usize, kept: &[char]) -> Cow<'a, str> {
    // Nobody needs the escapes of a text that is cut off: one character of it is at least one here.
    let end = text.char_indices().nth(most + 1).map_or(text.len(), |(byte, _)| byte);
    let safe = escape_but(&text[..end], kept);
    if safe.chars().nth(most).is_none() {
        return safe;
    }
    Cow::Owned(safe.chars().take(most.saturating_sub(1)).chain(['…']).collect())
}

/// Text with every order replaced by something of the same number of bytes, so that places in it stay right.
pub fn masked(text: &str) -> Cow<'_, str> {
    let is_shown = |c: char| !is_order(c) || matches!(c, '\n' | '\r' | '\t');
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mask = |c: char| match (is_shown(c), c.len_utf8()) {
        (true, _) => c,
        (_, 1) => '?',
        (_, 2) => '\u{bf}', // ¿
        (_, 3) => '\u{fffd}',
        _ => '\u{1f512}',
    };
    Cow::Owned(text.chars().map(mask).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: &str = "a\u{1b}[31m\r\n\u{202e}b\u{9b}\u{7f}\u{2066}\u{feff}";

    #[test]
    fn orders_are_written_out() {
        assert_eq!(escaped(ORDERS), "a\\u{1b}[31m\\r\\n\\u{202e}b\\u{9b}\\u{7f}\\u{2066}\\u{feff}");
        assert_eq!(escaped_lines("a\n\tb\u{7}"), "a\n\tb\\u{7}");
        assert!(matches!(escaped("Größe 日本 👩‍🔬 `x`\\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
        assert_eq!(shortened("ab\u{1b}cdefg", 6), "ab\\u{…");
        assert_eq!(shortened(&"日".repeat(70_000), 60).chars().count(), 60);
    }

    #[test]
    fn a_mask_keeps_places() {
        let masked = masked(ORDERS);
        assert_eq!(masked.len(), ORDERS.len());
        assert_eq!(masked, "a?[31m\r\n\u{fffd}b\u{bf}?\u{fffd}\u{fffd}");
    }
}
