"""PyTorch's side: reads `workload` lines, answers each with the seconds of one eager fit as JSON.

    python torch_peer.py THREADS
"""

import json
import sys
import time

import torch

from workloads import WORKLOADS


def fit(workload, x, y):
    """The plain training loop of PyTorch's tutorials: shuffle, forward, backward, Adam, and the loss read each step."""
    widths = [workload.features, *workload.hidden]
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], workload.outputs))
    loss_of = torch.nn.BCEWithLogitsLoss() if workload.outputs == 1 else torch.nn.CrossEntropyLoss()
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


def main():
    torch.set_num_threads(int(sys.argv[1]))
    tensors = {}
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        name = line.strip()
        workload = WORKLOADS[name]
        if name not in tensors:
            x, y = workload.arrays()
            y = torch.from_numpy(y)
            tensors[name] = torch.from_numpy(x), y.float()[:, None] if workload.outputs == 1 else y
        print(json.dumps({"seconds": fit(workload, *tensors[name])}), flush=True)


if __name__ == "__main__":
    main()
