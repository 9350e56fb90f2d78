//! [`Arrays`]: the fitted state of a model as named arrays and a JSON object.

use super::StoredError;
use ndarray::{ArrayD, Dimension};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An array of one of the types that a model stores.
#[derive(Debug, Clone, PartialEq)]
pub enum Tensor {
    /// 32-bit floats.
    F32(ArrayD<f32>),
    /// 64-bit floats.
    F64(ArrayD<f64>),
    /// 32-bit integers.
    I32(ArrayD<i32>),
    /// 64-bit integers.
    I64(ArrayD<i64>),
    /// Bytes.
    U8(ArrayD<u8>),
}

/// Implemented by the element types of [`Tensor`].
pub trait Element: Clone + Sized {
    /// Name in messages.
    const NAME: &'static str;
    /// As a tensor.
    fn tensor(array: ArrayD<Self>) -> Tensor;
    /// The array, if the tensor has this type.
    fn array(tensor: &Tensor) -> Option<&ArrayD<Self>>;
}

macro_rules! elements {
    ($($type:ty = $variant:ident),* $(,)?) => {
        $(impl Element for $type {
            const NAME: &'static str = stringify!($type);

            fn tensor(array: ArrayD<Self>) -> Tensor {
                Tensor::$variant(array)
            }

            fn array(tensor: &Tensor) -> Option<&ArrayD<Self>> {
                match tensor {
                    Tensor::$variant(array) => Some(array),
                    _ => None,
                }
            }
        })*
    };
}
elements! { f32 = F32, f64 = F64, i32 = I32, i64 = I64, u8 = U8 }

/// Named arrays and metadata. Nothing in it is trusted when it is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arrays {
    /// The arrays.
    pub tensors: BTreeMap<String, Tensor>,
    /// A JSON object of few fields.
    pub metadata: Map<String, Value>,
}

impl Arrays {
    /// Number of elements of all arrays.
    pub fn elements_of_all(&self) -> u64 {
        let count = |tensor: &Tensor| match tensor {
            Tensor::F32(array) => array.len(),
            Tensor::F64(array) => array.len(),
            Tensor::I32(array) => array.len(),
            Tensor::I64(array) => array.len(),
            Tensor::U8(array) => array.len(),
        };
        self.tensors.values().map(|tensor| count(tensor) as u64).sum()
    }

    /// Bytes of all arrays.
    pub fn bytes(&self) -> u64 {
        let bytes = |tensor: &Tensor| match tensor {
            Tensor::F32(array) => size_of_val(array.as_slice_memory_order().unwrap_or_default()),
            Tensor::F64(array) => size_of_val(array.as_slice_memory_order().unwrap_or_default()),
            Tensor::I32(array) => size_of_val(array.as_slice_memory_order().unwrap_or_default()),
            Tensor::I64(array) => size_of_val(array.as_slice_memory_order().unwrap_or_default()),
            Tensor::U8(array) => array.len(),
        };
        self.tensors.values().map(|tensor| bytes(tensor) as u64).sum()
    }

    /// Adds an array of any number of axes.
    pub fn insert<T: Element, D: Dimension>(&mut self, name: &str, array: ndarray::Array<T, D>) {
        self.tensors.insert(name.to_owned(), T::tensor(array.into_dyn()));
    }

    /// Adds an array of one axis.
    pub fn insert_list<T: Element>(&mut self, name: &str, elements: Vec<T>) {
        self.insert(name, ndarray::Array1::from_vec(elements));
    }

    /// The array of this name, type and shape; an axis of `None` may have any length.
    pub fn get<T: Element>(&self, name: &str, shape: &[Option<usize>]) -> Result<&ArrayD<T>, StoredError> {
        let tensor = self.tensors.get(name).ok_or_else(|| StoredError::new(name, "the array is missing"))?;
        let array =
            T::array(tensor).ok_or_else(|| StoredError::new(name, format!("expected elements of {}", T::NAME)))?;
        let received = array.shape();
        let fits = |(expected, received): (&Option<usize>, &usize)| expected.is_none_or(|it| it == *received);
        if received.len() != shape.len() || !shape.iter().zip(received).all(fits) {
            let expected: Vec<String> = shape.iter().map(|it| it.map_or("?".to_owned(), |it| it.to_string())).collect();
            let detail = format!("expected the shape [{}], received {received:?}", expected.join(", "));
            return Err(StoredError::new(name, detail));
        }
        Ok(array)
    }

    /// The elements of an array of one axis; `length` is checked if given.
    pub fn list<T: Element>(&self, name: &str, length: Option<usize>) -> Result<Vec<T>, StoredError> {
        Ok(self.get::<T>(name, &[length])?.iter().cloned().collect())
    }

    /// The elements of an array of this shape, row-major.
    pub fn elements<T: Element>(&self, name: &str, shape: &[usize]) -> Result<Vec<T>, StoredError> {
        let shape: Vec<Option<usize>> = shape.iter().copied().map(Some).collect();
        Ok(self.get::<T>(name, &shape)?.iter().cloned().collect())
    }

    /// Adds a field of the metadata.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.metadata.insert(name.to_owned(), value.into());
    }

    /// A field of the metadata.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoredError> {
        let value = self.metadata.get(name).ok_or_else(|| StoredError::new(name, "the field is missing"))?;
        serde_json::from_value(value.clone()).map_err(|error| StoredError::new(name, error.to_string()))
    }

    /// Fails if a float is infinite or not a number.
    pub fn finite(name: &str, numbers: &[f64]) -> Result<(), StoredError> {
        match numbers.iter().position(|number| !number.is_finite()) {
            Some(at) => {
                Err(StoredError::new(name, format!("element {at}: expected a finite number, received {}", numbers[at])))
            }
            None => Ok(()),
        }
    }
}
