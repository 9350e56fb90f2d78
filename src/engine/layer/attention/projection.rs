//! [`Projection`].

use crate::engine::{
    kernel::{self, Matrix},
    layer::{ParameterGradients, Parameters},
    real::Real,
};

/// `y = x · kernel + bias`, one of several within a layer: x is [_, inputs], y is [_, outputs].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Projection {
    /// The parameter that is the kernel, [inputs, outputs].
    pub kernel: usize,
    /// The parameter that is the bias, [outputs].
    pub bias: Option<usize>,
    pub outputs: usize,
}

impl Projection {
    fn matrix<'a, F: Real>(self, parameters: &Parameters<'a, F>) -> Matrix<'a, F> {
        Matrix::new(parameters.get(self.kernel), self.outputs)
    }

    pub fn forward<F: Real>(self, parameters: &Parameters<'_, F>, x: Matrix<'_, F>, y: &mut [F]) {
        kernel::product(x, self.matrix(parameters), y, false);
        if let Some(bias) = self.bias {
            kernel::add_to_rows(parameters.get(bias), y);
        }
    }

    /// Writes or adds the gradients of kernel and bias.
    pub fn backward<F: Real>(self, gradients: &mut ParameterGradients<'_, F>, x: Matrix<'_, F>, dy: Matrix<'_, F>) {
        let accumulate = gradients.accumulate;
        if let Some(gradient) = gradients.get(self.kernel) {
            kernel::product(x.transposed(), dy, gradient, accumulate);
        }
        if let Some(gradient) = self.bias.and_then(|bias| gradients.get(bias)) {
            kernel::sum_rows(dy.elements(), gradient, accumulate);
        }
    }

    /// Writes the gradient of x, or adds it to what is there.
    pub fn backward_input<F: Real>(
        self,
        parameters: &Parameters<'_, F>,
        dy: Matrix<'_, F>,
        dx: &mut [F],
        accumulate: bool,
    ) {
        kernel::product(dy, self.matrix(parameters).transposed(), dx, accumulate);
    }
}
