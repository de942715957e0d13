//! The shape of a stack's models, and the canonical layout of one model's parameters.

use crate::random::{Purpose, Stream};
use crate::spec::Activation;

/// Shape of a multi-layer perceptron with one logit out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Features.
    pub inputs: usize,
    /// Widths of the hidden layers; empty is logistic regression.
    pub hidden: Vec<usize>,
    /// Activation after each hidden layer.
    pub activation: Activation,
}

/// One dense layer inside the canonical parameter vector: weights `[inputs, outputs]` row-major, then biases
/// `[outputs]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Where the weights start.
    pub offset: usize,
    /// Fan-in.
    pub inputs: usize,
    /// Fan-out; 1 for the output layer.
    pub outputs: usize,
}

impl Layer {
    /// Where the biases start.
    pub fn bias(&self) -> usize {
        self.offset + self.inputs * self.outputs
    }

    /// Where the next layer starts.
    pub fn end(&self) -> usize {
        self.bias() + self.outputs
    }
}

impl Shape {
    /// The dense layers from the inputs to the logit.
    pub fn layers(&self) -> Vec<Layer> {
        let mut layers = Vec::with_capacity(self.hidden.len() + 1);
        let (mut offset, mut inputs) = (0, self.inputs);
        for &outputs in self.hidden.iter().chain(&[1]) {
            let layer = Layer { offset, inputs, outputs };
            offset = layer.end();
            inputs = outputs;
            layers.push(layer);
        }
        layers
    }

    /// Parameters of one model.
    pub fn parameters(&self) -> usize {
        self.layers().last().map_or(0, Layer::end)
    }

    /// Names and shapes of a model's tensors in canonical order: `hidden.0.weight` \[in, out\], `hidden.0.bias`, …,
    /// `output.weight` \[in\], `output.bias` \[1\].
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let layers = self.layers();
        let last = layers.len() - 1;
        layers
            .iter()
            .enumerate()
            .flat_map(|(depth, layer)| {
                let (name, weight) = if depth == last {
                    ("output".to_owned(), vec![layer.inputs])
                } else {
                    (format!("hidden.{depth}"), vec![layer.inputs, layer.outputs])
                };
                [(format!("{name}.weight"), weight), (format!("{name}.bias"), vec![layer.outputs])]
            })
            .collect()
    }

    /// Initial parameters of one model: Glorot-uniform weights (Glorot & Bengio 2010; Keras' default), zero biases, and
    /// `output_bias`. The same for every trial of a replicate.
    pub fn initial(&self, seed: u64, replicate: u32, output_bias: f32) -> Vec<f32> {
        let mut parameters = vec![0.0; self.parameters()];
        for (depth, layer) in self.layers().iter().enumerate() {
            let limit = (6.0 / (layer.inputs + layer.outputs) as f64).sqrt() as f32;
            let mut stream = Stream::new(seed, replicate, Purpose::Weights, 0, depth as u32);
            for weight in &mut parameters[layer.offset..layer.bias()] {
                *weight = (2.0 * stream.uniform() - 1.0) * limit;
            }
        }
        if let Some(bias) = parameters.last_mut() {
            *bias = output_bias;
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_tile_the_parameter_vector() {
        let shape = Shape { inputs: 5, hidden: vec![4, 3], activation: Activation::Relu };
        let layers = shape.layers();
        assert_eq!(
            layers.iter().map(|l| (l.offset, l.inputs, l.outputs)).collect::<Vec<_>>(),
            [(0, 5, 4), (24, 4, 3), (39, 3, 1)]
        );
        assert_eq!(shape.parameters(), 43);
        let total: usize = shape.tensors().iter().map(|(_, dims)| dims.iter().product::<usize>()).sum();
        assert_eq!(total, 43);
    }

    #[test]
    fn initial_weights_are_glorot_and_biases_zero() {
        let shape = Shape { inputs: 300, hidden: vec![100], activation: Activation::Relu };
        let parameters = shape.initial(1, 0, -3.5);
        let limit = (6.0f32 / 400.0).sqrt();
        let weights = &parameters[..30_000];
        let largest = weights.iter().fold(0.0f32, |a, w| a.max(w.abs()));
        assert!(largest <= limit && largest > 0.99 * limit);
        let variance = weights.iter().map(|w| f64::from(w * w)).sum::<f64>() / 30_000.0;
        assert!((variance / f64::from(limit * limit / 3.0) - 1.0).abs() < 0.03);
        assert!(parameters[30_000..30_100].iter().all(|&b| b == 0.0));
        assert_eq!(parameters.last(), Some(&-3.5));
    }
}
