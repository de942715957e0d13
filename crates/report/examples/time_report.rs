#![allow(clippy::all)]
use focalsweep_report::*;
use std::time::Instant;
fn fe(n: usize, each: &(dyn Fn(usize) + Sync)) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                loop {
                    let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if i >= n {
                        break;
                    }
                    each(i)
                }
            });
        }
    });
}
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let files = run_files(std::path::Path::new(&dir)).unwrap();
    let results = read(&files).unwrap();
    let by = std::env::args().nth(2).unwrap_or("auc,fn".into());
    let options = Options {
        by: by.split(',').map(str::to_owned).collect(),
        on: focalsweep_core::spec::Split::Validation,
        top: Some(20),
    };
    let ranking = rank(&results, &options).unwrap();
    for _ in 0..3 {
        let scores = Scores::of(&files);
        let t = Instant::now();
        scores.keep(&fe).unwrap();
        println!("keep {:?}", t.elapsed());
        let t = Instant::now();
        let e = Ensemble::of(&scores, &results, &ranking, &fe).unwrap();
        println!("ensemble {:?}", t.elapsed());
        if let Ok(e) = &e {
            println!("{:?} {:?} gain {} ± {} earned {}", e.rule, e.members, e.gain, e.gain_error, e.earns_its_row());
            for n in ["val_auc", "test_auc", "test_average_precision", "test_op_fn", "test_op_fp", "test_brier"] {
                println!(
                    "{n} {:?} winner {:?}",
                    ranking.mean(&e.ranked, n),
                    ranking.mean(ranking.winner().unwrap(), n)
                );
            }
        }
        let t = Instant::now();
        let r = Report::new(&scores, &results, ranking.clone(), 20, &fe).unwrap();
        println!("report {:?}", t.elapsed());
        for c in r.answer.claims.all() {
            if c.of == "ensemble" {
                println!("{:?} vs {} {} {:?} p {}", c.about, c.against, c.difference, c.interval, c.p);
            }
        }
    }
}
