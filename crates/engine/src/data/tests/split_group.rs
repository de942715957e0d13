//! Groups stay together.

use proptest::prelude::*;

use super::super::load;
use super::super::split::columns::SplitColumns;
use super::super::split::{Dealt, Parts, Splits};
use super::*;

pub(super) fn by_group(test: f64, validation: f64) -> SplitSpec {
    let by = SplitBy::Group { column: "g".into() };
    SplitSpec { by, test, validation, ..SplitSpec::default() }
}

/// Splits rows of these groups.
pub(super) fn split(
    groups: &[u32],
    labels: &[u8],
    spec: &SplitSpec,
    seed: u64,
    replicate: u32,
) -> Result<Dealt, DataError> {
    let cells: Vec<String> = groups.iter().map(|group| format!("g{group}")).collect();
    let cells: Vec<Option<&str>> = cells.iter().map(|cell| Some(cell.as_str())).collect();
    let mut table = Table { rows: groups.len(), columns: vec![text("g", &cells)] };
    let columns = SplitColumns::take(&mut table, &super::spec(Path::new("t.csv"), "y"), spec, &Default::default())?;
    let replicates = spec.folds.map_or(1, focalsweep_core::spec::Folds::replicates);
    super::super::split::split(labels, &columns, &Splits { spec, seed, replicates }, replicate)
}

/// The groups of a part.
pub(super) fn groups_of(part: &[u32], groups: &[u32]) -> std::collections::BTreeSet<u32> {
    part.iter().map(|&row| groups[row as usize]).collect()
}

pub(super) fn each_row_once(parts: &Parts, rows: usize) -> bool {
    let mut all: Vec<u32> = [&parts.train[..], &parts.validation, &parts.test].concat();
    all.sort_unstable();
    all == (0..rows as u32).collect::<Vec<_>>()
}

/// Rows with a group and a class: few groups or many, of sizes that differ, rare positives or not.
pub(super) fn grouped() -> impl Strategy<Value = (Vec<u32>, Vec<u8>)> {
    (4_u32..60, 60_usize..600, 0.02..0.6_f64, any::<bool>(), any::<u64>()).prop_map(
        |(groups, rows, share, lopsided, seed)| {
            use focalsweep_core::random::{Purpose, Stream};
            let mut stream = Stream::new(seed, 0, Purpose::Synth, 0, 0);
            (0..rows)
                .map(|_| {
                    let at = stream.uniform64();
                    let at = if lopsided { at * at * at } else { at };
                    let group = (at * f64::from(groups)) as u32;
                    (group, u8::from(stream.uniform64() < share))
                })
                .unzip()
        },
    )
}

/// Groups with rows of a class.
pub(super) fn with_class(groups: &[u32], labels: &[u8], class: u8) -> usize {
    let rows = groups.iter().zip(labels).filter(|(_, label)| **label == class);
    rows.map(|(group, _)| group).collect::<std::collections::BTreeSet<_>>().len()
}

proptest! {
    #[test]
    fn no_group_is_in_two_parts(
        (groups, labels) in grouped(), test in 0.05..0.5, validation in 0.05..0.4, stratify: bool, seed: u64,
        replicate in 0_u32..4,
    ) {
        let spec = SplitSpec { stratify, ..by_group(test, validation) };
        let result = split(&groups, &labels, &spec, seed, replicate);
        let few = [0, 1].iter().any(|&class| with_class(&groups, &labels, class) < 3);
        prop_assert_eq!(result.is_err(), few, "{:?}", result);
        let Ok(dealt) = result else { return Ok(()) };
        let parts = &dealt.parts;
        prop_assert!(each_row_once(parts, labels.len()));
        let of = [&parts.train, &parts.validation, &parts.test].map(|part| groups_of(part, &groups));
        prop_assert!(of[0].is_disjoint(&of[1]) && of[0].is_disjoint(&of[2]) && of[1].is_disjoint(&of[2]));
        for part in [&parts.train, &parts.validation, &parts.test] {
            prop_assert!(part.is_sorted());
            for class in [0, 1] {
                prop_assert!(part.iter().any(|&row| labels[row as usize] == class));
            }
        }
        prop_assert_eq!(&split(&groups, &labels, &spec, seed, replicate).unwrap(), &dealt);
        // Test groups are those of every replicate.
        prop_assert_eq!(&split(&groups, &labels, &spec, seed, replicate + 1).unwrap().parts.test, &parts.test);
    }

    /// Groups of one row each are dealt as rows are: each class as its share has it, to the row.
    #[test]
    fn small_groups_have_the_shares_that_rows_have(
        positives in 20_u32..200, negatives in 200_u32..2000, test in 0.1..0.4, validation in 0.1..0.3, seed: u64,
    ) {
        let rows = positives + negatives;
        // The last two rows are one group, so that the column is no identifier.
        let groups: Vec<u32> = (0..rows).map(|row| row.min(rows - 2)).collect();
        let labels: Vec<u8> = (0..rows).map(|row| u8::from(row < positives)).collect();
        let parts = split(&groups, &labels, &by_group(test, validation), seed, 0).unwrap().parts;
        for (class, count) in [(1, positives), (0, negatives)] {
            for (part, share) in [(&parts.test, test), (&parts.validation, validation)] {
                let got = part.iter().filter(|&&row| labels[row as usize] == class).count() as f64;
                prop_assert!((got - share * f64::from(count)).abs() <= 2.0, "{got} of {count} is not {share}");
            }
        }
    }
}

/// A large group is tested on about as often as a small one: what is tested on is not chosen by size.
#[test]
fn every_group_has_about_the_same_chance_to_be_tested_on() {
    // Groups of 2, 4, … 60 rows, a tenth of them positive.
    let groups: Vec<u32> = (1..=30).flat_map(|group| std::iter::repeat_n(group, 2 * group as usize)).collect();
    let labels: Vec<u8> = (0..groups.len()).map(|row| u8::from(row % 10 == 0)).collect();
    let mut tested = [0_u32; 31];
    for seed in 0..2000 {
        let parts = split(&groups, &labels, &by_group(0.2, 0.16), seed, 0).unwrap().parts;
        groups_of(&parts.test, &groups).into_iter().for_each(|group| tested[group as usize] += 1);
    }
    // 400 each if it did not matter at all, with a standard error of 6 in the mean of ten; the smallest fill gaps.
    for (range, most) in [(1..=10, 550), (11..=20, 420), (21..=30_usize, 420)] {
        let mean = tested[range.clone()].iter().sum::<u32>() / 10;
        assert!((380..most).contains(&mean), "groups {range:?}: {mean} of 2000, {tested:?}");
    }
}

#[test]
fn a_column_of_groups_that_tells_nothing_is_refused() {
    let labels: Vec<u8> = (0..60).map(|row| u8::from(row % 5 == 0)).collect();
    let refused = |groups: Vec<u32>| said(&split(&groups, &labels, &by_group(0.2, 0.16), 0, 0).unwrap_err());
    let text = refused((0..60).collect());
    assert!(text.contains("`g`, which is different in each of the 60 rows: an identifier"), "{text}");
    assert!(text.contains("`split.by: random` does the same"), "{text}");
    let text = refused((0..60).map(|row| row / 30).collect());
    assert!(text.contains("2 groups of `g` have positive rows") && text.contains("not parted, so 3"), "{text}");
}

/// As people write it: the column is no feature, though it is dropped as one too; long numbers are names; rows without
/// a value are groups of their own.
#[test]
fn groups_are_read_from_the_file() {
    let mut csv = String::from("card_id,a,y\n");
    for row in 0..200 {
        let card = if row % 40 == 39 { String::new() } else { (9_007_199_254_740_992_u64 + row / 5).to_string() };
        csv.push_str(&format!("{card},{row},{}\n", u8::from(row % 10 == 0)));
    }
    let (_folder, path) = file("t.csv", csv);
    let by = SplitBy::Group { column: "card_id".into() };
    let split = SplitSpec { by, ..SplitSpec::default() };
    for drop in [vec![], strings(["card_id"]).to_vec()] {
        let data = DataSpec { drop, ..spec(&path, "y") };
        let source = load(&data, &split).unwrap();
        assert_eq!(source.table.names().collect::<Vec<_>>(), ["a"]);
        let splits = Splits { spec: &split, seed: 0, replicates: 1 };
        let replicate = super::super::prepare(&source, &data, &splits, 0).unwrap();
        // 40 cards, though a number in double precision tells each second one only; 5 rows without one.
        let note = replicate.notes.iter().find(|note| note.starts_with("split by group")).unwrap();
        let words: Vec<usize> = note.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert_eq!(words[..3].iter().sum::<usize>(), 45, "{note}");
        assert!(note.ends_with("; 5 rows without a value of `card_id` are groups of their own"), "{note}");
    }
    // As a feature it would be numbers that no double precision tells apart.
    let data = DataSpec { drop: strings(["card_id"]), ..spec(&path, "y") };
    let by = SplitBy::Group { column: "card".into() };
    let error = load(&data, &SplitSpec { by, ..SplitSpec::default() }).unwrap_err();
    let text = said(&error);
    assert!(text.contains("`split.group_column` names `card`") && text.contains("did you mean `card_id`?"), "{text}");
    let by = SplitBy::Group { column: "y".into() };
    let error = load(&data, &SplitSpec { by, ..SplitSpec::default() }).unwrap_err();
    assert!(said(&error).contains("`y` stands under `data.label` and under `split.group_column`"), "{error}");
}

/// Who says what kind a column of the split is asks for it as a feature too.
#[test]
fn a_column_of_the_split_is_a_feature_where_it_is_asked_for() {
    let rows = (0..100).map(|row| format!("{},{row},{}\n", row / 4, u8::from(row % 5 == 0)));
    let (_folder, path) = file("t.csv", format!("branch,a,y\n{}", rows.collect::<String>()));
    let by = SplitBy::Group { column: "branch".into() };
    let split = SplitSpec { by, ..SplitSpec::default() };
    for (kind, features) in [
        (None, vec!["a"]),
        (Some(ColumnKind::Number), vec!["branch", "a"]),
        (Some(ColumnKind::Category), vec!["branch", "a"]),
        (Some(ColumnKind::Ignore), vec!["a"]),
    ] {
        let types = kind.map(|kind| ("branch".to_owned(), kind)).into_iter().collect();
        let source = load(&DataSpec { types, ..spec(&path, "y") }, &split).unwrap();
        assert_eq!(source.table.names().collect::<Vec<_>>(), features, "{kind:?}");
        let splits = Splits { spec: &split, seed: 0, replicates: 1 };
        let dealt = super::super::split::split(&source.labels, &source.split, &splits, 0).unwrap();
        assert!(dealt.notes[0].starts_with("split by group `branch`: 16 groups train"), "{:?}", dealt.notes);
    }
}
