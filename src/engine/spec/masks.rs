//! Masks that a definition requests with `output_mask`.

use super::{
    OutputMask,
    builder::{Builder, Call},
};
use crate::engine::{
    field::FieldError,
    layer::{Multiply, Primitive},
    shape::Shape,
};

impl Builder<'_> {
    /// The requested mask of a layer; adds a node if several masks are combined.
    pub(super) fn requested_mask(&mut self, call: &Call<'_>) -> Result<Option<usize>, FieldError> {
        if call.output_mask != Some(OutputMask::All) {
            return Ok(None);
        }
        let masks = call.inputs.iter().filter_map(|&value| self.architecture.masks[value]);
        let mut masks: Vec<usize> = masks.collect();
        masks.sort_unstable();
        masks.dedup();
        let shapes: Vec<Shape> = masks.iter().map(|&mask| self.architecture.shapes[mask].clone()).collect();
        if shapes.windows(2).any(|pair| pair[0] != pair[1]) {
            let shapes: Vec<String> = shapes.iter().map(Shape::to_string).collect();
            let detail = format!("expected masks of the same shape, received {}", shapes.join(" and "));
            return Err(FieldError::new("/inputs", detail));
        }
        match masks.as_slice() {
            [] => Ok(None),
            [mask] => Ok(Some(*mask)),
            // A mask is 1 for unmasked steps, else 0.
            _ => {
                let joined = Call { inputs: &masks, output_mask: None, ..*call };
                self.add_node(&joined, &Primitive::Multiply(Multiply {}), shapes).map(|values| Some(values[0]))
            }
        }
    }

    /// Sets the mask of `output`; fails if its first axes are not those of the mask.
    pub(super) fn set_mask(&mut self, output: usize, mask: Option<usize>) -> Result<(), FieldError> {
        if let Some(mask) = mask {
            let (shape, of_mask) = (&self.architecture.shapes[output], &self.architecture.shapes[mask]);
            if of_mask.0.len() >= shape.0.len() || !shape.0.starts_with(&of_mask.0) {
                let detail =
                    format!("expected an output that begins with the axes of its mask, {of_mask}, received {shape}");
                return Err(FieldError::new("/output_mask", detail));
            }
            self.architecture.masks[output] = Some(mask);
        }
        Ok(())
    }
}
