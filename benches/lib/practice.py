"""A practice large enough to measure on: the sandbox's rows, copied many times, by the same statements on both engines."""

import datetime
import hashlib
import sqlite3

from lib import servers

PATIENTS, EVENTS, PAGE = 10_000, 20_000, 50
FIRST_PID = 100_000
MARKS = ["-", "*", "@", "<", ">", "$", "x", "?", "^", "-"]


class SqliteBase:
    """The sandbox's file."""

    def __init__(self, path):
        self.path = path

    def run(self, script):
        connection = sqlite3.connect(self.path)
        try:
            connection.executescript(script)
        finally:
            connection.close()

    def rows(self, query):
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def columns(self, table):
        return [row[1] for row in self.rows(f"PRAGMA table_info({table})")]

    def tune(self):
        self.run("ANALYZE;")


class MariaDbBase:
    """A database of the throw-away server."""

    def __init__(self, options, name):
        self.options, self.name = options, name

    def run(self, script):
        servers.client(self.options, self.name, script)

    def rows(self, query):
        return servers.client(self.options, self.name, query)

    def columns(self, table):
        return [row[0] for row in self.rows(f"SHOW COLUMNS FROM {table}")]

    def tune(self):
        self.run("ANALYZE TABLE patient_data, openemr_postcalendar_events;")


def fill(base, patient):
    """Adds 10,000 patients, 20,000 visits of theirs, and makes the measured patient's visits exactly 50.

    `patient` is the FHIR id. Answers the patient's pid."""
    rows = base.rows(f"SELECT pid FROM patient_data WHERE uuid = X'{patient.replace('-', '')}'")
    pid = int(rows[0][0])
    have = int(base.rows(
        f"SELECT COUNT(*) FROM openemr_postcalendar_events WHERE pc_pid = '{pid}' AND pc_eventstatus = 1")[0][0])
    if have > PAGE:
        raise servers.Failed(f"the measured patient has {have} visits, more than {PAGE}")
    template = int(base.rows(
        "SELECT MIN(e.pc_eid) FROM openemr_postcalendar_events e JOIN facility f ON f.id = e.pc_facility "
        f"WHERE e.pc_pid = '{pid}' AND e.pc_eventstatus = 1 AND e.pc_recurrtype = 0 AND e.pc_aid <> ''")[0][0])
    base.run(patients(base, pid))
    others = [(FIRST_PID + number % PATIENTS, number) for number in range(EVENTS)]
    own = [(pid, EVENTS + number) for number in range(PAGE - have)]
    base.run(events(base, template, others + own))
    base.tune()
    return pid


def index(base):
    """Adds an index on the column every visit is searched by, which OpenEMR has not."""
    base.run("CREATE INDEX bench_pid ON openemr_postcalendar_events (pc_pid);")
    base.tune()


def patients(base, pid):
    numbers = [f"({FIRST_PID + number}, X'{key('patient', number)}', 'Number {number}')" for number in range(PATIENTS)]
    changed = {"pid": "n.number", "uuid": "n.u", "pubpid": "n.name", "lname": "n.name"}
    names = [name for name in base.columns("patient_data") if name != "id"]
    return "\n".join([
        "CREATE TEMPORARY TABLE bench_n (number BIGINT PRIMARY KEY, u BLOB, name VARCHAR(20));",
        *inserts("bench_n (number, u, name)", numbers),
        copy("patient_data", names, changed, f"bench_n n JOIN patient_data t ON t.pid = {pid}"),
    ])


def events(base, template, wanted):
    today, values = datetime.date.today(), []
    for pid, number in wanted:
        day = today + datetime.timedelta(days=number * 7 % 1400 - 1000)
        start = f"{8 + number % 9:02}:{15 * (number % 4):02}:00"
        values.append(f"({number}, '{pid}', X'{key('event', number)}', '{day}', '{start}', '{MARKS[number % 10]}')")
    changed = {"pc_pid": "n.pid", "uuid": "n.u", "pc_eventDate": "n.day", "pc_startTime": "n.start",
               "pc_apptstatus": "n.mark"}
    names = [name for name in base.columns("openemr_postcalendar_events") if name != "pc_eid"]
    return "\n".join([
        "CREATE TEMPORARY TABLE bench_e (number BIGINT PRIMARY KEY, pid VARCHAR(11), u BLOB, day VARCHAR(10), "
        "start VARCHAR(8), mark VARCHAR(15));",
        *inserts("bench_e (number, pid, u, day, start, mark)", values),
        copy("openemr_postcalendar_events", names, changed,
             f"bench_e n JOIN openemr_postcalendar_events t ON t.pc_eid = {template}"),
    ])


def copy(table, names, changed, source):
    """One row many times, some columns from the list of numbers. `id` of patient_data may not count by itself."""
    targets, values = list(names), [changed.get(name, f"t.`{name}`") for name in names]
    if table == "patient_data":
        targets, values = ["id", *targets], ["n.number", *values]
    listed = ", ".join(f"`{name}`" for name in targets)
    return f"INSERT INTO {table} ({listed}) SELECT {', '.join(values)} FROM {source};"


def inserts(target, values):
    return [f"INSERT INTO {target} VALUES {', '.join(values[at:at + 1000])};" for at in range(0, len(values), 1000)]


def key(kind, number):
    """A uuid of version 4 that is the same in every run, as hexadecimal digits."""
    digits = list(hashlib.md5(f"{kind} {number}".encode()).hexdigest())
    digits[12], digits[16] = "4", "a"
    return "".join(digits)
