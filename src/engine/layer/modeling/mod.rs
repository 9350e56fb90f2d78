//! Layers of KerasHub: transformer blocks and position embeddings.

mod position_embedding;
mod sine_position_encoding;
mod transformer_block;
mod transformer_decoder;
mod transformer_encoder;

pub use position_embedding::PositionEmbedding;
pub use sine_position_encoding::SinePositionEncoding;
pub use transformer_decoder::TransformerDecoder;
pub use transformer_encoder::TransformerEncoder;
