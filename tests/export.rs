//! A model that leaves its run scores rows as it did there, to the bit.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{FileWriter as ArrowFileWriter, IpcWriteOptions, StreamWriter};
use assert_cmd::Command;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

/// Text columns, a missing value, two replicates, two layers: all that a model directory has to carry.
const SWEEP: &str = "
name: tiny
data: {source: data/crash.parquet, label: dead, positive: dead, clip: 5}
replicates: 2
model: {hidden: [9, 5], dropout: 0.2}
train: {epochs: 2, batch_size: 512, learning_rate: 1e-3, early_stopping: none}
parameters: {loss: {value: focal}, alpha: {values: [0.3, 0.7]}, gamma: {values: [0, 2]}}
operating_point: {max_fpr: 0.05}
launch: {devices: cpu}
";

fn focalsweep(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("focalsweep").unwrap();
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().unwrap()
}

fn succeed(arguments: &[&str]) -> String {
    let output = focalsweep(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stderr).unwrap()
}

/// What stderr says when the arguments are refused.
fn refused(arguments: &[&str]) -> String {
    let output = focalsweep(arguments);
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {talk}");
    assert!(!talk.contains("panicked"), "{talk}");
    talk.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

fn inside(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn text(batch: &RecordBatch, name: &str) -> Vec<String> {
    let array = cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    array.as_string::<i32>().iter().map(|value| value.unwrap().to_owned()).collect()
}

fn floats(batch: &RecordBatch, name: &str) -> Vec<f32> {
    batch.column_by_name(name).unwrap().as_primitive::<Float32Type>().values().to_vec()
}

/// Recorded scores of one (trial, replicate): bits by source row, and how many rows of which split.
fn recorded(run: &Path, trial: &str, replicate: i32) -> (HashMap<i64, u32>, HashMap<String, usize>) {
    let batch = read(&run.join("scores.parquet"));
    let (trials, splits, scores) = (text(&batch, "trial_id"), text(&batch, "split"), floats(&batch, "score"));
    let replicates = batch.column_by_name("replicate").unwrap().as_primitive::<Int32Type>();
    let rows = batch.column_by_name("row").unwrap().as_primitive::<Int64Type>();
    let (mut bits, mut counts) = (HashMap::new(), HashMap::new());
    for at in (0..batch.num_rows()).filter(|&at| trials[at] == trial && replicates.value(at) == replicate) {
        bits.insert(rows.value(at), scores[at].to_bits());
        *counts.entry(splits[at].clone()).or_insert(0) += 1;
    }
    (bits, counts)
}

fn card(model: &str) -> serde_json::Value {
    serde_json::from_slice(&fs::read(Path::new(model).join("model.json")).unwrap()).unwrap()
}

fn sweep(folder: &TempDir) -> String {
    let (spec, run) = (inside(folder, "tiny.yaml"), inside(folder, "run"));
    fs::write(&spec, SWEEP).unwrap();
    succeed(&["run", &spec, "--out", &run, "--no-progress"]);
    run
}

#[test]
fn an_exported_model_scores_as_it_did_in_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = sweep(&folder);
    let [best, other, scores, again] =
        ["models/best", "models/other", "scores.parquet", "scores.csv"].map(|name| inside(&folder, name));
    let [best, other, scores, again] = [&best, &other, &scores, &again].map(String::as_str);
    let said = succeed(&["export", &run, "--trial", "best", "--out", best]);
    assert!(said.contains("loss focal, alpha ") && said.contains("replicate 0"), "{said}");

    // `best` is the report's winner, and the card has what results.parquet has.
    let report = focalsweep(&["report", &run, "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    let of_best = card(best);
    assert_eq!(of_best["trial_id"], report["winner"]["trial_id"]);
    let trial = of_best["trial_id"].as_str().unwrap().to_owned();

    succeed(&["export", &run, "--trial", &trial[..6], "--replicate", "1", "--out", other]);
    for (model, replicate) in [(best, 0), (other, 1)] {
        let card = card(model);
        assert_eq!(card["replicate"], replicate);
        succeed(&["predict", model, "data/crash.parquet", "--out", scores]);
        let predicted = read(Path::new(scores));
        let rows = predicted.column_by_name("row").unwrap().as_primitive::<Int64Type>();
        assert!(rows.values().iter().copied().eq(0..26_217));
        let values = floats(&predicted, "score");
        let (recorded, counts) = recorded(Path::new(&run), &trial, replicate);
        assert_eq!(counts, HashMap::from([("validation".to_owned(), 4195), ("test".to_owned(), 5243)]));
        for (row, bits) in &recorded {
            assert_eq!(values[*row as usize].to_bits(), *bits, "row {row}");
        }
        // The flags of the test rows are the counts of the card.
        let threshold = card["threshold_raw"].as_f64().unwrap();
        let raw = predicted.column_by_name("raw").unwrap().as_primitive::<Float64Type>().values().clone();
        let flagged = predicted.column_by_name("flagged").unwrap().as_boolean();
        assert!((0..flagged.len()).all(|at| flagged.value(at) == (raw[at] >= threshold)));
        let all = recorded.keys().filter(|row| flagged.value(**row as usize)).count() as f64;
        let count = |split: &str, name: &str| card[split][name].as_f64().unwrap();
        let splits = ["validation", "test"].iter();
        assert_eq!(all, splits.map(|split| count(split, "op_tp") + count(split, "op_fp")).sum::<f64>());

        // CSV says the same numbers.
        succeed(&["predict", model, "data/crash.parquet", "--out", again]);
        let text = fs::read_to_string(again).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("row,raw,score,flagged,threshold_raw"));
        for (at, line) in lines.enumerate() {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells[0].parse::<usize>().unwrap(), at);
            assert_eq!(cells[2].parse::<f32>().unwrap().to_bits(), values[at].to_bits());
            assert_eq!(cells[3].parse::<bool>().unwrap(), flagged.value(at));
        }
    }
}

/// What makes probabilities of scores is in the weights: a model that leaves its run has it.
#[test]
fn a_corrected_model_scores_as_it_did_in_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let (spec, run) = (inside(&folder, "tiny.yaml"), inside(&folder, "run"));
    let parameters = "[{loss: {value: bce}, sampling: {value: undersample}, correction: {values: [none, prior]}}, \
                      {loss: {value: pairwise}, batching: {value: stratified}, correction: {value: platt}}]";
    let (head, _) = SWEEP.split_once("parameters:").unwrap();
    fs::write(&spec, format!("{head}parameters: {parameters}\n")).unwrap();
    succeed(&["run", &spec, "--out", &run, "--no-progress"]);
    let results = read(&Path::new(&run).join("results.parquet"));
    let (trials, corrections) = (text(&results, "trial_id"), text(&results, "correction"));
    let mut means = HashMap::new();
    for (correction, told) in [("none", None), ("prior", Some("King & Zeng 2001")), ("platt", Some("(Platt)"))] {
        let trial = &trials[corrections.iter().position(|of| of == correction).unwrap()];
        let (model, scores) = (inside(&folder, correction), inside(&folder, "scores.parquet"));
        succeed(&["export", &run, "--trial", trial, "--out", &model]);
        succeed(&["predict", &model, "data/crash.parquet", "--out", &scores]);
        let values = floats(&read(Path::new(&scores)), "score");
        for (row, bits) in recorded(Path::new(&run), trial, 0).0 {
            assert_eq!(values[row as usize].to_bits(), bits, "{correction}: row {row}");
        }
        means.insert(correction, values.iter().map(|&score| f64::from(score)).sum::<f64>() / values.len() as f64);
        let card = fs::read_to_string(Path::new(&model).join("model-card.md")).unwrap();
        assert!(told.is_none_or(|told| card.contains(told)) && (told.is_some() || !card.contains("King")), "{card}");
    }
    // 4.5 % died; undersampling alone says far more.
    assert!(means["none"] > 0.2 && means["prior"] < 0.1 && (means["platt"] - 0.045).abs() < 0.01, "{means:?}");
}

#[test]
fn what_cannot_be_done_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let run = sweep(&folder);
    let [model, out, data, new] = ["model", "out.csv", "new.csv", "new"].map(|name| inside(&folder, name));
    let [model, out, data, new] = [&model, &out, &data, &new].map(String::as_str);
    succeed(&["export", &run, "--out", model]);
    let trial = card(model)["trial_id"].as_str().unwrap().to_owned();

    let cases: [(&[&str], &str); 8] = [
        (&["export", &run, "--out", model], "not an empty directory"),
        (&["export", &run, "--trial", &trial[..3], "--out", new], "an id needs 4 characters or more"),
        (&["export", &run, "--trial", "no-such-trial", "--out", new], "none of the 4 trials has that id"),
        (&["export", &run, "--replicate", "2", "--out", new], "its replicates are 0, 1"),
        (&["export", model, "--out", new], "is not a run directory"),
        (&["predict", &run, "data/crash.parquet", "--out", out], "`focalsweep export RUN_DIR"),
        (&["predict", model, "data/crash.parquet", "--out", "scores.txt"], "neither a .csv nor a .parquet file"),
        (&["predict", model, data, "--out", out], "there is no file"),
    ];
    for (arguments, said) in cases {
        let talk = refused(arguments);
        assert!(talk.contains(said), "{arguments:?}: {talk}");
    }
    assert!(!Path::new(new).exists() && !Path::new(out).exists());

    // A card lies beside a model in either form; a file that is there is not overwritten.
    let onnx = &inside(&folder, "m.onnx");
    let said = succeed(&["export", &run, "--format", "onnx", "--out", onnx]);
    assert!(said.contains("outputs raw, score, flagged"), "{said}");
    for of in [Path::new(model).join("model-card.md"), inside(&folder, "m.md").into()] {
        let text = fs::read_to_string(of).unwrap();
        assert!(text.contains(&format!("trial {trial}, replicate 0")) && text.contains("## Limits"), "{text}");
    }
    assert!(refused(&["export", &run, "--format", "onnx", "--out", onnx]).contains("is there already"));

    // Rows that do not fit the model.
    let header = "dvcat,airbag,seatbelt,frontal,sex,ageOFocc,yearacc,yearVeh,abcat,occRole,deploy";
    let row = "25-39,none,belted,1,f,44,2000,1995,unavail,driver,0";
    fs::write(data, format!("{header}\n{row}\n")).unwrap();
    succeed(&["predict", model, data, "--out", out]);
    fs::write(data, format!("{}\n{row}\n", header.replace("ageOFocc", "age"))).unwrap();
    assert!(refused(&["predict", model, data, "--out", out]).contains("no column `ageOFocc`"));
    fs::write(data, format!("{header}\n{row}\n{}\n", row.replace("44", "old"))).unwrap();
    let talk = refused(&["predict", model, data, "--out", out]);
    assert!(talk.contains("ageOFocc"), "{talk}");

    // A model whose files do not belong together.
    let weights = Path::new(model).join("model.safetensors");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    assert!(refused(&["predict", model, "data/crash.parquet", "--out", out]).contains("model.safetensors"));
}

#[test]
fn new_rows_come_from_a_stream_keep_columns_and_tell_what_is_unfamiliar() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..200)
        .map(|row| format!("k{row};{},{};{};{}\n", row * 7 % 23, row % 10, ["u", "v"][row % 2], u8::from(row % 9 == 0)))
        .collect();
    let at = |name: &str| inside(&folder, name);
    fs::write(at("rows.csv"), format!("id;x;t;y\n{rows}")).unwrap();
    let spec = format!(
        "name: s\ndata: {{source: {}, label: y, drop: [id], csv: {{decimal: \",\"}}, min_level_count: 2}}\n\
         train: {{epochs: 1}}\nparameters: {{loss: {{value: bce}}}}\nlaunch: {{devices: cpu}}\n",
        at("rows.csv")
    );
    fs::write(at("s.yaml"), spec).unwrap();
    succeed(&["run", &at("s.yaml"), "--out", &at("run"), "--no-progress"]);
    succeed(&["export", &at("run"), "--trial", "best", "--out", &at("model")]);

    // The decimal mark of the training file holds, its delimiter is found out anew.
    let new = "id\tx\tt\tmore\n007\t1,5\tu\t1\nb\t\tw\t2\n";
    fs::write(at("new.csv"), new).unwrap();
    let said = succeed(&["predict", &at("model"), &at("new.csv"), "--out", &at("p.parquet"), "--keep", "id"]);
    assert!(said.contains("warning: of 2 rows x: 1 missing; t: 1 of levels it has no feature for (w)"), "{said}");
    let predicted = read(Path::new(&at("p.parquet")));
    assert_eq!(text(&predicted, "id"), ["007", "b"]);
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(at("p.parquet")).unwrap()).unwrap();
    let pairs = file.metadata().file_metadata().key_value_metadata().unwrap();
    let notes = pairs.iter().find(|pair| pair.key == "focalsweep").unwrap().value.as_ref().unwrap();
    let notes: serde_json::Value = serde_json::from_str(notes).unwrap();
    let t = serde_json::json!({"column": "t", "missing": 0, "unseen": 1, "levels": ["w"]});
    assert_eq!(notes["unfamiliar"][1], t);

    let mut command = Command::cargo_bin("focalsweep").unwrap();
    let arguments = ["predict", &at("model"), "-", "--out", "-", "--keep", "id", "--keep", "more"];
    let output = command.args(arguments).write_stdin(new).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "row,raw,score,flagged,threshold_raw,id,more"));
    assert!(lines[1].starts_with("0,") && lines[1].ends_with(",007,1") && lines[2].ends_with(",b,2"), "{out}");
    let score = floats(&predicted, "score")[0].to_string();
    assert_eq!(lines[1].split(',').nth(2), Some(score.as_str()));
    for (keep, expected) in [
        ("row", "is a column that is written anyway"),
        ("nome", "`--keep` names `nome`, but the data has no such column"),
    ] {
        let told = refused(&["predict", &at("model"), &at("new.csv"), "--out", &at("q.csv"), "--keep", keep]);
        assert!(told.contains(expected), "{told}");
    }
}

/// A figure with its interval, as `--metrics` has it.
fn figure(metrics: &serde_json::Value, name: &str) -> (f64, [f64; 2]) {
    let of = &metrics[name];
    let end = |at: usize| of["interval"][at].as_f64().unwrap();
    (of["value"].as_f64().unwrap(), [end(0), end(1)])
}

#[test]
fn where_the_label_is_there_predict_says_what_scores_are_worth() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| inside(&folder, name);
    let label = |row: usize| if (row * 5).is_multiple_of(9) { "fraud" } else { "ok" };
    let rows: String = (0..300).map(|row| format!("{},{},{}\n", row * 7 % 23, row * 5 % 9, label(row))).collect();
    fs::write(at("rows.csv"), format!("x,z,y\n{rows}")).unwrap();
    let spec = format!(
        "name: s\ndata: {{source: {}, label: y, positive: fraud}}\n\
         train: {{epochs: 1}}\nparameters: {{loss: {{value: bce}}}}\noperating_point: {{max_fpr: 0.2}}\n\
         launch: {{devices: cpu}}\n",
        at("rows.csv")
    );
    fs::write(at("s.yaml"), spec).unwrap();
    succeed(&["run", &at("s.yaml"), "--out", &at("run"), "--no-progress"]);
    succeed(&["export", &at("run"), "--trial", "best", "--out", &at("model")]);

    // Other rows, some of them without a label.
    let label = |row: usize| ["fraud", "ok", "ok", "", "ok", "fraud", "ok"][row % 7];
    let rows: String = (0..140).map(|row| format!("{},{},{}\n", label(row), row * 3 % 23, row * 2 % 9)).collect();
    fs::write(at("new.csv"), format!("y,x,z\n{rows}")).unwrap();
    let said =
        succeed(&["predict", &at("model"), &at("new.csv"), "--out", &at("p.parquet"), "--metrics", &at("m.json")]);
    assert!(said.contains("label `y`: 120 rows, 40 of them positive (fraud); 20 without a label left out"), "{said}");
    assert!(said.contains("\nAUC ") && said.contains("\nmissed (FN) "), "{said}");
    let notes: serde_json::Value = serde_json::from_slice(&fs::read(at("m.json")).unwrap()).unwrap();
    let metrics = &notes["label"]["metrics"];
    assert_eq!((&notes["label"]["missing"], &metrics["rows"]), (&20.into(), &120.into()));

    // By definition, from what is written.
    let predicted = read(Path::new(&at("p.parquet")));
    let raw = predicted.column_by_name("raw").unwrap().as_primitive::<Float64Type>().values().to_vec();
    let flagged = predicted.column_by_name("flagged").unwrap().as_boolean();
    let of = |wanted: &'static str| (0..140).filter(move |&row| label(row) == wanted);
    let pairs: Vec<f64> = of("fraud")
        .flat_map(|p| of("ok").map(move |n| (p, n)))
        .map(|(p, n)| f64::from(u8::from(raw[p] > raw[n])) + 0.5 * f64::from(u8::from(raw[p] == raw[n])))
        .collect();
    let (auc, [lower, upper]) = figure(metrics, "auc");
    assert!((auc - pairs.iter().sum::<f64>() / pairs.len() as f64).abs() < 1e-12);
    assert!(0.0 < lower && lower < auc && auc < upper && upper < 1.0);
    let tp = of("fraud").filter(|&row| flagged.value(row)).count() as f64;
    let fp = of("ok").filter(|&row| flagged.value(row)).count() as f64;
    let at_threshold = &metrics["at_threshold"];
    for (name, value) in [("tp", tp), ("fn", 40.0 - tp), ("fp", fp), ("tn", 80.0 - fp), ("recall", tp / 40.0)] {
        assert_eq!(figure(at_threshold, name).0, value, "{name}");
    }
    // The file's metadata say the same.
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(at("p.parquet")).unwrap()).unwrap();
    let pairs = file.metadata().file_metadata().key_value_metadata().unwrap();
    let kept = pairs.iter().find(|pair| pair.key == "focalsweep").unwrap().value.as_ref().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(kept).unwrap(), notes);

    // One class: what can be said of it. Another label: scores all the same.
    fs::write(at("one.csv"), "y,x,z\nok,1,2\nok,3,1\n").unwrap();
    let said = succeed(&["predict", &at("model"), &at("one.csv"), "--out", &at("o.csv")]);
    assert!(said.contains("label `y`: 2 rows, 0 of them positive (fraud)"), "{said}");
    assert!(said.lines().any(|line| line.split_whitespace().eq(["recall", "-"])), "{said}");
    fs::write(at("other.csv"), "y,x,z\n1,1,2\n0,3,1\n").unwrap();
    let said = succeed(&["predict", &at("model"), &at("other.csv"), "--out", &at("o.csv")]);
    assert!(said.contains("no metrics: label `y` holds 0, 1, but the model knows fraud and ok"), "{said}");
    assert_eq!(fs::read_to_string(at("o.csv")).unwrap().lines().count(), 3);
}

/// What a command writes to stdout when it reads `sent`.
fn piped(arguments: &[&str], sent: &[u8]) -> Output {
    Command::cargo_bin("focalsweep").unwrap().args(arguments).write_stdin(sent).output().unwrap()
}

/// The batches of an Arrow stream as one.
fn streamed(bytes: &[u8]) -> RecordBatch {
    let reader = StreamReader::try_new(bytes, None).unwrap();
    let schema = reader.schema();
    concat_batches(&schema, &reader.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
}

#[test]
fn arrow_comes_and_goes_by_standard_streams() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| inside(&folder, name);
    let level = |row: usize| ["u", "v", "w"][row * row % 3];
    let cells = |row: usize| format!("{},{},{}\n", row * 7 % 23, level(row), u8::from(row.is_multiple_of(9)));
    fs::write(at("rows.csv"), format!("x,t,y\n{}", (0..200).map(cells).collect::<String>())).unwrap();
    let spec = format!(
        "name: s\ndata: {{source: {}, label: y, min_level_count: 2}}\ntrain: {{epochs: 1}}\n\
         parameters: {{loss: {{value: bce}}}}\nlaunch: {{devices: cpu}}\n",
        at("rows.csv")
    );
    fs::write(at("s.yaml"), spec).unwrap();
    succeed(&["run", &at("s.yaml"), "--out", &at("run"), "--no-progress"]);
    succeed(&["export", &at("run"), "--trial", "best", "--out", &at("model")]);
    let model = at("model");
    succeed(&["predict", &model, &at("rows.csv"), "--out", &at("p.parquet"), "--keep", "t"]);
    let expected = read(Path::new(&at("p.parquet")));

    // Two batches, the text as a dictionary, as pandas' categories come.
    let batch = |rows: std::ops::Range<usize>| {
        let numbers: Int64Array = rows.clone().map(|row| Some((row * 7 % 23) as i64)).collect();
        let texts: StringArray = rows.clone().map(|row| Some(level(row))).collect();
        let labels: BooleanArray = rows.map(|row| Some(row % 9 == 0)).collect();
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let columns: [(&str, ArrayRef); 3] =
            [("y", Arc::new(labels)), ("t", cast(&texts, &dictionary).unwrap()), ("x", Arc::new(numbers))];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let batches = [batch(0..90), batch(90..200)];
    let schema = batches[0].schema();
    let mut stream = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    let packed = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).unwrap();
    let mut file = ArrowFileWriter::try_new_with_options(Vec::new(), &schema, packed).unwrap();
    for batch in &batches {
        stream.write(batch).unwrap();
        file.write(batch).unwrap();
    }
    let (stream, file) = (stream.into_inner().unwrap(), file.into_inner().unwrap());
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(&fs::read(at("rows.csv")).unwrap()).unwrap();
    let mut parquet = ArrowWriter::try_new(Vec::new(), schema, None).unwrap();
    batches.iter().for_each(|batch| parquet.write(batch).unwrap());
    let arguments = ["predict", &model, "-", "--out", "-", "--format", "arrow", "--keep", "t"];
    for (name, sent) in [
        ("stream", &stream),
        ("file", &file),
        ("gz", &zipped.finish().unwrap()),
        ("parquet", &parquet.into_inner().unwrap()),
        ("csv", &fs::read(at("rows.csv")).unwrap()),
    ] {
        let output = piped(&arguments, sent);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        let found = streamed(&output.stdout);
        for column in ["row", "raw", "score", "flagged", "threshold_raw"] {
            assert_eq!(found.column_by_name(column), expected.column_by_name(column), "{name}: {column}");
        }
        assert_eq!(text(&found, "t"), text(&expected, "t"), "{name}");
        let notes: serde_json::Value = serde_json::from_str(&found.schema().metadata()["focalsweep"]).unwrap();
        assert_eq!(notes["label"]["metrics"]["positives"], 23, "{name}: {said}");
    }
    let csv = piped(&["predict", &model, "-", "--out", "-"], &stream);
    assert!(csv.stdout.starts_with(b"row,raw,score,flagged,threshold_raw\n0,"));

    for (sent, told) in [(&stream[..stream.len() / 2], "Arrow"), (&file[..file.len() / 2], "Arrow")] {
        let output = piped(&arguments, sent);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(told) && !said.contains("panicked"), "{said}");
        assert!(output.stdout.is_empty());
    }
    let told = refused(&["predict", &model, &at("rows.csv"), "--out", &at("q.csv"), "--format", "arrow"]);
    assert!(told.contains("--format is for `--out -`"), "{told}");
}
