"""Training through HTTP beside PyTorch and Keras, in turn, in one run: the ratio of the medians of each workload.

    python bench/training.py [--threads 2] [--rounds 7] [WORKLOAD ...]

Ours is the job's `timing.training_seconds`; the peers' is the time of their training loops alone. The ratio is that of the
faster peer. Needs the release binary and an interpreter with the peers: `bench/run` sets both up.
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

HERE = pathlib.Path(__file__).resolve().parent


def table(x, y):
    """The workload's table as CSV."""
    names = ",".join([f"x{column}" for column in range(x.shape[1])] + ["y"])
    text = io.StringIO()
    numpy.savetxt(text, numpy.column_stack([x, y]), fmt=["%.4f"] * x.shape[1] + ["%d"], delimiter=",", header=names, comments="")
    return text.getvalue().encode()


def prepare(service, name, workload):
    """Uploads the table, defines the model, and returns the job that trains it."""
    service.request("POST", f"/v1/datasets?name={name}", table(*workload.arrays()), "text/csv")
    service.request("POST", "/v1/models", {"name": name, "definition": workload.definition()})
    loss = "binary_crossentropy" if workload.outputs == 1 else "sparse_categorical_crossentropy"
    return {"model": name, "dataset": name, "target": "y",
            "training": {"epochs": workload.epochs, "batch_size": workload.batch, "optimizer": "adam", "loss": loss,
                         "metrics": ["accuracy"], "preprocessing": "none", "seed": 7}}


class Peer:
    """A trainer in a separate process, which fits a workload on request."""

    def __init__(self, script, threads):
        command = [sys.executable, HERE / script, str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.name = json.loads(self.process.stdout.readline())["name"]

    def seconds(self, workload):
        self.process.stdin.write(workload + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["seconds"]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    arguments = arguments.parse_args()
    peers = [Peer(script, arguments.threads) for script in ("torch_peer.py", "keras_peer.py")]
    names = ", ".join(peer.name for peer in peers)
    print(f"{names}; {arguments.threads} threads each, medians of {arguments.rounds} rounds after one to warm up\n")
    print("| workload | epoca ms | PyTorch ms | Keras ms | against the faster | to reach |\n| --- | --- | --- | --- | --- | --- |")
    with Service(arguments.threads) as service:
        for name in arguments.workloads or WORKLOADS:
            job = prepare(service, name, WORKLOADS[name])
            ours, theirs = [], [[] for _ in peers]
            for _ in range(arguments.rounds + 1):
                for peer, times in zip(peers, theirs):
                    times.append(peer.seconds(name))
                ours.append(service.train(job)[0]["timing"]["training_seconds"])
            mine = statistics.median(ours[1:])
            torch, keras = (statistics.median(times[1:]) for times in theirs)
            print(f"| `{name}` | {mine * 1e3:.3f} | {torch * 1e3:.2f} | {keras * 1e3:.2f} | {min(torch, keras) / mine:.2f} | "
                  f"{WORKLOADS[name].to_reach} |", flush=True)
    for peer in peers:
        peer.end()


if __name__ == "__main__":
    main()
