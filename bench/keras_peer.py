"""Keras's side, on TensorFlow: reads `workload` lines, answers each with the seconds of one fit as JSON.

    python keras_peer.py THREADS

A workload's first fit builds its graph and is not counted: every later one trains the same compiled model on.
"""

import json
import os
import sys
import time

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow  # noqa: E402

threads = int(sys.argv[1])
tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
import keras  # noqa: E402  (after the threads are set)
from keras import layers  # noqa: E402

from workloads import WORKLOADS  # noqa: E402


def apply(definition, x):
    """One of our layers on `x`."""
    settings = dict(definition)
    kind = settings.pop("type")
    if kind == "transformer_encoder":
        width, heads = x.shape[-1], settings["num_heads"]
        x = layers.LayerNormalization()(x + layers.MultiHeadAttention(heads, width // heads)(x, x))
        inner = layers.Dense(settings["intermediate_dim"], activation="relu")(x)
        return layers.LayerNormalization()(x + layers.Dense(width)(inner))
    classes = {
        "dense": layers.Dense, "conv2d": layers.Conv2D, "max_pooling2d": layers.MaxPooling2D, "flatten": layers.Flatten,
        "lstm": layers.LSTM, "global_average_pooling1d": layers.GlobalAveragePooling1D,
    }
    return classes[kind](**settings)(x)


def compiled(workload):
    inputs = keras.Input(workload.shape)
    x = inputs
    for definition in workload.layers:
        x = apply(definition, x)
    one = workload.outputs == 1
    model = keras.Model(inputs, layers.Dense(workload.outputs, activation="sigmoid" if one else "softmax")(x))
    model.compile("adam", "binary_crossentropy" if one else "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main():
    ready = {}
    print(json.dumps({"name": f"Keras {keras.__version__} on TensorFlow {tensorflow.__version__}"}), flush=True)
    for line in sys.stdin:
        name = line.strip()
        workload = WORKLOADS[name]
        settings = {"epochs": workload.epochs, "batch_size": workload.batch, "verbose": 0}
        if name not in ready:
            x, y = workload.arrays()
            ready[name] = compiled(workload), x.reshape(-1, *workload.shape), y
            model, x, y = ready[name]
            model.fit(x, y, **settings)
        model, x, y = ready[name]
        started = time.perf_counter()
        model.fit(x, y, **settings)
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)


if __name__ == "__main__":
    main()
