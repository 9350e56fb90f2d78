//! Schemas of `training` that do not follow from Rust types.

use crate::engine::{loss::ReducedLoss, metric::Metric};
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type},
};

pub(super) fn metrics() -> RefOr<Schema> {
    metrics_by_output(
        "Metrics to report. Default: `accuracy` for classes, `mean_absolute_error` for numbers. One metric or a list for every \
         output, or an object by output.",
    )
}

pub(super) fn weighted_metrics() -> RefOr<Schema> {
    metrics_by_output(
        "Metrics weighted by `sample_weight` or `class_weight`. One with the name of a metric is reported as `weighted_` and that \
         name. One metric or a list for every output, or an object by output.",
    )
}

fn metrics_by_output(description: &str) -> RefOr<Schema> {
    let metric = || Ref::from_schema_name(<Metric as ToSchema>::name());
    let list = || ArrayBuilder::new().items(metric());
    let by_output = OneOfBuilder::new().item(metric()).item(list());
    let by_output = ObjectBuilder::new().additional_properties(Some(Schema::from(by_output)));
    OneOfBuilder::new().description(Some(description)).item(metric()).item(list()).item(by_output).into()
}

pub(super) fn loss() -> RefOr<Schema> {
    let loss = || Ref::from_schema_name(<ReducedLoss as ToSchema>::name());
    let or_null = || OneOfBuilder::new().item(loss()).item(ObjectBuilder::new().schema_type(Type::Null));
    OneOfBuilder::new()
        .description(Some(
            "Loss. Default: a cross-entropy for classes, `mean_squared_error` for numbers. One for every output, a list in the \
             model's order of outputs, or an object by output. An output whose loss is null is not trained and needs no target.",
        ))
        .item(loss())
        .item(ArrayBuilder::new().items(or_null()))
        .item(ObjectBuilder::new().additional_properties(Some(Schema::from(or_null()))))
        .into()
}

pub(super) fn loss_weights() -> RefOr<Schema> {
    let number = || ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0.0));
    OneOfBuilder::new()
        .description(Some(
            "Coefficient of each output's loss in the total loss. Default: 1. A number for every output, a list in the model's \
             order of outputs, or an object by output.",
        ))
        .item(number())
        .item(ArrayBuilder::new().items(number()))
        .item(ObjectBuilder::new().additional_properties(Some(number())))
        .into()
}
