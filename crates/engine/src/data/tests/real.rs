//! Real files. Those outside of the repository are skipped, with a message, where they are not.

use std::time::Instant;

use super::super::{Source, describe, load, prepare};
use super::*;
use focalsweep_core::spec::{Scalar, SplitSpec};

fn crash() -> (DataSpec, Source) {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("data/crash.parquet");
    let spec = DataSpec { positive: Some(Scalar::Text("dead".into())), ..spec(&path, "dead") };
    let source = load(&spec, &SplitSpec::default()).unwrap();
    (spec, source)
}

#[test]
fn the_crash_data_is_understood() {
    let (spec, source) = crash();
    assert_eq!((source.table.rows, source.positives()), (26_217, 1_180));
    let kinds: Vec<&str> = source.table.columns.iter().map(|column| column.values.kind()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "text").count(), 6);
    let described = describe(&source);
    assert_eq!(described.columns.iter().map(|column| column.missing).sum::<usize>(), 1);
    let replicate = prepare(&source, &spec, &splits(0), 0).unwrap();
    for feature in ["dvcat=55+", "airbag=none", "seatbelt=none", "sex=m", "abcat=unavail", "ageOFocc", "yearVeh"] {
        assert!(replicate.features.iter().any(|name| name == feature), "{feature} of {:?}", replicate.features);
    }
    assert_eq!((replicate.test.positives(), replicate.validation.positives()), (236, 189));
}

#[test]
fn the_shared_files_are_prepared_as_they_should() {
    let folder = std::env::var_os("FOCALSWEEP_TEST_DATA")
        .map_or_else(|| Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("../shared/data"), PathBuf::from);
    for (name, rows, features, positives) in [
        ("fraud.parquet", 7_409, 30, 492),
        ("forestcover.parquet", 286_048, 10, 2_747),
        ("mammography.parquet", 11_183, 6, 260),
    ] {
        let path = folder.join(name);
        if !path.exists() {
            eprintln!("skipped: there is no {}; FOCALSWEEP_TEST_DATA says where such files are", path.display());
            continue;
        }
        let spec = spec(&path, "Class");
        let start = Instant::now();
        let source = load(&spec, &SplitSpec::default()).unwrap();
        let loaded = start.elapsed();
        let replicate = prepare(&source, &spec, &splits(0), 0).unwrap();
        eprintln!("{name}: read and checked in {loaded:?}, then prepared in {:?}", start.elapsed() - loaded);
        assert_eq!((source.table.rows, replicate.features.len(), source.positives()), (rows, features, positives));
        for at in 0..features {
            let column = || replicate.train.x.iter().skip(at).step_by(features).map(|&value| f64::from(value));
            let mean = column().sum::<f64>() / replicate.train.len() as f64;
            let variance = column().map(|value| value * value).sum::<f64>() / replicate.train.len() as f64;
            assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{name} {at}: {mean} {variance}");
        }
    }
}
