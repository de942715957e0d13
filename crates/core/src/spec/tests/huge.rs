//! Files that are made to be too much: refused, or read in time and memory that grow as they do.

use std::fmt::Write;

use super::{LEAST, read};
use crate::plan::Trials;
use crate::spec::parse;

/// As one line, which is how programs write.
fn many(count: usize) -> String {
    (0..count).map(|at| format!("{}", 1e-4 + at as f64 * 1e-9)).collect::<Vec<_>>().join(", ")
}

#[test]
fn two_hundred_thousand_values_are_read() {
    let values = many(200_000);
    let one =
        format!("name: a\ndata: {{source: a.csv, label: y}}\nparameters: {{learning_rate: {{values: [{values}]}}}}");
    let trials = Trials::new(&parse("t", &one).unwrap()).unwrap();
    assert_eq!(trials.len(), 200_000);
    // Two mappings, and so every trial is looked at for one that is there already.
    let two = format!(
        "name: a\ndata: {{source: a.csv, label: y}}\nparameters:\n- {{learning_rate: {{values: [{values}]}}}}\n\
         - {{batch_size: {{min: 1, max: 10000, count: 10000}}}}\n- {{learning_rate: {{values: [0.0001, 0.5]}}}}\n"
    );
    let trials = Trials::new(&parse("t", &two).unwrap()).unwrap();
    assert_eq!((trials.len(), trials.groups().len()), (210_001, 10_000), "the default batch size is among them");
}

#[test]
fn a_value_that_is_there_twice_is_seen_among_many() {
    let text = format!("{LEAST}rank: {{by: [auc]}}\n")
        .replace("parameters: {}", &format!("parameters: {{weight_decay: {{values: [{}, 0, -0.0]}}}}", many(1000)));
    let faults = read(&text, &[]).unwrap_err();
    assert!(faults.len() == 1 && faults[0].contains("`-0.0` is there twice"), "{faults:?}");
}

#[test]
fn laughs_brackets_and_millions_of_values_are_refused() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..12 {
        let names = vec![format!("*a{}", at - 1); 10].join(", ");
        writeln!(laughs, "a{at}: &a{at} [{names}]").unwrap();
    }
    let nested = format!("name: {}", "[".repeat(100_000));
    let block = (0..3_000).map(|at| format!("{}a:\n", " ".repeat(at))).collect::<String>();
    let dashes = format!("name:\n  {}", "- ".repeat(100_000));
    let millions = format!("parameters: [{}]", "1,".repeat(4_000_000));
    let anchors = format!("{}{}", "&a [".repeat(30), "1,".repeat(300_000)) + &"]".repeat(30);
    for (text, words) in [
        (laughs, "aliases make this file too large"),
        (nested, "not valid YAML: recursion limit exceeded"),
        (block, "nested deeper than 32 levels"),
        (dashes, "nested deeper than 32 levels"),
        (millions, "more than 1000000 values"),
        (anchors, "more than 1000000 values"),
    ] {
        let faults = read(&text, &[]).unwrap_err();
        assert!(faults.len() == 1 && faults[0].contains(words), "{words}: {:.300}", faults[0]);
    }
}

#[test]
fn overrides_nest_no_deeper_than_files() {
    let deep = vec!["a"; 50_000].join(".");
    let faults = read(LEAST, &[(&deep, "1")]).unwrap_err();
    assert!(faults.len() == 1 && faults[0].contains("nested deeper than 32 levels"), "{:.300}", faults[0]);
    let faults = read(LEAST, &[("train", &"[".repeat(100_000))]).unwrap_err();
    assert!(faults.len() == 1 && faults[0].contains("recursion limit exceeded"), "{:.300}", faults[0]);
    assert!(faults[0].len() < 2_500, "{} bytes", faults[0].len());
}

#[test]
fn a_hundred_faults_are_told_of_a_hundred_thousand() {
    let keys: String = (0..100_000).map(|at| format!("  zebra{at}: 1\n")).collect();
    let error = parse("t", &format!("{LEAST}train:\n{keys}")).unwrap_err();
    assert_eq!(error.faults().len(), 100);
    assert_eq!(error.to_string(), "t: 100 faults or more, these first");
    let columns: String = (0..100_000).map(|at| format!("    c{at}: 1\n")).collect();
    let text = format!("name: a\ndata:\n  source: a.csv\n  label: y\n  log:\n{columns}parameters: {{}}\n");
    assert_eq!(parse("t", &text).unwrap().data.log.len(), 100_000);
}

#[test]
fn what_a_file_holds_gives_no_orders_to_a_terminal() {
    let error = parse("a\u{1b}]0;x\u{7}.yaml", "nam\u{202e}e: a\n\"x\\e[31m\": 1\n# \u{85}\u{9b}31m\n").unwrap_err();
    let told: String = error.lines().chain([error.to_string(), error.text().to_owned()]).collect();
    assert!(!told.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}']), "{told:?}");
}
