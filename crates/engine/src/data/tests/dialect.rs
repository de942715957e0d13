//! Ways of writing one table, all of which read as the same.

use super::super::{Read, load};
use super::*;
use focalsweep_core::spec::Encoding;

fn read_as(name: &str, content: &[u8], csv: CsvSpec) -> Result<Read, DataError> {
    let (_folder, path) = file(name, content);
    let mut reading = Reading::default();
    reading.csv = csv;
    super::super::read_table(&path, Pick::AllBut(&[]), &reading)
}

fn plain(content: impl AsRef<[u8]>) -> Result<Read, DataError> {
    read_as("t.csv", content.as_ref(), CsvSpec::default())
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

/// NaN is unlike itself, and shown alike.
fn shown(table: &Table) -> String {
    format!("{table:?}")
}

const TABLE: &str = "a,b,t\n1,2.5,x\n-3,,\u{e9}t\u{e9}\n";

#[test]
fn one_table_in_many_dialects() {
    let expected = plain(TABLE).unwrap().table;
    assert_eq!(expected.columns[2], text("t", &[Some("x"), Some("\u{e9}t\u{e9}")]));
    let semicolons = TABLE.replace(',', ";");
    let note = |content: Vec<u8>| {
        let Read { table, notes, .. } = plain(&content).unwrap();
        assert_eq!(shown(&table), shown(&expected), "{}", String::from_utf8_lossy(&content));
        notes.join(" | ")
    };
    assert_eq!(note(semicolons.clone().into()), "separated by semicolons (3 columns)");
    assert_eq!(note(TABLE.replace(',', "\t").into()), "separated by tabs (3 columns)");
    assert_eq!(note(TABLE.replace(',', "|").into()), "separated by `|` (3 columns)");
    assert_eq!(note(format!("sep=;\r\n{semicolons}").into()), "the first line, `sep=;`, is no row");
    assert_eq!(note(format!("\u{feff}{TABLE}").into()), "");
    assert_eq!(note(TABLE.replace('\n', "\r").into()), "");
    assert_eq!(note(TABLE.replace('\n', "\r\n\r\n").into()), "");
    assert_eq!(note(format!("{TABLE}\u{1a}").into()), "", "the end of a file of DOS");
    assert_eq!(note(TABLE.replace("a,b,t", "'a','b','t'").into()), "single quotes stand around cells");
    for big in [false, true] {
        let told = note(utf16(&format!("\u{feff}{TABLE}"), big));
        assert_eq!(told, "encoded as UTF-16, as its byte order mark says");
    }
    for (csv, content) in [
        (CsvSpec { comment: Some('#'), ..CsvSpec::default() }, format!("# made by hand\n{TABLE}# end, it is\n").into()),
        (
            CsvSpec { comment: Some('#'), ..CsvSpec::default() },
            format!("# made by hand\n{}", TABLE.replace("-3", "#\n# one\n-3")).replace('\n', "\r").into(),
        ),
        (CsvSpec { skip_rows: 2, ..CsvSpec::default() }, format!("a report\r\nof \"2024\r\n{TABLE}").into()),
        (CsvSpec { decimal: Some(','), ..CsvSpec::default() }, semicolons.replace('.', ",").into_bytes()),
        (
            CsvSpec { decimal: Some(','), delimiter: Some(','), ..CsvSpec::default() },
            TABLE.replace("2.5", "\"2,5\"").into(),
        ),
        (CsvSpec { quote: Some('~'), ..CsvSpec::default() }, TABLE.replace('x', "~x~").into()),
        (CsvSpec { encoding: Some(Encoding::Utf16), ..CsvSpec::default() }, utf16(TABLE, false)),
        (CsvSpec { encoding: Some(Encoding::Utf16), ..CsvSpec::default() }, utf16(TABLE, true)),
        (
            CsvSpec { encoding: Some(Encoding::Latin1), ..CsvSpec::default() },
            TABLE.chars().map(|c| u8::try_from(c).unwrap()).collect(),
        ),
        (
            CsvSpec { encoding: Some(Encoding::Windows1252), ..CsvSpec::default() },
            TABLE.chars().map(|c| u8::try_from(c).unwrap()).collect(),
        ),
    ] {
        let table = read_as("t.csv", &content, csv.clone()).unwrap().table;
        assert_eq!(shown(&table), shown(&expected), "{csv:?}");
    }
}

#[test]
fn long_texts_are_decoded_piece_by_piece() {
    let mut long = "t,x\n".to_owned();
    for row in 0..60_000 {
        long += &format!("\u{20ac}{}\u{fc},{row}\n", row % 7);
    }
    let expected = plain(&long).unwrap().table;
    let windows: Vec<u8> =
        long.chars().map(|c| if c == '\u{20ac}' { 0x80 } else { u8::try_from(c).unwrap() }).collect();
    let read = |encoding, bytes: &[u8]| {
        read_as("t.csv", bytes, CsvSpec { encoding: Some(encoding), ..CsvSpec::default() }).unwrap().table
    };
    assert_eq!(read(Encoding::Windows1252, &windows), expected);
    assert_eq!(read(Encoding::Utf16, &utf16(&long, true)), expected);
    // Of Latin-1 the byte 0x80 is another character.
    let latin = read(Encoding::Latin1, &windows);
    assert_eq!(latin.columns[0].values.show(1), "\u{80}1\u{fc}");
    assert_eq!(latin.columns[1], expected.columns[1]);
}

#[test]
fn what_is_not_plain_is_refused_with_the_key() {
    let refused = |content: &[u8], expected: &str| {
        let told = said(&plain(content).unwrap_err());
        assert!(told.contains(expected), "{told}\nhas no\n{expected}");
    };
    refused(
        &utf16(TABLE, false),
        "is encoded as UTF-16 without a byte order mark, but read as UTF-8 | write `data.csv: {encoding: utf-16}`",
    );
    refused(b"a,b\n1,caf\xe9\n", "line 2: column 2 is not valid UTF-8 | if other programs show it well as Windows");
    refused(
        b"# one\n# two\na,b\n1,2\n",
        "line 1, begins with `#` and is no row of the table: `# one` | `data.csv: {comment",
    );
    refused(
        b"a;b,c;d\n1;2,3;4\n",
        "may be separated by commas (2 columns) or semicolons (3 columns) | say which under",
    );
    refused(b"a;b|c\n1;2|3\n", "may be separated by semicolons (2 columns) or `|` (2 columns)");
    let told = said(
        &read_as("t.csv", b"\xef\xbb\xbfa\n1\n", CsvSpec { encoding: Some(Encoding::Utf16), ..CsvSpec::default() })
            .unwrap_err(),
    );
    assert!(told.contains("is encoded as UTF-8, but read as utf-16"), "{told}");
    // A header that begins with `#` is one when the rows have as many cells.
    assert_eq!(plain("#a,b\n1,2\n").unwrap().table.columns[0].name, "#a");
}

#[test]
fn lines_are_those_of_the_file_whatever_was_skipped() {
    let spec = CsvSpec { comment: Some('#'), skip_rows: 1, ..CsvSpec::default() };
    let told = said(&read_as("t.csv", b"title\n# c\na,b\n# d\n1,2\n1\n", spec.clone()).unwrap_err());
    assert!(told.contains(", line 6: 1 cells, but the header names 2 columns"), "{told}");
    let told = said(&read_as("t.csv", b"title\r# c\ra,b\r1,inf\r", spec).unwrap_err());
    assert!(told.contains("column `b`, row 1 (line 4 of the file)"), "{told}");
}

#[test]
fn columns_without_a_name_are_left_out_unless_asked_for() {
    for (content, note) in [
        (",a,y\n0,5,0\n1,6,1\n", "column 1 (`Unnamed: 0`) has no name, as a stored row index"),
        ("Unnamed: 0,a,y\n0,5,0\n1,6,1\n", "column 1 (`Unnamed: 0`) has no name, as a stored row index"),
        ("a,y\n\"1\",5,0\n\"2\",6,1\n", "column 1 (`row.names`) has row names, which the header has no name for"),
        ("a,y,\n5,0,\n6,1,\n", "column 3 (`Unnamed: 2`) has no name and no values"),
        ("a,y\n5,0,\n6,1,\n", "column 3 (`Unnamed: 2`) has no name and no values"),
    ] {
        let (_folder, path) = file("t.csv", content);
        let spec = spec(&path, "y");
        let source = load(&spec, &SplitSpec::default()).unwrap();
        assert_eq!(source.table.columns, [number("a", [5.0, 6.0])], "{content}");
        assert!(source.notes.iter().any(|told| told.contains(note)), "{:?}\nhas no\n{note}", source.notes);
    }
    let (_folder, path) = file("t.csv", ",a,y\n0,5,0\n1,6,1\n");
    let mut spec = spec(&path, "y");
    spec.types = [("Unnamed: 0".to_owned(), ColumnKind::Number)].into();
    assert_eq!(load(&spec, &SplitSpec::default()).unwrap().table.columns[0], number("Unnamed: 0", [0.0, 1.0]));
    spec.types = [("Unnamed: 9".to_owned(), ColumnKind::Number)].into();
    let told = said(&load(&spec, &SplitSpec::default()).unwrap_err());
    assert!(
        told.starts_with(
            "`data.types` names `Unnamed: 9`, but the data has no such column | did you mean `Unnamed: 0`"
        )
    );
}
