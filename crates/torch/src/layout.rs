//! From the layout of checkpoints, model after model, to that of the products, layer after layer.

use focalsweep_core::plan::Shape;

/// Parameters `[K, P]` as the products want them: at depth 0 `[in, K·out]`, deeper `[K, in, out]`, biases `[K·out]`,
/// layer after layer.
pub(super) fn stacked(shape: &Shape, values: &[f32], k: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    each_run(shape, k, |from, to, length| out[to..to + length].copy_from_slice(&values[from..from + length]));
    out
}

/// The way back from [`stacked`].
pub(super) fn canonical(shape: &Shape, values: &[f32], k: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    each_run(shape, k, |from, to, length| out[from..from + length].copy_from_slice(&values[to..to + length]));
    out
}

/// Visits the runs of values that lie together in both: (where in `[K, P]`, where stacked, how many).
fn each_run(shape: &Shape, k: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let size = shape.parameters();
    for (depth, layer) in shape.layers().iter().enumerate() {
        let block = layer.inputs * layer.outputs;
        for model in 0..k {
            for input in 0..layer.inputs {
                let from = model * size + layer.offset + input * layer.outputs;
                let to = layer.offset * k
                    + if depth == 0 {
                        (input * k + model) * layer.outputs
                    } else {
                        model * block + input * layer.outputs
                    };
                visit(from, to, layer.outputs);
            }
            visit(model * size + layer.bias(), layer.bias() * k + model * layer.outputs, layer.outputs);
        }
    }
}
