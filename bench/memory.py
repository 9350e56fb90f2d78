"""A job's peak memory beside what its `summary` said before it began.

    python bench/memory.py [WORKLOAD ...]

The peak is the service's `VmHWM` over the job, above its `VmRSS` when idle right before. Each job has a separate service, so that
nothing of a large one before it is left, which has trained a small one: code that was never run is not in memory either. Needs
Linux and the release binary. Workloads are those of `workloads.py`, and the classical models with their rows and columns:
`decision_tree_100000x28`.
"""

import argparse
import time

import numpy

from service import Service
from training import prepare, table
from workloads import WORKLOADS

# Model, its settings, whether the target is a class, and rows by columns.
CLASSICAL = [
    ("decision_tree", {}, True, [(20_000, 28), (100_000, 28)]),
    ("random_forest", {}, True, [(20_000, 28), (100_000, 10)]),
    ("extra_trees", {}, False, [(20_000, 10)]),
    ("gradient_boosting", {}, True, [(100_000, 28), (400_000, 10)]),
    ("svm", {}, True, [(2_000, 28), (8_000, 28)]),
    ("linear_svm", {}, True, [(100_000, 28)]),
    ("k_neighbors", {}, True, [(100_000, 28), (200_000, 8)]),
    ("linear_regression", {}, False, [(100_000, 28)]),
    ("ridge", {}, False, [(100_000, 28)]),
    ("lasso", {"alpha": 0.01}, False, [(100_000, 28)]),
    ("elastic_net", {"alpha": 0.01}, False, [(100_000, 28)]),
    ("logistic_regression", {}, True, [(100_000, 28)]),
    ("gaussian_nb", {}, True, [(100_000, 28)]),
    ("dummy", {}, True, [(100_000, 28)]),
]


def classical(service, name, kind, settings, classifies, rows, columns):
    """Uploads a table of random numbers, defines the model, and returns the job that trains it."""
    random = numpy.random.default_rng(11)
    x = random.standard_normal((rows, columns)).round(4)
    score = x[:, 0] + x[:, 1] * x[:, 2] + random.standard_normal(rows)
    y = score > 0 if classifies else (score * 1000).round()
    service.request("POST", f"/v1/datasets?name={name}", table(x, y), "text/csv")
    service.request("POST", "/v1/models", {"name": name, "definition": {"type": kind, **settings}})
    task = "classification" if classifies else "regression"
    return {"model": name, "dataset": name, "target": "y", "task": task}


def workloads():
    """By name: what prepares a job, and what prepares a small one of the same code."""
    jobs = {}
    for name, workload in WORKLOADS.items():
        jobs[name] = (
            lambda service, name=name, workload=workload: prepare(service, name, workload),
            lambda service: prepare(service, "small", WORKLOADS["seed"]),
        )
    for kind, settings, classifies, sizes in CLASSICAL:
        for rows, columns in sizes:
            model = (kind, settings, classifies)
            jobs[f"{kind}_{rows}x{columns}"] = (
                lambda service, model=model, size=(rows, columns): classical(service, "large", *model, *size),
                lambda service, model=model: classical(service, "small", *model, 200, 3),
            )
    return jobs


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    arguments = arguments.parse_args()
    jobs = workloads()
    print("| workload | said MB | peak MB | peak / said |\n| --- | --- | --- | --- |")
    for name in arguments.workloads or jobs:
        large, small = jobs[name]
        with Service(threads=2) as service:
            small, job = small(service), large(service)
            # The columns of the table are stored in the background.
            time.sleep(4)
            # A restart on the same folder: an upload leaves memory in use, too.
            service.restart()
            service.train(small)
            idle = service.memory("VmRSS")
            service.reset_peak()
            ended, _ = service.train(job)
            peak = service.memory("VmHWM") - idle
            said = ended["summary"]["memory"]["peak_bytes"]
            print(f"| `{name}` | {said / 1e6:.1f} | {peak / 1e6:.1f} | {peak / said:.2f} |", flush=True)


if __name__ == "__main__":
    main()
