"""PyTorch's side: reads `workload` lines, answers each with the seconds of one eager fit as JSON.

    python torch_peer.py THREADS
"""

import json
import sys
import time

import torch
from torch import nn

from workloads import WORKLOADS


class LastStep(nn.Module):
    """A recurrent layer's output after its last step."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0][:, -1]


class MeanOfSteps(nn.Module):
    def forward(self, x):
        return x.mean(1)


def layers(definition, x):
    """The modules of one of our layers on inputs like `x`."""
    kind = definition["type"]
    if kind == "dense":
        return [nn.Linear(x.shape[-1], definition["units"]), nn.ReLU()]
    if kind == "conv2d":
        return [nn.Conv2d(x.shape[1], definition["filters"], definition["kernel_size"]), nn.ReLU()]
    if kind == "max_pooling2d":
        return [nn.MaxPool2d(definition["pool_size"])]
    if kind == "flatten":
        return [nn.Flatten()]
    if kind == "lstm":
        return [LastStep(nn.LSTM(x.shape[-1], definition["units"], batch_first=True))]
    if kind == "transformer_encoder":
        heads, width = definition["num_heads"], definition["intermediate_dim"]
        return [nn.TransformerEncoderLayer(x.shape[-1], heads, width, dropout=0.0, batch_first=True)]
    if kind == "global_average_pooling1d":
        return [MeanOfSteps()]
    raise ValueError(kind)


def network(workload, x):
    modules = []
    for definition in workload.layers:
        for module in layers(definition, x):
            modules.append(module)
            x = module(x)
    return nn.Sequential(*modules, nn.Linear(x.shape[-1], workload.outputs))


def fit(workload, x, y):
    """The plain training loop of PyTorch's tutorials: shuffle, forward, backward, Adam, and the loss read each step."""
    model = network(workload, x[:1])
    loss_of = nn.BCEWithLogitsLoss() if workload.outputs == 1 else nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    started = time.perf_counter()
    for _ in range(workload.epochs):
        order = torch.randperm(workload.rows)
        total = 0.0
        for start in range(0, workload.rows, workload.batch):
            rows = order[start:start + workload.batch]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item()
    return time.perf_counter() - started


def tensors(workload):
    """Images with their channels first, as PyTorch has them."""
    x, y = workload.arrays()
    x = torch.from_numpy(x.reshape(-1, *workload.shape))
    if len(workload.shape) == 3:
        x = x.permute(0, 3, 1, 2).contiguous()
    y = torch.from_numpy(y)
    return x, y.float()[:, None] if workload.outputs == 1 else y


def main():
    torch.set_num_threads(int(sys.argv[1]))
    ready = {}
    print(json.dumps({"name": f"PyTorch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        name = line.strip()
        workload = WORKLOADS[name]
        if name not in ready:
            ready[name] = tensors(workload)
        print(json.dumps({"seconds": fit(workload, *ready[name])}), flush=True)


if __name__ == "__main__":
    main()
