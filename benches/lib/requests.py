"""The requests that are measured and whose plans are shown, as a patient's app sends them."""

import json
import urllib.error
import urllib.parse
import urllib.request

from lib import practice
from lib.launch import Access
from lib.servers import Failed

SCOPE = ("openid fhirUser launch/patient offline_access patient/Patient.rs patient/Appointment.rs patient/Practitioner.rs "
         "patient/Location.rs patient/Provenance.rs patient/Communication.crus")

READ, SEARCH = "read of a Patient", "search, 50 Appointments"
INCLUDE, REVINCLUDE = "the same with _include of practitioner and location", "the same with _revinclude of Provenance"
CREATE, TRANSACTION = "create of a Communication", "transaction of 20 Communications"

# How often in a window at most.
MOST = {READ: 300, SEARCH: 60, INCLUDE: 50, REVINCLUDE: 40, CREATE: 60, TRANSACTION: 6}
NAMES = list(MOST)
# Those that search a column OpenEMR has no index on.
UNINDEXED = [SEARCH, INCLUDE, REVINCLUDE, CREATE, TRANSACTION]

TOGETHER = 20


class App:
    """A launched app of the measured patient."""

    def __init__(self, demo):
        self.access = Access(demo["public_url"], demo, SCOPE)
        self.path = urllib.parse.urlsplit(demo["fhir_base"]).path
        self.base = demo["public_url"]
        self.colleague = None

    def requests(self):
        """Name to (method, path, body, status it must have)."""
        patient = self.access.patient
        search = f"{self.path}/Appointment?patient={patient}&_count={practice.PAGE}"
        message = self.message()
        entry = {"request": {"method": "POST", "url": "Communication"}, "resource": message}
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * TOGETHER}
        return {
            READ: ("GET", f"{self.path}/Patient/{patient}", None, 200),
            SEARCH: ("GET", search, None, 200),
            INCLUDE: ("GET", f"{search}&_include=Appointment:practitioner&_include=Appointment:location", None, 200),
            REVINCLUDE: ("GET", f"{search}&_revinclude=Provenance:target", None, 200),
            CREATE: ("POST", f"{self.path}/Communication", json.dumps(message), 201),
            TRANSACTION: ("POST", self.path, json.dumps(bundle), 200),
        }

    def message(self):
        return {"resourceType": "Communication", "status": "completed", "topic": {"text": "A question"},
                "recipient": [{"reference": f"Practitioner/{self.somebody()}"}],
                "payload": [{"contentString": "May I take both tablets in the morning?"}]}

    def somebody(self):
        """One of the staff who takes part in the portal."""
        if self.colleague is None:
            found = self.get(f"{self.path}/Practitioner?name=Lee")
            self.colleague = found["entry"][0]["resource"]["id"]
        return self.colleague

    def get(self, path):
        return json.loads(self.send(("GET", path, None, 200)))

    def send(self, request):
        """One answer, on a connection of its own."""
        method, path, body, status = request
        headers = {"Authorization": f"Bearer {self.access.fresh()}", "Content-Type": "application/fhir+json"}
        asked = urllib.request.Request(self.base + path, body and body.encode(), headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                text, found = answer.read(), answer.status
        except urllib.error.HTTPError as error:
            text, found = error.read(), error.code
        if found != status:
            raise Failed(f"{method} {path} answered {found}: {text[:800]}")
        return text


def check(name, text):
    """The answer is what the row says."""
    found = json.loads(text)
    entries = found.get("entry", [])
    modes = [entry.get("search", {}).get("mode") for entry in entries]
    kinds = {entry["resource"]["resourceType"] for entry in entries if "resource" in entry}
    wanted = {SEARCH: {"Appointment"}, INCLUDE: {"Appointment", "Practitioner", "Location"},
              REVINCLUDE: {"Appointment", "Provenance"}}.get(name)
    if wanted is not None and (modes.count("match") != practice.PAGE or not wanted <= kinds):
        raise Failed(f"{name}: {modes.count('match')} matches, and of the kinds {sorted(kinds)}")
    if name == TRANSACTION and [entry["response"]["status"][:3] for entry in entries] != ["201"] * TOGETHER:
        raise Failed(f"{name}: {text[:800]}")
