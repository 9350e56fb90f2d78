"""Training through HTTP beside PyTorch, in turn, in one run: the ratio of the medians of each workload.

    python bench/training.py [--threads 2] [--rounds 7] [WORKLOAD ...]

Ours is the job's `timing.training_seconds`; PyTorch's is the time of its training loop alone. Needs the release binary
and an interpreter with numpy and torch: `bench/run` sets both up.
"""

import argparse
import io
import json
import pathlib
import statistics
import subprocess
import sys

import numpy

from service import Service
from workloads import WORKLOADS


def table(x, y):
    """The workload's table as CSV."""
    names = ",".join([f"x{column}" for column in range(x.shape[1])] + ["y"])
    text = io.StringIO()
    numpy.savetxt(text, numpy.column_stack([x, y]), fmt=["%.4f"] * x.shape[1] + ["%d"], delimiter=",", header=names, comments="")
    return text.getvalue().encode()


def prepare(service, name, workload):
    """Uploads the table, defines the model, and returns the job that trains it."""
    service.request("POST", f"/v1/datasets?name={name}", table(*workload.arrays()), "text/csv")
    last = {"type": "dense", "units": workload.outputs, "activation": "sigmoid" if workload.outputs == 1 else "softmax"}
    layers = [{"type": "dense", "units": units, "activation": "relu"} for units in workload.hidden] + [last]
    service.request("POST", "/v1/models", {"name": name, "definition": {"layers": layers}})
    loss = "binary_crossentropy" if workload.outputs == 1 else "sparse_categorical_crossentropy"
    return {"model": name, "dataset": name, "target": "y",
            "training": {"epochs": workload.epochs, "batch_size": workload.batch, "optimizer": "adam", "loss": loss,
                         "metrics": ["accuracy"], "preprocessing": "none", "seed": 7}}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    arguments = arguments.parse_args()
    here = pathlib.Path(__file__).resolve().parent
    peer = subprocess.Popen([sys.executable, here / "torch_peer.py", str(arguments.threads)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    version = json.loads(peer.stdout.readline())

    def torch_seconds(name):
        peer.stdin.write(name + "\n")
        peer.stdin.flush()
        return json.loads(peer.stdout.readline())["seconds"]

    print(f"PyTorch {version['torch']}, {arguments.threads} threads each, medians of {arguments.rounds} rounds after one to warm up\n")
    print("| workload | epoca ms | PyTorch ms | ratio | to reach |\n| --- | --- | --- | --- | --- |")
    with Service(arguments.threads) as service:
        for name in arguments.workloads or WORKLOADS:
            job = prepare(service, name, WORKLOADS[name])
            ours, theirs = [], []
            for _ in range(arguments.rounds + 1):
                theirs.append(torch_seconds(name))
                ours.append(service.train(job)[0]["timing"]["training_seconds"])
            mine, other = statistics.median(ours[1:]), statistics.median(theirs[1:])
            print(f"| `{name}` | {mine * 1e3:.3f} | {other * 1e3:.2f} | {other / mine:.2f} | {WORKLOADS[name].target_ratio} |", flush=True)
    peer.stdin.close()
    peer.wait()


if __name__ == "__main__":
    main()
