"""Starts the release binary in a temporary folder and talks to it; the standard library alone."""

import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("EPOCA_BINARY", ROOT / "target" / "release" / "epoca"))


class Service:
    """The service as a context: `with Service(threads=2) as service: ...`."""

    def __init__(self, threads, workers=1):
        self.folder = tempfile.TemporaryDirectory(prefix="epoca-bench-")
        self.log = open(pathlib.Path(self.folder.name) / "log", "w")
        self.command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--data-dir", pathlib.Path(self.folder.name) / "data",
                   "--threads", str(threads), "--workers", str(workers), "--max-upload-bytes", str(1 << 30)]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if "listening on " not in line:
            raise SystemExit(f"the service did not start: {line!r}\n{open(self.log.name).read()}")
        self.address = urllib.parse.urlsplit(line.split("listening on ")[1].strip()).netloc
        self.connection = http.client.HTTPConnection(self.address, timeout=600)
        self.used = time.monotonic()

    def restart(self):
        """A new process on the same data."""
        self.process.terminate()
        self.process.wait(15)
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(15)
        self.folder.cleanup()

    def request(self, method, path, body=None, content_type="application/json"):
        """One request; returns the parsed answer, or stops the program with what the service said."""
        if content_type == "application/json" and body is not None:
            body = json.dumps(body)
        # The service closes a connection that is idle for long, as it is while a peer trains.
        if time.monotonic() - self.used > 10:
            self.connection.close()
        self.connection.request(method, path, body, {"Content-Type": content_type} if body is not None else {})
        response = self.connection.getresponse()
        self.used = time.monotonic()
        text = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {text.decode(errors='replace')[:2000]}")
        return json.loads(text) if text else None

    def train(self, job):
        """Submits a job and follows its event stream; returns the ended job and the seconds until `succeeded` was seen."""
        started = time.perf_counter()
        submitted = self.request("POST", "/v1/jobs", job)
        stream = http.client.HTTPConnection(self.address, timeout=600)
        stream.request("GET", f"/v1/jobs/{submitted['id']}/events", headers={"Accept": "text/event-stream"})
        response = stream.getresponse()
        status = None
        while status not in ("succeeded", "failed", "cancelled"):
            line = response.readline()
            if not line:
                raise SystemExit("the event stream ended before the job did")
            if line.startswith(b"data:"):
                event = json.loads(line[5:])
                if event["type"] == "status":
                    status = event["data"]["status"]
        seconds = time.perf_counter() - started
        stream.close()
        ended = self.request("GET", f"/v1/jobs/{submitted['id']}")
        if status != "succeeded":
            raise SystemExit(f"the job {status}: {ended['error']}")
        return ended, seconds

    def memory(self, key):
        """`VmRSS` or `VmHWM` of the service in bytes."""
        with open(f"/proc/{self.process.pid}/status") as lines:
            for line in lines:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
        raise KeyError(key)

    def reset_peak(self):
        """Resets `VmHWM`."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as file:
            file.write("5")
