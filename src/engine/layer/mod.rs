//! Layers in the folders of Keras: one file each, settings and shapes and forward beside backward.
//!
//! `machinery` has what all are built on. `applications` has the layers of `keras.applications`, `modeling` those of
//! KerasHub, and `operators` the functions of `keras.ops` for which Keras has no layer.

mod activations;
mod applications;
mod attention;
mod convolutional;
mod core;
mod machinery;
mod merging;
mod modeling;
mod normalization;
mod operators;
mod pooling;
mod preprocessing;
mod registry;
mod regularization;
mod reshaping;
mod rnn;

pub use self::{
    activations::*, applications::*, attention::*, convolutional::*, core::*, merging::*, modeling::*,
    normalization::*, operators::*, pooling::*, preprocessing::*, regularization::*, reshaping::*, rnn::*,
};
pub(crate) use machinery::Destination;
pub use machinery::{
    Axes, Backward, BatchReduction, BeforeStep, Composition, Compute, Forward, InputGradients, InputScale, Layer,
    MaskRule, Moments, Origins, Others, Parameter, ParameterGradients, ParameterSpec, Parameters, Part, Pass, Reduce,
    Source, Values, Workspace,
};
use machinery::{axes, before_step, bias_activation, broadcast, settings_checks, transpose};
pub(crate) use registry::check_activity;
pub use registry::{AnyLayer, Composite, Primitive};
