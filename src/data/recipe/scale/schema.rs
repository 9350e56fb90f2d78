//! The schema of [`Scale`].

use super::{Scale, ScaleStep};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type},
};

impl PartialSchema for Scale {
    fn schema() -> RefOr<Schema> {
        let names = ScaleStep::TABLE.iter().map(|(name, _)| *name);
        let word = |names: Vec<&'static str>| ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        let step = || Ref::from_schema_name(<ScaleStep as ToSchema>::name());
        let item = OneOfBuilder::new().item(word(names.clone().collect())).item(step());
        let list = ArrayBuilder::new().items(RefOr::T(Schema::from(item))).max_items(Some(8));
        OneOfBuilder::new()
            .description(Some(
                "How numbers are scaled: a step by its name or with options, or a list of steps in their order.",
            ))
            .item(word(names.chain(["none"]).collect()))
            .item(step())
            .item(list)
            .into()
    }
}

/// The options of a step, which are beside its `type`: an object that allows no other property would refuse that.
pub(crate) fn beside_type((name, schema): (String, RefOr<Schema>)) -> (String, RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.additional_properties = None;
            (name, RefOr::T(Schema::Object(object)))
        }
        other => (name, other),
    }
}

impl ToSchema for Scale {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((<ScaleStep as ToSchema>::name().into_owned(), ScaleStep::schema()));
        let mut options = Vec::new();
        <ScaleStep as ToSchema>::schemas(&mut options);
        schemas.extend(options.into_iter().map(beside_type));
    }
}
