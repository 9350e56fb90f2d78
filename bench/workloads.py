"""The shapes that every trainer is timed on: dense networks from the smallest to MNIST's, with synthetic data."""

import dataclasses

import numpy


@dataclasses.dataclass(frozen=True)
class Workload:
    """`hidden` relu layers, then `outputs` cells: a sigmoid for one, a softmax for more."""

    features: int
    hidden: tuple
    outputs: int
    rows: int
    batch: int
    epochs: int
    target_ratio: float

    def arrays(self):
        """Inputs in four decimals, so that the table of a CSV upload and the peer's tensor hold the same numbers."""
        random = numpy.random.default_rng(11)
        x = random.standard_normal((self.rows, self.features)).round(4).astype(numpy.float32)
        y = random.integers(0, max(self.outputs, 2), self.rows)
        return x, y


WORKLOADS = {
    "seed": Workload(10, (16,), 1, 100, 10, 5, 100),
    "mlp_small": Workload(64, (128,), 10, 1797, 32, 20, 12),
    "mlp_table": Workload(28, (256, 256), 1, 100_000, 1024, 2, 1.9),
    "mlp_mnist": Workload(784, (512, 512), 10, 20_000, 128, 1, 1.4),
}
