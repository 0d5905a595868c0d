"""Write the OpenEMR-shaped schemas and seed lists from the column tables.

    python3 tests/openemr/generate.py FOLDER

FOLDER holds columns.tsv, indexes.tsv, list_options.tsv and
calendar_categories.tsv. Written, below the project's root:

    tests/openemr/{6.1,7.0.4,8.2}.sql      all tables, for MariaDB
    migrations/sqlite/0001_openemr.sql     the gateway's tables, for SQLite
    migrations/openemr_lists.sql           list rows, for both

"facts N" in a comment is a section of the OpenEMR fact sheet.
"""

import csv
import pathlib
import sys
from collections import defaultdict

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSIONS = ("6.1", "7.0.4", "8.2")
ROWS_PER_INSERT = 100

# version row: v_major, v_minor, v_patch, v_database, v_acl. The gateway judges
# a database by its columns (facts 0); v_database 541 of 8.2 is in facts 0,
# the numbers of the two older releases are not known and stay at the column
# default.
VERSION_ROWS = {
    "6.1": (6, 1, 0, 0, 0),
    "7.0.4": (7, 0, 4, 0, 0),
    "8.2": (8, 2, 0, 541, 13),
}

# Columns whose nullability or default differs by version, where columns.tsv
# has the newest word only: (nullable, default).
# facts 0.1: up to 8.0 both dates are NOT NULL DEFAULT '0000-00-00'.
ZERO_DATE = ("NO", "'0000-00-00'")
VERSION_PATCHES = {
    (version, "openemr_postcalendar_events", column): ZERO_DATE
    for version in ("6.1", "7.0.4")
    for column in ("pc_eventDate", "pc_endDate")
}

# Index parts on a text column need a length in MariaDB.
TEXT_PREFIX = 255

SQLITE_TABLES = """
patient_data patient_access_onsite patient_history patient_settings
openemr_postcalendar_events openemr_postcalendar_categories
list_options globals version users users_secure users_facility facility
uuid_registry uuid_mapping documents categories categories_to_documents
onsite_mail onsite_documents onsite_portal_activity pnotes keys sequences
patient_tracker patient_tracker_element verify_email form_encounter
insurance_data insurance_companies log log_comment_encrypt
contact contact_address addresses
""".split()

# Document categories: id, name, parent, aco_spec, codes (facts 1.13).
# The first 29 are in every version, 30 and 31 came with the codes column,
# 32 to 34 with 8.x.
DOCS, DEMO = "patients|docs", "patients|demo"
CATEGORIES = [
    (1, "Categories", 0, DOCS, ""),
    (2, "Lab Report", 1, DOCS, ""),
    (3, "Medical Record", 1, DOCS, ""),
    (4, "Patient Information", 1, DEMO, ""),
    (5, "Patient ID card", 4, DEMO, ""),
    (6, "Advance Directive", 1, DOCS, ""),
    (7, "Do Not Resuscitate Order", 6, DOCS, ""),
    (8, "Durable Power of Attorney", 6, DOCS, ""),
    (9, "Living Will", 6, DOCS, ""),
    (10, "Patient Photograph", 4, DEMO, ""),
    (11, "CCR", 1, DOCS, ""),
    (12, "CCD", 1, DOCS, "LOINC:34133-9"),
    (13, "CCDA", 1, DOCS, ""),
    (14, "Eye Module", 1, DOCS, ""),
    (15, "Communication - Eye", 14, DOCS, ""),
    (16, "Encounters - Eye", 14, DOCS, ""),
    (17, "Imaging - Eye", 14, DOCS, ""),
    (18, "OCT - Eye", 17, DOCS, ""),
    (19, "FA/ICG - Eye", 17, DOCS, ""),
    (20, "External Photos - Eye", 17, DOCS, ""),
    (21, "AntSeg Photos - Eye", 17, DOCS, ""),
    (22, "Optic Disc - Eye", 17, DOCS, ""),
    (23, "Fundus - Eye", 17, DOCS, ""),
    (24, "Radiology - Eye", 17, DOCS, ""),
    (25, "VF - Eye", 17, DOCS, ""),
    (26, "Drawings - Eye", 17, DOCS, ""),
    (27, "Onsite Portal", 1, DOCS, ""),
    (28, "Patient", 27, DOCS, ""),
    (29, "Reviewed", 27, DOCS, "LOINC:LP173394-0"),
    (30, "FHIR Export Document", 1, "admin|super", "LOINC:LP173421-1"),
    (31, "Invoices", 1, "encounters|coding", ""),
    (32, "AntSeg Laser - Eye", 14, DOCS, ""),
    (33, "Retina Laser - Eye", 14, DOCS, ""),
    (34, "Injections - Eye", 14, DOCS, ""),
]
LAST_CATEGORY = {"6.1": 29, "7.0.4": 31, "8.2": 34}

# facts 1.7: check-in options set toggle 1, check-out options toggle 2.
TOGGLES = {"@": (1, 0), "~": (1, 0), "!": (0, 1), ">": (0, 1)}

# Lists missing from list_options.tsv. facts 1.1: the state list is keyed by
# postal code, the country list by 'USA'. Rooms: facts 1.4 names the list.
STATES = """
AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado
CT Connecticut|DE Delaware|DC District of Columbia|FL Florida|GA Georgia
HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky
LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota
MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire
NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota
OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|RI Rhode Island
SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont
VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming
"""
EXTRA_OPTIONS = [
    ("state", *entry.split(" ", 1), seq)
    for seq, entry in enumerate(STATES.strip().replace("\n", "|").split("|"), 1)
] + [
    ("country", "USA", "USA", 1),
    ("patient_flow_board_rooms", "1", "Room 1", 10),
    ("patient_flow_board_rooms", "2", "Room 2", 20),
    ("patient_flow_board_rooms", "3", "Room 3", 30),
]


# Tables the column list leaves out. What is the matter with a patient (`library/lists`): the columns that are read.
ISSUES = """
CREATE TABLE `lists` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL DEFAULT NULL,
  `type` varchar(255) NULL DEFAULT NULL,
  `title` varchar(255) NULL DEFAULT NULL,
  `begdate` datetime NULL DEFAULT NULL,
  `enddate` datetime NULL DEFAULT NULL,
  `activity` tinyint(4) NULL DEFAULT NULL,
  `comments` longtext NULL DEFAULT NULL,
  `pid` bigint(20) NULL DEFAULT NULL,
  `user` varchar(255) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;"""

# The second factors staff have set up (`library/auth_mfa`, since OpenEMR 5.0.2).
SECOND_FACTORS = """
CREATE TABLE `login_mfa_registrations` (
  `user_id` bigint(20) NOT NULL,
  `name` varchar(30) NOT NULL,
  `last_challenge` datetime NULL DEFAULT NULL,
  `method` varchar(31) NOT NULL,
  `var1` varchar(4096) NOT NULL DEFAULT '',
  `var2` varchar(256) NOT NULL DEFAULT '',
  PRIMARY KEY (`user_id`, `name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;"""


def main(folder):
    columns = read_columns(folder / "columns.tsv")
    indexes = read_indexes(folder / "indexes.tsv")
    for version in VERSIONS:
        tables = layout(columns, version)
        write(f"tests/openemr/{version}.sql", mariadb(tables, indexes, version))
    tables = layout(columns, "8.2")
    write("migrations/sqlite/0001_openemr.sql", sqlite(tables, indexes))
    write("migrations/openemr_lists.sql", lists(folder))


# Reading


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def read_columns(path):
    tables = defaultdict(list)
    for row in rows(path):
        # The table doubles every backslash of a binary default.
        row["default"] = row["default"].replace("\\\\", "\\")
        tables[row["table"]].append(row)
    return tables


def read_indexes(path):
    indexes = defaultdict(list)
    for row in rows(path):
        parts = row["columns"].split(",")
        indexes[row["table"]].append((row["index"], row["unique"] == "unique", parts))
    return indexes


def layout(columns, version):
    """The tables of one version, each a list of its column rows."""
    tables = {}
    for table, every in columns.items():
        present = [dict(c) for c in every if version in c["in_versions"].split()]
        for column in present:
            key = (version, table, column["column"])
            if key in VERSION_PATCHES:
                column["nullable"], column["default"] = VERSION_PATCHES[key]
        if present:
            tables[table] = sorted(present, key=lambda c: int(c["position"]))
    return tables


def keys_of(table, columns, indexes):
    """(primary key columns, other indexes) that this layout can hold.

    indexes.tsv describes 7.0.4: an index over a column that the version lacks
    is left out, and a table of a later version gets its counter as key.
    """
    names = {c["column"] for c in columns}
    held = [i for i in indexes[table] if names.issuperset(i[2])]
    primary = next((parts for name, _, parts in held if name == "PRIMARY"), [])
    others = [i for i in held if i[0] != "PRIMARY"]
    counter = [c["column"] for c in columns if "auto_increment" in c["extra"]]
    if counter and not any(parts[0] == counter[0] for _, _, parts in held):
        primary = counter
    return primary, others


# MariaDB


def mariadb(tables, indexes, version):
    out = [
        f"-- The tables of OpenEMR {version} for MariaDB, as the tests need them.",
        *header(),
        "-- sql_mode is emptied for the zero-date defaults (facts 6.1).",
        "SET sql_mode='';",
        "SET NAMES utf8mb4;",
    ]
    for table, columns in tables.items():
        primary, others = keys_of(table, columns, indexes)
        kinds = {c["column"]: c["type"] for c in columns}
        lines = [mariadb_column(c) for c in columns]
        if primary:
            lines.append(f"PRIMARY KEY ({joined(primary)})")
        for name, unique, parts in others:
            word = "UNIQUE KEY" if unique else "KEY"
            shown = ", ".join(index_part(p, kinds[p]) for p in parts)
            lines.append(f"{word} `{name}` ({shown})")
        tail = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"
        out.append(create(table, lines, tail))
    return "\n".join([*out, ISSUES, SECOND_FACTORS, *first_rows(version)]) + "\n"


def mariadb_column(column):
    words = [f"`{column['column']}`", column["type"]]
    # A bare timestamp is NOT NULL on servers with the old implicit default.
    words.append("NULL" if column["nullable"] == "YES" else "NOT NULL")
    if column["default"]:
        words.append(f"DEFAULT {column['default']}")
    if column["extra"]:
        words.append(column["extra"].upper().replace("()", ""))
    return " ".join(words)


def index_part(name, kind):
    return f"`{name}`({TEXT_PREFIX})" if "text" in kind else f"`{name}`"


# SQLite


def sqlite(tables, indexes):
    wanted = [t for t in tables if t in SQLITE_TABLES or t.startswith("gacl_")]
    missing = set(SQLITE_TABLES) - set(wanted)
    if missing:
        sys.exit(f"columns.tsv lacks {', '.join(sorted(missing))}")
    out = [
        "-- The sandbox's OpenEMR: the tables a gateway uses, as in OpenEMR 8.2.",
        *header(),
        "-- Text compares without case, as MariaDB's general_ci does (ASCII only).",
        "-- Dates and times are text; their declared types tell the driver how to",
        "-- decode them. SQLite has no ON UPDATE CURRENT_TIMESTAMP: whoever updates a",
        "-- last_updated row names that column. INT (not INTEGER) keys are those that",
        "-- OpenEMR does not count up: leaving one out must not invent an id.",
    ]
    for table in wanted:
        columns = tables[table]
        primary, others = keys_of(table, columns, indexes)
        counter = [c["column"] for c in columns if "auto_increment" in c["extra"]]
        lines = [sqlite_column(c, primary) for c in columns]
        if primary and not counter:
            lines.append(f"PRIMARY KEY ({joined(primary)})")
        out.append(create(table, lines, ""))
        for name, unique, parts in others:
            if parts == counter:
                continue
            word = "UNIQUE INDEX" if unique else "INDEX"
            # Index names share one space in SQLite, hence the table's name.
            out.append(f"CREATE {word} `{table}_{name}` ON `{table}` ({joined(parts)});")
    return "\n".join(out + first_rows("8.2")) + "\n"


def sqlite_column(column, primary):
    name = f"`{column['column']}`"
    if "auto_increment" in column["extra"]:
        return f"{name} INTEGER PRIMARY KEY AUTOINCREMENT"
    words = [name, sqlite_type(column["type"])]
    if primary == [column["column"]]:
        words[1] = words[1].replace("INTEGER", "INT")
    default = column["default"]
    zero = default.startswith("'0000-00-00")
    if column["nullable"] == "NO" and not zero:
        words.append("NOT NULL")
        if default:
            words.append(f"DEFAULT {sqlite_default(column)}")
    elif default not in ("", "NULL", "current_timestamp()") and not zero:
        words.append(f"DEFAULT {sqlite_default(column)}")
    return " ".join(words)


def sqlite_type(kind):
    base = kind.split("(")[0].split(" ")[0]
    if base in ("date", "datetime", "time", "timestamp"):
        return base.upper()
    if base.endswith("int"):
        return "INTEGER"
    if base in ("float", "double", "decimal"):
        return "REAL"
    if base == "binary" or base.endswith("blob"):
        return "BLOB"
    return "TEXT COLLATE NOCASE"


def sqlite_default(column):
    if column["default"] == "current_timestamp()":
        return "CURRENT_TIMESTAMP"
    if column["type"] == "binary(16)":
        return f"x'{'00' * 16}'"
    return column["default"]


# Seed rows


def first_rows(version):
    """Rows that depend on the layout: version, the counter, the categories."""
    major, minor, patch, database, acl = VERSION_ROWS[version]
    numbers = (major, minor, patch, 0, "", database, acl)
    names = "v_major v_minor v_patch v_realpatch v_tag v_database v_acl".split()
    out = ["", *insert("version", names, [numbers])]
    out += insert("sequences", ["id"], [(1,)])
    held = [c for c in CATEGORIES if c[0] <= LAST_CATEGORY[version]]
    edges = nested_set(held)
    names = ["id", "name", "value", "parent", "lft", "rght", "aco_spec"]
    values = [(i, name, "", up, *edges[i], spec) for i, name, up, spec, _ in held]
    if version != "6.1":  # categories.codes came after 6.1
        names.append("codes")
        values = [v + (c[4],) for v, c in zip(values, held)]
    return out + insert("categories", names, values)


def nested_set(categories):
    """id -> (lft, rght), children in the order of their ids."""
    children = defaultdict(list)
    for row in categories:
        children[row[2]].append(row[0])
    edges = {}
    at = 0

    def visit(node):
        nonlocal at
        left = at
        at += 1
        for child in children[node]:
            visit(child)
        edges[node] = (left, at)
        at += 1

    for root in children[0]:
        visit(root)
    return edges


def lists(folder):
    names = "list_id option_id title seq is_default activity codes mapping notes".split()
    options = []
    for row in rows(folder / "list_options.tsv"):
        notes = None if row["notes"] == "NULL" else row["notes"]
        toggles = TOGGLES.get(row["option_id"], (0, 0))
        toggles = toggles if row["list_id"] == "apptstat" else (0, 0)
        numbers = [int(row[n]) for n in ("seq", "is_default", "activity")]
        head = (row["list_id"], row["option_id"], row["title"], *numbers)
        options.append((*head, row["codes"], row["mapping"], notes, *toggles))
    for list_id, option_id, title, seq in EXTRA_OPTIONS:
        options.append((list_id, option_id, title, seq, 0, 1, "", "", None, 0, 0))
    out = [
        "-- List rows as OpenEMR installs them; runs unchanged on SQLite and MariaDB",
        "-- after any of the schema files. Document categories, whose columns differ",
        "-- by version, are in the schema files. A text may hold a semicolon: do not",
        "-- split this file at semicolons.",
        *header(),
        "",
    ]
    out += insert("list_options", names + ["toggle_setting_1", "toggle_setting_2"], options)
    return "\n".join(out + calendar(folder)) + "\n"


def calendar(folder):
    names = """pc_catid pc_constant_id pc_catname pc_duration pc_cattype pc_active
        pc_seq pc_recurrtype pc_end_all_day""".split()
    values = []
    for row in rows(folder / "calendar_categories.tsv"):
        numbers = "duration_seconds cattype active seq recurrtype end_all_day".split()
        tail = [int(row[n]) for n in numbers]
        values.append((int(row["id"]), row["constant_id"], row["name"], *tail))
    return insert("openemr_postcalendar_categories", names, values)


# Writing


def header():
    return [
        "-- The project's own text, generated from the column tables by",
        "--     python3 tests/openemr/generate.py FOLDER",
        "-- Do not edit by hand.",
    ]


def joined(names):
    return ", ".join(f"`{name}`" for name in names)


def create(table, lines, tail):
    body = ",\n".join(f"  {line}" for line in lines)
    return f"\nCREATE TABLE `{table}` (\n{body}\n){' ' + tail if tail else ''};"


def insert(table, names, values):
    out = []
    for start in range(0, len(values), ROWS_PER_INSERT):
        some = values[start : start + ROWS_PER_INSERT]
        body = ",\n".join(f"  ({', '.join(map(literal, row))})" for row in some)
        out.append(f"INSERT INTO `{table}` ({joined(names)}) VALUES\n{body};")
    return out


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    if "\\" in value:
        sys.exit(f"a backslash means two things in the two databases: {value}")
    return "'" + value.replace("'", "''") + "'"


def write(path, text):
    target = ROOT / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
