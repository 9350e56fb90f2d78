//! [`Place`]: where a part of a model is in Keras's JSON and in our form.

use crate::engine::field;

/// Where something stands: in our form, in Keras's, and in words.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub ours: String,
    pub keras: String,
    /// Begins each message: "layer `dense` (Dense): ".
    pub owner: String,
}

impl Place {
    /// That of the option `keras` of the object here, which is `ours` in our form.
    pub fn option(&self, ours: &str, keras: &str) -> Self {
        Self {
            ours: format!("{}/{}", self.ours, field::escape(ours)),
            keras: format!("{}/{}", self.keras, field::escape(keras)),
            owner: format!("{}`{keras}`: ", self.owner),
        }
    }
}
