//! No text makes the reader panic, and what it says can be shown.

use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;

use super::super::parse_with;

const SEEDS: &[&str] = &[
    include_str!("../../../../../sweeps/focal.yaml"),
    include_str!("../../../../../sweeps/creditcard.yaml"),
    include_str!("../../../../../sweeps/comparison.yaml"),
    include_str!("../../../../../sweeps/scale.yaml"),
];

/// Pieces that mean something to YAML or to the reader.
const PIECES: &[&str] = &include!("../../../../../tests/common/yaml_words.rs");

fn check(text: &str, overrides: &[(String, String)]) {
    if let Err(faults) = parse_with("sweep.yaml", text, overrides) {
        assert!(!faults.faults().is_empty());
        assert!(faults.lines().all(|line| !line.contains('\n')), "{:?}", faults.lines().collect::<Vec<_>>());
        let mut shown = String::new();
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
        handler.render_report(&mut shown, &faults).unwrap();
        assert!(!shown.is_empty());
    }
}

/// The byte of the `at`-th part in 1000 of the text, moved to a character's start.
fn cut(text: &str, at: usize) -> usize {
    (0..=text.len() * at / 1000).rev().find(|&byte| text.is_char_boundary(byte)).unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_files_do_not_panic(
        seed in prop::sample::select(SEEDS),
        edits in prop::collection::vec((0_usize..1001, 0_usize..30, prop::sample::select(PIECES)), 0..8),
        end in 0_usize..2000,
    ) {
        let mut text = seed.to_owned();
        for (at, length, piece) in edits {
            let from = cut(&text, at);
            let to = (from + length..).find(|&byte| byte >= text.len() || text.is_char_boundary(byte)).unwrap_or(from);
            text.replace_range(from..to.min(text.len()), piece);
        }
        text.truncate(cut(&text, end.min(1000)));
        check(&text, &[]);
    }

    #[test]
    fn arbitrary_pieces_do_not_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
        check(&pieces.concat(), &[]);
    }

    #[test]
    fn arbitrary_text_and_overrides_do_not_panic(
        text in "\\PC{0,60}", key in "[a-z_.0-9]{0,20}", value in "[ -~\\n]{0,20}",
    ) {
        check(&text, &[]);
        check(SEEDS[2], &[(key, value)]);
    }
}

#[test]
fn deep_and_swelling_files_are_refused() {
    check(&"[".repeat(100_000), &[]);
    check(&"- ".repeat(10_000), &[]);
    check(&"{a: ".repeat(10_000), &[]);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let alias = format!("*a{}", i - 1);
        bomb += &format!("a{i}: &a{i} [{}]\n", vec![alias; 10].join(", "));
    }
    check(&bomb, &[]);
}
