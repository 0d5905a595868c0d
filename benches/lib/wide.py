"""A practice of any size, the tables in proportion: what one statement makes of a list of numbers, on both engines."""

import datetime
import json
import os
import pathlib
import sqlite3

from lib import practice, servers
from lib.launch import plain_patient
from lib.servers import Server

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LAYOUT = ROOT / "tests/openemr/7.0.4.sql"
RELEASE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"

# Rows for each patient. The first 10,000 patients and their visits are practice.fill's.
VISITS, MESSAGES, LINES = 2, 1, 1
ROWS = "for each patient a chart, a portal account, two visits, an encounter, a document, a message, a line of the ledger"

# What a large practice's server has: the rows fit in memory. Filling needs no log for each statement.
LARGE = ("--innodb-buffer-pool-size=5G", "--innodb-log-file-size=1G", "--innodb-doublewrite=0",
         "--innodb-autoinc-lock-mode=2", "--max-connections=400")


class Practice:
    """Rows for so many patients in a database of its own, and how to start Anteroom on it."""

    def __init__(self, engine, patients, command, environment, demo, base, database=None):
        self.engine, self.patients, self.command, self.environment = engine, patients, command, environment
        self.demo, self.base, self.database = demo, base, database
        self.patient = plain_patient(demo)["id"]
        self.port = int(demo["public_url"].rsplit(":", 1)[1])

    def start(self, folder, ends):
        server = Server(self.command, folder / f"{self.engine}-{self.patients}.log", env=self.environment)
        ends.callback(server.stop)
        server.ready(self.port, limit=600)
        return server


def sqlite(folder, patients, ends):
    """The sandbox, made once and filled."""
    port, data = servers.free_port(), folder / f"sandbox-{patients}"
    command = [RELEASE / "anteroom", "demo", "--data", data, "--listen", f"127.0.0.1:{port}"]
    once = Server(command, folder / "first.log")
    ends.callback(once.stop)
    once.ready(port)
    once.stop()
    demo = json.loads((data / "demo.json").read_text())
    base = Filler(demo["database"].removeprefix("sqlite://"))
    place = Practice("SQLite", patients, command, {}, demo, base)
    grow(place)
    return place


def mariadb(folder, patients, running):
    """OpenEMR's tables and the sandbox's rows in a database of a server that runs."""
    server, url, client = running
    name = f"bench_{patients}"
    servers.client(client, "", f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    servers.client(client, name, LAYOUT.read_text())
    port, data = servers.free_port(), folder / f"practice-{patients}"
    (data / "documents").mkdir(parents=True)
    environment = {
        "ANTEROOM_DATABASE_URL": f"{url}/{name}", "ANTEROOM_LISTEN": f"127.0.0.1:{port}",
        "ANTEROOM_PUBLIC_URL": f"http://127.0.0.1:{port}", "ANTEROOM_DOCUMENTS": str(data / "documents"),
    }
    anteroom = RELEASE / "anteroom"
    for command in (["migrate"], ["seed", "--into", data]):
        servers.run([anteroom, *command], env={**os.environ, **environment})
    demo = json.loads((data / "demo.json").read_text())
    base = practice.MariaDbBase(client, name)
    place = Practice("MariaDB", patients, [anteroom, "serve"], environment, demo, base, server)
    grow(place)
    return place


class Filler(practice.SqliteBase):
    """The sandbox's file while no server has it open: nothing is waited for until it is whole."""

    def run(self, script):
        connection = sqlite3.connect(self.path)
        connection.create_function("bench_key", 2, lambda kind, number: bytes.fromhex(numbered(kind, number)))
        try:
            connection.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000;\n" + script)
            connection.commit()
        finally:
            connection.close()


class Words:
    """The few things the engines spell differently."""

    def __init__(self, engine):
        self.is_mariadb = engine == "MariaDB"

    def numbers(self, first, count):
        """`n.seq` from `first`, so many."""
        if self.is_mariadb:
            return f"seq_{first}_to_{first + count - 1} n"
        return (f"(WITH RECURSIVE s(seq) AS (SELECT {first} UNION ALL SELECT seq + 1 FROM s WHERE seq < {first + count - 1}) "
                "SELECT seq FROM s) n")

    def text(self, words):
        return f"CONCAT('{words}', n.seq)" if self.is_mariadb else f"'{words}' || n.seq"

    def key(self, kind):
        if self.is_mariadb:
            return f"UNHEX(CONCAT('{kind:08X}00004000A000', LPAD(HEX(n.seq), 12, '0')))"
        return f"bench_key({kind}, n.seq)"

    def day(self):
        today = datetime.date.today()
        if self.is_mariadb:
            return f"DATE_ADD('{today}', INTERVAL CAST((n.seq * 7) % 1400 AS SIGNED) - 1000 DAY)"
        return f"date('{today}', ((n.seq * 7) % 1400 - 1000) || ' days')"


def numbered(kind, number):
    """A uuid whose digits count, as OpenEMR's own do."""
    return f"{kind:08X}00004000A000{number:012X}"


def grow(place):
    """The rows of so many patients, and of the measured one exactly 50 visits."""
    base, words = place.base, Words(place.engine)
    pid = practice.fill(base, place.patient)
    more = place.patients - practice.PATIENTS
    first = practice.FIRST_PID
    template = base.rows("SELECT MIN(pc_eid) FROM openemr_postcalendar_events "
                         f"WHERE pc_pid = '{pid}' AND pc_eventstatus = 1 AND pc_recurrtype = 0 AND pc_aid <> ''")[0][0]
    if more > 0:
        start = first + practice.PATIENTS
        copied(place, "patient_data", (start, more), f"t.pid = {pid}",
               {"id": "n.seq", "pid": "n.seq", "uuid": words.key(1), "pubpid": words.text("Number "),
                "lname": words.text("Number ")})
        marks = "CASE n.seq % 3 WHEN 0 THEN '-' WHEN 1 THEN '@' ELSE '>' END"
        times = "CASE n.seq % 4 WHEN 0 THEN '08:00:00' WHEN 1 THEN '09:15:00' WHEN 2 THEN '13:30:00' ELSE '15:45:00' END"
        for visit in range(VISITS):
            copied(place, "openemr_postcalendar_events", (start, more), f"t.pc_eid = {template}",
                   {"pc_pid": "n.seq", "uuid": words.key(10 + visit), "pc_eventDate": words.day(), "pc_startTime": times,
                    "pc_apptstatus": marks}, counts="pc_eid")
    everybody = (first, place.patients)
    copied(place, "patient_access_onsite", everybody, one(base, "patient_access_onsite"),
           {"pid": "n.seq", "portal_username": words.text("number"), "portal_login_username": words.text("number")})
    copied(place, "form_encounter", everybody, one(base, "form_encounter"),
           {"pid": "n.seq", "encounter": "n.seq", "uuid": words.key(20), "date": words.day()})
    copied(place, "documents", everybody, one(base, "documents"),
           {"id": "n.seq", "foreign_id": "n.seq", "uuid": words.key(30), "drive_uuid": "NULL"}, counts=None)
    for _ in range(MESSAGES):
        copied(place, "onsite_mail", everybody, one(base, "onsite_mail"),
               {"owner": words.text("number"), "recipient_id": words.text("number"), "mail_chain": "n.seq",
                "reply_mail_chain": "n.seq"})
    # The ledger's lines are of others than the measured patient.
    audit = "(at, action, outcome, actor, client_id, grant_id, resource, request_id, patient)"
    for line in range(LINES):
        base.run(f"INSERT INTO anteroom_audit {audit} SELECT 1700000000 + n.seq, 'Patient.read', 'success', "
                 f"{words.text('patient ')}, 'bench', {words.text(f'grant {line} ')}, {words.text('Patient/')}, "
                 f"{words.text(f'request {line} ')}, {words.key(1)} FROM {words.numbers(*everybody)};")
    noted(place)
    analyze(place)
    return pid


def noted(place):
    """What Anteroom notes of the rows in its first minutes beside its work: the windows shall not hold that."""
    for kind, table, row, pid in (("Appointment", "openemr_postcalendar_events", "pc_eid", "pc_pid"),
                                  ("DocumentReference", "documents", "id", "foreign_id"),
                                  ("Encounter", "form_encounter", "id", "pid")):
        # Rows of no patient have '' for one, which is no number.
        place.base.run(f"INSERT {'IGNORE' if place.engine == 'MariaDB' else 'OR IGNORE'} INTO anteroom_seen "
                       f"(kind, row_id, pid, uuid) SELECT '{kind}', t.{row}, t.{pid}, t.uuid FROM {table} t "
                       f"WHERE t.{pid} > 0 AND t.uuid IS NOT NULL;")


def one(base, table):
    return f"t.id = {base.rows(f'SELECT MIN(id) FROM {table}')[0][0]}"


def copied(place, table, numbers, template, changed, counts="id"):
    """One row many times. `counts` is the column that the engine counts by itself."""
    columns = place.base.columns(table)
    names = [name for name in columns if name != counts or name in changed]
    values = [changed.get(name, f"t.`{name}`") for name in names]
    listed = ", ".join(f"`{name}`" for name in names)
    # Out of the table itself MariaDB would copy all rows twice.
    quick = "SET unique_checks = 0; " if place.engine == "MariaDB" else ""
    place.base.run(f"{quick}CREATE TEMPORARY TABLE bench_one AS SELECT * FROM {table} t WHERE {template}; "
                   f"INSERT INTO {table} ({listed}) SELECT {', '.join(values)} "
                   f"FROM {Words(place.engine).numbers(*numbers)} JOIN bench_one t ON 1 = 1;")


TABLES = ("patient_data", "openemr_postcalendar_events", "patient_access_onsite", "form_encounter", "documents",
          "onsite_mail", "anteroom_audit", "anteroom_seen")


def analyze(place):
    place.base.run("ANALYZE TABLE " + ", ".join(TABLES) + ";" if place.engine == "MariaDB" else "ANALYZE;")


def indexed(place, table, column):
    """Adds an index on a column OpenEMR has none on."""
    place.base.run(f"CREATE INDEX bench_{column} ON {table} ({column});")
    analyze(place)
