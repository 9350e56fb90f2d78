//! Every layer, one line each.

use super::{
    Absolute, ActivationLayer, ActivityRegularization, Add, AdditiveAttention, AlphaDropout, Arccos, Arccosh, Arcsin,
    Arcsinh, Arctan, Arctan2, Arctanh, Argmax, Argmin, Attention, Average, AveragePooling1d, AveragePooling2d,
    AveragePooling3d, Backward, BatchNormalization, BatchReduction, BeforeStep, Bidirectional, BroadcastTo,
    CategoryEncoding, Ceil, CenterCrop, ChannelsFirst, Clip, Composition, Concatenate, ConstantLayer, Conv1d,
    Conv1dTranspose, Conv2d, Conv2dTranspose, Conv3d, Conv3dTranspose, ConvLstm1d, ConvLstm2d, ConvLstm3d, Cos, Cosh,
    Cropping1d, Cropping2d, Cropping3d, Cumsum, CustomScaleLayer, Dense, DepthwiseConv1d, DepthwiseConv2d, Direction,
    Discretization, Divide, Dot, Dropout, Einsum, EluLayer, Embedding, Equal, Erf, ExpandDims, Expm1, Exponentiate,
    Flatten, Flip, Floor, FloorDivide, Forward, GaussianDropout, GaussianNoise, GetItem, GlobalAveragePooling1d,
    GlobalAveragePooling2d, GlobalAveragePooling3d, GlobalMaxPooling1d, GlobalMaxPooling2d, GlobalMaxPooling3d,
    Greater, GreaterEqual, GroupNormalization, Gru, IdentityLayer, InputScale, IntegerLookup, Layer,
    LayerNormalization, LayerScale, LeakyReluLayer, Less, LessEqual, Log, Log1p, Log2, Log10, Logaddexp, LogicalAnd,
    LogicalNot, LogicalOr, LogicalXor, Logsumexp, Lstm, MaskRule, Masking, Max, MaxPooling1d, MaxPooling2d,
    MaxPooling3d, Maximum, Mean, Min, Minimum, Modulo, MultiHeadAttention, Multiply, Norm, Normalization, NotEqual,
    OneHot, Pad, ParameterSpec, Part, Permute, PositionEmbedding, Power, Prelu, Prod, RandomBrightness, RandomContrast,
    RandomFlip, RandomRotation, RandomTranslation, RandomZoom, Reciprocal, Reduce, ReluLayer, Repeat, RepeatVector,
    Rescaling, Reshape, Resizing, RmsNormalization, Roll, Round, Rsqrt, SeparableConv1d, SeparableConv2d, Sign,
    SimpleRnn, Sin, SinePositionEncoding, Sinh, SoftmaxLayer, SpatialDropout1d, SpatialDropout2d, SpatialDropout3d,
    SpectralNormalization, Split, Sqrt, Square, Stack, Std, StochasticDepth, Subtract, Sum, Take, Tan, Tile,
    TimeDistributed, TransformerDecoder, TransformerEncoder, Trunc, UnitNormalization, UpSampling1d, UpSampling2d,
    UpSampling3d, Var, Where, Workspace, ZeroPadding1d, ZeroPadding2d, ZeroPadding3d,
};
use crate::engine::{
    activation::Activation,
    field::{self, FieldError},
    real::Real,
    registry::{Member, tagged_schemas},
    regularizer::Regularizer,
    shape::Shape,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error},
};
use serde_json::Value;
use std::{borrow::Cow, ops::RangeInclusive};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{OneOfBuilder, RefOr, Schema},
};

macro_rules! registry {
    (
        layers { $($kind:literal => $variant:ident($settings:ident)),+ $(,)? }
        compositions { $($composite_kind:literal => $composite:ident),+ $(,)? }
    ) => {
        /// A layer that runs, told apart by `type`.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(tag = "type")]
        #[allow(missing_docs, reason = "each layer's settings are documented in its file")]
        pub enum Primitive {
            $(#[serde(rename = $kind)] $variant($settings)),+
        }

        /// A layer that is made of others, told apart by `type`.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(tag = "type")]
        #[allow(missing_docs, reason = "each layer's settings are documented in its file")]
        pub enum Composite {
            $(#[serde(rename = $composite_kind)] $composite($composite)),+
        }

        impl AnyLayer {
            /// Every layer's `type`.
            pub const KINDS: &[&str] = &[$($kind,)+ $($composite_kind,)+];

            /// Whether layers of this `type` carry a state along a sequence; see [`Layer::RECURRENT`].
            pub fn is_recurrent(kind: &str) -> bool {
                match kind {
                    $($kind => <$settings as Layer>::RECURRENT,)+
                    $($composite_kind => <$composite as Composition>::RECURRENT,)+
                    _ => false,
                }
            }

            /// This layer's `type`.
            pub fn kind(&self) -> &'static str {
                match self {
                    Self::Primitive(layer) => layer.kind(),
                    $(Self::Composite(Composite::$composite(_)) => $composite_kind,)+
                }
            }

            /// The description of each layer's settings, by its `type`.
            pub fn schemas() -> Vec<(&'static str, RefOr<Schema>)> {
                vec![
                    $(($kind, <$settings as PartialSchema>::schema()),)+
                    $(($composite_kind, <$composite as PartialSchema>::schema()),)+
                ]
            }

            /// What the settings refer to.
            fn components(components: &mut Vec<(String, RefOr<Schema>)>) {
                $(<$settings as ToSchema>::schemas(components);)+
                $(<$composite as ToSchema>::schemas(components);)+
            }

            /// Reads the settings of a layer of this `type`, without `type` itself; pointers are below the layer.
            pub fn read(kind: &str, settings: &Value) -> Result<Self, FieldError> {
                match kind {
                    $($kind => read_as(settings, |layer| Self::Primitive(Primitive::$variant(layer))),)+
                    $($composite_kind => read_as(settings, |layer| Self::Composite(Composite::$composite(layer))),)+
                    _ => Err(FieldError::new("/type", format!("unknown layer type `{kind}`"))),
                }
            }
        }

        impl Primitive {
            /// This layer's `type`.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind),+ }
            }
        }

        impl Composition for Composite {
            fn check(&self) -> Result<(), FieldError> {
                match self { $(Self::$composite(layer) => layer.check()),+ }
            }
            fn arity(&self) -> RangeInclusive<usize> {
                match self { $(Self::$composite(layer) => layer.arity()),+ }
            }
            fn check_masked(&self, masked: bool) -> Result<(), FieldError> {
                match self { $(Self::$composite(layer) => layer.check_masked(masked)),+ }
            }
            fn gives(&self) -> Vec<(usize, usize)> {
                match self { $(Self::$composite(layer) => layer.gives()),+ }
            }
            fn parts(&self, inputs: &[Shape]) -> Result<Vec<Part>, FieldError> {
                match self { $(Self::$composite(layer) => layer.parts(inputs)),+ }
            }
        }

        impl Layer for Primitive {
            fn check(&self) -> Result<(), FieldError> {
                match self { $(Self::$variant(layer) => layer.check()),+ }
            }
            fn arity(&self) -> RangeInclusive<usize> {
                match self { $(Self::$variant(layer) => layer.arity()),+ }
            }
            fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
                match self { $(Self::$variant(layer) => layer.output_shape(inputs)),+ }
            }
            fn values(&self) -> usize {
                match self { $(Self::$variant(layer) => layer.values()),+ }
            }
            fn other_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
                match self { $(Self::$variant(layer) => layer.other_shapes(inputs)),+ }
            }
            fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
                match self { $(Self::$variant(layer) => layer.parameters(inputs)),+ }
            }
            fn check_masks(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
                match self { $(Self::$variant(layer) => layer.check_masks(inputs, masks)),+ }
            }
            fn mask(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> MaskRule {
                match self { $(Self::$variant(layer) => layer.mask(inputs, masks)),+ }
            }
            fn sees_masks_of_steps(&self) -> bool {
                match self { $(Self::$variant(layer) => layer.sees_masks_of_steps()),+ }
            }
            fn direction(&mut self) -> Option<Direction<'_>> {
                match self { $(Self::$variant(layer) => Layer::direction(layer)),+ }
            }
            fn workspace(&self, inputs: &[Shape]) -> Workspace {
                match self { $(Self::$variant(layer) => layer.workspace(inputs)),+ }
            }
            fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
                match self { $(Self::$variant(layer) => layer.tables(inputs)),+ }
            }
            fn cost(&self, inputs: &[Shape]) -> u64 {
                match self { $(Self::$variant(layer) => layer.cost(inputs)),+ }
            }
            fn product_rows(&self, inputs: &[Shape]) -> Option<usize> {
                match self { $(Self::$variant(layer) => layer.product_rows(inputs)),+ }
            }
            fn last_activation(&self) -> Option<Activation> {
                match self { $(Self::$variant(layer) => layer.last_activation()),+ }
            }
            fn outer_product(&self) -> Option<usize> {
                match self { $(Self::$variant(layer) => layer.outer_product()),+ }
            }
            fn looks_up(&self) -> Option<usize> {
                match self { $(Self::$variant(layer) => layer.looks_up()),+ }
            }
            fn categories(&self) -> Option<usize> {
                match self { $(Self::$variant(layer) => layer.categories()),+ }
            }
            fn input_scale(&self) -> InputScale {
                match self { $(Self::$variant(layer) => layer.input_scale()),+ }
            }
            fn activity_regularizer(&self) -> Option<Regularizer> {
                match self { $(Self::$variant(layer) => layer.activity_regularizer()),+ }
            }
            fn batch_reduction(&self, inputs: &[Shape], repeat: usize) -> Option<BatchReduction> {
                match self { $(Self::$variant(layer) => layer.batch_reduction(inputs, repeat)),+ }
            }
            fn before_step_room(&self, inputs: &[Shape]) -> Option<usize> {
                match self { $(Self::$variant(layer) => layer.before_step_room(inputs)),+ }
            }
            fn before_step<F: Real>(&self, cx: &mut BeforeStep<'_, F>) {
                match self { $(Self::$variant(layer) => layer.before_step(cx)),+ }
            }
            fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
                match self { $(Self::$variant(layer) => layer.forward(cx)),+ }
            }
            fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
                match self { $(Self::$variant(layer) => layer.backward(cx)),+ }
            }
            fn sum_forward<F: Real>(&self, cx: &mut Forward<'_, F>, sums: &mut [f64]) {
                match self { $(Self::$variant(layer) => layer.sum_forward(cx, sums)),+ }
            }
            fn reduce_forward<F: Real>(&self, cx: &mut Reduce<'_, F>) {
                match self { $(Self::$variant(layer) => layer.reduce_forward(cx)),+ }
            }
            fn sum_backward<F: Real>(&self, cx: &mut Backward<'_, F>, sums: &mut [f64]) {
                match self { $(Self::$variant(layer) => layer.sum_backward(cx, sums)),+ }
            }
            fn reduce_backward<F: Real>(&self, cx: &mut Reduce<'_, F>) {
                match self { $(Self::$variant(layer) => layer.reduce_backward(cx)),+ }
            }
        }
    };
}

registry! {
    layers {
        "dense" => Dense(Dense),
        "conv1d" => Conv1d(Conv1d),
        "conv2d" => Conv2d(Conv2d),
        "conv3d" => Conv3d(Conv3d),
        "conv1d_transpose" => Conv1dTranspose(Conv1dTranspose),
        "conv2d_transpose" => Conv2dTranspose(Conv2dTranspose),
        "conv3d_transpose" => Conv3dTranspose(Conv3dTranspose),
        "depthwise_conv1d" => DepthwiseConv1d(DepthwiseConv1d),
        "depthwise_conv2d" => DepthwiseConv2d(DepthwiseConv2d),
        "separable_conv1d" => SeparableConv1d(SeparableConv1d),
        "separable_conv2d" => SeparableConv2d(SeparableConv2d),
        "max_pooling1d" => MaxPooling1d(MaxPooling1d),
        "max_pooling2d" => MaxPooling2d(MaxPooling2d),
        "max_pooling3d" => MaxPooling3d(MaxPooling3d),
        "average_pooling1d" => AveragePooling1d(AveragePooling1d),
        "average_pooling2d" => AveragePooling2d(AveragePooling2d),
        "average_pooling3d" => AveragePooling3d(AveragePooling3d),
        "global_max_pooling1d" => GlobalMaxPooling1d(GlobalMaxPooling1d),
        "global_max_pooling2d" => GlobalMaxPooling2d(GlobalMaxPooling2d),
        "global_max_pooling3d" => GlobalMaxPooling3d(GlobalMaxPooling3d),
        "global_average_pooling1d" => GlobalAveragePooling1d(GlobalAveragePooling1d),
        "global_average_pooling2d" => GlobalAveragePooling2d(GlobalAveragePooling2d),
        "global_average_pooling3d" => GlobalAveragePooling3d(GlobalAveragePooling3d),
        "activation" => Activation(ActivationLayer),
        "dropout" => Dropout(Dropout),
        "flatten" => Flatten(Flatten),
        "batch_normalization" => BatchNormalization(BatchNormalization),
        "simple_rnn" => SimpleRnn(SimpleRnn),
        "lstm" => Lstm(Lstm),
        "gru" => Gru(Gru),
        "conv_lstm1d" => ConvLstm1d(ConvLstm1d),
        "conv_lstm2d" => ConvLstm2d(ConvLstm2d),
        "conv_lstm3d" => ConvLstm3d(ConvLstm3d),
        "layer_normalization" => LayerNormalization(LayerNormalization),
        "group_normalization" => GroupNormalization(GroupNormalization),
        "rms_normalization" => RmsNormalization(RmsNormalization),
        "spectral_normalization" => SpectralNormalization(SpectralNormalization),
        "unit_normalization" => UnitNormalization(UnitNormalization),
        "multi_head_attention" => MultiHeadAttention(MultiHeadAttention),
        "embedding" => Embedding(Embedding),
        "category_encoding" => CategoryEncoding(CategoryEncoding),
        "discretization" => Discretization(Discretization),
        "integer_lookup" => IntegerLookup(IntegerLookup),
        "identity" => Identity(IdentityLayer),
        "masking" => Masking(Masking),
        "layer_scale" => LayerScale(LayerScale),
        "stochastic_depth" => StochasticDepth(StochasticDepth),
        "custom_scale_layer" => CustomScaleLayer(CustomScaleLayer),
        "rescaling" => Rescaling(Rescaling),
        "normalization" => Normalization(Normalization),
        "reshape" => Reshape(Reshape),
        "permute" => Permute(Permute),
        "get_item" => GetItem(GetItem),
        "broadcast_to" => BroadcastTo(BroadcastTo),
        "expand_dims" => ExpandDims(ExpandDims),
        "flip" => Flip(Flip),
        "pad" => Pad(Pad),
        "repeat" => Repeat(Repeat),
        "roll" => Roll(Roll),
        "split" => Split(Split),
        "take" => Take(Take),
        "tile" => Tile(Tile),
        "repeat_vector" => RepeatVector(RepeatVector),
        "zero_padding1d" => ZeroPadding1d(ZeroPadding1d),
        "zero_padding2d" => ZeroPadding2d(ZeroPadding2d),
        "zero_padding3d" => ZeroPadding3d(ZeroPadding3d),
        "cropping1d" => Cropping1d(Cropping1d),
        "cropping2d" => Cropping2d(Cropping2d),
        "cropping3d" => Cropping3d(Cropping3d),
        "resizing" => Resizing(Resizing),
        "center_crop" => CenterCrop(CenterCrop),
        "up_sampling1d" => UpSampling1d(UpSampling1d),
        "up_sampling2d" => UpSampling2d(UpSampling2d),
        "up_sampling3d" => UpSampling3d(UpSampling3d),
        "spatial_dropout1d" => SpatialDropout1d(SpatialDropout1d),
        "spatial_dropout2d" => SpatialDropout2d(SpatialDropout2d),
        "spatial_dropout3d" => SpatialDropout3d(SpatialDropout3d),
        "gaussian_noise" => GaussianNoise(GaussianNoise),
        "gaussian_dropout" => GaussianDropout(GaussianDropout),
        "alpha_dropout" => AlphaDropout(AlphaDropout),
        "random_flip" => RandomFlip(RandomFlip),
        "random_rotation" => RandomRotation(RandomRotation),
        "random_translation" => RandomTranslation(RandomTranslation),
        "random_zoom" => RandomZoom(RandomZoom),
        "random_contrast" => RandomContrast(RandomContrast),
        "random_brightness" => RandomBrightness(RandomBrightness),
        "activity_regularization" => ActivityRegularization(ActivityRegularization),
        "add" => Add(Add),
        "subtract" => Subtract(Subtract),
        "multiply" => Multiply(Multiply),
        "divide" => Divide(Divide),
        "average" => Average(Average),
        "maximum" => Maximum(Maximum),
        "minimum" => Minimum(Minimum),
        "concatenate" => Concatenate(Concatenate),
        "stack" => Stack(Stack),
        "arctan2" => Arctan2(Arctan2),
        "equal" => Equal(Equal),
        "exponentiate" => Exponentiate(Exponentiate),
        "floor_divide" => FloorDivide(FloorDivide),
        "greater" => Greater(Greater),
        "greater_equal" => GreaterEqual(GreaterEqual),
        "less" => Less(Less),
        "less_equal" => LessEqual(LessEqual),
        "logaddexp" => Logaddexp(Logaddexp),
        "logical_and" => LogicalAnd(LogicalAnd),
        "logical_or" => LogicalOr(LogicalOr),
        "logical_xor" => LogicalXor(LogicalXor),
        "mod" => Modulo(Modulo),
        "not_equal" => NotEqual(NotEqual),
        "where" => Where(Where),
        "dot" => Dot(Dot),
        "absolute" => Absolute(Absolute),
        "square" => Square(Square),
        "sqrt" => Sqrt(Sqrt),
        "rsqrt" => Rsqrt(Rsqrt),
        "reciprocal" => Reciprocal(Reciprocal),
        "power" => Power(Power),
        "log" => Log(Log),
        "log1p" => Log1p(Log1p),
        "clip" => Clip(Clip),
        "sum" => Sum(Sum),
        "mean" => Mean(Mean),
        "max" => Max(Max),
        "min" => Min(Min),
        "arccos" => Arccos(Arccos),
        "arccosh" => Arccosh(Arccosh),
        "arcsin" => Arcsin(Arcsin),
        "arcsinh" => Arcsinh(Arcsinh),
        "arctan" => Arctan(Arctan),
        "arctanh" => Arctanh(Arctanh),
        "ceil" => Ceil(Ceil),
        "cos" => Cos(Cos),
        "cosh" => Cosh(Cosh),
        "erf" => Erf(Erf),
        "expm1" => Expm1(Expm1),
        "floor" => Floor(Floor),
        "log2" => Log2(Log2),
        "log10" => Log10(Log10),
        "logical_not" => LogicalNot(LogicalNot),
        "round" => Round(Round),
        "sign" => Sign(Sign),
        "sin" => Sin(Sin),
        "sinh" => Sinh(Sinh),
        "tan" => Tan(Tan),
        "trunc" => Trunc(Trunc),
        "prod" => Prod(Prod),
        "var" => Var(Var),
        "std" => Std(Std),
        "logsumexp" => Logsumexp(Logsumexp),
        "norm" => Norm(Norm),
        "argmax" => Argmax(Argmax),
        "argmin" => Argmin(Argmin),
        "cumsum" => Cumsum(Cumsum),
        "one_hot" => OneHot(OneHot),
        "constant" => ConstantLayer(ConstantLayer),
        "einsum" => Einsum(Einsum),
        "relu" => Relu(ReluLayer),
        "leaky_relu" => LeakyRelu(LeakyReluLayer),
        "prelu" => Prelu(Prelu),
        "elu" => Elu(EluLayer),
        "softmax" => Softmax(SoftmaxLayer),
        "attention" => Attention(Attention),
        "additive_attention" => AdditiveAttention(AdditiveAttention),
        "position_embedding" => PositionEmbedding(PositionEmbedding),
        "sine_position_encoding" => SinePositionEncoding(SinePositionEncoding),
    }
    compositions {
        "time_distributed" => TimeDistributed,
        "channels_first" => ChannelsFirst,
        "bidirectional" => Bidirectional,
        "transformer_encoder" => TransformerEncoder,
        "transformer_decoder" => TransformerDecoder,
    }
}

/// The settings of one layer. A function of its own: the settings of all layers side by side would fill the stack.
fn read_as<T: DeserializeOwned>(settings: &Value, layer: fn(T) -> AnyLayer) -> Result<AnyLayer, FieldError> {
    field::parse(settings).map(layer)
}

/// Any layer, told apart by `type`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant, reason = "a definition holds few of them, and hardly any is copied")]
pub enum AnyLayer {
    /// One that runs.
    Primitive(Primitive),
    /// One whose parts run.
    Composite(Composite),
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
        Self::components(schemas);
    }
}

impl AnyLayer {
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
    pub fn direction(&mut self) -> Option<Direction<'_>> {
        match self {
            Self::Primitive(layer) => layer.direction(),
            Self::Composite(_) => None,
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

/// Ranges of a penalty on what a layer gives, which must be one on each cell.
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

/// Layers within layers (`time_distributed`): the pointer of what is wrong travels in the message, as for every registry.
impl<'de> Deserialize<'de> for AnyLayer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let kind = value.as_object_mut().and_then(|fields| fields.shift_remove("type"));
        let Some(kind) = kind.as_ref().and_then(Value::as_str) else {
            return Err(D::Error::custom(FieldError::new("/type", "expected the type of a layer, received nothing")));
        };
        if !Self::KINDS.contains(&kind) {
            let hint = field::did_you_mean(kind, Self::KINDS.iter().copied());
            return Err(D::Error::custom(FieldError::new("/type", format!("unknown layer type `{kind}`{hint}"))));
        }
        Self::read(kind, &value).map_err(D::Error::custom)
    }
}
