"""Servers started for a measurement: pinned to a core, watched through /proc, ended whatever happens."""

import os
import pathlib
import shutil
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CORE, LOAD_CORE = "0", "1"


class Failed(Exception):
    """What went wrong, as one sentence."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(command, **options):
    """Runs a command to its end; its output is the answer, or the sentence of the failure."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command[:3]))} ... failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


class Server:
    """A process pinned to one core, with a log file."""

    def __init__(self, command, log, core=SERVER_CORE, env=None):
        self.log = pathlib.Path(log)
        self.begun = time.monotonic()
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                ["taskset", "-c", core, *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **(env or {})},
            )

    def ready(self, port, path="/readyz", limit=60):
        """Waits for 200; answers the seconds since the process was started."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
        while time.monotonic() - self.begun < limit:
            if self.process.poll() is not None:
                raise Failed(f"the server ended at once; its log says:\n{self.tail()}")
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    connection.sendall(request)
                    if connection.recv(64).split(b" ")[1:2] == [b"200"]:
                        return time.monotonic() - self.begun
            except OSError:
                pass
            time.sleep(0.001)
        raise Failed(f"the server was not ready within {limit} s; its log says:\n{self.tail()}")

    def cpu(self):
        """Seconds of processor time, user and system, all threads."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """Resident MiB: all, the part that is not mapped files, and the most there ever was."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.endswith(" kB")}
        return sizes["VmRSS"], sizes["RssAnon"], sizes["VmHWM"]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:]


def machine_cpu():
    """Seconds all processors of the machine were busy since it started."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / TICKS


def find(*names):
    """A program of one of these names, also where only root's PATH leads."""
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    return None


def mariadb(folder, core=LOAD_CORE, extra=()):
    """A throw-away MariaDB on loopback: the server, the URL without a database, the client's option file.

    Of an option that is in `extra` too the later one counts."""
    port, secret = free_port(), os.urandom(12).hex()
    user = ["--user=root"] if os.geteuid() == 0 else []
    data, init, options = folder / "mariadb", folder / "init.sql", folder / "client.cnf"
    init.write_text(
        f"CREATE USER 'anteroom'@'%' IDENTIFIED BY '{secret}';\n"
        "GRANT ALL PRIVILEGES ON *.* TO 'anteroom'@'%';\n"
        f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{secret}';\n"
    )
    options.write_text(
        f"[client]\nprotocol=tcp\nhost=127.0.0.1\nport={port}\nuser=anteroom\npassword={secret}\n"
        "default-character-set=utf8mb4\n"
    )
    options.chmod(0o600)
    run([find("mariadb-install-db"), "--no-defaults", f"--datadir={data}",
         "--auth-root-authentication-method=normal", "--skip-test-db", *user])
    # A server that starts clears away the temporary tables it finds: another's too, in a shared folder.
    (folder / "tmp").mkdir()
    server = Server(
        [find("mariadbd"), "--no-defaults", *user, f"--datadir={data}", f"--tmpdir={folder}/tmp", f"--port={port}", "--bind-address=127.0.0.1",
         f"--socket={folder}/m.sock", f"--pid-file={folder}/m.pid", f"--init-file={init}", "--skip-name-resolve",
         "--skip-log-bin", "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=256M", *extra],
        folder / "mariadbd.log", core=core,
    )
    for _ in range(300):
        try:
            client(options, "", "SELECT 1")
            return server, f"mysql://anteroom:{secret}@127.0.0.1:{port}", options
        except Failed:
            if server.process.poll() is not None:
                break
            time.sleep(0.1)
    server.stop()
    raise Failed(f"MariaDB did not start:\n{server.tail()}")


def client(options, database, text):
    """Runs statements through MariaDB's own client; rows come back as lists of text."""
    command = [find("mariadb"), f"--defaults-extra-file={options}", "--batch", "--skip-column-names", *filter(None, [database])]
    return [line.split("\t") for line in run(command, input=text).splitlines()]
