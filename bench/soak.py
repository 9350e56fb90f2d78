"""A mixed load on one service, first alone, then beside hostile clients: latencies of honest predictions, memory, descriptors.

    python bench/soak.py [--seconds 600] [--binary target/release/epoca]

Honest: 1,000 idle event streams, 64 connections that predict, 4 that upload, 2 jobs that train. Hostile, from another address: readers
that do not read, bodies of a byte a second, bodies of many megabytes, silent sockets, requests for a foreign Host. The standard library
alone; it needs 6,000 descriptors.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import pathlib
import resource
import time

import service
from service import Service

STREAMS, PREDICTING, UPLOADING, JOBS = 1000, 64, 4, 2
HOSTILE = "127.0.0.2"
LARGE = b'{"instances": [' + b"[1,2,3,4]," * 3_000_000 + b"[1,2,3,4]]}"
ROW = [5.1, 3.5, 1.4, 0.2]


class Load:
    """Clients of one service, until `end`."""

    def __init__(self, address, seconds):
        self.host, port = address.rsplit(":", 1)
        self.port, self.end = int(port), time.monotonic() + seconds
        self.latencies, self.failures, self.counts = [], [], {}

    def is_over(self):
        return time.monotonic() >= self.end

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    async def connect(self, hostile=False):
        return await asyncio.open_connection(self.host, self.port, local_addr=(HOSTILE, 0) if hostile else None, limit=1 << 22)

    def head(self, method, path, length=0, kind="application/json", host=None):
        return (f"{method} {path} HTTP/1.1\r\nHost: {host or self.host}:{self.port}\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {length}\r\n\r\n").encode()

    async def exchange(self, reader, writer, method, path, body=b"", kind="application/json"):
        writer.write(self.head(method, path, len(body), kind) + body)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        return int(head.split()[1]), await reader.readexactly(length)

    async def forever(self, client, *arguments):
        """Runs a client again and again; what breaks is counted."""
        while not self.is_over():
            try:
                await client(*arguments)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
                if client.__name__.startswith("hostile"):
                    self.count(client.__name__)
                else:
                    self.failures.append(f"{client.__name__}: {error!r}")
            await asyncio.sleep(0.05)

    async def predict(self):
        reader, writer = await self.connect()
        body = json.dumps({"instances": [ROW]}).encode()
        while not self.is_over():
            began = time.perf_counter()
            status, text = await self.exchange(reader, writer, "POST", "/v1/models/m:predict", body)
            self.latencies.append(time.perf_counter() - began)
            if status != 200:
                self.failures.append(f"predict: {status} {text[:200]}")
            await asyncio.sleep(0.02)
        writer.close()

    async def upload(self, number):
        table = b"a,b,c\n" + b"".join(b"%d,%d,%d\n" % (row, row % 7, row % 3) for row in range(50_000))
        reader, writer = await self.connect()
        while not self.is_over():
            name = f"u{number}"
            status, text = await self.exchange(reader, writer, "POST", f"/v1/datasets?name={name}", table, "text/csv")
            if status != 201:
                self.failures.append(f"upload: {status} {text[:200]}")
            await self.exchange(reader, writer, "DELETE", f"/v1/datasets/{name}")
            self.count("uploads")
            await asyncio.sleep(0.2)
        writer.close()

    async def stream(self, job):
        _, writer = opened = await self.connect()
        writer.write(f"GET /v1/jobs/{job}/events HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
                     "Last-Event-ID: 1\r\nAccept: text/event-stream\r\n\r\n".encode())
        while not self.is_over():
            try:
                if not await asyncio.wait_for(opened[0].read(1 << 20), 1):
                    raise OSError("an event stream ended")
            except asyncio.TimeoutError:
                pass
        writer.close()

    async def hostile_reader(self):
        _, writer = await self.connect(True)
        for _ in range(200):
            writer.write(self.head("GET", "/openapi.yaml"))
        await asyncio.sleep(min(20, max(0, self.end - time.monotonic())))
        writer.close()

    async def hostile_slow_body(self):
        _, writer = await self.connect(True)
        writer.write(self.head("POST", "/v1/datasets?name=slow", 1 << 20, "text/csv"))
        while not self.is_over():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(1)
        writer.close()

    async def hostile_body(self):
        reader, writer = await self.connect(True)
        self.count(f"large bodies {(await self.exchange(reader, writer, 'POST', '/v1/models/m:predict', LARGE))[0]}")
        writer.close()

    async def hostile_silence(self):
        reader, writer = await self.connect(True)
        await asyncio.wait_for(reader.read(1), max(0.1, self.end - time.monotonic() + 1))
        writer.close()

    async def hostile_host(self):
        reader, writer = await self.connect(True)
        writer.write(self.head("GET", "/v1/jobs", host="evil.example"))
        status = (await reader.readuntil(b"\r\n")).split()[1].decode()
        self.count(f"foreign hosts {status}")
        writer.close()


def process(pid):
    """Resident megabytes and open descriptors."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return resident / 1024, len(os.listdir(f"/proc/{pid}/fd"))


async def watch(load, pid, samples, seconds):
    began = time.monotonic()
    while not load.is_over():
        samples.append((time.monotonic() - began, *process(pid)))
        await asyncio.sleep(seconds / 10)


async def honest(running, job, seconds):
    load, samples = Load(running.address, seconds), []
    clients = [(load.predict,)] * PREDICTING + [(load.upload, number) for number in range(UPLOADING)] + [(load.stream, job)] * STREAMS
    await asyncio.gather(watch(load, running.process.pid, samples, seconds), *(load.forever(*client) for client in clients))
    return load, samples


def hostile(address, seconds):
    """In a process of its own and of the lowest priority: what it computes itself is another machine's work, and no part of the answer."""
    os.nice(19)

    async def clients():
        load = Load(address, seconds)
        kinds = [(load.hostile_reader, 100), (load.hostile_slow_body, 32), (load.hostile_body, 2), (load.hostile_silence, 1500),
                 (load.hostile_host, 4)]
        await asyncio.gather(*(load.forever(client) for client, count in kinds for _ in range(count)))
        return load.counts

    print(f"<!-- hostile: {asyncio.run(clients())} -->", flush=True)


def measure(seconds, is_beside_hostile):
    with Service(threads=1, workers=JOBS) as running:
        iris = (service.ROOT / "examples/data/iris.csv").read_text()
        running.request("POST", "/v1/datasets?name=iris", iris.encode(), "text/csv")
        layers = [{"type": "dense", "units": 32, "activation": "relu"}, {"type": "dense", "units": 3, "activation": "softmax"}]
        running.request("POST", "/v1/models", {"name": "m", "definition": {"layers": layers}})
        job = {"model": "m", "dataset": "iris", "target": "species", "training": {"epochs": 20}}
        running.train(job)
        jobs = [running.request("POST", "/v1/jobs", {**job, "training": {"epochs": 1_000_000, "batch_size": 1}})["id"] for _ in range(JOBS)]
        before = process(running.process.pid)[1]
        others = multiprocessing.Process(target=hostile, args=(running.address, seconds))
        if is_beside_hostile:
            others.start()
        load, samples = asyncio.run(honest(running, jobs[0], seconds))
        if is_beside_hostile:
            others.join()
        # The service has closed the idle connection; the next request opens another.
        running.connection.close()
        for name in jobs:
            running.request("POST", f"/v1/jobs/{name}/cancel", {})
        time.sleep(3)
        return load, samples, before, process(running.process.pid)[1]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=float, default=600)
    arguments.add_argument("--binary", type=pathlib.Path, default=service.BINARY)
    given = arguments.parse_args()
    service.BINARY = given.binary
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    print("| load | predictions | p50 ms | p99 ms | failures | resident MB, ten times | descriptors before, after |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for is_beside_hostile in (False, True):
        load, samples, before, after = measure(given.seconds, is_beside_hostile)
        ordered = sorted(load.latencies)
        p50, p99 = (ordered[int(len(ordered) * share)] * 1e3 for share in (0.5, 0.99))
        memory = ", ".join(f"{resident:.0f}" for _, resident, _ in samples)
        name = "with hostile clients" if is_beside_hostile else "honest clients alone"
        print(f"| {name} | {len(ordered)} | {p50:.1f} | {p99:.1f} | {len(load.failures)} | {memory} | {before}, {after} |", flush=True)
        print(f"<!-- {load.counts} {load.failures[:3]} -->")


if __name__ == "__main__":
    main()
