"""Preparation of a job on 1,000,000 rows of 28 columns: from its claim to its first step, with and without stored columns; and the
upload of the same table as Parquet.

    python bench/preparation.py [--rounds 5]
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import polars

from service import Service

READ = """
import sys, time, polars
started = time.perf_counter()
frame = polars.read_parquet(sys.argv[1])
print(time.perf_counter() - started)
"""
ROWS, COLUMNS = 1_000_000, 28


def table():
    random = numpy.random.default_rng(5)
    columns = {f"c{column}": random.standard_normal(ROWS).round(5) for column in range(COLUMNS)}
    return polars.DataFrame({**columns, "y": random.integers(0, 2, ROWS)})


def columns_file(service):
    return next(pathlib.Path(service.folder.name).glob("**/columns/*-*"), None)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, Service(threads=2) as service:
        frame = table()
        csv, parquet = pathlib.Path(folder) / "table.csv", pathlib.Path(folder) / "table.parquet"
        frame.write_csv(csv)
        frame.write_parquet(parquet)
        del frame
        layers = [{"type": "dense", "units": 1, "activation": "sigmoid"}]
        service.request("POST", "/v1/models", {"name": "m", "definition": {"layers": layers}})
        with open(csv, "rb") as body:
            service.request("POST", "/v1/datasets?name=t", body, "text/csv")
        job = {"model": "m", "dataset": "t", "target": "y", "training": {"epochs": 1, "batch_size": 100_000}}
        prepare = lambda: service.train(job)[0]["timing"]["preparing_seconds"]
        text = prepare()
        while columns_file(service) is None:
            time.sleep(0.1)
        size = columns_file(service).stat().st_size
        stored = [prepare() for _ in range(rounds)]
        print(f"{ROWS} rows of {COLUMNS} columns, {csv.stat().st_size / 1e6:.0f} MB of CSV, {size / 1e6:.0f} MB of stored columns: "
              f"preparation from text {text:.2f} s, from stored columns {statistics.median(stored):.2f} s (to reach: at most 0.4)")

        ours, theirs, idle, peaks = [], [], service.memory("VmRSS"), []
        for turn in range(rounds):
            answer = subprocess.run([sys.executable, "-c", READ, parquet], capture_output=True, text=True, check=True,
                                    env={**os.environ, "POLARS_MAX_THREADS": "2"}).stdout
            theirs.append(float(answer))
            service.reset_peak()
            started = time.perf_counter()
            with open(parquet, "rb") as body:
                service.request("POST", f"/v1/datasets?name=p-{turn}", body, "application/vnd.apache.parquet")
            ours.append(time.perf_counter() - started)
            peaks.append(service.memory("VmHWM") - idle)
            service.request("DELETE", f"/v1/datasets/p-{turn}")
        mine, other = statistics.median(ours), statistics.median(theirs)
        print(f"Parquet of {parquet.stat().st_size / 1e6:.0f} MB: upload until ready {mine:.2f} s, Polars {polars.__version__} read_parquet "
              f"{other:.2f} s; peak memory above idle {max(peaks) / 1e6:.0f} MB (to reach: under 200)")


if __name__ == "__main__":
    main()
