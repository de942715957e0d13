//! Points in time, against arrow's own reading of them and against chrono's calendar.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Date64Array, RecordBatch, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

use super::super::{load, time};
use super::*;

fn parse(text: &str) -> Option<i64> {
    time::parse(text).map(|written| written.micros)
}

#[test]
fn iso_8601_is_read_and_nothing_else() {
    const NOON: i64 = 1_709_208_000_000_000; // date -u -d '2024-02-29 12:00' +%s
    for (text, expected) in [
        ("2024-02-29", NOON - time::DAY / 2),
        ("2024-02-29T12:00", NOON),
        ("2024-02-29 12:00:00", NOON),
        ("2024-02-29t12:00:00Z", NOON),
        ("2024-02-29 12:00:00 UTC", NOON),
        ("2024-02-29 12:00:00.25", NOON + 250_000),
        ("2024-02-29 12:00:00,000001999", NOON + 1),
        ("2024-02-29T13:30:00+01:30", NOON),
        ("2024-02-29T13:30:00+0130", NOON),
        ("2024-02-29 05:00:00-07", NOON),
        ("2024-02-29 12:00:00 +00:00", NOON),
        ("1970-01-01", 0),
        ("1969-12-31T23:59:59.999999", -1),
        ("0001-01-01", -62_135_596_800_000_000),
    ] {
        assert_eq!(parse(text), Some(expected), "{text}");
    }
    for text in [
        "",
        "2024",
        "2024-02",
        "20240229",
        "2024-2-29",
        "2023-02-29",
        "2024-13-01",
        "2024-00-01",
        "2024-01-00",
        "2024-02-29T",
        "2024-02-29 1",
        "2024-02-29 12",
        "2024-02-29 24:00",
        "2024-02-29 12:60",
        "2024-02-29 12:00:60",
        "2024-02-29 12:00:00.",
        "2024-02-29 12:00:00+",
        "2024-02-29 12:00:00+1",
        "2024-02-29 12:00:00+01:",
        "2024-02-29 12:00 CET",
        "2024-02-29 12:00:00Z1",
        "29/02/2024",
        "2024/02/29",
        "12:00:00",
        "-024-02-29",
        "2024-02-29 12:00:00 ",
        "\u{661}024-02-29",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

proptest! {
    /// arrow's cast from text is not ours.
    #[test]
    fn arrow_reads_the_same(
        year in 1678i64..2262, month in 1u32..13, day in 1u32..32, hour in 0u32..24, minute in 0u32..60,
        second in 0u32..60, micros in 0u32..1_000_000,
        offset in prop::sample::select(vec!["", "Z", "+02:00", "-11:30"]),
    ) {
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}{offset}");
        let arrow = string_to_timestamp_nanos(&text).ok().map(|nanos| nanos.div_euclid(1_000));
        prop_assert_eq!(parse(&text), arrow, "{}", text);
    }

    /// chrono's calendar is not ours.
    #[test]
    fn what_is_shown_is_what_chrono_shows(micros in -60_000_000_000_000_000i64..250_000_000_000_000_000) {
        use chrono::{DateTime, Datelike, Timelike};
        let chrono = DateTime::from_timestamp_micros(micros).unwrap();
        let shown = time::in_words(micros);
        prop_assert!(shown.starts_with(&chrono.format("%Y-%m-%d %H:%M:%S").to_string()), "{} {}", shown, chrono);
        prop_assert_eq!(parse(&shown), Some(micros));
        prop_assert_eq!(time::weekday(micros), chrono.weekday().num_days_from_monday() as usize);
        prop_assert_eq!(time::of_day(micros) / 1_000_000, i64::from(chrono.num_seconds_from_midnight()));
    }
}

fn times(table: &Table, name: &str) -> Vec<i64> {
    match &table.column(name).unwrap().values {
        Values::Time(values) => values.clone(),
        other => panic!("{name} is {}", other.kind()),
    }
}

#[test]
fn csv_and_parquet_times_are_alike_and_no_features() {
    let csv = "d,t,z,x,y\n1970-01-02,1970-01-01 00:00:01,1970-01-01T01:00:00+01:00,1,0\n\
               ,1970-01-01 00:00:02.5,1970-01-01T00:00:00Z,2,1\n";
    let expected = [("d", vec![time::DAY, Values::NO_TIME]), ("t", vec![1_000_000, 2_500_000]), ("z", vec![0, 0])];
    let table = read_csv(csv).unwrap();
    for (name, expected) in &expected {
        assert_eq!(times(&table, name), *expected, "{name}");
    }
    let (_folder, path) = file("t.csv", csv);
    let source = load(&spec(&path, "y"), &SplitSpec::default()).unwrap();
    let note = source.notes.iter().find(|note| note.starts_with("points in time, so no features")).unwrap();
    assert!(note.ends_with(": d, t, z"), "{note}");
    // A zone on some rows only: which hour the others mean is not known.
    let told = said(&read_csv("t\n1970-01-01T00:00:00Z\n1970-01-01T00:00:00\n").unwrap_err());
    assert!(told.starts_with("column `t` holds times with a zone and others without"), "{told}");
    let (_folder, path) = file("t.csv", "t,y\n1970-01-01,0\n1970-01-02,1\n");
    let told = said(&load(&spec(&path, "y"), &SplitSpec::default()).unwrap_err());
    assert!(told.contains("the data has the label `y` and points in time only"), "{told}");
}

#[test]
fn every_unit_of_parquet_is_read() {
    let second = Some(-1_i64);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("d32", Arc::new(Date32Array::from(vec![Some(1), None]))),
        ("d64", Arc::new(Date64Array::from(vec![Some(86_400_000), None]))),
        ("s", Arc::new(TimestampSecondArray::from(vec![second, None]))),
        ("ms", Arc::new(TimestampMillisecondArray::from(vec![second.map(|s| s * 1_000), None]).with_timezone("UTC"))),
        ("us", Arc::new(TimestampMicrosecondArray::from(vec![Some(-1_000_000), None]).with_timezone("+05:00"))),
        ("ns", Arc::new(TimestampNanosecondArray::from(vec![Some(-1_000_000_000), None]))),
        ("far", Arc::new(TimestampSecondArray::from(vec![Some(i64::MAX), None]))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let (_folder, path) = file("t.parquet", bytes);
    let table = read_table(&path, Pick::AllBut(&strings(["far"])), &[]).unwrap();
    for (name, expected) in [
        ("d32", time::DAY),
        ("d64", time::DAY),
        ("s", -1_000_000),
        ("ms", -1_000_000),
        ("us", -1_000_000),
        ("ns", -1_000_000),
    ] {
        assert_eq!(times(&table, name), [expected, Values::NO_TIME], "{name}");
    }
    let told = said(&read_table(&path, Pick::AllBut(&[]), &[]).unwrap_err());
    assert!(told.contains("column `far`"), "a time beyond all is no missing one: {told}");
}
