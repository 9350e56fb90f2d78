//! Layers that Keras calls core.

mod channels_first;
mod dense;
mod embedding;
mod identity;
mod masking;

pub use channels_first::ChannelsFirst;
pub use dense::Dense;
pub use embedding::Embedding;
pub use identity::IdentityLayer;
pub use masking::Masking;
