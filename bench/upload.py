"""A 120 MB CSV (500,000 rows, 30 columns): upload until ready, beside Polars reading the same file, and the memory taken.

    python bench/upload.py [--rounds 5]
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

from service import Service

POLARS = """
import sys, time, polars
started = time.perf_counter()
frame = polars.read_csv(sys.argv[1])
print(time.perf_counter() - started, polars.__version__)
"""


def write_table(path):
    random = numpy.random.default_rng(5)
    with open(path, "w") as file:
        file.write(",".join(f"c{column}" for column in range(30)) + "\n")
        for _ in range(50):
            numpy.savetxt(file, random.standard_normal((10_000, 30)), fmt="%.5f", delimiter=",")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "table.csv"
        write_table(path)
        size = path.stat().st_size
        ours, theirs, peaks = [], [], []
        with Service(threads=2) as service:
            time.sleep(1)
            idle = service.memory("VmRSS")
            for turn in range(rounds + 1):
                answer = subprocess.run([sys.executable, "-c", POLARS, path], capture_output=True, text=True, check=True,
                                        env={**os.environ, "POLARS_MAX_THREADS": "2"}).stdout.split()
                theirs.append(float(answer[0]))
                service.reset_peak()
                started = time.perf_counter()
                with open(path, "rb") as body:
                    service.request("POST", f"/v1/datasets?name=table-{turn}", body, "text/csv")
                ours.append(time.perf_counter() - started)
                peaks.append(service.memory("VmHWM") - idle)
                service.request("DELETE", f"/v1/datasets/table-{turn}")
    mine, other = statistics.median(ours[1:]), statistics.median(theirs[1:])
    print(f"{size / 1e6:.0f} MB, medians of {rounds}: upload until ready {mine:.3f} s, Polars {answer[1]} read_csv {other:.3f} s, "
          f"ratio {mine / other:.2f} (to reach: at most 2.5); peak memory above idle {max(peaks) / 1e6:.0f} MB (to reach: under 200)")


if __name__ == "__main__":
    main()
