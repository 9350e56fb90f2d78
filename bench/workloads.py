"""The shapes that every trainer is timed on, with synthetic data: dense networks from the smallest to MNIST's, a convolutional
one, a recurrent one, and one transformer block. Layers are in our own JSON form; the last layer follows from `outputs`."""

import dataclasses
import math

import numpy


def dense(units):
    return {"type": "dense", "units": units, "activation": "relu"}


def conv2d(filters):
    return {"type": "conv2d", "filters": filters, "kernel_size": 3, "activation": "relu"}


@dataclasses.dataclass(frozen=True)
class Workload:
    """`layers`, then `outputs` cells: a sigmoid for one, a softmax for more. `to_reach` is our time in that of the faster peer."""

    shape: tuple
    layers: list
    outputs: int
    rows: int
    batch: int
    epochs: int
    to_reach: float

    @property
    def features(self):
        return math.prod(self.shape)

    def arrays(self):
        """Inputs in four decimals, so that the table of a CSV upload and the peer's tensor hold the same numbers."""
        random = numpy.random.default_rng(11)
        x = random.standard_normal((self.rows, self.features)).round(4).astype(numpy.float32)
        y = random.integers(0, max(self.outputs, 2), self.rows)
        return x, y

    def definition(self):
        """The whole model in our own form."""
        last = {"type": "dense", "units": self.outputs, "activation": "sigmoid" if self.outputs == 1 else "softmax"}
        return {"input_shape": list(self.shape), "layers": [*self.layers, last]}


WORKLOADS = {
    "seed": Workload((10,), [dense(16)], 1, 100, 10, 5, 200),
    "mlp_small": Workload((64,), [dense(128)], 10, 1797, 32, 20, 18),
    "mlp_table": Workload((28,), [dense(256), dense(256)], 1, 100_000, 1024, 2, 2.2),
    "mlp_mnist": Workload((784,), [dense(512), dense(512)], 10, 20_000, 128, 1, 1.6),
    "cnn_mnist": Workload(
        (28, 28, 1),
        [conv2d(32), conv2d(64), {"type": "max_pooling2d", "pool_size": 2}, {"type": "flatten"}, dense(128)],
        10, 2_000, 64, 1, 1.3),
    "lstm": Workload((50, 16), [{"type": "lstm", "units": 64}], 5, 2_000, 64, 1, 2),
    "transformer": Workload(
        (32, 64),
        [{"type": "transformer_encoder", "num_heads": 4, "intermediate_dim": 256}, {"type": "global_average_pooling1d"}],
        5, 2_000, 64, 1, 1.7),
}
