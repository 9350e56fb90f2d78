//! [`TrainingRequest`].

use super::settings::Training;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, Type, schema::SchemaType},
};

/// `training` of a request: every setting may be left out, or null.
#[derive(Debug)]
pub struct TrainingRequest;

impl PartialSchema for TrainingRequest {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut settings)) = Training::schema() else {
            return Training::schema();
        };
        settings.required.clear();
        for property in settings.properties.values_mut() {
            let null = ObjectBuilder::new().schema_type(SchemaType::new(Type::Null));
            *property = OneOfBuilder::new().item(property.clone()).item(null).into();
        }
        RefOr::T(Schema::Object(settings))
    }
}

impl ToSchema for TrainingRequest {}
