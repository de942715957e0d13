use proptest::prelude::*;

use super::super::Transform;
use super::super::fit;
use super::super::split::columns::SplitColumns;
use super::super::{Source, load, prepare, read_served};
use super::*;
use focalsweep_core::prepared::{Preprocessing, Step};
use focalsweep_core::spec::SplitSpec;

fn table(columns: Vec<Column>) -> Table {
    let rows = columns[0].values.len();
    Table { columns, rows }
}

fn fit(table: &Table, train: &[u32], spec: &DataSpec) -> Result<(Preprocessing, Vec<String>), DataError> {
    let place = |row: usize| super::super::Place { file: None, row: row as u64 + 1, line: None };
    fit::fit(table, train, spec, &place)
}

fn settings() -> DataSpec {
    DataSpec { min_level_count: 1, ..spec(Path::new("t.csv"), "y") }
}

/// The prepared matrix by columns.
fn columns(preprocessing: &Preprocessing, table: &Table) -> Vec<(String, Vec<f32>)> {
    let x = preprocessing.transform(table).unwrap();
    let names = preprocessing.features();
    let width = names.len();
    let column = |at: usize| x.iter().skip(at).step_by(width).copied().collect();
    names.into_iter().enumerate().map(|(at, name)| (name, column(at))).collect()
}

const NAN: f64 = f64::NAN;

/// A text column of so many levels, each on one row; of more rows than levels the first level is on the rest.
fn levels(name: &str, levels: usize, rows: usize) -> Column {
    let names = (0..levels).map(|level| format!("l{level:06}")).collect();
    let codes = (0..rows).map(|row| if row < levels { row as u32 } else { 0 }).collect();
    Column { name: name.into(), values: Values::Text(Levels { names, codes }) }
}

#[test]
fn columns_that_would_be_too_wide_are_named() {
    let fit_all = |columns: Vec<Column>| {
        let table = table(columns);
        let train: Vec<u32> = (0..table.rows as u32).collect();
        fit(&table, &train, &settings()).map(|(fitted, _)| fitted.features().len())
    };
    let rows = 10_001;
    assert_eq!(fit_all(vec![levels("city", 10_000, rows as usize)]).unwrap(), 10_000);
    let error =
        fit_all(vec![number("n", (0..rows).map(f64::from).collect::<Vec<_>>()), levels("city", 10_001, rows as usize)]);
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "text column `city` would become 10001 features, one for each of its levels, expected at most 10000"
    );
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("data.drop") && help.contains("data.min_level_count"), "{help}");
    // Rare levels that are pooled make one feature together.
    let many = table(vec![levels("city", 10_001, 30_000)]);
    let train: Vec<u32> = (0..30_000).collect();
    let pooled = DataSpec { min_level_count: 2, ..settings() };
    assert_eq!(fit(&many, &train, &pooled).unwrap().0.features(), ["city=l000000", "city=<other>"]);

    let wide = (0..6).map(|at| levels(&format!("c{at}"), if at == 3 { 9_500 } else { 9_000 }, 9_501));
    let error = fit_all(wide.collect()).unwrap_err().to_string();
    assert_eq!(
        error,
        "text columns would become 54500 features, one for each level, expected at most 50000; `c3` alone makes 9500"
    );
}

#[test]
fn each_kind_of_column_is_prepared() {
    let truths = Values::Bool(vec![Some(true), Some(false), None, Some(true), Some(false), Some(true)]);
    let table = table(vec![
        number("n", [1.0, NAN, 3.0, 8.0, 100.0, NAN]),
        number("constant", [7.0; 6]),
        Column { name: "b".into(), values: truths },
        text("two", &[Some("u"), Some("v"), Some("u"), Some("v"), Some("w"), None]),
        text("three", &[Some("a"), Some("c"), Some("b"), Some("a"), Some("z"), None]),
        text("gaps", &[Some("a"), None, Some("a"), None, Some("z"), None]),
        number("late", [1.0, 2.0, 3.0, 4.0, NAN, 5.0]),
    ]);
    let spec = DataSpec { standardize: false, ..settings() };
    let (fitted, notes) = fit(&table, &[0, 1, 2, 3], &spec).unwrap();
    let expected: Vec<(&str, [f32; 6])> = vec![
        ("n", [1.0, 3.0, 3.0, 8.0, 100.0, 3.0]),
        ("n_missing", [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
        ("b", [1.0, 0.0, 0.0, 1.0, 0.0, 1.0]),
        ("b_missing", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
        ("two=v", [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]),
        ("three=a", [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
        ("three=b", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
        ("three=c", [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        ("gaps=<missing>", [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]),
        ("late", [1.0, 2.0, 3.0, 4.0, 2.5, 5.0]),
    ];
    let got = columns(&fitted, &table);
    assert_eq!(got.len(), expected.len(), "{got:?}");
    for ((name, values), (expected_name, expected)) in got.iter().zip(&expected) {
        assert_eq!((name.as_str(), values.as_slice()), (*expected_name, &expected[..]));
    }
    assert_eq!(
        notes,
        [
            "left out, constant on the training rows: constant",
            "missing on some of 4 training rows, imputed and marked: n (1), b (1)",
            "missing on some of 4 training rows, taken as a level: gaps (2)",
            "missing on validation or test rows only, not marked: two (1), three (1), late (1)",
            "levels on no training row, taken as <other> or as none: two (1), three (1), gaps (1)",
        ]
    );
}

#[test]
fn rare_and_unseen_levels_share_one_feature() {
    let cells = ["a", "a", "a", "b", "b", "c", "d", "e"].map(Some);
    let table = table(vec![text("t", &cells), number("x", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])]);
    let (fitted, notes) = fit(&table, &[0, 1, 2, 3, 4, 5, 6], &DataSpec { min_level_count: 2, ..settings() }).unwrap();
    let got = columns(&fitted, &table);
    let expect = [
        ("t=a", [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        ("t=b", [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
        ("t=<other>", [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
    ];
    for ((name, values), (expected_name, expected)) in got.iter().zip(&expect) {
        assert_eq!((name.as_str(), values.as_slice()), (*expected_name, &expected[..]));
    }
    assert_eq!(
        notes,
        ["rare levels pooled into <other>: t (2)", "levels on no training row, taken as <other> or as none: t (1)"]
    );
}

#[test]
fn features_have_names_of_their_own() {
    let table = table(vec![number("x", [1.0, NAN, 3.0]), number("x_missing", [1.0, 2.0, 3.0])]);
    let (fitted, _) = fit(&table, &[0, 1, 2], &settings()).unwrap();
    assert_eq!(fitted.features(), ["x", "x_missing", "x_missing'"]);
}

#[test]
fn logarithm_scale_and_clip_are_in_this_order() {
    let values = [0.0, 9.0, 99.0, 999.0];
    let table = table(vec![number("x", values)]);
    let spec = DataSpec { log: [("x".into(), 1.0)].into(), clip: Some(1.0), ..settings() };
    let (fitted, _) = fit(&table, &[0, 1, 2, 3], &spec).unwrap();
    // ln 1, ln 10, ln 100, ln 1000 are equally spaced: standardised -3, -1, 1, 3 over the root of 5.
    let root = 5f64.sqrt();
    let expected = [-1.0, -1.0 / root, 1.0 / root, 1.0].map(|value| value as f32);
    for (got, expected) in columns(&fitted, &table)[0].1.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-6, "{got} {expected}");
    }
}

#[test]
fn new_tables_are_prepared_by_name_and_kind() {
    let truths = Values::Bool(vec![Some(true), Some(false), Some(true)]);
    let trained = table(vec![
        number("x", [1.0, 2.0, 3.0]),
        Column { name: "b".into(), values: truths },
        text("t", &[Some("1"), Some("2"), Some("A")]),
    ]);
    let spec = DataSpec { standardize: false, log: [("x".into(), 0.0)].into(), ..settings() };
    let (fitted, _) = fit(&trained, &[0, 1, 2], &spec).unwrap();
    let json = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<Preprocessing>(&json).unwrap(), fitted);
    assert_eq!(fitted.columns(), ["x", "b", "t"]);

    // Other order, a column more, truths as 0 and 1, levels that look like numbers, unseen levels, gaps.
    let (folder, path) = file("new.csv", "more,t,b,x\n?,2,1,1\n?,1.0,0,\n?,9,,1\n");
    let x = fitted.transform_file(&read_served(&fitted, &path, &[]).unwrap().0).unwrap();
    let ln2 = 2f32.ln();
    assert_eq!(x, [0.0, 1.0, 0.0, 1.0, 0.0, ln2, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);

    let fault = |content: &str| {
        let path = folder.path().join("bad.csv");
        write(&path, content).unwrap();
        said(&read_served(&fitted, &path, &[]).and_then(|(read, _)| fitted.transform_file(&read)).unwrap_err())
    };
    assert_eq!(
        fault("T,b,x\n1,0,1\n"),
        "the data has no column `t`, which the model was trained on | did you mean `T`? the columns are T, b, x"
    );
    let told = fault("t,b,x\n1,0,1\n\n1,0,-1\n");
    assert!(told.starts_with("column `x`, row 2 (line 4 of the file): -1 + 0 is not above 0"), "{told}");
    let told = fault("t,b,x\n1,0,foo\n");
    assert!(told.starts_with("column `x` is to hold numbers, but also `foo` (1), first in row 1 (line 2"), "{told}");
    assert!(told.ends_with("or leave the cells empty"), "{told}");
    assert!(fault("t,b,x\n1,7,1\n").starts_with("column `b` is to hold booleans, but also `7` (1), first in row 1"));
}

#[test]
fn numbers_beyond_single_precision_are_refused() {
    let table = table(vec![number("x", [1.0, 2.0, 1e300])]);
    let spec = DataSpec { standardize: false, ..settings() };
    let (fitted, _) = fit(&table, &[0, 1], &spec).unwrap();
    let told = said(&fitted.transform(&table).unwrap_err());
    assert!(told.starts_with("column `x`, row 3: 1e300 is too large for single precision once prepared"), "{told}");
    let told = said(&fit(&table, &[0, 1, 2], &settings()).unwrap_err());
    assert!(told.starts_with("column `x`, row 3: 1e300 is too large"), "{told}");
    let clipped = DataSpec { standardize: false, clip: Some(3.0), ..settings() };
    let (fitted, _) = fit(&table, &[0, 1], &clipped).unwrap();
    assert_eq!(fitted.transform(&table).unwrap(), [1.0, 2.0, 3.0]);
}

#[test]
fn a_table_without_variation_is_refused() {
    let table = table(vec![number("x", [1.0, 1.0, 2.0]), text("t", &[Some("a"), Some("a"), Some("b")])]);
    let told = said(&fit(&table, &[0, 1], &settings()).unwrap_err());
    assert!(told.starts_with("no column is left as a feature: every column is constant on the training rows"));
}

/// Mean, population standard deviation and median of the training values, the slow way.
fn brute_force(values: &[f64], train: &[u32]) -> (f64, f64, f64) {
    let mut known: Vec<f64> = train.iter().map(|&r| values[r as usize]).filter(|v| !v.is_nan()).collect();
    known.sort_by(f64::total_cmp);
    let n = known.len();
    let median = (known[(n - 1) / 2] + known[n / 2]) / 2.0;
    let filled: Vec<f64> =
        train.iter().map(|&r| if values[r as usize].is_nan() { median } else { values[r as usize] }).collect();
    let mean = filled.iter().sum::<f64>() / filled.len() as f64;
    let variance = filled.iter().map(|v| v * v).sum::<f64>() / filled.len() as f64 - mean * mean;
    (mean, variance.sqrt(), median)
}

fn any_source() -> impl Strategy<Value = Source> {
    let cell = prop_oneof![4 => -100.0..100.0, 1 => Just(NAN)];
    let row = (cell, prop::option::of("[a-e]"), prop::option::of(any::<bool>()), prop::bool::weighted(0.3));
    prop::collection::vec(row, 20..200).prop_map(|rows| {
        let cells: Vec<Option<&str>> = rows.iter().map(|row| row.1.as_deref()).collect();
        let table = table(vec![
            number("x", rows.iter().map(|row| row.0).collect::<Vec<_>>()),
            text("t", &cells),
            Column { name: "b".into(), values: Values::Bool(rows.iter().map(|row| row.2).collect()) },
        ]);
        let labels = rows.iter().enumerate().map(|(at, row)| u8::from(at < 3 || (at > 5 && row.3))).collect();
        Source {
            weights: Vec::new(),
            table,
            labels,
            label: "y".into(),
            positive: "1".into(),
            negative: "0".into(),
            has_others: false,
            fingerprint: String::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
            places: Default::default(),
            split: SplitColumns::default(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn prepared_rows_are_what_the_slow_way_gives(source in any_source(), seed in any::<u64>()) {
        let spec = DataSpec { min_level_count: 3, ..settings() };
        let replicate = prepare(&source, &spec, &splits(seed), 1).unwrap();
        let width = replicate.features.len();
        let Values::Number(x) = &source.table.columns[0].values else { unreachable!() };
        let Values::Text(t) = &source.table.columns[1].values else { unreachable!() };
        let (mean, std, median) = brute_force(x, &replicate.train.source_rows);
        let on_training_rows = |level: Option<&str>| {
            replicate.train.source_rows.iter().filter(|&&row| t.get(row as usize) == level).count()
        };
        for part in [&replicate.train, &replicate.validation, &replicate.test] {
            prop_assert_eq!(part.x.len(), part.len() * width);
            for (at, &row) in part.source_rows.iter().enumerate() {
                let row = row as usize;
                prop_assert_eq!(part.y[at], source.labels[row]);
                for (feature, &got) in replicate.features.iter().zip(&part.x[at * width..(at + 1) * width]) {
                    let is = |truth: bool| f64::from(u8::from(truth));
                    let level = t.get(row);
                    let expected = match feature.as_str() {
                        "x" => (if x[row].is_nan() { median } else { x[row] } - mean) / std,
                        "x_missing" => is(x[row].is_nan()),
                        "b" => is(source.table.columns[2].values.show(row) == "true"),
                        "b_missing" => is(source.table.columns[2].values.is_missing(row)),
                        "t=<missing>" => is(level.is_none()),
                        "t=<other>" => is(level.is_some() && on_training_rows(level) < 3),
                        other => is(level == other.strip_prefix("t=") && on_training_rows(level) >= 3),
                    };
                    prop_assert!((f64::from(got) - expected).abs() < 1e-4, "{feature} of row {row}: {got} {expected}");
                }
            }
        }
    }

    #[test]
    fn held_out_rows_have_no_say_in_the_preprocessing(source in any_source(), value in -1e6..1e6f64) {
        let spec = DataSpec { min_level_count: 3, ..settings() };
        let before = prepare(&source, &spec, &splits(7), 0).unwrap();
        let mut other = source.clone();
        for &row in before.validation.source_rows.iter().chain(&before.test.source_rows) {
            match &mut other.table.columns[0].values {
                Values::Number(values) => values[row as usize] = value,
                _ => unreachable!(),
            }
            match &mut other.table.columns[1].values {
                Values::Text(levels) => levels.codes[row as usize] = Levels::MISSING,
                _ => unreachable!(),
            }
        }
        let after = prepare(&other, &spec, &splits(7), 0).unwrap();
        prop_assert_eq!(before.preprocessing, after.preprocessing);
        prop_assert_eq!(before.train, after.train);
    }
}

/// Figures of scikit-learn 1.9.1: tests/fixtures/prepare/make.py made them and says how.
#[test]
fn scikit_learn_prepares_alike() {
    #[derive(serde::Deserialize)]
    struct Fixture {
        train_rows: Vec<u32>,
        features: Vec<String>,
        x: Vec<Vec<f64>>,
    }
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/fixtures/prepare");
    let fixture = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let fixture: Fixture = serde_json::from_str(&fixture).unwrap();
    let spec = DataSpec {
        log: [("amount".into(), 0.5)].into(),
        categorical: strings(["zone"]),
        min_level_count: 4,
        clip: Some(2.0),
        ..spec(&folder.join("rows.csv"), "y")
    };
    let source = load(&spec, &SplitSpec::default()).unwrap();
    let (fitted, _) = fit(&source.table, &fixture.train_rows, &spec).unwrap();
    assert_eq!(fitted.features(), fixture.features);
    let x = fitted.transform(&source.table).unwrap();
    assert_eq!(source.table.rows, fixture.x.len());
    for (row, expected) in fixture.x.iter().enumerate() {
        for (at, expected) in expected.iter().enumerate() {
            let got = f64::from(x[row * fixture.features.len() + at]);
            assert!((got - expected).abs() < 1e-6, "row {row}, {}: {got} {expected}", fixture.features[at]);
        }
    }
    assert!(fitted.steps.iter().any(|step| matches!(step, Step::Category { other: true, missing: true, .. })));
}
