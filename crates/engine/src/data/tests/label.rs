use super::super::{describe, load};
use super::*;
use focalsweep_core::spec::{Scalar, SplitBy};

fn with(content: &str, change: impl FnOnce(&mut DataSpec)) -> Result<super::super::Source, DataError> {
    let (_folder, path) = file("t.csv", content);
    let mut spec = spec(&path, "y");
    change(&mut spec);
    load(&spec, &SplitSpec::default())
}

/// A file with a feature and these labels.
fn labelled(labels: &[&str]) -> String {
    labels.iter().enumerate().fold("x,y\n".to_owned(), |all, (row, label)| all + &format!("{row},{label}\n"))
}

#[test]
fn the_positive_class_is_found() {
    let scalar = |text: &str| Some(Scalar::Text(text.to_owned()));
    for (labels, positive, expected, name) in [
        (&["0", "1", "1"][..], None, &[0, 1, 1][..], "1"),
        (&["1", "0", "1"], None, &[1, 0, 1], "1"),
        (&["true", "False", "TRUE"], None, &[1, 0, 1], "true"),
        (&["5", "2", "2"], None, &[1, 0, 0], "5"),
        (&["alive", "dead", "alive"], None, &[0, 1, 0], "dead"),
        (&["alive", "dead", "alive"], scalar("alive"), &[1, 0, 1], "alive"),
        (&["0", "1", "1"], Some(Scalar::Int(0)), &[1, 0, 0], "0"),
        (&["0.0", "1.0", "1"], Some(Scalar::Int(1)), &[0, 1, 1], "1"),
        (&["0", "1", "1"], scalar("1.0"), &[0, 1, 1], "1"),
        (&["0", "1", "1"], Some(Scalar::Bool(true)), &[0, 1, 1], "1"),
        (&["true", "false", "false"], Some(Scalar::Int(1)), &[1, 0, 0], "true"),
        (&["a", "b", "c", "a"], scalar("a"), &[1, 0, 0, 1], "a"),
        (&["1", "2", "3", "2"], Some(Scalar::Float(2.0)), &[0, 1, 0, 1], "2"),
    ] {
        let source = with(&labelled(labels), |spec| spec.positive = positive.clone()).unwrap();
        assert_eq!(source.labels, expected, "{labels:?} {positive:?}");
        assert_eq!(source.positive, name);
        assert_eq!(source.table.names().collect::<Vec<_>>(), ["x"], "the label is no feature");
    }
}

#[test]
fn faults_of_the_label_are_named() {
    let fault = |labels: &[&str], positive: Option<Scalar>| {
        said(&with(&labelled(labels), |spec| spec.positive = positive).unwrap_err())
    };
    assert!(fault(&["1", "1"], None).starts_with("label `y` has one value only: 1 |"));
    assert!(fault(&["3", "10", "2"], None).starts_with("label `y` has 3 values: 2, 3, 10 | say under `data.positive`"));
    assert!(fault(&["a", "b"], None).starts_with("label `y` has the values a, b, each on half of the rows"));
    assert!(fault(&["0", "", "1"], None).starts_with("label `y`, row 2 (line 3 of the file): the value is missing"));
    let told = fault(&["a", "b", "b"], Some(Scalar::Text("A".into())));
    assert!(told.starts_with("`data.positive` is A, but label `y` has the values a, b"), "{told}");
    let many: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(fault(&many, None).contains("has 40 values: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... |"));
}

#[test]
fn columns_of_the_sweep_file_must_be_there_and_fit() {
    let content = "Amount,name,ok,y\n1,a,true,0\n0,b,false,1\n,c,true,0\n";
    let fault = |change: &dyn Fn(&mut DataSpec)| said(&with(content, change).unwrap_err());
    let expect = |told: String, expected: &str| assert!(told.starts_with(expected), "{told}\nis not\n{expected}");
    expect(
        fault(&|spec| spec.label = "amount".into()),
        "`data.label` names `amount`, but the data has no such column | did you mean `Amount`? the columns are",
    );
    expect(
        fault(&|spec| spec.log = [("Amuont".into(), 1.0)].into()),
        "`data.log` names `Amuont`, but the data has no such column | did you mean `Amount`?",
    );
    expect(fault(&|spec| spec.categorical = strings(["nam"])), "`data.categorical` names `nam`");
    expect(fault(&|spec| spec.drop = strings(["y"])), "column `y` stands under `data.label` and under `data.drop`");
    expect(
        fault(&|spec| spec.log = [("Amount".into(), 0.0)].into()),
        "column `Amount`, row 2 (line 3 of the file): 0 + 0 is not above 0, so it has no logarithm",
    );
    expect(
        fault(&|spec| spec.log = [("name".into(), 0.0)].into()),
        "`data.log` needs numbers, but column `name`, row 1 (line 2 of the file), holds `a`",
    );
    expect(
        fault(&|spec| spec.log = [("ok".into(), 0.0)].into()),
        "`data.log` needs numbers, but column `ok`, row 1 (line 2 of the file), holds `true`",
    );
    expect(fault(&|spec| spec.drop = strings(["Amount", "name", "ok"])), "no column is left as a feature");
    let ids = (0..300).fold("id,x,y\n".to_owned(), |all, row| all + &format!("k{row},1,{}\n", row % 7 / 6));
    let told = said(&with(&ids, |_| ()).unwrap_err());
    expect(told, "text column `id` has 300 different values on 300 rows: it looks like an identifier | add it to");
    assert!(with(&ids, |spec| spec.drop = strings(["id"])).is_ok());
}

#[test]
fn the_fingerprint_is_of_content_and_settings() {
    let content = "a,b,y\n1,u,0\n2,v,0\n,u,1\n";
    let print = |content: &str, change: &dyn Fn(&mut DataSpec)| with(content, change).unwrap().fingerprint;
    let first = print(content, &|_| ());
    assert_eq!(first.len(), 16);
    assert_eq!(first, print("a,b,y\n1.0,u,0\n2e0,v,0\nNA,u,1\n", &|_| ()), "it is of values, not of spelling");
    let others = [
        print("a,b,y\n1,u,0\n2,v,0\n3,u,1\n", &|_| ()),
        print("a,b,y\n1,u,0\n2,v,0\n,v,1\n", &|_| ()),
        print("a,b,y\n1,u,0\n2,v,1\n,u,0\n", &|_| ()),
        print("a,c,y\n1,u,0\n2,v,0\n,u,1\n", &|_| ()),
        print(content, &|spec| spec.drop = strings(["b"])),
        print(content, &|spec| spec.log = [("a".into(), 1.0)].into()),
        print(content, &|spec| spec.clip = Some(5.0)),
        print(content, &|spec| spec.standardize = false),
        print(content, &|spec| spec.min_level_count = 2),
    ];
    for (at, other) in others.iter().enumerate() {
        assert_ne!(&first, other, "change {at} was not seen");
        assert!(!others[..at].contains(other), "change {at} looks like another one");
    }
}

#[test]
fn a_description_tells_what_is_there() {
    let source = with("n,c,b,t,y\n1,5,true,u,no\n2,5,,v,no\n,5,false,u,yes\n4.5,,true,,no\n", |_| ()).unwrap();
    let described = describe(&source);
    assert_eq!((described.rows, described.positives, described.negatives), (4, 1, 3));
    let missing: Vec<usize> = described.columns.iter().map(|column| column.missing).collect();
    assert_eq!(missing, [1, 1, 1, 1]);
    let shown = described.to_text(false).replace(&described.fingerprint, "F");
    let expected = "\
rows         4
features     4 (2 numbers, 1 booleans, 1 text)
label        y
positive     yes: 1 rows (25.000 %)
negative     no: 3 rows
fingerprint  F
column  kind        missing  values
n       numbers           1  1 to 4.500, mean 2.500
c       numbers           1  5 to 5, mean 5
b       booleans          1  66.7 % true
t       text              1  u (2), v (1)
constant, of no use: c
";
    assert_eq!(shown, expected);
    let json = serde_json::to_value(&described).unwrap();
    assert_eq!(json["columns"][3]["levels"][0], serde_json::json!({"level": "u", "rows": 2}));
}

#[test]
fn a_description_fits_a_screen_or_has_all() {
    let header: Vec<String> = (0..40).map(|column| format!("a_column_with_a_long_name_of_number_{column}")).collect();
    let row = |row: usize| (0..40).map(|column| format!(",{}.5", row * (column + 1))).collect::<String>();
    let content = format!(
        "y,{}\n{}",
        header.join(","),
        (0..30).map(|at| format!("{}{}\n", at % 10 / 9, row(at))).collect::<String>()
    );
    let described = describe(&with(&content, |_| ()).unwrap());
    let screen = described.to_text(false);
    assert_eq!(screen.lines().count(), 23, "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 100), "{screen}");
    assert!(screen.contains("... and 25 more columns: `--all` shows them"), "{screen}");
    let all = described.to_text(true);
    assert!(header.iter().all(|name| all.contains(name.as_str())), "{all}");
    assert_eq!(all.lines().count(), 7 + 40);
}

#[test]
fn patterns_drop_columns() {
    let content = "id,tmp_a,tmp_b,x,y\n1,2,3,4,0\n2,3,4,5,1\n3,4,5,7,0\n";
    let dropped = |names: &[&str]| {
        let drop = names.iter().map(|name| (*name).to_owned()).collect();
        with(content, |spec| spec.drop = drop).map(|source| source.table.names().collect::<Vec<_>>().join(","))
    };
    assert_eq!(dropped(&["tmp_*", "?d"]).unwrap(), "x");
    let told = said(&dropped(&["tpm_*"]).unwrap_err());
    let expected = "`data.drop` has the pattern `tpm_*`, which no column's name fits | did you mean `tmp_";
    assert!(told.starts_with(expected), "{told}");
    assert!(said(&dropped(&["*"]).unwrap_err()).contains("`y` stands under `data.label` and under `data.drop`"));
    // What the split reads is read, whatever pattern fits it.
    let (_folder, path) = file("t.csv", content.replace("3,4,5,7,0", "3,3,5,7,0"));
    let by = SplitBy::Group { column: "tmp_a".to_owned() };
    let split = SplitSpec { by, ..SplitSpec::default() };
    let spec = DataSpec { drop: vec!["tmp_*".to_owned()], ..spec(&path, "y") };
    let source = load(&spec, &split).unwrap();
    assert_eq!(source.table.names().collect::<Vec<_>>(), ["id", "x"]);
}
