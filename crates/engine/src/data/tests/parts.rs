//! Sources of several files, and Parquet as others write it.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int8Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use super::super::parts::fits;
use super::super::{Read, Transform, load, prepare, read_served};
use super::*;

fn parquet(path: &Path, columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    write(path, bytes).unwrap();
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn read(path: &Path) -> Result<Read, DataError> {
    super::super::read_table(path, Pick::AllBut(&[]), &Reading::default())
}

#[test]
fn every_codec_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, codec) in [
        ("snappy", Compression::SNAPPY),
        ("gzip", Compression::GZIP(GzipLevel::default())),
        ("brotli", Compression::BROTLI(BrotliLevel::default())),
        ("lz4", Compression::LZ4),
        ("lz4_raw", Compression::LZ4_RAW),
        ("zstd", Compression::ZSTD(ZstdLevel::default())),
    ] {
        let path = folder.path().join(name).with_extension("parquet");
        let properties = WriterProperties::builder().set_compression(codec).build();
        parquet(&path, vec![("a", ints(&[1; 5_000]))], properties);
        assert_eq!(read(&path).unwrap().table.columns, [number("a", [1.0; 5_000])], "{name}");
    }
}

#[test]
fn folders_patterns_and_partitions_are_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    for (year, month, a) in [(2023, "01", 1), (2023, "02", 2), (2024, "01", 3)] {
        let path = root.join(format!("year={year}/m%2Fonth={month}x/part-0.parquet"));
        parquet(&path, vec![("a", ints(&[a, a])), ("y", ints(&[0, 1]))], WriterProperties::default());
    }
    std::fs::create_dir_all(root.join("_temporary")).unwrap();
    write(root.join("_temporary/half.parquet"), "no Parquet").unwrap();
    write(root.join("_SUCCESS"), "").unwrap();
    let expected = [
        number("a", [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]),
        number("y", [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]),
        number("year", [2023.0, 2023.0, 2023.0, 2023.0, 2024.0, 2024.0]),
        text("m/onth", &["01x", "01x", "02x", "02x", "01x", "01x"].map(Some)),
    ];
    let table = read(&root).unwrap();
    assert_eq!(table.table.columns, expected);
    assert!(table.notes[0].starts_with("read from 3 files"), "{:?}", table.notes);
    assert_eq!(read(&root.join("year=*/*/*.parquet")).unwrap().table.columns, expected);
    let some = read(&root.join("year=202[!3]/m*")).unwrap();
    assert_eq!(some.table.columns[0], number("a", [3.0, 3.0]));

    // A fault in the second file names that file.
    let path = root.join("year=2023/m%2Fonth=02x/part-0.parquet");
    let bad = Arc::new(Float64Array::from(vec![1.0, f64::INFINITY]));
    parquet(&path, vec![("y", ints(&[0, 1])), ("a", bad)], WriterProperties::default());
    let told = said(&read(&root).unwrap_err());
    assert!(told.starts_with("column `a`, row 2 of ") && told.contains("onth=02x"), "{told}");
    parquet(&path, vec![("y", ints(&[0, 1]))], WriterProperties::default());
    let told = said(&read(&root).unwrap_err());
    assert!(told.contains("it has no column `a`, unlike "), "{told}");
    let texts = Arc::new(StringArray::from(vec!["u", "v"]));
    parquet(&path, vec![("y", ints(&[0, 1])), ("a", texts)], WriterProperties::default());
    let told = said(&read(&root).unwrap_err());
    assert!(told.contains("column `a` is of type Utf8, unlike in the parts before it"), "{told}");
    std::fs::remove_file(&path).unwrap();
    parquet(&root.join("more.parquet"), vec![("a", ints(&[1]))], WriterProperties::default());
    let told = said(&read(&root).unwrap_err());
    assert!(told.contains("name other columns than those of"), "{told}");
    let told = said(&read(&root.join("none-*.parquet")).unwrap_err());
    assert!(told.starts_with("no Parquet file is found by"), "{told}");
    let told = said(&read(&root.join("_temporary")).unwrap_err());
    assert!(told.contains("it is not a readable Parquet file"), "{told}");
}

#[test]
fn what_pandas_stores_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let pandas = r#"{"index_columns": ["when", {"kind": "range"}], "columns": []}"#;
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(vec![KeyValue::new("pandas".to_owned(), pandas.to_owned())]))
        .build();
    let codes: DictionaryArray<Int8Type> =
        DictionaryArray::new(vec![Some(1), Some(0), None, Some(1)].into(), Arc::new(Int64Array::from(vec![30, 4])));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("when", ints(&[4, 3, 2, 1])),
        ("__index_level_1__", ints(&[1, 2, 3, 4])),
        ("c", Arc::new(codes)),
        ("s", Arc::new(StringArray::from(vec!["NA", "nan", "1", "x"]))),
        ("y", ints(&[0, 1, 0, 0])),
    ];
    parquet(&path, columns, properties);
    let source = load(&spec(&path, "y"), &SplitSpec::default()).unwrap();
    let expected =
        [text("c", &[Some("4"), Some("30"), None, Some("4")]), text("s", &["NA", "nan", "1", "x"].map(Some))];
    assert_eq!(source.table.columns, expected, "a file that knows missing cells means what it says");
    for note in
        ["column 1 (`when`) is a stored row index", "column 2 (`__index_level_1__`) is a stored", "c (of Int64)"]
    {
        assert!(source.notes.iter().any(|told| told.contains(note)), "{:?}\nhas no\n{note}", source.notes);
    }
    let mut spec = spec(&path, "y");
    spec.types = [("when".to_owned(), ColumnKind::Number), ("c".to_owned(), ColumnKind::Number)].into();
    let source = load(&spec, &SplitSpec::default()).unwrap();
    assert_eq!(source.table.columns[0], number("when", [4.0, 3.0, 2.0, 1.0]));
    assert_eq!(source.table.columns[1].values.show(1), "30");
    spec.label = "when".to_owned();
    spec.types = [].into();
    spec.positive = Some(focalsweep_core::spec::Scalar::Int(4));
    assert_eq!(load(&spec, &SplitSpec::default()).unwrap().labels, [1, 0, 0, 0], "a label is none");
}

/// Whether two columns hold the same cells; a missing number equals a missing number.
fn same(a: &Values, b: &Values) -> bool {
    let cell = |values: &Values, row: usize| (!values.is_missing(row)).then(|| values.show(row));
    a.kind() == b.kind() && a.len() == b.len() && (0..a.len()).all(|row| cell(a, row) == cell(b, row))
}

#[test]
fn text_of_parquet_that_is_numbers_is_read_as_in_csv() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let texts = |of: &dyn Fn(i64) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..60).map(of))) };
    let labels: Vec<i64> = (0..60).map(|row| i64::from(row % 7 == 0)).collect();
    let columns = |x: ArrayRef| vec![("x", x), ("y", ints(&labels))];
    parquet(&path, columns(texts(&|row| (row % 50).to_string())), WriterProperties::default());
    let mut spec = spec(&path, "y");
    let source = load(&spec, &SplitSpec::default()).unwrap();
    assert_eq!(source.table.columns[0], number("x", (0..60).map(|row| f64::from(row % 50)).collect::<Vec<_>>()));
    assert!(source.notes.iter().any(|told| told.ends_with("x (50 different ones)")), "{:?}", source.notes);
    // Cell for cell what CSV holds of the same texts, or the same error.
    let cells: [(&str, &dyn Fn(i64) -> String); 6] = [
        ("missing", &|row| ["NA", "nan", "#N/A", "None"].get(row as usize).map_or(format!("{row}.5"), |w| (*w).into())),
        ("words", &|row| if row % 9 == 1 { "n.d.".into() } else { row.to_string() }),
        ("rare numbers", &|row| if row % 3 == 1 { format!("{row}") } else { format!("w{}", row % 5) }),
        ("zeros", &|row| format!("{row:05}")),
        ("exact", &|row| format!("{:e}", 1.0 / (row + 1) as f64)),
        ("mark", &|row| format!("{row},5")),
    ];
    for (name, of) in cells {
        parquet(&path, columns(texts(of)), WriterProperties::default());
        let rows: String = (0..60).map(|row| format!("\"{}\",{}\n", of(row), labels[row as usize])).collect();
        let (_csv_folder, csv) = file("t.csv", format!("x,y\n{rows}"));
        let read = |path: &Path| {
            let source = load(&super::spec(path, "y"), &SplitSpec::default());
            source.map(|source| source.table.columns[0].clone()).map_err(|error| said(&error))
        };
        match (read(&path), read(&csv)) {
            (Ok(ours), Ok(theirs)) => assert!(same(&ours.values, &theirs.values), "{name}: {ours:?} {theirs:?}"),
            (Err(ours), Err(theirs)) => assert_eq!(
                ours,
                theirs.replace(" (line 2 of the file)", "").replace(" (line 3 of the file)", ""),
                "{name}"
            ),
            other => panic!("{name}: {other:?}"),
        }
    }
    // Few different ones are levels, as their type says.
    parquet(&path, columns(texts(&|row| (row % 20).to_string())), WriterProperties::default());
    let source = load(&spec, &SplitSpec::default()).unwrap();
    assert_eq!(source.table.columns[0].values.kind(), "text", "{:?}", source.warnings);
    assert!(source.warnings.iter().all(|told| !told.contains("look like numbers")), "{:?}", source.warnings);
    // Digits that no number holds stay text, and so do levels that the sweep file asks for.
    parquet(&path, columns(texts(&|row| (i64::MAX - row % 25).to_string())), WriterProperties::default());
    let source = load(&spec, &SplitSpec::default()).unwrap();
    assert_eq!(source.table.columns[0].values.show(0), "9223372036854775807");
    assert!(source.warnings.iter().any(|told| told.ends_with("x (25 levels of text, all numbers)")));
    parquet(&path, columns(texts(&|row| (row % 25).to_string())), WriterProperties::default());
    spec.types = [("x".to_owned(), ColumnKind::Category)].into();
    assert_eq!(load(&spec, &SplitSpec::default()).unwrap().table.columns[0].values.kind(), "text");
    // A model reads what it was trained on, from either.
    spec.types = [].into();
    parquet(
        &path,
        columns(texts(&|row| if row == 3 { "NA".into() } else { format!("{row}.5") })),
        WriterProperties::default(),
    );
    let source = load(&spec, &SplitSpec::default()).unwrap();
    let splits = Splits { spec: &SplitSpec::default(), seed: 0, replicates: 1 };
    let model = prepare(&source, &spec, &splits, 0).unwrap().preprocessing;
    let matrix = |path: &Path| model.transform_file(&read_served(&model, path, &[]).unwrap().0).unwrap();
    let (_csv_folder, csv) = file("t.csv", "x\n4.5\nNA\n\"\"\n");
    let new: ArrayRef = Arc::new(StringArray::from(vec![Some("4.5"), Some("NA"), None]));
    parquet(&path, vec![("x", new)], WriterProperties::default());
    assert_eq!(matrix(&path), matrix(&csv));
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(4.5), None, None]));
    parquet(&path, vec![("x", floats)], WriterProperties::default());
    assert_eq!(matrix(&path), matrix(&csv));
    parquet(&path, columns(texts(&|row| (row % 50).to_string())), WriterProperties::default());
    spec.types = [("x".to_owned(), ColumnKind::Number)].into();
    assert_eq!(load(&spec, &SplitSpec::default()).unwrap().table.columns[0].values.show(7), "7");
    parquet(&path, columns(texts(&|row| format!("${row}.00"))), WriterProperties::default());
    assert_eq!(load(&spec, &SplitSpec::default()).unwrap().table.columns[0].values.show(7), "7");
    spec.types = [].into();
    let told = said(&load(&spec, &SplitSpec::default()).unwrap_err());
    assert!(told.starts_with("column `x` looks like numbers written as $0.00, row 1 | add"), "{told}");
    let long: Vec<i64> = (0..60).map(|row| i64::MAX - row).collect();
    parquet(&path, columns(ints(&long)), WriterProperties::default());
    let told = said(&load(&spec, &SplitSpec::default()).unwrap_err());
    assert!(told.starts_with("column `x`, row 1: 9223372036854775807 is beyond 2^53"), "{told}");
    spec.types = [("x".to_owned(), ColumnKind::Category)].into();
    assert_eq!(load(&spec, &SplitSpec::default()).unwrap().table.columns[0].values.show(0), "9223372036854775807");
}

/// Whether a name fits a pattern of letters, `*` and `?`, by its definition.
fn fits_by_definition(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len()).any(|taken| fits_by_definition(rest, &name[taken..])),
        ['?', rest @ ..] => !name.is_empty() && fits_by_definition(rest, &name[1..]),
        [c, rest @ ..] => name.first() == Some(c) && fits_by_definition(rest, &name[1..]),
    }
}

#[test]
fn classes_of_characters_fit() {
    for (pattern, name, expected) in [
        ("[a-c]x", "bx", true),
        ("[a-c]x", "dx", false),
        ("[!a-c]x", "dx", true),
        ("[!a-c]*", "bx", false),
        ("[]]", "]", true),
        ("a[", "a[", false),
        ("*[0-9].parquet", "part-7.parquet", true),
    ] {
        assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
    }
}

proptest! {
    #[test]
    fn patterns_fit_by_definition(pattern in "[ab*?]{0,8}", name in "[abc]{0,8}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(fits(&pattern, &name), fits_by_definition(&chars(&pattern), &chars(&name)));
    }
}
