//! The answers of a prediction, written straight to the bytes that are sent.

use super::Loaded;
use crate::{data::recipe::Prediction, engine::shape::Shape};
use ndarray::{ArrayView2, ArrayView1};
use serde::{
    Deserialize, Serialize, Serializer,
    ser::SerializeSeq,
};
use serde_json::{Value, value::RawValue};
