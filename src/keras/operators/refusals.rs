//! Why operators are not supported, and what to use instead.

/// Operators that are never supported, each with the reason or what to use instead.
pub(super) const NEVER: &[(&[&str], &str)] = &[
    (&["Sort", "Argsort", "Argpartition"], "no layer orders elements: use another model"),
    (&["TopK"], "use Max or Argmax for the largest element"),
    (
        &["Median", "Quantile", "Percentile", "Nanmedian", "Nanpercentile", "Nanquantile"],
        "no layer orders elements: use Mean, or Max and Min",
    ),
    (
        &[
            "Nanargmax",
            "Nanargmin",
            "Nancumprod",
            "Nancumsum",
            "Nanmax",
            "Nanmean",
            "Nanmin",
            "Nanprod",
            "Nanstd",
            "Nansum",
            "Nanvar",
        ],
        "the inputs of a model are never NaN: use the operator without `nan`",
    ),
    (
        &["NanToNum", "Isfinite", "Isinf", "Isnan", "Isneginf", "Isposinf", "Isreal"],
        "the inputs of a model are finite numbers: leave it out",
    ),
    (&["StopGradient"], "use layers with `trainable` false"),
    (&["Map", "VectorizedMap"], "it calls code: use TimeDistributed"),
    (&["Scan", "AssociativeScan", "WhileLoop", "ForiLoop"], "it calls code: use an LSTM, GRU or SimpleRNN layer"),
    (&["Cond", "Switch", "Select"], "use Where"),
    (&["JVP"], "it calls code, which cannot be sent here"),
    (&["Conv"], "use a Conv1D, Conv2D or Conv3D layer"),
    (&["DepthwiseConv"], "use a DepthwiseConv1D or DepthwiseConv2D layer"),
    (&["SeparableConv"], "use a SeparableConv1D or SeparableConv2D layer"),
    (&["ConvTranspose"], "use a Conv1DTranspose, Conv2DTranspose or Conv3DTranspose layer"),
    (&["AveragePool", "AdaptiveAveragePool"], "use an AveragePooling or GlobalAveragePooling layer"),
    (&["MaxPool", "AdaptiveMaxPool"], "use a MaxPooling or GlobalMaxPooling layer"),
    (&["DotProductAttention"], "use an Attention or MultiHeadAttention layer"),
    (&["BatchNorm", "Moments"], "use a BatchNormalization layer"),
    (&["LayerNorm"], "use a LayerNormalization layer"),
    (&["RMSNorm"], "use an RMSNormalization layer"),
    (
        &[
            "BinaryCrossentropy",
            "CategoricalCrossentropy",
            "SparseCategoricalCrossentropy",
            "CTCLoss",
            "CTCDecode",
            "PSNR",
            "SSIM",
            "InTopK",
        ],
        "it compares outputs with targets: use the loss or a metric of the training",
    ),
    (
        &[
            "Inv",
            "Pinv",
            "Cholesky",
            "CholeskyInverse",
            "Det",
            "Slogdet",
            "Logdet",
            "Eig",
            "Eigh",
            "Lstsq",
            "LuFactor",
            "MatrixRank",
            "Qr",
            "SVD",
            "Solve",
            "SolveTriangular",
        ],
        "no layer decomposes or inverts matrices: use another model",
    ),
    (
        &["FFT", "FFT2", "IFFT2", "RFFT", "IRFFT", "STFT", "ISTFT"],
        "Fourier transforms are not available: put the spectrum into the dataset",
    ),
    (
        &["Angle", "Conj", "Conjugate", "Imag", "Polar", "Real", "ViewAsComplex", "ViewAsReal"],
        "numbers are real: use two inputs, one for each part",
    ),
    (
        &[
            "AffineTransform",
            "ElasticTransform",
            "GaussianBlur",
            "HSVToRGB",
            "MapCoordinates",
            "PerspectiveTransform",
            "RGBToGrayscale",
            "RGBToHSV",
            "ScaleAndTranslate",
            "SobelEdges",
        ],
        "no layer does this to images: change the images of the dataset beforehand",
    ),
    (&["CropImages"], "use a Cropping2D layer"),
    (&["PadImages"], "use a ZeroPadding2D layer"),
    (&["ExtractPatches", "ExtractSequences", "Unfold", "Fold"], "use a Conv1D or Conv2D layer with `strides`"),
    (&["DepthToSpace"], "use a Conv2DTranspose or UpSampling2D layer"),
    (&["SpaceToDepth"], "use Reshape and Transpose"),
    (
        &[
            "BitwiseAnd",
            "BitwiseInvert",
            "BitwiseLeftShift",
            "BitwiseNot",
            "BitwiseOr",
            "BitwiseRightShift",
            "BitwiseXor",
            "LeftShift",
            "RightShift",
        ],
        "numbers have no bits: use LogicalAnd, LogicalOr, LogicalNot or LogicalXor",
    ),
    (&["Gcd", "Lcm", "Ldexp", "Nextafter"], "no layer does this to numbers: compute a column of it beforehand"),
    (
        &[
            "Arange",
            "Array",
            "ConvertToTensor",
            "EmptyLike",
            "Full",
            "FullLike",
            "Geomspace",
            "Linspace",
            "Logspace",
            "Meshgrid",
            "Tril",
            "Triu",
            "Vander",
            "Ndim",
            "Size",
        ],
        "write the constant itself as an operand, as numbers or a list",
    ),
    (
        &[
            "Diag",
            "Diagflat",
            "Diagonal",
            "Trace",
            "Kron",
            "Outer",
            "Inner",
            "Vdot",
            "Cross",
            "CDist",
            "Corrcoef",
            "Correlate",
            "Trapezoid",
        ],
        "use Einsum, or Multiply and Sum",
    ),
    (
        &["Bincount", "Histogram", "MultiHot", "Digitize", "SearchSorted", "Unique", "UnravelIndex", "Nonzero", "IsIn"],
        "use a CategoryEncoding, Discretization or IntegerLookup layer",
    ),
    (
        &["Scatter", "ScatterUpdate", "SliceUpdate", "SegmentMax", "SegmentMin", "SegmentProd", "SegmentSum"],
        "no layer writes elements at positions: use Where or Concatenate",
    ),
    (&["TakeAlongAxis"], "use Take with constant indices, or Einsum with one-hot numbers"),
    (&["Slice"], "use an index such as `x[:, 1:3]`, which is GetItem"),
    (&["Unstack", "ArraySplit", "Dsplit", "Hsplit", "Vsplit"], "use Split"),
    (&["Append", "Dstack", "Hstack", "Vstack"], "use Concatenate"),
    (&["Ravel"], "it joins the rows of a batch: use Flatten"),
    (&["Rearrange", "View"], "use Reshape and Transpose"),
    (&["Fliplr", "Flipud", "Rot90"], "use Flip and Transpose with an axis"),
    (&["AllClose", "Isclose"], "use Less of the absolute difference"),
    (&["Cumprod"], "use Cumsum of Log, and Exp"),
    (
        &[
            "Cbrt",
            "Deg2rad",
            "DivideNoNan",
            "Exp2",
            "Fabs",
            "Fmax",
            "Fmin",
            "Fmod",
            "Heaviside",
            "Hypot",
            "Logaddexp2",
            "Ptp",
            "Rad2deg",
            "Signbit",
            "Sinc",
            "Threshold",
            "Erfc",
            "Erfinv",
            "I0",
        ],
        "use arithmetic, or an operator such as Abs, Maximum, Minimum, Mod, Power, Exp, Erf or Where",
    ),
    (&["Copy", "SaturateCast"], "use Identity or Cast"),
    (&["Sparsemax"], "use Softmax"),
];

/// Where an operator is never supported: the reason or what to use instead.
pub(super) fn why_never(class: &str) -> Option<&'static str> {
    NEVER.iter().find(|(names, _)| names.contains(&class)).map(|(_, reason)| *reason)
}

/// What the operands or options of an operator must be.
pub(super) fn expected(class: &str) -> &'static str {
    match class {
        "Sum" | "Mean" | "Max" | "Min" | "Amax" | "Amin" | "Prod" | "Var" | "Std" | "Logsumexp" | "Norm" | "Argmax"
        | "Argmin" | "Any" | "All" | "CountNonzero" | "Average" => {
            "an `axis` other than the batch axis, which is 0, and no further option: rows of a batch are not mixed"
        }
        "Cumsum" | "Flip" | "Roll" | "Split" | "Take" | "Repeat" | "Diff" | "Normalize" | "Softmax" => {
            "an `axis` other than the batch axis, which is 0, and constant settings: rows of a batch are not mixed"
        }
        "Tile" | "Pad" | "BroadcastTo" | "Reshape" | "Transpose" | "Swapaxes" | "Moveaxis" | "ExpandDims"
        | "Squeeze" | "GetItem" => "arguments that leave the batch axis as it is",
        "Einsum" | "Matmul" | "Dot" | "Tensordot" => {
            "one or two operands with the batch axis first in each tensor and in the result"
        }
        "Cast" => "float32, bool, int32 or int64",
        "Concatenate" | "Stack" => "tensors alone",
        _ => {
            "tensors of as many axes, and numbers or arrays that are the same for each row; truths cast to float32 for arithmetic"
        }
    }
}
