//! The page around the payload: one file with its styles, its scripts and the plotting library in it.

use std::borrow::Cow;
use std::io;

use focalsweep_core::text;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};
use sha2::{Digest, Sha256};

/// Where the payload begins.
pub(super) const PAYLOAD: &str = r#"<script type="application/json" id="payload">"#;

const TEMPLATE: &str = include_str!("../../assets/template.html");
const STYLE: &str = include_str!("../../assets/report.css");
/// Apache ECharts, see assets/vendor/README.md.
const PLOTTING: &str = include_str!("../../assets/vendor/echarts.min.js");

/// The scripts in the order in which they need each other; together they are one function.
const SCRIPTS: [&str; 26] = [
    include_str!("../../assets/js/dom.js"),
    include_str!("../../assets/js/view.js"),
    include_str!("../../assets/js/data.js"),
    include_str!("../../assets/js/format.js"),
    include_str!("../../assets/js/state.js"),
    include_str!("../../assets/js/theme.js"),
    include_str!("../../assets/js/figure.js"),
    include_str!("../../assets/js/follow.js"),
    include_str!("../../assets/js/headline.js"),
    include_str!("../../assets/js/notes.js"),
    include_str!("../../assets/js/detail.js"),
    include_str!("../../assets/js/chosen.js"),
    include_str!("../../assets/js/heatmap.js"),
    include_str!("../../assets/js/table.js"),
    include_str!("../../assets/js/curves.js"),
    include_str!("../../assets/js/thresholds.js"),
    include_str!("../../assets/js/calibration.js"),
    include_str!("../../assets/js/learning.js"),
    include_str!("../../assets/js/explore.js"),
    include_str!("../../assets/js/search.js"),
    include_str!("../../assets/js/slices.js"),
    include_str!("../../assets/js/losses.js"),
    include_str!("../../assets/js/run.js"),
    include_str!("../../assets/js/words.js"),
    include_str!("../../assets/js/keep.js"),
    include_str!("../../assets/js/main.js"),
];

/// What stands around a payload.
pub(super) struct Around<'a> {
    pub(super) template: &'a str,
    pub(super) title: &'a str,
    /// In the order in which they need each other; together they are one function.
    pub(super) scripts: &'a [&'a str],
    /// A script before them.
    pub(super) plotting: Option<&'a str>,
}

/// The page of the run `name`.
pub(super) fn page(name: &str, payload: &impl Serialize) -> String {
    let around = Around { template: TEMPLATE, title: name, scripts: &SCRIPTS, plotting: Some(PLOTTING) };
    self::around(&around, payload)
}

/// A whole page.
pub(super) fn around(around: &Around<'_>, payload: &impl Serialize) -> String {
    let script = format!("(() => {{\n\"use strict\";\n{}\n}})();\n", around.scripts.join("\n"));
    let hashes: Vec<String> =
        around.plotting.into_iter().chain([script.as_str()]).map(|script| format!("'{}'", hash(script))).collect();
    // Scripts by their hashes, and nothing from anywhere: what is written in a spec cannot run, nor can anything be
    // sent.
    let policy = format!(
        "default-src 'none'; script-src {}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; \
         form-action 'none'",
        hashes.join(" ")
    );
    let parts = [
        ("{{policy}}", policy.as_str()),
        ("{{title}}", &escaped(around.title)),
        ("{{style}}", STYLE),
        ("{{payload}}", &embedded(payload)),
        ("{{plotting}}", around.plotting.unwrap_or_default()),
        ("{{script}}", &script),
    ];
    fill(around.template, &parts)
}

/// The template with its parts, each mark once, in the order in which they stand; a part is never looked through.
fn fill(template: &str, parts: &[(&str, &str)]) -> String {
    let mut rest = template;
    let mut page = String::with_capacity(template.len() + parts.iter().map(|(_, part)| part.len()).sum::<usize>());
    for (mark, part) in parts {
        if let Some((before, after)) = rest.split_once(mark) {
            page.push_str(before);
            page.push_str(part);
            rest = after;
        }
    }
    page.push_str(rest);
    page
}

/// As a policy names a script.
fn hash(script: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(script.as_bytes())))
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let whole = chunk.iter().fold(0_u32, |whole, &byte| whole << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let at = (whole >> (18 - 6 * digit)) as usize & 63;
            text.push(if digit <= chunk.len() { char::from(DIGITS[at]) } else { '=' });
        }
    }
    text
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text::escaped(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON that cannot end its script element.
pub(super) fn embedded(payload: &impl Serialize) -> String {
    // Serialising plain structs with text keys into memory does not fail.
    let mut json = Vec::new();
    let written = payload.serialize(&mut Serializer::with_formatter(&mut json, Shown));
    let json = written.ok().and_then(|()| String::from_utf8(json).ok()).unwrap_or_else(|| "null".to_owned());
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Compact JSON whose texts give no orders to who shows them.
struct Shown;

impl Formatter for Shown {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        match text::escaped(fragment) {
            Cow::Borrowed(shown) => out.write_all(shown.as_bytes()),
            // A fragment has no backslash of its own.
            Cow::Owned(shown) => out.write_all(shown.replace('\\', "\\\\").as_bytes()),
        }
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        let order = match escape {
            CharEscape::AsciiControl(byte) => byte,
            CharEscape::Backspace => 0x08,
            CharEscape::FormFeed => 0x0c,
            CharEscape::CarriageReturn => b'\r',
            shown => return CompactFormatter.write_char_escape(out, shown),
        };
        write!(out, "\\\\u{{{order:x}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let of = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(of, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn names_give_no_orders_to_the_page() {
        let name = "a\u{1b}[31m\r\n\"\\\u{202e}\u{8}b";
        let mut json = Vec::new();
        name.serialize(&mut Serializer::with_formatter(&mut json, Shown)).unwrap();
        let read: String = serde_json::from_slice(&json).unwrap();
        assert_eq!(read, "a\\u{1b}[31m\\u{d}\n\"\\\\u{202e}\\u{8}b");
    }

    #[test]
    fn the_payload_begins_where_others_look_for_it() {
        assert!(TEMPLATE.contains(&format!("{PAYLOAD}{{{{payload}}}}")));
    }

    #[test]
    fn a_part_is_not_looked_through_for_marks() {
        assert_eq!(fill("<{{a}}|{{b}}>", &[("{{a}}", "{{b}}"), ("{{b}}", "B")]), "<{{b}}|B>");
    }

    #[test]
    fn the_plotting_library_is_the_one_that_was_published() {
        let recorded = include_str!("../../assets/vendor/README.md");
        let digest: String = Sha256::digest(PLOTTING).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(recorded.contains(&digest), "echarts.min.js is not that of vendor/README.md: {digest}");
        // Inlined as it is, so nothing in it may end the element.
        assert!(!PLOTTING.contains("</script") && !PLOTTING.contains("<!--"));
        assert!(SCRIPTS.iter().all(|script| !script.contains("</script") && !script.contains("<!--")));
    }
}
