//! What the linear models share.

pub(super) mod descent;
pub(super) mod fitted;
pub(super) mod loss;
pub(super) mod newton;
pub(super) mod proximal;
pub(super) mod row_loss;
