use super::super::{Source, load, write_synthetic};
use super::*;
use focalsweep_core::spec::SynthSpec;

const SHAPE: SynthSpec = SynthSpec { rows: 150_000, features: 12, positives: 600, seed: 3 };

fn made(shape: &SynthSpec, name: &str) -> (TempDir, PathBuf, Source) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder").join(name);
    write_synthetic(shape, &path).unwrap();
    let source = load(&spec(&path, "Class"), &SplitSpec::default()).unwrap();
    (folder, path, source)
}

/// ROC AUC by its definition: the share of (positive, negative) pairs in the right order.
fn auc(scores: &[f64], labels: &[u8]) -> f64 {
    let of = |class: u8| scores.iter().zip(labels).filter(move |(_, l)| **l == class).map(|(score, _)| *score);
    let negatives: Vec<f64> = of(0).collect();
    let pairs = of(1).map(|p| negatives.iter().filter(|&&n| n < p).count()).sum::<usize>();
    pairs as f64 / (negatives.len() * of(1).count()) as f64
}

#[test]
fn shape_is_as_asked_and_the_task_neither_trivial_nor_hopeless() {
    for features in [1, 4, 12, 29] {
        let shape = SynthSpec { rows: 60_000, features, ..SHAPE };
        let (_folder, _, source) = made(&shape, "s.parquet");
        assert_eq!(source.table.rows, 60_000);
        assert_eq!(source.table.columns.len(), features as usize);
        assert_eq!(source.positives(), 600);
        // Along the difference of the class means with alternating signs: the best linear score of equal columns.
        let informative = (features as usize / 3).clamp(1, 8);
        let columns: Vec<&Vec<f64>> = source.table.columns[..informative]
            .iter()
            .map(|column| match &column.values {
                Values::Number(values) => values,
                _ => unreachable!(),
            })
            .collect();
        let score =
            |row: usize| columns.iter().enumerate().map(|(c, v)| if c % 2 == 0 { v[row] } else { -v[row] }).sum();
        let scores: Vec<f64> = (0..source.table.rows).map(score).collect();
        let got = auc(&scores, &source.labels);
        assert!((0.88..0.97).contains(&got), "{features} features: AUC {got}");
    }
}

#[test]
fn the_seed_decides_every_value() {
    let (_a, path, first) = made(&SHAPE, "a.parquet");
    let (_b, again, _) = made(&SHAPE, "b.parquet");
    assert_eq!(std::fs::read(path).unwrap(), std::fs::read(again).unwrap());
    let (_c, _, other) = made(&SynthSpec { seed: 4, ..SHAPE }, "c.parquet");
    assert_ne!(first.fingerprint, other.fingerprint);
    assert_ne!(first.labels, other.labels);
}

#[test]
fn csv_holds_the_same_rows() {
    let shape = SynthSpec { rows: 70_000, features: 3, ..SHAPE };
    let (_a, _, parquet) = made(&shape, "s.parquet");
    for name in ["s.csv", "s.csv.gz"] {
        let (_b, _, csv) = made(&shape, name);
        assert_eq!(csv.labels, parquet.labels);
        for (csv, parquet) in csv.table.columns.iter().zip(&parquet.table.columns) {
            let (Values::Number(csv), Values::Number(parquet)) = (&csv.values, &parquet.values) else { unreachable!() };
            assert!(csv.iter().zip(parquet).all(|(a, b)| *a as f32 == *b as f32), "{name}");
        }
    }
}

#[test]
fn impossible_shapes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let fault = |shape: SynthSpec, name: &str| said(&write_synthetic(&shape, &folder.path().join(name)).unwrap_err());
    for (shape, expected) in [
        (SynthSpec { features: 0, ..SHAPE }, "cannot synthesise data without features |"),
        (SynthSpec { positives: 0, ..SHAPE }, "cannot synthesise data without positives |"),
        (SynthSpec { rows: 600, ..SHAPE }, "cannot synthesise 600 positives in 600 rows |"),
    ] {
        let told = fault(shape, "s.parquet");
        assert!(told.starts_with(expected), "{told}");
    }
    assert!(fault(SHAPE, "s.xlsx").contains("is not a .csv, .csv.gz or .parquet file"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}
