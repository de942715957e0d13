//! A small model under several splits.

use super::super::split_check;
use super::*;

/// Rows of 40 cards in the order of time, whose class turns round half-way: what was learnt is then wrong.
fn drifting() -> String {
    let rows = (0..1000).map(|row| {
        let fraud = u8::from(row * 7919 % 10 < 3);
        let sign = if row < 800 { 1.0 } else { -1.0 };
        let a = sign * f64::from(fraud) + f64::from(row * 104_729 % 199) / 199.0;
        format!("2024-01-{:02},{},{a},{fraud}\n", 1 + row / 40, row % 40)
    });
    format!("when,card_id,a,y\n{}", rows.collect::<String>())
}

#[test]
fn what_a_random_split_hides_is_seen_beside_one_by_time() {
    let (_folder, path) = file("t.csv", drifting());
    let random = SplitSpec::default();
    let check = split_check(&spec(&path, "y"), &random, 0).unwrap();
    let auc = |name: &str| {
        let found = check.splits.iter().find(|(of, _)| of == name).unwrap();
        *found.1.as_ref().unwrap()
    };
    assert!(auc("random") > 0.7, "{check}");
    assert!(auc("by time `when`") < 0.1, "{check}");
    assert!((auc("by group `card_id`") - auc("random")).abs() < 0.15, "{check}");
    let warnings = check.warnings.join("\n");
    assert!(warnings.contains("`when` looks like time, and the split is random"), "{warnings}");
    assert!(warnings.contains("`card_id` looks like whose a row is"), "{warnings}");
    assert!(warnings.contains("lower by time `when` than under a random split"), "{warnings}");
    // Who splits by time knows.
    let by = SplitBy::Time { column: "when".into(), gap: None, label_delay: None, window: None, groups: None };
    let check = split_check(&spec(&path, "y"), &SplitSpec { by, ..random.clone() }, 0).unwrap();
    assert!(check.warnings.is_empty(), "{check}");
    // Nothing looks like anything: one split.
    let (_folder, path) = file("t.csv", drifting().replace("card_id", "mcc").replace("2024-01-", ""));
    let check = split_check(&spec(&path, "y"), &random, 0).unwrap();
    assert_eq!((check.splits.len(), check.warnings.len()), (1, 0), "{check}");
}
