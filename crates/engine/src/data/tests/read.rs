use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, DurationSecondArray, Float32Array, Float64Array,
    Int8Array, Int64Array, LargeStringArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray,
    UInt16Array,
};
use arrow::datatypes::{Int32Type, UInt8Type};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

use super::super::dialect::Dialect;
use super::*;

fn values(table: &Table, name: &str) -> Values {
    table.column(name).unwrap().values.clone()
}

/// NaN is unlike itself; this makes missing numbers comparable.
fn numbers(table: &Table, name: &str) -> Vec<Option<f64>> {
    let Values::Number(values) = values(table, name) else { unreachable!("{name} is no number") };
    values.into_iter().map(|value| (!value.is_nan()).then_some(value)).collect()
}

fn cells(table: &Table, name: &str) -> Vec<String> {
    (0..table.rows).map(|row| table.column(name).unwrap().values.show(row)).collect()
}

#[test]
fn csv_columns_are_typed_by_their_cells() {
    let table = read_csv(
        "\u{feff}n, b ,t,\"with, comma\",e\r\n\
         1,true,x,\"a \"\"b\"\"\nc\",\r\n\
         \r\n\
         -2.5e-3 , False,NA,0,?\r\n\
         nan,,\u{fc} y,1,NULL\r\n",
    )
    .unwrap();
    assert_eq!(table.names().collect::<Vec<_>>(), ["n", "b", "t", "with, comma", "e"]);
    assert_eq!(table.rows, 3);
    assert_eq!(numbers(&table, "n"), [Some(1.0), Some(-2.5e-3), None]);
    assert_eq!(values(&table, "b"), Values::Bool(vec![Some(true), Some(false), None]));
    assert_eq!(table.column("t"), Some(&text("t", &[Some("x"), Some("NA"), Some("\u{fc} y")])), "a level");
    assert_eq!(cells(&table, "with, comma"), ["a \"b\"\nc", "0", "1"]);
    assert_eq!(numbers(&table, "e"), [None; 3]);
}

#[test]
fn only_picked_columns_are_read() {
    let (_folder, path) = file("t.csv", "a,b,c\n1,x,3\n2,y,4\n");
    let all_but = |name| read_table(&path, Pick::AllBut(&strings([name])), &strings(["c"]));
    let only = |name| read_table(&path, Pick::Only(&strings([name])), &strings(["c"]));
    let table = all_but("b").unwrap();
    assert_eq!(table.names().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(table.column("c"), Some(&text("c", &[Some("3"), Some("4")])), "c was asked for as text");
    let table = only("b").unwrap();
    assert_eq!(table.columns, [text("b", &[Some("x"), Some("y")])]);
    let told = said(&all_but("B").unwrap_err());
    assert_eq!(
        told,
        "`data.drop` names `B`, but the data has no such column | did you mean `b`? the columns are a, b, c"
    );
    let told = said(&only("zzz").unwrap_err());
    assert_eq!(told, "the data has no column `zzz`, which the model was trained on | the columns are a, b, c");
}

#[test]
fn text_that_turns_up_late_leaves_the_earlier_cells_as_written() {
    let mut content = "code,x\n".to_owned();
    for row in 0..30_000 {
        // Text from row 20,000 on, so long after the first batch.
        content += &if row < 20_000 { format!("00{},{row}\n", row % 7) } else { format!("A{},{row}\n", row % 3) };
    }
    let table = read_csv(content).unwrap();
    let Values::Text(levels) = values(&table, "code") else { panic!("text was taken for numbers") };
    assert_eq!(levels.names, strings(["000", "001", "002", "003", "004", "005", "006", "A2", "A0", "A1"]));
    assert_eq!(levels.get(8), Some("001"));
    assert_eq!(levels.get(29_999), Some("A2"));
    assert_eq!(numbers(&table, "x")[29_999], Some(29_999.0));
}

#[test]
fn faults_of_csv_files_are_named() {
    let numbers_then =
        |last: &str| format!("a,b\n{}{last}\n", (0..20_000).map(|row| format!("{},2\n", row % 30)).collect::<String>());
    for (content, expected) in [
        ("", "has no rows | a CSV file needs a line of column names and at least one row".to_owned()),
        ("a,b\n", "has no rows".to_owned()),
        ("\n\n", "has no rows".to_owned()),
        ("a;b\n1;2;3\n4;5\n", "seems to be separated by semicolons, but its rows are of different".to_owned()),
        ("a\tb\n1\t2\n1\n", "seems to be separated by tabs".to_owned()),
        ("a,b,a\n1,2,3\n", "has two columns named `a`".to_owned()),
        ("a,b\n1,2\n\n\"x\ny\",2\n3\n", ", line 6: 1 cells, but the header names 2 columns".to_owned()),
        ("a,b\n1,2\n3,4,5\n", ", line 3: 3 cells, but the header names 2 columns".to_owned()),
        ("a,b\n1,inf\n", "column `b`, row 1 (line 2 of the file): the value is infinite".to_owned()),
        ("a,b\n1,1e999\n", "column `b`, row 1 (line 2 of the file): the value is infinite".to_owned()),
        (
            &format!("a\n{}oops\n\n1\n", (1..51).map(|row| format!("{row}\n")).collect::<String>()),
            "column `a` holds numbers (98.1 % of its cells), but also `oops` (1), first in row 51 (line 52 of the \
             file) | add to the sweep file\n  data:\n    csv: {na_values: [oops]}\n"
                .to_owned(),
        ),
        (&numbers_then("x,2"), "but also `x` (1), first in row 20001 (line 20002 of the file)".to_owned()),
        (&numbers_then("1"), ", line 20002: 1 cells, but the header names 2 columns".to_owned()),
    ] {
        let told = said(&read_csv(content).unwrap_err());
        assert!(told.contains(&expected), "{told}\nhas no\n{expected}");
    }
    let told = said(&read_csv(b"a,b\n1,2\n3,caf\xe9\n").unwrap_err());
    assert!(told.contains(", line 3: column 2 is not valid UTF-8"), "{told}");
    let told = said(&read_csv(b"a\xff,b\n1,2\n").unwrap_err());
    assert!(told.contains("UTF-8"), "{told}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let (folder, path) = file("cards.csv", "a\n1\n");
    let read = |name: &str| said(&read_table(&folder.path().join(name), Pick::AllBut(&[]), &[]).unwrap_err());
    assert!(read("card.csv").contains(&format!("did you mean {}?", path.display())), "{}", read("card.csv"));
    assert!(read("cards.xlsx").contains("is not a .csv, .csv.gz or .parquet file by its name"));
    assert!(read("no/cards.csv").contains("there is no folder"), "{}", read("no/cards.csv"));
    write(folder.path().join("x.parquet"), "a,b\n1,2\n").unwrap();
    assert!(read("x.parquet").contains("it is not a readable Parquet file"), "{}", read("x.parquet"));
    write(folder.path().join("x.csv.gz"), "a,b\n1,2\n").unwrap();
    assert!(read("x.csv.gz").contains("it is not a readable gzip file"), "{}", read("x.csv.gz"));
    let mut cut = gzip(&"a,b\n1,2\n".repeat(5_000));
    cut.truncate(cut.len() / 2);
    write(folder.path().join("cut.csv.gz"), cut).unwrap();
    assert!(read("cut.csv.gz").contains("it is not a readable gzip file"), "{}", read("cut.csv.gz"));
}

fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_reads_as_the_plain_file() {
    let content = "a,b\n1,x\n2,y\n";
    let (_folder, path) = file("t.csv.gz", gzip(content));
    assert_eq!(read_table(&path, Pick::AllBut(&[]), &[]).unwrap(), read_csv(content).unwrap());
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let (_folder, path) = file("t.csv", "a,b\r\n\r\n1,\"x\r\n\r\ny\"\"z\n\"\n2,q\"uote\r3,4\n");
    let dialect = Dialect::of(&path, &CsvSpec::default()).unwrap();
    assert_eq!(
        [1, 2, 3, 4, 5].map(|record| dialect.line_of(&path, record)),
        [Some(1), Some(3), Some(7), Some(8), None]
    );
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> (TempDir, PathBuf) {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file("t.parquet", bytes)
}

#[test]
fn parquet_types_become_numbers_booleans_and_text() {
    let (_folder, path) = parquet(vec![
        ("i8", Arc::new(Int8Array::from(vec![Some(-1), None, Some(3)]))),
        ("i64", Arc::new(Int64Array::from(vec![1, 2, -3]))),
        ("u16", Arc::new(UInt16Array::from(vec![1, 2, 65_535]))),
        ("f32", Arc::new(Float32Array::from(vec![0.5, f32::NAN, -2.0]))),
        ("f64", Arc::new(Float64Array::from(vec![Some(0.1), None, Some(-2e300)]))),
        (
            "money",
            Arc::new(Decimal128Array::from(vec![Some(12345), None, Some(-1)]).with_precision_and_scale(10, 2).unwrap()),
        ),
        ("null", Arc::new(NullArray::new(3))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("text", Arc::new(StringArray::from(vec![Some(" x "), None, Some("")]))),
        ("large", Arc::new(LargeStringArray::from(vec!["x", "y", "x"]))),
        ("view", Arc::new(StringViewArray::from(vec!["x", "y", "x"]))),
        ("dictionary", Arc::new(DictionaryArray::<Int32Type>::from_iter([Some("x"), None, Some("x")]))),
        ("category", Arc::new(Int64Array::from(vec![Some(30), None, Some(4)]))),
    ]);
    let table = read_table(&path, Pick::AllBut(&[]), &strings(["category"])).unwrap();
    for (name, expected) in [
        ("i8", [Some(-1.0), None, Some(3.0)]),
        ("i64", [Some(1.0), Some(2.0), Some(-3.0)]),
        ("u16", [Some(1.0), Some(2.0), Some(65_535.0)]),
        ("f32", [Some(0.5), None, Some(-2.0)]),
        ("f64", [Some(0.1), None, Some(-2e300)]),
        ("money", [Some(123.45), None, Some(-0.01)]),
        ("null", [None; 3]),
    ] {
        assert_eq!(numbers(&table, name), expected, "{name}");
    }
    assert_eq!(values(&table, "bool"), Values::Bool(vec![Some(true), None, Some(false)]));
    for (name, expected) in [
        ("text", [Some("x"), None, None]),
        ("large", [Some("x"), Some("y"), Some("x")]),
        ("view", [Some("x"), Some("y"), Some("x")]),
        ("dictionary", [Some("x"), None, Some("x")]),
        ("category", [Some("30"), None, Some("4")]),
    ] {
        assert_eq!(table.column(name), Some(&text(name, &expected)), "{name}");
    }
}

#[test]
fn parquet_types_of_no_use_may_only_be_dropped() {
    let (_folder, path) = parquet(vec![
        ("x", Arc::new(Int64Array::from(vec![1]))),
        ("span", Arc::new(DurationSecondArray::from(vec![0]))),
        ("list", Arc::new(ListArray::from_iter_primitive::<UInt8Type, _, _>(vec![Some(vec![Some(1)])]))),
        ("y", Arc::new(Int64Array::from(vec![7]))),
    ]);
    let told = said(&read_table(&path, Pick::AllBut(&strings(["list"])), &[]).unwrap_err());
    assert!(told.starts_with("column `span` has type Duration(s"), "{told}");
    assert!(told.ends_with("add it to `data.drop`"), "{told}");
    let told = said(&read_table(&path, Pick::AllBut(&strings(["span"])), &[]).unwrap_err());
    assert!(told.starts_with("column `list` has type List"), "{told}");
    let table = read_table(&path, Pick::AllBut(&strings(["span", "list"])), &[]).unwrap();
    assert_eq!(table.columns, [number("x", [1.0]), number("y", [7.0])]);
    let (_folder, path) = parquet(vec![("x", Arc::new(Float32Array::from(vec![1.0, f32::NEG_INFINITY])))]);
    let told = said(&read_table(&path, Pick::AllBut(&[]), &[]).unwrap_err());
    assert!(told.starts_with("column `x`, row 2: the value is infinite"), "{told}");
}

#[test]
fn a_category_of_whole_numbers_reads_alike_from_csv_and_parquet() {
    let (_folder, csv) = file("t.csv", "c\n1.0\n2.50\n1\n10.000\n");
    let (_folder2, parquet) = parquet(vec![("c", Arc::new(Float64Array::from(vec![1.0, 2.5, 1.0, 10.0])))]);
    let categorical = strings(["c"]);
    let csv = read_table(&csv, Pick::AllBut(&[]), &categorical).unwrap();
    let parquet = read_table(&parquet, Pick::AllBut(&[]), &categorical).unwrap();
    assert_eq!(cells(&csv, "c"), ["1", "2.50", "1", "10"]);
    assert_eq!(cells(&parquet, "c"), ["1", "2.5", "1", "10"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against a plain split at commas and std's number parser.
    #[test]
    fn csv_cells_come_back(
        rows in prop::collection::vec((any::<Option<i32>>(), any::<f64>(), "[a-c]{1,2} ?[d-f]"), 1..60)
    ) {
        let mut content = "int,float,text\n".to_owned();
        for (int, float, text) in &rows {
            let float = if float.is_finite() { float.to_string() } else { "NaN".to_owned() };
            content += &format!("{},{float},{text}\n", int.map(|i| i.to_string()).unwrap_or_default());
        }
        let table = read_csv(&content).unwrap();
        prop_assert_eq!(numbers(&table, "int"), rows.iter().map(|row| row.0.map(f64::from)).collect::<Vec<_>>());
        let floats: Vec<_> = rows.iter().map(|row| Some(row.1).filter(|value| value.is_finite())).collect();
        prop_assert_eq!(numbers(&table, "float"), floats);
        prop_assert_eq!(cells(&table, "text"), rows.iter().map(|row| row.2.clone()).collect::<Vec<_>>());
    }
}
