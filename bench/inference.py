"""Inference alone beside onnxruntime, in turn, in one run: a row and 256 rows of every workload, memory to memory.

    python bench/inference.py [--threads 1] [--rounds 5] [WORKLOAD ...]

The peer runs PyTorch's network of the workload, exported by `torch.onnx`, with its probabilities. Needs the release example
`inference_peer` and an interpreter with the peers: `bench/run` sets both up.
"""

import argparse
import io
import json
import logging
import statistics
import subprocess
import time
import warnings

import numpy
import onnxruntime
import torch

from service import ROOT
from torch_peer import network, tensors
from workloads import WORKLOADS

SECONDS = 0.3


class Ours:
    """The engine in a separate process."""

    def __init__(self, threads):
        command = [ROOT / "target" / "release" / "examples" / "inference_peer"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.threads = threads

    def seconds(self, workload, rows, calls):
        question = {"definition": workload.definition(), "rows": rows, "calls": calls, "threads": self.threads}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["seconds"]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Theirs:
    """One workload's network in onnxruntime."""

    def __init__(self, workload, threads):
        x, _ = tensors(workload)
        last = torch.nn.Sigmoid() if workload.outputs == 1 else torch.nn.Softmax(-1)
        model = torch.nn.Sequential(network(workload, x[:1]), last).eval()
        file = io.BytesIO()
        batch = ({0: torch.export.Dim.DYNAMIC},)
        # The exporter counts what the operators of the graph cannot say about themselves; the sessions run all the same.
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        program = torch.onnx.export(model, (x[:2],), dynamo=True, dynamic_shapes=batch, verbose=False)
        file.write(program.model_proto.SerializeToString())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.x = x.numpy()

    def seconds(self, rows, calls):
        inputs = {self.input: numpy.ascontiguousarray(self.x[numpy.arange(rows) % len(self.x)])}
        times = []
        for _ in range(calls):
            started = time.perf_counter()
            self.session.run(None, inputs)
            times.append(time.perf_counter() - started)
        return times


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    arguments = arguments.parse_args()
    print(f"onnxruntime {onnxruntime.__version__}; threads each: {arguments.threads}, medians of {arguments.rounds} rounds\n")
    print("| workload | rows | epoca µs | onnxruntime µs | ratio |\n| --- | --- | --- | --- | --- |")
    ours = Ours(arguments.threads)
    for name in arguments.workloads or WORKLOADS:
        workload = WORKLOADS[name]
        theirs = Theirs(workload, arguments.threads)
        for rows in (1, 256):
            sides = [lambda calls: ours.seconds(workload, rows, calls), lambda calls: theirs.seconds(rows, calls)]
            calls = [max(5, min(20_000, int(SECONDS / statistics.median(side(5))))) for side in sides]
            medians = [[], []]
            for _ in range(arguments.rounds):
                for side, count, found in zip(sides, calls, medians):
                    found.append(statistics.median(side(count)))
            mine, peer = (statistics.median(found) * 1e6 for found in medians)
            print(f"| `{name}` | {rows} | {mine:.1f} | {peer:.1f} | {peer / mine:.2f} |", flush=True)
    ours.end()


if __name__ == "__main__":
    main()
