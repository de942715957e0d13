//! How often intervals of 95 % hold the truth, on simulated sets whose truth is known.

use super::super::*;
use crate::random::{Purpose, Stream};
use crate::spec::OperatingPoint;

/// Scores of negatives are N(0, 1), those of positives N(shift, 1).
struct Model {
    shift: f64,
    positives: usize,
    negatives: usize,
}

/// P(Z > z).
fn above(z: f64) -> f64 {
    let tail = two_sided_p(z) / 2.0;
    if z >= 0.0 { tail } else { 1.0 - tail }
}

impl Model {
    fn draw(&self, stream: &mut Stream) -> (Vec<f32>, Vec<u8>) {
        let rows = self.positives + self.negatives;
        let labels: Vec<u8> = (0..rows).map(|i| u8::from(i < self.positives)).collect();
        let scores = labels.iter().map(|&y| (stream.normal() + self.shift * f64::from(y)) as f32).collect();
        (scores, labels)
    }

    fn auc(&self) -> f64 {
        1.0 - above(self.shift / 2_f64.sqrt())
    }

    /// ∫ precision d recall of as many rows as one likes with this share of positives.
    fn average_precision(&self) -> f64 {
        let at = |t: f64| {
            let (tp, fp) = (self.positives as f64 * above(t - self.shift), self.negatives as f64 * above(t));
            (above(t - self.shift), tp / (tp + fp))
        };
        let points: Vec<(f64, f64)> = (0..=24_000).map(|i| at(12.0 - f64::from(i) / 1000.0)).collect();
        points.windows(2).map(|w| (w[1].0 - w[0].0) * (w[1].1 + w[0].1) / 2.0).sum()
    }

    /// Recall where a share `fpr` of all negatives is flagged.
    fn recall_at(&self, fpr: f64) -> f64 {
        let (mut low, mut high) = (-12.0, 12.0);
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            if above(middle) > fpr { low = middle } else { high = middle }
        }
        above(low - self.shift)
    }
}

#[test]
#[ignore]
fn explore() {
    let sets = 2000;
    for (shift, positives, negatives) in
        [(2.0, 10, 1000), (2.0, 30, 1500), (2.5, 50, 2000), (3.0, 100, 2000), (1.0, 30, 1500), (3.0, 30, 1500)]
    {
        let model = Model { shift, positives, negatives };
        let (auc, ap) = (model.auc(), model.average_precision());
        let point = OperatingPoint::MaxFpr { max_fpr: 0.02 };
        let recall = model.recall_at(0.02);
        let mut stream = Stream::new(1, 0, Purpose::Synth, 0, 0);
        let mut hits = [0; 8];
        let mut meanap = 0.0;
        for set in 0..sets {
            let (s, y) = model.draw(&mut stream);
            let (vs, vy) = model.draw(&mut stream);
            let e = auc_delong(&s, &y).unwrap();
            let within = |i: Option<Interval>, x: f64| i.is_some_and(|i| i.lower <= x && x <= i.upper) as usize;
            hits[0] += within(e.interval(), auc);
            hits[1] += within(e.se.map(|se| Interval { lower: e.auc - 1.96 * se, upper: e.auc + 1.96 * se }), auc);
            meanap += average_precision(&s, &y).unwrap();
            hits[2] += within(average_precision_interval(&s, &y, 500, set), ap);
            let o = operating_point_intervals(&point, (&vs, &vy), (&s, &y), 500, set).unwrap();
            hits[3] += within(Some(o.recall), recall);
            hits[4] += within(Some(o.fp), 0.02 * negatives as f64);
            let logit = |a: f64| (a / (1.0 - a)).ln();
            let apl = average_precision(&s, &y).unwrap();
            let (eta, tau) = (logit(apl), 1.0 / (positives as f64 * apl * (1.0 - apl)).sqrt());
            let back = |x: f64| 1.0 / (1.0 + (-x).exp());
            hits[5] += within(Some(Interval { lower: back(eta - 1.96 * tau), upper: back(eta + 1.96 * tau) }), ap);
        }
        println!(
            "shift {shift} P {positives} N {negatives} auc {auc:.4} ap {ap:.4} (mean {:.4}) recall {recall:.3}: logit-delong {:.4} delong {:.4} ap {:.4} (logit binomial {:.4}) recall {:.4} fp {:.4}",
            meanap / sets as f64,
            hits[0] as f64 / sets as f64,
            hits[1] as f64 / sets as f64,
            hits[2] as f64 / sets as f64,
            hits[5] as f64 / sets as f64,
            hits[3] as f64 / sets as f64,
            hits[4] as f64 / sets as f64
        );
    }
}
