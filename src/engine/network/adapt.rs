//! Layers that adapt to the data before the first step, as with Keras's `adapt`.

use super::{Network, predict::rows_at_once};
use crate::engine::{
    cancel::is_cancelled,
    kernel::Team,
    layer::{COUNT, MEAN, Moments, VARIANCE},
    real::Real,
};
use ndarray::{ArrayView2, Axis};

impl<F: Real> Network<F> {
    /// Sets mean and variance of each layer that adapts, and has not yet, from its inputs for the rows `x`, [rows,
    /// columns of all inputs]. Ends early once cancelled.
    pub(crate) fn adapt(&mut self, x: ArrayView2<'_, F>) {
        for index in 0..self.architecture.nodes().len() {
            let node = &self.architecture.nodes()[index];
            if !node.layer.adapts() {
                continue;
            }
            let places = self.architecture.parameters_of(node).iter().map(|parameter| parameter.range.clone());
            let places: Vec<_> = places.collect();
            if self.fixed[places[COUNT].start] != F::ZERO {
                continue;
            }
            let mut moments = vec![Moments::default(); places[MEAN].len()];
            let mut tape = self.take_tape();
            for x in x.axis_chunks_iter(Axis(0), rows_at_once(&self.architecture)) {
                if is_cancelled() {
                    return;
                }
                self.forward_to(&Team::ALONE, &mut tape, x, index);
                node.layer.compute().observe(
                    &node.input_shapes[0],
                    tape.value(node.inputs[0], x.nrows()),
                    &mut moments,
                );
            }
            self.return_tape(tape);
            self.fixed[places[COUNT].start] = F::of(moments[0].count);
            for (place, moments) in moments.iter().enumerate() {
                self.fixed[places[MEAN].start + place] = F::of(moments.mean);
                self.fixed[places[VARIANCE].start + place] = F::of(moments.variance());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::{
        network::Network,
        shape::Shape,
        spec::{Definition, Limits},
    };
    use ndarray::array;
    use serde_json::json;

    #[test]
    fn layers_adapt_once_and_to_what_reaches_them() {
        let definition = json!({"layers": [
            {"type": "rescaling", "scale": 2},
            {"type": "normalization", "name": "first"},
            {"type": "normalization", "name": "second", "axis": null},
        ]});
        let definition = Definition::from_value(&definition).unwrap();
        let architecture = definition.resolve(&[Shape::vector(2)], &Limits::default()).unwrap();
        let mut network = Network::<f64>::initialize(architecture, 0);
        network.adapt(array![[0.0, 1.0], [2.0, 4.0]].view());
        let values =
            |network: &Network<f64>| network.tensors().into_iter().map(|tensor| tensor.values).collect::<Vec<_>>();
        let adapted = values(&network);
        assert_eq!(adapted, [vec![2.0, 5.0], vec![4.0, 9.0], vec![2.0], vec![0.0], vec![1.0], vec![4.0]]);
        network.adapt(array![[5.0, 5.0]].view());
        assert_eq!(values(&network), adapted);
    }

    #[test]
    fn layers_behind_weights_do_not_adapt() {
        let definition = json!({"layers": [{"type": "dense", "units": 2}, {"type": "normalization"}]});
        let definition = Definition::from_value(&definition).unwrap();
        let errors = definition.resolve(&[Shape::vector(2)], &Limits::default()).unwrap_err();
        assert_eq!(errors[0].pointer, "/layers/1/mean");
        assert!(
            errors[0].detail.contains("expected numbers, since `dense` before this layer has weights"),
            "{errors:?}"
        );
    }
}
