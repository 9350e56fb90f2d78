//! [`ParameterSpec`] and [`Parameter`].

use crate::engine::{constraint::Constraint, init::Initializer, regularizer::Regularizer, shape::Shape};
use std::ops::Range;

/// A tensor of weights that a layer requires.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSpec {
    /// Keras's name: `kernel`, `bias`, `gamma`, `moving_mean`, …
    pub name: &'static str,
    /// What the names of its settings begin with: `kernel` of `kernel_initializer`.
    pub setting: &'static str,
    /// Its shape, row-major.
    pub shape: Shape,
    /// Its initializer.
    pub initializer: Initializer,
    /// Its regularizer.
    pub regularizer: Option<Regularizer>,
    /// Its constraint.
    pub constraint: Option<Constraint>,
    /// Whether it is trained.
    pub trainable: bool,
}

/// Initializer, regularizer and constraint of a parameter.
pub(crate) type Settings<'a> = (&'a Initializer, Option<Regularizer>, Option<&'a Constraint>);

impl ParameterSpec {
    /// One that the optimizer moves.
    pub(crate) fn trained(
        name: &'static str,
        shape: Shape,
        initializer: &Initializer,
        regularizer: Option<Regularizer>,
        constraint: Option<&Constraint>,
    ) -> Self {
        // `query/kernel` is one of several kernels that share their settings; those of `recurrent_kernel` begin with `recurrent`.
        let setting = name.rsplit('/').next().unwrap_or(name);
        let setting = setting.strip_suffix("_kernel").unwrap_or(setting);
        let (initializer, constraint) = (initializer.clone(), constraint.cloned());
        Self { name, setting, shape, initializer, regularizer, constraint, trainable: true }
    }

    /// One that the layer itself moves, if anything does.
    pub(crate) fn fixed(name: &'static str, shape: Shape, initializer: &Initializer) -> Self {
        Self { trainable: false, ..Self::trained(name, shape, initializer, None, None) }
    }

    /// The scale and the shift of a normalization, where there are such: initializer, regularizer and constraint of each.
    pub(crate) fn gamma_and_beta(shape: &Shape, gamma: Option<Settings<'_>>, beta: Option<Settings<'_>>) -> Vec<Self> {
        let named = [("gamma", gamma), ("beta", beta)].into_iter();
        let settings = named.filter_map(|(name, settings)| Some((name, settings?)));
        let parameter = |(name, (initializer, regularizer, constraint)): (_, Settings<'_>)| {
            Self::trained(name, shape.clone(), initializer, regularizer, constraint)
        };
        settings.map(parameter).collect()
    }

    /// The same, with settings of another name than its own.
    pub(crate) fn with_setting(self, setting: &'static str) -> Self {
        Self { setting, ..self }
    }
}

/// A tensor of weights of a model.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// What the layer requires.
    pub spec: ParameterSpec,
    /// `layer/parameter`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its elements in the flat vector of the trainable parameters, or in that of the others.
    pub range: Range<usize>,
}
