"""A job's peak memory beside what its `summary` said before it began.

    python bench/memory.py [WORKLOAD ...]

The peak is the service's `VmHWM` over the job, above its `VmRSS` when idle right before. Each job has a separate service, so that
nothing of a large one before it is left, which has trained a small one: code that was never run is not in memory either. Needs Linux and the release binary.
"""

import argparse

from service import Service
from training import prepare
from workloads import WORKLOADS


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    arguments = arguments.parse_args()
    print("| workload | said MB | peak MB | peak / said |\n| --- | --- | --- | --- |")
    for name in arguments.workloads or WORKLOADS:
        with Service(threads=2) as service:
            small = prepare(service, "small", WORKLOADS["seed"])
            job = prepare(service, name, WORKLOADS[name])
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
