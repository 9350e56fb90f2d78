"""Single-row predictions of the digits model beside a bare axum handler that parses and prints the same JSON.

    python bench/predict.py [--connections 16] [--rounds 5] [--seconds 3]

Both are asked in turn by the same load generator (`examples/load.rs`) on the same machine; what is printed are answers a second,
medians of the rounds. Needs the release binary and the release examples: `bench/run` builds both.
"""

import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import tempfile

from service import ROOT, Service

EXAMPLES = ROOT / "target" / "release" / "examples"
TABLE = ROOT / "examples" / "data" / "digits.csv"


def trained(service):
    """The digits model of the demo, trained for a moment."""
    service.request("POST", "/v1/datasets?name=digits", TABLE.read_bytes(), "text/csv")
    layers = [{"type": "dense", "units": 128, "activation": "relu"}, {"type": "batch_normalization"},
              {"type": "dropout", "rate": 0.2}, {"type": "dense", "units": 10, "activation": "softmax"}]
    service.request("POST", "/v1/models", {"name": "digits", "definition": {"layers": layers}})
    service.train({"model": "digits", "dataset": "digits", "target": "target", "training": {"epochs": 3}})


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--connections", type=int, default=16)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=3)
    arguments = arguments.parse_args()
    with Service(threads=2) as service, tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        trained(service)
        with TABLE.open() as file:
            row = next(csv.DictReader(file))
        row.pop("target")
        record = {name: float(value) for name, value in row.items()}
        question, answer = folder / "question.json", folder / "answer.json"
        asked = {"a record": {"instances": [record]}, "a list": {"instances": [list(record.values())]}}
        # Answered before the load begins: the service closes a connection that then stays silent.
        answers = {shape: service.request("POST", "/v1/models/digits:predict", body) for shape, body in asked.items()}
        for shape, body in asked.items():
            question.write_text(json.dumps(body))
            answer.write_text(json.dumps(answers[shape]))
            bare = subprocess.Popen([EXAMPLES / "bare_axum", answer], stdout=subprocess.PIPE, text=True)
            address = bare.stdout.readline().split("http://")[1].strip()

            def rate(where, path):
                command = [EXAMPLES / "load", where, path, question, str(arguments.connections), str(arguments.seconds)]
                return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

            sides = {"epoca": [], "bare axum": []}
            for _ in range(arguments.rounds):
                sides["epoca"].append(rate(service.address, "/v1/models/digits:predict"))
                sides["bare axum"].append(rate(address, "/"))
            bare.terminate()
            ours, theirs = (statistics.median(rates) for rates in sides.values())
            print(f"one row as {shape}, {arguments.connections} connections: epoca {ours:.0f}/s, bare axum {theirs:.0f}/s, "
                  f"ratio {ours / theirs:.2f} (to reach: 0.5)")


if __name__ == "__main__":
    main()
