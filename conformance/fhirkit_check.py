"""Reads NDJSON resources on stdin, prints one JSON line for each problem fhirkit finds.

A line is {"line": n, "severity": "error" | "warning", "path": "...", "message": "..."}; the last
line is {"checked": n}. A resource that does not come back unchanged from fhirkit's own types is an
error too. Problems do not change the exit code: the caller judges them.
"""

import json
import sys
from decimal import Decimal

import fhirkit


def problems(text):
    """Every problem of one resource as (severity, path, message)."""
    try:
        resource = fhirkit.parse(text)
    except fhirkit.ParseError as problem:
        return [("error", "", str(problem))]
    found = [(issue.severity, issue.path, issue.message) for issue in resource.issues]
    if json.loads(resource.to_json(), parse_float=Decimal) != json.loads(text, parse_float=Decimal):
        found.append(("error", resource.resource_type, "does not come back unchanged"))
    return found


def main():
    """Checks every line of stdin."""
    checked = 0
    for number, text in enumerate(sys.stdin, start=1):
        checked += 1
        for severity, path, message in problems(text):
            print(json.dumps({"line": number, "severity": severity, "path": path, "message": message}))
    print(json.dumps({"checked": checked}))


main()
