//! The past trains, the future tests.

use proptest::prelude::*;

use super::super::split::columns::SplitColumns;
use super::super::split::{Dealt, Splits};
use super::*;
use focalsweep_core::spec::{KnownGroups, Span};

fn by_time(gap: Option<f64>, window: Option<f64>) -> SplitSpec {
    let span = |length: Option<f64>| length.map(|length| Span::number(length).unwrap());
    let (gap, window) = (span(gap), span(window));
    let by = SplitBy::Time { column: "t".into(), gap, label_delay: None, window, groups: None };
    SplitSpec { by, ..SplitSpec::default() }
}

fn split(times: &[f64], labels: &[u8], spec: &SplitSpec, windows: u32, replicate: u32) -> Result<Dealt, DataError> {
    let mut table = Table { rows: times.len(), columns: vec![number("t", times)] };
    let columns = SplitColumns::take(&mut table, &super::spec(Path::new("t.csv"), "y"), spec, &Default::default())?;
    super::super::split::split(labels, &columns, &Splits { spec, seed: 0, replicates: windows }, replicate)
}

proptest! {
    #[test]
    fn the_past_trains_and_the_future_tests(
        days in prop::collection::vec(0_u32..120, 120..600), windows in 1_u32..5, gap in 0_u32..6,
        back in prop::option::of(10_u32..60), test in 0.1..0.4, validation in 0.1..0.3,
    ) {
        let times: Vec<f64> = days.iter().map(|&day| f64::from(day)).collect();
        let labels: Vec<u8> = (0..times.len()).map(|row| u8::from(row % 2 == 0)).collect();
        let spec = SplitSpec { test, validation, ..by_time(Some(gap.into()), back.map(f64::from)) };
        let mut tested: Vec<u32> = Vec::new();
        for window in 0..windows {
            // A window of days may happen to have one class, or no room.
            let Ok(dealt) = split(&times, &labels, &spec, windows, window) else { continue };
            let parts = &dealt.parts;
            let ends = |part: &[u32]| {
                let of = part.iter().map(|&row| times[row as usize]);
                (of.clone().fold(f64::MAX, f64::min), of.fold(f64::MIN, f64::max))
            };
            let [train, choose, tests] = [&parts.train, &parts.validation, &parts.test].map(|part| ends(part));
            for (before, after) in [(train, choose), (choose, tests)] {
                // As with numbers that count days: `gap` whole days between them.
                prop_assert!(after.0 - before.1 > f64::from(gap), "{before:?} {after:?}");
            }
            if let Some(back) = back {
                prop_assert!(train.0 >= choose.0 - f64::from(gap) - f64::from(back));
            }
            // Equal times stay together: whoever has a row of a day has all of it.
            for (part, (first, last)) in [(&parts.train, train), (&parts.validation, choose), (&parts.test, tests)] {
                let of_days = times.iter().filter(|time| (first..=last).contains(*time)).count();
                prop_assert_eq!(part.len(), of_days);
            }
            tested.extend(&parts.test);
            // The windows after those of the search are the same again.
            prop_assert_eq!(&split(&times, &labels, &spec, windows, window + windows).unwrap(), &dealt);
        }
        let count = tested.len();
        tested.sort_unstable();
        tested.dedup();
        prop_assert_eq!(tested.len(), count, "windows overlap");
    }

    /// Windows, training and validation rows of rows that come one by one.
    #[test]
    fn rows_that_come_one_by_one_are_counted(rows in 200_usize..900, windows in 1_usize..6, gap in 0_usize..9) {
        let times: Vec<f64> = (0..rows).map(|row| (rows - row) as f64).collect();
        let labels: Vec<u8> = (0..rows).map(|row| u8::from(row % 2 == 0)).collect();
        let spec = by_time(Some(gap as f64), None);
        let tested = (0.2 * rows as f64).round() as usize;
        let validated = (0.16 * rows as f64).round() as usize;
        for window in 0..windows {
            let first = rows - tested + tested * window / windows;
            let last = rows - tested + tested * (window + 1) / windows;
            let parts = split(&times, &labels, &spec, windows as u32, window as u32).unwrap().parts;
            // The file is in the other order.
            let of = |part: &[u32]| part.iter().map(|&row| rows - 1 - row as usize).rev().collect::<Vec<_>>();
            prop_assert_eq!(of(&parts.test), (first..last).collect::<Vec<_>>());
            prop_assert_eq!(of(&parts.validation), (first - gap - validated..first - gap).collect::<Vec<_>>());
            prop_assert_eq!(of(&parts.train), (0..first - gap - validated - gap).collect::<Vec<_>>());
        }
    }
}

#[test]
fn known_groups_are_told_apart_or_left_out() {
    let times: Vec<f64> = (0..100).map(f64::from).collect();
    let labels: Vec<u8> = (0..100).map(|row| u8::from(row % 2 == 0)).collect();
    // Group 0 is there all the time, others come with the last ten rows.
    let groups: Vec<f64> = (0..100).map(|row| if row < 90 { 0.0 } else { f64::from(row / 2) }).collect();
    let dealt = |new_only| {
        let SplitBy::Time { column, .. } = by_time(None, None).by else { unreachable!() };
        let groups_of = Some(KnownGroups { column: "g".into(), new_only });
        let by = SplitBy::Time { column, gap: None, label_delay: None, window: None, groups: groups_of };
        let spec = SplitSpec { by, ..SplitSpec::default() };
        let mut table = Table { rows: 100, columns: vec![number("t", times.clone()), number("g", groups.clone())] };
        let columns =
            SplitColumns::take(&mut table, &super::spec(Path::new("t.csv"), "y"), &spec, &Default::default()).unwrap();
        let splits = Splits { spec: &spec, seed: 0, replicates: 1 };
        super::super::split::split(&labels, &columns, &splits, 0).unwrap()
    };
    let (all, new) = (dealt(false), dealt(true));
    assert_eq!((all.parts.test, new.parts.test), ((80..100).collect(), (90..100).collect()));
    let notes = [all.notes, new.notes].concat().join("\n");
    assert!(
        notes.contains("10 of 20 test rows are of groups that trained or validated, 10 of 5 new groups"),
        "{notes}"
    );
    assert!(notes.contains("10 of 20 test rows are left out") && notes.contains("5 new groups test"), "{notes}");
}

#[test]
fn windows_that_cannot_be_are_told() {
    let labels: Vec<u8> = (0..100).map(|row| u8::from(row < 50)).collect();
    let refused = |times: Vec<f64>, spec: &SplitSpec, windows| {
        said(&split(&times, &labels, spec, windows, windows - 1).unwrap_err())
    };
    let one_by_one = || (0..100).map(f64::from).collect::<Vec<_>>();
    let text = refused(one_by_one(), &by_time(None, None), 2);
    assert!(text.contains("the validation rows of replicate 1 hold no positive row"), "{text}");
    assert!(text.contains("fewer windows (`replicates`)"), "{text}");
    let text = refused(one_by_one(), &by_time(Some(70.0), None), 1);
    assert!(text.contains("no training rows are left for the test window") && text.contains("`split.gap`"), "{text}");
    // All rows have two times: a second window has none of its own.
    let text = refused((0..100).map(|row| f64::from(u8::from(row >= 85))).collect(), &by_time(None, None), 3);
    assert!(text.contains("no ") && text.contains("window 3 of 3"), "{text}");
    let spec = |gap: &str| {
        let by =
            SplitBy::Time { column: "t".into(), gap: Span::parse(gap), label_delay: None, window: None, groups: None };
        SplitSpec { by, ..SplitSpec::default() }
    };
    let text = refused(one_by_one(), &spec("7d"), 1);
    assert!(text.contains("`split.gap` is 7d, but `t` holds numbers: expected a plain number, such as 7"), "{text}");
    let mut holes = one_by_one();
    holes[4] = f64::NAN;
    let text = refused(holes, &by_time(None, None), 1);
    assert!(text.contains("`t`, which has no value in row 5"), "{text}");
}

/// As people write it, in a file that is not in order.
#[test]
fn times_are_read_from_the_file() {
    use super::super::{load, prepare};

    let day = |row: usize| 1 + (row * 7 % 100) / 4;
    let rows = (0..100)
        .map(|row| format!("2024-02-{:02} {:02}:30:00,{row},{}\n", day(row), row * 7 % 4, u8::from(row % 3 == 0)));
    let (_folder, path) = file("t.csv", format!("when,a,y\n{}", rows.collect::<String>()));
    let data = spec(&path, "y");
    let by = |gap: Option<Span>, delay: Option<Span>| SplitSpec {
        by: SplitBy::Time { column: "when".into(), gap, label_delay: delay, window: None, groups: None },
        ..SplitSpec::default()
    };
    let split = by(None, Span::parse("2d"));
    let source = load(&data, &split).unwrap();
    assert_eq!(source.table.names().collect::<Vec<_>>(), ["a"]);
    let replicate = prepare(&source, &data, &Splits { spec: &split, seed: 0, replicates: 1 }, 0).unwrap();
    // Four rows a day, at 0:30 to 3:30, the first 25 days of February 2024; the last 20 test. What is 2 days or less
    // before 0:30 of the 21st is left out: all of the 19th and 20th, which is 8 rows.
    let days = |rows: &[u32]| {
        let mut days: Vec<usize> = rows.iter().map(|&row| day(row as usize)).collect();
        days.sort_unstable();
        (days[0], days[days.len() - 1], days.len())
    };
    assert_eq!(days(&replicate.test.source_rows), (21, 25, 20));
    assert_eq!(days(&replicate.validation.source_rows), (15, 18, 16));
    assert_eq!(days(&replicate.train.source_rows), (1, 12, 48));
    let notes = replicate.notes.join("\n");
    assert!(notes.contains("trains on 2024-02-01 00:30:00 to 2024-02-12 03:30:00"), "{notes}");
    assert!(notes.contains("tests on 2024-02-21 00:30:00 to 2024-02-25 03:30:00"), "{notes}");
    assert!(notes.contains("left out, within `split.gap` before validation or test: 16 rows"), "{notes}");
    let split = by(Span::number(7.0), None);
    let error = prepare(&source, &data, &Splits { spec: &split, seed: 0, replicates: 1 }, 0).unwrap_err();
    let text = said(&error);
    assert!(text.contains("`split.gap` is 7, but `when` holds points in time: expected a span of time"), "{text}");
    let by = SplitBy::Time { column: "a".into(), gap: None, label_delay: None, window: None, groups: None };
    assert!(load(&data, &SplitSpec { by, ..SplitSpec::default() }).is_err(), "only times are left as features");
}
