//! Schemas of a job request that do not follow from Rust types.

use crate::{
    data::named::per_output,
    job::{columns::Columns, task_request::TaskRequest},
};
use utoipa::openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, Type, schema::SchemaType};

pub(super) fn target() -> RefOr<Schema> {
    let description = "Target column, or a list of them; an object by output for a model with several outputs. A sparse loss with \
                       an output such as `[steps, classes]` takes a column of class indices for each step or position, in that \
                       order.";
    OneOfBuilder::new().description(Some(description)).item(per_output::<Columns>()).into()
}

pub(super) fn task() -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(SchemaType::new(Type::Null));
    let description = "Task, or an object by output. Default: inferred from the target, the loss and the last activation. For a \
                       classical model two whole numbers are classes and other numbers are not; where that is in doubt, the job has the \
                       warning `doubtful_task`.";
    OneOfBuilder::new().description(Some(description)).item(per_output::<TaskRequest>()).item(null).into()
}

pub(super) fn definition() -> RefOr<Schema> {
    let description = "With `dry_run=true`: the definition that `model` would have, in any form of `POST /v1/models`. Otherwise define \
                       the model first.";
    let types = SchemaType::from_iter([Type::Object, Type::String, Type::Null]);
    ObjectBuilder::new().schema_type(types).description(Some(description)).into()
}
