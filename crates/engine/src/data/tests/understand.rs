//! What columns are taken for, and what is refused.

use super::super::number::Marks;
use super::super::{Read, load, read_served};
use super::*;

/// A file of one column with these cells and a label.
fn of(cells: &[String], change: impl FnOnce(&mut DataSpec)) -> Result<super::super::Source, DataError> {
    let rows =
        cells.iter().enumerate().map(|(row, cell)| format!("\"{cell}\",{},{}\n", row % 5, u8::from(row % 9 == 0)));
    let (_folder, path) = file("t.csv", format!("x,z,y\n{}", rows.collect::<String>()));
    let mut spec = spec(&path, "y");
    change(&mut spec);
    load(&spec, &SplitSpec::default())
}

/// 40 numbers and then these.
fn with(others: &[&str]) -> Vec<String> {
    (0..40).map(|row| format!("{row}.25")).chain(others.iter().map(|&cell| cell.to_owned())).collect()
}

fn values(source: &super::super::Source) -> &Values {
    &source.table.columns[0].values
}

#[test]
fn words_that_pandas_knows_are_missing_and_said() {
    let source = of(&with(&["#N/A", "", "NA", "NA", "-nan", "?", "None"]), |_| ()).unwrap();
    let Values::Number(numbers) = values(&source) else { panic!("{:?}", values(&source)) };
    assert_eq!(numbers.iter().filter(|value| value.is_nan()).count(), 7);
    let note = "words taken as missing: x `NA` (2), `#N/A` (1), `-nan` (1), `?` (1), `None` (1)";
    assert!(source.notes.contains(&note.to_owned()), "{:?}", source.notes);
}

#[test]
fn other_words_among_numbers_are_an_error_with_what_to_write() {
    let cells = with(&["<0.01", "not measured", "<0.01"]);
    let told = said(&of(&cells, |_| ()).unwrap_err());
    assert_eq!(
        told,
        "column `x` holds numbers (93.0 % of its cells), but also `<0.01` (2), `not measured` (1), first in row 41 \
         (line 42 of the file) | add to the sweep file\n  data:\n    csv: {na_values: [\"<0.01\", \"not measured\"]}\n\
         `bad_values: missing` takes every cell as missing that does not fit its column\n\
         `types: {COLUMN: category}` takes a column as text, level by level"
    );
    let words = strings(["<0.01", "not measured"]);
    let source = of(&cells, |spec| spec.csv.na_values = words).unwrap();
    assert_eq!(values(&source).kind(), "numbers");
    let source = of(&cells, |spec| spec.bad_values = BadValues::Missing).unwrap();
    assert_eq!(values(&source).kind(), "numbers");
    let note = "cells that do not fit, taken as missing: x `<0.01` (2), `not measured` (1)";
    assert!(source.notes.contains(&note.to_owned()), "{:?}", source.notes);
    let source = of(&cells, |spec| spec.types = [("x".into(), ColumnKind::Category)].into()).unwrap();
    assert_eq!(values(&source).kind(), "text");
    // The words of the sweep file may be numbers.
    let source = of(&with(&["-999", "-999.0"]), |spec| spec.csv.na_values = strings(["-999"])).unwrap();
    let Values::Number(numbers) = values(&source) else { panic!() };
    assert_eq!((numbers[40].is_nan(), numbers[41]), (true, -999.0));
}

#[test]
fn few_numbers_among_words_are_a_category_and_said() {
    let cells: Vec<String> = (0..60).map(|row| ["1", "2", "A"][row % 3].to_owned()).collect();
    let source = of(&cells, |_| ()).unwrap();
    assert_eq!(values(&source).kind(), "text");
    let note = "categories, though some cells are numbers: x (40 of 60 are; others such as `A`)";
    assert!(source.notes.contains(&note.to_owned()), "{:?}", source.notes);
    let source = of(&["NA", "None", "NaN", "u"].map(str::to_owned), |_| ()).unwrap();
    let Values::Text(levels) = values(&source) else { panic!() };
    assert_eq!(levels.names, ["NA", "None", "u"]);
    assert_eq!(levels.get(2), None);
    assert!(source.notes.iter().any(|note| note.ends_with("says so: x `NA` (1), `None` (1)")), "{:?}", source.notes);
    let source = of(&["NA", "v", "NA", "u"].map(str::to_owned), |spec| spec.csv.na_values = strings(["NA"])).unwrap();
    assert!(values(&source).is_missing(0));
}

#[test]
fn numbers_for_people_are_named_and_read_when_said() {
    for (cell, expected) in
        [("$1,234.50", 1234.5), ("-$20", -20.0), ("13.5%", 13.5), ("1,234.50", 1234.5), ("(7.00)", -7.0), ("5 €", 5.0)]
    {
        let cells: Vec<String> = (1..40).map(|row| format!("${row}.00")).chain([cell.to_owned()]).collect();
        let told = said(&of(&cells, |_| ()).unwrap_err());
        assert_eq!(
            told,
            "column `x` looks like numbers written as $1.00, row 1 (line 2 of the file) | add to the sweep file\n  \
             data:\n    types: {x: number}"
        );
        let source = of(&cells, |spec| spec.types = [("x".into(), ColumnKind::Number)].into()).unwrap();
        let Values::Number(numbers) = values(&source) else { panic!() };
        assert_eq!((numbers[0], numbers[39]), (1.0, expected), "{cell}");
        assert!(source.notes.contains(&"numbers as people write them: x (`$1.00` is 1)".to_owned()));
    }
    let cells: Vec<String> = (1..40).map(|row| format!("{row},25")).collect();
    let told = said(&of(&cells, |_| ()).unwrap_err());
    assert!(told.starts_with("column `x` looks like numbers with a decimal comma, `1,25`, row 1"), "{told}");
    assert!(told.ends_with("data:\n    csv: {decimal: \",\"}"), "{told}");
    let told = said(&of(&cells, |spec| spec.types = [("x".into(), ColumnKind::Number)].into()).unwrap_err());
    assert!(told.starts_with("column `x` looks like numbers with a decimal comma"), "{told}");
    let source = of(&cells, |spec| spec.csv.decimal = Some(',')).unwrap();
    assert_eq!(values(&source).show(1), "2.25");
    // Few of them are a category, with a warning.
    let few: Vec<String> = (0..40).map(|row| format!("{}%", row % 4)).collect();
    let source = of(&few, |_| ()).unwrap();
    assert!(source.warnings.iter().any(|told| told.starts_with("taken as categories, but look like numbers")));
}

#[test]
fn marks_of_numbers() {
    let point = Marks::default();
    for (text, expected) in [
        ("1,234", Some(1234.0)),
        ("1,234,567.5", Some(1_234_567.5)),
        ("12,34", None),
        ("0,123", None),
        ("1,2345", None),
        ("1'234", Some(1234.0)),
        ("$ -5", Some(-5.0)),
        ("- $5", Some(-5.0)),
        ("USD 7", Some(7.0)),
        ("7 %", Some(7.0)),
        ("$", None),
        ("%", None),
        ("$inf", None),
        ("1.5.2", None),
        ("12-34", None),
        ("abc", None),
    ] {
        assert_eq!(point.adorned(text), expected, "{text}");
    }
    let comma = Marks { decimal: ',', thousands: None };
    assert_eq!((comma.plain("1,5"), comma.plain("1.5"), comma.adorned("1.234,5")), (Some(1.5), None, Some(1234.5)));
    let grouped = Marks { decimal: '.', thousands: Some(',') };
    assert_eq!(
        (grouped.plain("1,234.5"), grouped.plain("12,34"), grouped.plain("-1,000")),
        (Some(1234.5), None, Some(-1000.0))
    );
}

#[test]
fn codes_and_long_numbers_keep_their_digits() {
    let codes: Vec<String> = (0..40).map(|row| format!("{:05}", 90 + row % 30)).collect();
    let source = of(&codes, |_| ()).unwrap();
    assert_eq!(values(&source).show(0), "00090");
    assert!(source.notes.iter().any(|note| note.contains("codes begin with zeros") && note.ends_with("x (`00090`)")));
    let source = of(&codes, |spec| spec.types = [("x".into(), ColumnKind::Number)].into()).unwrap();
    assert_eq!(values(&source).show(0), "90");
    let long: Vec<String> = (0..40).map(|row| format!("{}", 9_007_199_254_740_992_u64 + row)).collect();
    let told = said(&of(&long, |_| ()).unwrap_err());
    assert!(told.starts_with("column `x`, row 2 (line 3 of the file): 9007199254740993 is beyond 2^53"), "{told}");
    assert!(told.contains("types: {x: ignore}"), "{told}");
    let source = of(&long, |spec| spec.types = [("x".into(), ColumnKind::Number)].into()).unwrap();
    assert!(source.notes.iter().any(|note| note.starts_with("rounded to the nearest number")));
    let source = of(&long, |spec| spec.types = [("x".into(), ColumnKind::Category)].into()).unwrap();
    assert_eq!(values(&source).show(1), "9007199254740993");
}

#[test]
fn columns_are_what_the_sweep_file_says() {
    let kind = |cells: &[&str], kind| {
        let cells: Vec<String> = cells.iter().map(|&cell| cell.to_owned()).collect();
        of(&cells, |spec| spec.types = [("x".into(), kind)].into())
    };
    let source = kind(&["yes", "N", "1", "f", "", "NA"], ColumnKind::Boolean).unwrap();
    assert_eq!(*values(&source), Values::Bool(vec![Some(true), Some(false), Some(true), Some(false), None, None]));
    let told = said(&kind(&["yes", "perhaps"], ColumnKind::Boolean).unwrap_err());
    assert!(told.starts_with("column `x` is to hold booleans, but also `perhaps` (1), first in row 2"), "{told}");
    let source = kind(&["20240229", "2024-02-29"], ColumnKind::Datetime).unwrap();
    assert_eq!([values(&source).show(0), values(&source).show(1)], ["2024-02-29", "2024-02-29"]);
    let told = said(&kind(&["soon", "2024-02-29"], ColumnKind::Datetime).unwrap_err());
    assert!(told.starts_with("column `x` is to hold points in time, but also `soon` (1)"), "{told}");
    let source = kind(&["3", "1.0"], ColumnKind::Category).unwrap();
    assert_eq!(*values(&source), text("x", &[Some("3"), Some("1")]).values);
    let source = kind(&["3", "x"], ColumnKind::Ignore).unwrap();
    assert_eq!(source.table.names().collect::<Vec<_>>(), ["z"]);
    assert!(source.notes.contains(&"ignored as asked: x".to_owned()));
    // Mostly days with a word among them are never levels.
    let days: Vec<String> = (1..28).map(|day| format!("2024-01-{day:02}")).chain(["later".to_owned()]).collect();
    let told = said(&of(&days, |_| ()).unwrap_err());
    assert!(told.starts_with("column `x` holds points in time (96.4 % of its cells), but also `later` (1)"), "{told}");
    let days: Vec<String> = (1..28).map(|day| format!("{day:02}/01/2024")).collect();
    let warnings = of(&days, |_| ()).unwrap().warnings;
    assert!(warnings.iter().any(|told| told.contains("look like dates")), "{warnings:?}");
}

#[test]
fn features_of_times_are_those_asked_for() {
    use super::super::Transform;
    use focalsweep_core::spec::DatePart;
    // A Monday, noon; a Tuesday, six o'clock; none; the Monday after, midnight.
    let cells = ["2024-01-01 12:00", "2024-01-02 06:00", "", "2024-01-08"].map(str::to_owned);
    let parts = vec![DatePart::Hour, DatePart::Weekday, DatePart::AgeDays];
    let mut spec = None;
    let source = of(&cells, |of| {
        of.datetime = [("x".into(), parts)].into();
        of.standardize = false;
        spec = Some(of.clone());
    })
    .unwrap();
    let place = |row: usize| source.place(row);
    let (fitted, _) = super::super::fit::fit(&source.table, &[0, 1, 2, 3], &spec.unwrap(), &place).unwrap();
    let names = fitted.features();
    let x = fitted.transform(&source.table).unwrap();
    let of_row = |row: usize| x[row * names.len()..][..11].to_vec();
    assert_eq!(names[..4], ["x_hour_sin", "x_hour_cos", "x=monday", "x=tuesday"]);
    assert_eq!(names[8..11], ["x=sunday", "x_age_days", "x_missing"]);
    let close = |row: usize, expected: [f32; 11]| {
        for (found, wanted) in of_row(row).iter().zip(expected) {
            assert!((found - wanted).abs() < 1e-6, "{row}: {:?}", of_row(row));
        }
    };
    close(0, [0.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    close(1, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.75, 0.0]);
    close(2, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.75, 1.0]);
    close(3, [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 6.5, 0.0]);
    let json = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<focalsweep_core::prepared::Preprocessing>(&json).unwrap(), fitted);
}

#[test]
fn models_of_earlier_versions_read_as_they_did() {
    use super::super::Transform;
    use focalsweep_core::prepared::{Preprocessing, Step};
    let category = |levels: [&str; 2]| Step::Category {
        column: "t".into(),
        levels: strings(levels),
        base: None,
        other: false,
        missing: true,
    };
    let read = |model: &Preprocessing, content: &str| {
        let (_folder, path) = file("new.csv", content);
        let (Read { table, .. }, _) = read_served(model, &path, &[]).unwrap();
        model.transform(&table).unwrap()
    };
    let old = Preprocessing { steps: vec![category(["a", "b"])], reading: None };
    assert_eq!(read(&old, "t\nNA\n"), [0.0, 0.0, 1.0], "missing then");
    let new = Preprocessing { reading: Some(Default::default()), ..old };
    assert_eq!(read(&new, "t\nNA\n"), [0.0, 0.0, 0.0], "a level that was never seen now");
    let of_parquet = Preprocessing { steps: vec![category(["NA", "b"])], reading: None };
    assert_eq!(read(&of_parquet, "t\nNA\n"), [1.0, 0.0, 0.0]);
}

#[test]
fn spellings_of_a_label_are_refused() {
    let fault = |labels: &[&str], positive: Option<&str>| {
        let rows = labels.iter().enumerate().map(|(row, label)| format!("{row},\"{label}\"\n"));
        let (_folder, path) = file("t.csv", format!("x,y\n{}", rows.collect::<String>()));
        let mut spec = spec(&path, "y");
        spec.positive = positive.map(|text| focalsweep_core::spec::Scalar::Text(text.to_owned()));
        load(&spec, &SplitSpec::default()).map(|source| source.labels).map_err(|error| said(&error))
    };
    let told = fault(&["fraud", "Fraud", "ok", "ok", "FRAUD"], Some("fraud")).unwrap_err();
    assert_eq!(
        told,
        "label `y` has values that differ only by case or blanks: `fraud` (1), `Fraud` (1), `FRAUD` (1) | write them \
         alike in the data: as they stand each is a class of its own"
    );
    assert!(fault(&["not ok", "notok", "ok"], None).unwrap_err().contains("`not ok` (1), `notok` (1)"));
    assert_eq!(fault(&["fraud", "ok", "OK"], Some("fraud")), Ok(vec![1, 0, 0]), "those of the negatives are one class");
    assert_eq!(fault(&["true", "True", "false"], None), Ok(vec![1, 1, 0]));
}
