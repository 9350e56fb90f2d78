//! Every layer, one line each.

use super::*;
use crate::engine::{
    field::{self, FieldError},
    real::Real,
    registry::{Family, Member, registry, tagged_schemas},
    regularizer::Regularizer,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Map, Value};
use std::{
    borrow::Cow,
    ops::{Deref, RangeInclusive},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{OneOfBuilder, RefOr, Schema},
};

registry! {
    /// A layer that runs.
    #[derive(Debug, Clone, PartialEq)]
    Primitive, "a layer", dyn Compute<F> {
        plain {}
        settings {
            Dense = "dense",
            Conv1d = "conv1d",
            Conv2d = "conv2d",
            Conv3d = "conv3d",
            Conv1dTranspose = "conv1d_transpose",
            Conv2dTranspose = "conv2d_transpose",
            Conv3dTranspose = "conv3d_transpose",
            DepthwiseConv1d = "depthwise_conv1d",
            DepthwiseConv2d = "depthwise_conv2d",
            SeparableConv1d = "separable_conv1d",
            SeparableConv2d = "separable_conv2d",
            MaxPooling1d = "max_pooling1d",
            MaxPooling2d = "max_pooling2d",
            MaxPooling3d = "max_pooling3d",
            AveragePooling1d = "average_pooling1d",
            AveragePooling2d = "average_pooling2d",
            AveragePooling3d = "average_pooling3d",
            AdaptiveMaxPooling1d = "adaptive_max_pooling1d",
            AdaptiveMaxPooling2d = "adaptive_max_pooling2d",
            AdaptiveMaxPooling3d = "adaptive_max_pooling3d",
            AdaptiveAveragePooling1d = "adaptive_average_pooling1d",
            AdaptiveAveragePooling2d = "adaptive_average_pooling2d",
            AdaptiveAveragePooling3d = "adaptive_average_pooling3d",
            GlobalMaxPooling1d = "global_max_pooling1d",
            GlobalMaxPooling2d = "global_max_pooling2d",
            GlobalMaxPooling3d = "global_max_pooling3d",
            GlobalAveragePooling1d = "global_average_pooling1d",
            GlobalAveragePooling2d = "global_average_pooling2d",
            GlobalAveragePooling3d = "global_average_pooling3d",
            ActivationLayer = "activation",
            Dropout = "dropout",
            Flatten = "flatten",
            BatchNormalization = "batch_normalization",
            SimpleRnn = "simple_rnn",
            Lstm = "lstm",
            Gru = "gru",
            ConvLstm1d = "conv_lstm1d",
            ConvLstm2d = "conv_lstm2d",
            ConvLstm3d = "conv_lstm3d",
            LayerNormalization = "layer_normalization",
            GroupNormalization = "group_normalization",
            RmsNormalization = "rms_normalization",
            SpectralNormalization = "spectral_normalization",
            UnitNormalization = "unit_normalization",
            MultiHeadAttention = "multi_head_attention",
            Embedding = "embedding",
            CategoryEncoding = "category_encoding",
            Discretization = "discretization",
            IntegerLookup = "integer_lookup",
            IdentityLayer = "identity",
            Masking = "masking",
            LayerScale = "layer_scale",
            StochasticDepth = "stochastic_depth",
            CustomScaleLayer = "custom_scale_layer",
            Rescaling = "rescaling",
            Normalization = "normalization",
            Reshape = "reshape",
            Permute = "permute",
            GetItem = "get_item",
            BroadcastTo = "broadcast_to",
            ExpandDims = "expand_dims",
            Flip = "flip",
            Pad = "pad",
            Repeat = "repeat",
            Roll = "roll",
            Split = "split",
            Take = "take",
            Tile = "tile",
            RepeatVector = "repeat_vector",
            ZeroPadding1d = "zero_padding1d",
            ZeroPadding2d = "zero_padding2d",
            ZeroPadding3d = "zero_padding3d",
            Cropping1d = "cropping1d",
            Cropping2d = "cropping2d",
            Cropping3d = "cropping3d",
            Resizing = "resizing",
            CenterCrop = "center_crop",
            UpSampling1d = "up_sampling1d",
            UpSampling2d = "up_sampling2d",
            UpSampling3d = "up_sampling3d",
            SpatialDropout1d = "spatial_dropout1d",
            SpatialDropout2d = "spatial_dropout2d",
            SpatialDropout3d = "spatial_dropout3d",
            GaussianNoise = "gaussian_noise",
            GaussianDropout = "gaussian_dropout",
            AlphaDropout = "alpha_dropout",
            RandomFlip = "random_flip",
            RandomRotation = "random_rotation",
            RandomTranslation = "random_translation",
            RandomZoom = "random_zoom",
            RandomContrast = "random_contrast",
            RandomBrightness = "random_brightness",
            ActivityRegularization = "activity_regularization",
            Add = "add",
            Subtract = "subtract",
            Multiply = "multiply",
            Divide = "divide",
            Average = "average",
            Maximum = "maximum",
            Minimum = "minimum",
            Concatenate = "concatenate",
            Stack = "stack",
            Arctan2 = "arctan2",
            Equal = "equal",
            Exponentiate = "exponentiate",
            FloorDivide = "floor_divide",
            Greater = "greater",
            GreaterEqual = "greater_equal",
            Less = "less",
            LessEqual = "less_equal",
            Logaddexp = "logaddexp",
            LogicalAnd = "logical_and",
            LogicalOr = "logical_or",
            LogicalXor = "logical_xor",
            Modulo = "mod",
            NotEqual = "not_equal",
            Where = "where",
            Dot = "dot",
            Absolute = "absolute",
            Square = "square",
            Sqrt = "sqrt",
            Rsqrt = "rsqrt",
            Reciprocal = "reciprocal",
            Power = "power",
            Log = "log",
            Log1p = "log1p",
            Clip = "clip",
            Sum = "sum",
            Mean = "mean",
            Max = "max",
            Min = "min",
            Arccos = "arccos",
            Arccosh = "arccosh",
            Arcsin = "arcsin",
            Arcsinh = "arcsinh",
            Arctan = "arctan",
            Arctanh = "arctanh",
            Ceil = "ceil",
            Cos = "cos",
            Cosh = "cosh",
            Erf = "erf",
            Expm1 = "expm1",
            Floor = "floor",
            Log2 = "log2",
            Log10 = "log10",
            LogicalNot = "logical_not",
            Round = "round",
            Sign = "sign",
            Sin = "sin",
            Sinh = "sinh",
            Tan = "tan",
            Trunc = "trunc",
            Prod = "prod",
            Var = "var",
            Std = "std",
            Logsumexp = "logsumexp",
            Norm = "norm",
            Argmax = "argmax",
            Argmin = "argmin",
            Cumsum = "cumsum",
            OneHot = "one_hot",
            ConstantLayer = "constant",
            Einsum = "einsum",
            ReluLayer = "relu",
            LeakyReluLayer = "leaky_relu",
            Prelu = "prelu",
            EluLayer = "elu",
            SoftmaxLayer = "softmax",
            Attention = "attention",
            AdditiveAttention = "additive_attention",
            PositionEmbedding = "position_embedding",
            SinePositionEncoding = "sine_position_encoding",
        }
    }
}

registry! {
    /// A layer that is made of others.
    #[derive(Debug, Clone, PartialEq)]
    Composite, "a layer", dyn Composition {
        plain {}
        settings {
            TimeDistributed = "time_distributed",
            ChannelsFirst = "channels_first",
            Bidirectional = "bidirectional",
            TransformerEncoder = "transformer_encoder",
            TransformerDecoder = "transformer_decoder",
        }
    }
}

impl Deref for Primitive {
    type Target = dyn Layer;

    fn deref(&self) -> &Self::Target {
        self.behaviour::<f32>()
    }
}

impl Primitive {
    /// The layer as it runs on `F`.
    #[inline]
    pub fn compute<F: Real>(&self) -> &dyn Compute<F> {
        self.behaviour()
    }
}

impl Deref for Composite {
    type Target = dyn Composition;

    fn deref(&self) -> &Self::Target {
        self.behaviour()
    }
}

/// Any layer, distinguished by `type`.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a definition holds few of them, and hardly any is copied")]
pub enum AnyLayer {
    /// One that runs.
    Primitive(Primitive),
    /// One whose parts run.
    Composite(Composite),
}

impl AnyLayer {
    /// Every layer's `type`.
    pub fn kinds() -> Vec<&'static str> {
        [Primitive::NAMES, Composite::NAMES].concat()
    }

    /// This layer's `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Primitive(layer) => layer.kind(),
            Self::Composite(layer) => layer.kind(),
        }
    }

    /// The description of each layer's settings, by its `type`.
    pub fn schemas() -> Vec<(&'static str, RefOr<Schema>)> {
        let members = Primitive::members().into_iter().chain(Composite::members());
        members.filter_map(|registered| Some((registered.name, registered.settings?))).collect()
    }

    /// Reads the settings of a layer of this `type`, without `type` itself; pointers are below the layer.
    pub fn read(kind: &str, settings: &Value) -> Result<Self, FieldError> {
        let Value::Object(settings) = settings else {
            return Err(FieldError::new("", format!("expected an object of settings, received {settings}")));
        };
        let settings = settings.clone();
        let read = match Primitive::NAMES.contains(&kind) {
            true => Primitive::member(kind, settings).map(|layer| layer.map(Self::Primitive)),
            false => Composite::member(kind, settings).map(|layer| layer.map(Self::Composite)),
        };
        read.unwrap_or_else(|| Err(FieldError::new("/type", format!("unknown layer type `{kind}`"))))
    }

    /// Ranges of the settings; the pointer is below the layer (`/units`).
    pub fn check(&self) -> Result<(), FieldError> {
        match self {
            Self::Primitive(layer) => layer.check().and_then(|()| match layer.activity_regularizer() {
                Some(penalty) => check_activity(penalty).map_err(|error| error.under("/activity_regularizer")),
                None => Ok(()),
            }),
            Self::Composite(layer) => layer.check(),
        }
    }

    /// How many inputs it takes.
    pub fn arity(&self) -> RangeInclusive<usize> {
        match self {
            Self::Primitive(layer) => layer.arity(),
            Self::Composite(layer) => layer.arity(),
        }
    }

    /// A recurrent layer as one direction of a [`Bidirectional`].
    pub fn direction(&self) -> Option<Direction> {
        match self {
            Self::Primitive(layer) => layer.direction(),
            Self::Composite(_) => None,
        }
    }

    /// The layer as that direction of a [`Bidirectional`].
    pub fn in_direction(&self, direction: Direction) -> Option<Self> {
        match self {
            Self::Primitive(layer) => layer.in_direction(direction).map(Self::Primitive),
            Self::Composite(_) => None,
        }
    }

    /// Whether its numbers depend on the masks of its inputs.
    pub fn uses_masks(&self) -> bool {
        match self {
            Self::Primitive(layer) => layer.uses_masks(),
            Self::Composite(layer) => layer.uses_masks(),
        }
    }

    /// Whether it carries a state along a sequence: it may be given an initial state, and has the setting `use_mask`.
    pub fn is_recurrent(&self) -> bool {
        match self {
            Self::Primitive(layer) => layer.is_recurrent(),
            Self::Composite(layer) => layer.is_recurrent(),
        }
    }

    /// How many values it gives.
    pub fn values(&self) -> usize {
        match self {
            Self::Primitive(layer) => layer.values(),
            Self::Composite(layer) => layer.gives().len().max(1),
        }
    }
}

/// Ranges of a penalty on what a layer gives, which must be one on each element.
pub(crate) fn check_activity(penalty: Regularizer) -> Result<(), FieldError> {
    penalty.check()?;
    match penalty.elementwise() {
        Some(_) => Ok(()),
        None => {
            let detail = format!("expected l1, l2 or l1_l2, received {}, which is one on weights", penalty.kind());
            Err(FieldError::new("", detail))
        }
    }
}

impl PartialSchema for AnyLayer {
    /// Open for what a layer's place adds (`name`, `inputs`): who refers to it closes it.
    fn schema() -> RefOr<Schema> {
        let members: Vec<Member> = Self::schemas()
            .into_iter()
            .map(|(kind, mut settings)| {
                if let RefOr::T(Schema::Object(object)) = &mut settings {
                    object.additional_properties = None;
                }
                Member { names: vec![kind.to_owned()], settings: Some(settings) }
            })
            .collect();
        let all = OneOfBuilder::new().description(Some("A layer's `type` and its settings."));
        RefOr::T(Schema::OneOf(tagged_schemas(&members).into_iter().fold(all, OneOfBuilder::item).build()))
    }
}

impl ToSchema for AnyLayer {
    fn name() -> Cow<'static, str> {
        "LayerSettings".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Primitive::schemas(schemas);
        Composite::schemas(schemas);
    }
}

impl Serialize for AnyLayer {
    /// The settings with `type`, also where there are none.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = match self {
            Self::Primitive(layer) => serde_json::to_value(layer),
            Self::Composite(layer) => serde_json::to_value(layer),
        };
        match value.map_err(ser::Error::custom)? {
            Value::String(kind) => Map::from_iter([("type".to_owned(), Value::String(kind))]).serialize(serializer),
            settings => settings.serialize(serializer),
        }
    }
}

/// Layers within layers (`time_distributed`): the pointer of what is wrong travels in the message, as for every registry.
impl<'de> Deserialize<'de> for AnyLayer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut settings = match Value::deserialize(deserializer)? {
            Value::Object(settings) => settings,
            _ => Map::new(),
        };
        let kind = settings.shift_remove("type");
        let Some(kind) = kind.as_ref().and_then(Value::as_str) else {
            return Err(de::Error::custom(FieldError::new("/type", "expected the type of a layer, received nothing")));
        };
        if !Self::kinds().contains(&kind) {
            let hint = field::did_you_mean(kind, Self::kinds());
            return Err(de::Error::custom(FieldError::new("/type", format!("unknown layer type `{kind}`{hint}"))));
        }
        Self::read(kind, &Value::Object(settings)).map_err(de::Error::custom)
    }
}
