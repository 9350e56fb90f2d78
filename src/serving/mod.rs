//! Loaded models and predictions.
