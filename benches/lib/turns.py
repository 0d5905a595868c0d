"""Two practices, a small and a large one, asked the same in turn: what a request costs the server of each."""

import argparse
import contextlib
import http.client
import os
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile
import time
import urllib.parse

from lib import practice, servers, wide
from lib.servers import Failed

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def options(about, patients):
    parser = argparse.ArgumentParser(
        description=f"{about} Measures the processor time of the server (and of MariaDB) for each request, in a small and in a "
        "large practice of one run, in turn, and prints a Markdown table. Needs about 10 GB of disk for a million patients.")
    parser.add_argument("--engine", choices=["sqlite", "mariadb", "both"], default="both")
    parser.add_argument("--patients", type=int, default=patients, help=f"of the large practice (default {patients:,})")
    parser.add_argument("--seconds", type=float, default=2, help="length of a window at most (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="windows of each request in each practice (default 5)")
    parser.add_argument("--no-build", action="store_true", help="take target/release/anteroom as it is")
    return parser.parse_args()


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def run(about, patients, measure):
    """The whole of a bench: fills a small and a large practice on each engine, and has `measure(given, engine, places,
    folder)` print the rows of the table."""
    given = options(about, patients)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if not given.no_build:
            servers.run(["cargo", "build", "--release", "-p", "anteroom"], cwd=ROOT)
        print(f"| engine | request | times | {practice.PATIENTS:,} patients: server CPU (+ database), p50 | {given.patients:,} "
              "patients | ratio of CPU | ratio of p50 |")
        print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
        for engine in ("MariaDB", "SQLite"):
            if given.engine not in (engine.lower(), "both"):
                continue
            folder = pathlib.Path(tempfile.mkdtemp(prefix="anteroom-bench."))
            with contextlib.ExitStack() as ends:
                ends.callback(shutil.rmtree, folder, ignore_errors=True)
                places = filled(given, engine, folder, ends)
                # The client is a slow program: it stays off the server's core.
                os.sched_setaffinity(0, {int(servers.LOAD_CORE)})
                measure(given, engine, places, folder)
        print(f"\nRows: {wide.ROWS}.")
    except Failed as problem:
        sys.exit(f"{sys.argv[0]}: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)


def filled(given, engine, folder, ends):
    """The small practice and the large one."""
    running = servers.mariadb(folder, extra=wide.LARGE) if engine == "MariaDB" else None
    if running:
        ends.callback(running[0].stop)
    places = []
    for patients in (practice.PATIENTS, given.patients):
        say(f"{engine}: filling {patients:,} patients")
        places.append(wide.mariadb(folder, patients, running) if running else wide.sqlite(folder, patients, ends))
    return places


class Side:
    """One practice, served, and somebody who asks it, on one kept connection."""

    def __init__(self, place, folder, ends):
        self.place, self.server = place, place.start(folder, ends)
        parts = urllib.parse.urlsplit(place.demo["public_url"])
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
        self.last = time.monotonic()

    def headers(self):
        """Who asks, as the headers of a request say it."""
        raise NotImplementedError

    def send(self, request):
        """One answer, whole and of the status it must have; its length in time."""
        method, path, body, status = request
        headers = self.headers()
        begun = time.monotonic()
        if begun - self.last > 1:
            # The server lets go of connections that nobody uses.
            self.connection.close()
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        self.last = time.monotonic()
        took = self.last - begun
        if answer.status != status:
            raise Failed(f"{method} {path} answered {answer.status}: {text[:800]}")
        return took, text

    def used(self):
        return self.server.cpu(), self.place.database.cpu() if self.place.database else 0.0

    def window(self, request, most, seconds):
        """The same request again and again, up to a number or a time: (times, CPU, CPU of the database, seconds each)."""
        self.headers()
        before, begun, took = self.used(), time.monotonic(), []
        while len(took) < most and (not took or time.monotonic() - begun < seconds):
            took.append(self.send(request)[0])
        cpu, database = (now - then for now, then in zip(self.used(), before))
        return len(took), cpu, database, took


def compared(pair, kinds, most, given, check):
    """A warm-up of each, then windows in turn. The large practice first: the small one is asked as often."""
    windows = ([], [])
    for side, request in zip(pair, kinds):
        check(side.send(request)[1])
    for _ in range(given.rounds):
        large = pair[1].window(kinds[1], most, given.seconds)
        small = pair[0].window(kinds[0], large[0], given.seconds * 10)
        windows[0].append(small)
        windows[1].append(large)
    return windows


def figures(windows):
    """Microseconds of the server, of the database, and the middle of the latencies in milliseconds."""
    times = sum(window[0] for window in windows)
    cpu = sum(window[1] for window in windows) * 1e6 / times
    database = sum(window[2] for window in windows) * 1e6 / times
    p50 = statistics.median(took for window in windows for took in window[3]) * 1e3
    return times, cpu, database, p50


def told(engine, name, windows):
    """One line of the table."""
    small, large = map(figures, windows)

    def of(side):
        times, cpu, database, p50 = side
        more = f" + {database:,.0f}" if engine == "MariaDB" else ""
        return f"{cpu:,.0f}{more} us, {p50:.1f} ms"
    ratio = (large[1] + large[2]) / (small[1] + small[2])
    return f"| {engine} | {name} | {small[0]:,} | {of(small)} | {of(large)} | {ratio:.2f} | {large[3] / small[3]:.2f} |"
