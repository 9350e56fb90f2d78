//! Keras's optimizers and learning rate schedules.

use super::{
    class::{Family, Plain, Row, Rule, differs},
    kinds,
};
use crate::engine::{optimizer, schedule::Schedule};
use std::sync::LazyLock;

/// Optimizers of `model.compile`.
pub(super) static OPTIMIZERS: LazyLock<Family> =
    LazyLock::new(|| Family::new("optimizer", kinds::classes::<optimizer::Rule>(&[]), ROWS, OPTIONS));

/// Learning rates that change from step to step.
pub(super) static SCHEDULES: LazyLock<Family> = LazyLock::new(|| {
    Family::new("learning rate schedule", kinds::classes::<Schedule>(&[]), SCHEDULE_ROWS, &[("name", Rule::Ignored)])
});

const ROWS: &[Row] = &[
    differs("adam", &[], &[("amsgrad", Rule::Default(Plain::Bool(false)))]),
    differs("adamw", &[], &[("amsgrad", Rule::Default(Plain::Bool(false)))]),
    // A minimum that Keras takes in any case.
    differs("adafactor", &[], &[("relative_step", Rule::Ignored)]),
    // Ours has a decay of its own where none is named.
    differs("muon", &[], &[("weight_decay", Rule::Same)]),
];

const SCHEDULE_ROWS: &[Row] = &[differs("cosine_decay", &[], &[("warmup_target", Rule::Optional)])];

/// Options of every optimizer.
const OPTIONS: &[(&str, Rule)] = &[
    ("learning_rate", Rule::NumberOrSchedule),
    ("weight_decay", Rule::Optional),
    ("name", Rule::Ignored),
    ("clipnorm", Rule::Optional),
    ("global_clipnorm", Rule::Optional),
    ("clipvalue", Rule::Optional),
    ("use_ema", Rule::Default(Plain::Bool(false))),
    ("ema_momentum", Rule::Default(Plain::Number(0.99))),
    ("ema_overwrite_frequency", Rule::Optional),
    // The loss is multiplied by it and the gradient divided, which changes nothing in float32.
    ("loss_scale_factor", Rule::Ignored),
    ("gradient_accumulation_steps", Rule::Optional),
    ("decay", Rule::Only(&[Plain::Number(0.0)])),
    ("jit_compile", Rule::Ignored),
    ("is_legacy_optimizer", Rule::Ignored),
];
