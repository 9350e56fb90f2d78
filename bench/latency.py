"""From POST of the smallest job to `succeeded` seen on its event stream, in milliseconds.

    python bench/latency.py [--rounds 50]
"""

import argparse
import statistics

from service import Service
from training import prepare
from workloads import WORKLOADS


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=50)
    rounds = arguments.parse_args().rounds
    with Service(threads=2) as service:
        job = prepare(service, "seed", WORKLOADS["seed"])
        seconds = sorted(service.train(job)[1] for _ in range(rounds + 3))
    print(f"POST to succeeded, {len(seconds)} jobs of the seed's network: median {statistics.median(seconds) * 1e3:.2f} ms, "
          f"slowest {seconds[-1] * 1e3:.2f} ms (to reach: 25)")


if __name__ == "__main__":
    main()
