"""One window of load with wrk, and what it took."""

import dataclasses
import pathlib
import re
import resource
import urllib.error
import urllib.request

from lib import servers
from lib.servers import Failed

# wrk prints its own figures rounded; this prints them exactly. `duration` and percentiles are microseconds.
REPORT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("bench %d %d %d %d %d %d %d %d %d\\n", summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), e.status, e.connect, e.read + e.write, e.timeout))
end
"""


@dataclasses.dataclass
class Window:
    """Requests answered, requests a second, microseconds of latency and of processor time for each request."""

    requests: int
    rate: float
    p50: float
    p99: float
    cpu: float
    database: float
    others: float


@dataclasses.dataclass
class Target:
    """A server, one of its URLs, and where a token for it comes from."""

    server: servers.Server
    url: str
    access: object = None

    def headers(self):
        return {"Authorization": f"Bearer {self.access.fresh()}"} if self.access else {}

    def body(self):
        """One answer; anything but 200 ends the run."""
        request = urllib.request.Request(self.url, headers=self.headers())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Failed(f"{self.url} answered {error.code}: {error.read()[:500]}") from error


class Load:
    """wrk on the core the servers are not on."""

    def __init__(self, folder, database=None):
        self.script, self.database = pathlib.Path(folder) / "report.lua", database
        self.script.write_text(REPORT)

    def window(self, target, seconds, connections=32):
        """Loads a target for some seconds and fails where any answer was not the whole 200."""
        size = len(target.body())
        headers = [part for name, value in target.headers().items() for part in ("-H", f"{name}: {value}")]
        command = ["taskset", "-c", servers.LOAD_CORE, servers.find("wrk"), "-t1", f"-c{connections}",
                   f"-d{seconds}s", "--timeout", "10s", "-s", str(self.script), *headers, target.url]
        before = self.used(target)
        output = servers.run(command)
        server, database, machine, load = (now - then for now, then in zip(self.used(target), before))
        found = re.search(r"^bench (.*)$", output, re.M)
        if not found:
            raise Failed(f"wrk said nothing to read:\n{output}")
        requests, duration, received, p50, p99, status, connect, broken, late = map(int, found.group(1).split())
        if status or connect or broken or late or not requests:
            raise Failed(f"{target.url}: of {requests} answers {status} were errors; {connect} connections failed, "
                         f"{broken} broke, {late} were too late\n{target.server.tail()}")
        # Headers are a few hundred bytes: a short answer among the whole ones would show.
        if not size <= received / requests <= size + 1024:
            raise Failed(f"{target.url}: {received / requests:.0f} bytes an answer where one has {size}")
        elapsed = duration / 1e6
        others = max(0.0, machine - server - database - load) / elapsed
        return Window(requests, requests / elapsed, p50, p99, server * 1e6 / requests, database * 1e6 / requests, others)

    def used(self, target):
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        database = self.database.cpu() if self.database else 0.0
        return target.server.cpu(), database, servers.machine_cpu(), children.ru_utime + children.ru_stime
