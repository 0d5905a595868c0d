"""Drives PyPI's fhirpy as a patient's app and as a backend service: one JSON object in, one line of findings a step out."""

import json
import sys

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import ForbiddenError, OperationOutcome, ResourceNotFound

PATCH = {"Content-Type": "application/json-patch+json"}


class Steps:
    """What is tried, each step by itself."""

    def __init__(self, given):
        self.given = given
        self.me = given["patient"]
        self.clients = {
            who: SyncFHIRClient(given["base"], authorization=f"Bearer {given[who]}") for who in ("mine", "system")
        }

    def metadata(self):
        """The CapabilityStatement."""
        return {"version": self.clients["mine"].execute("metadata", method="get")["fhirVersion"]}

    def reads(self):
        """A read and a reference that is followed, as both."""
        found = {}
        for who, client in self.clients.items():
            patient = client.get("Patient", self.me)
            followed = client.reference("Patient", self.me).to_resource()
            found[who] = [patient["birthDate"], followed["birthDate"]]
        return found

    def searches(self):
        """Pages of two, all of them; first, count, sort and include."""
        found = {}
        for who, client in self.clients.items():
            visits = client.resources("Appointment").search(patient=self.me)
            paged = [one["id"] for one in visits.limit(2).fetch_all()]
            whole = [one["id"] for one in visits.limit(100).fetch()]
            late = [one["start"] for one in visits.sort("-date").limit(100).fetch()]
            included = client.resources("Encounter").search(patient=self.me).include("Encounter", "patient").limit(3).fetch_raw()
            found[who] = {
                "paged": paged,
                "whole": whole,
                "count": visits.count(),
                "first": visits.sort("-date").first()["start"] == late[0],
                "booked": len(visits.search(status="booked").limit(100).fetch()),
                "included": sum(1 for one in included.entry if one["search"]["mode"] == "include"),
            }
        return found

    def creates(self):
        """A message: saved, read back, refreshed."""
        client = self.clients["mine"]
        message = client.resource("Communication", **{k: v for k, v in self.given["message"].items() if k != "resourceType"})
        message.save()
        again = client.resources("Communication").search(_id=message.id).get()
        message.refresh()
        return {"id": message.id, "found": again.id, "version": message["meta"]["versionId"]}

    def patches(self):
        """A JSON Patch; fhirpy's own patch is a merge patch, which is none of FHIR's and must be refused."""
        client = self.clients["mine"]
        path = f"Communication/{self.given['received']}"
        changed = client._do_request("patch", path, data=self.given["patch"], extra_headers=PATCH)
        try:
            client.patch("Communication", self.given["received"], status="completed")
            merged = "taken"
        except OperationOutcome as refusal:
            merged = refusal.resource["issue"][0]["code"]
        return {"version": changed["meta"]["versionId"], "merged": merged}

    def updates(self):
        """A PUT of what was read, with If-Match."""
        client = self.clients["mine"]
        path = f"Communication/{self.given['received']}"
        before = client.execute(path, method="get")
        headers = {"If-Match": f'W/"{before["meta"]["versionId"]}"'}
        after = client._do_request("put", path, data=dict(before), extra_headers=headers)
        return {"same": after["meta"]["versionId"] == before["meta"]["versionId"]}

    def validates(self):
        """$validate, through the library's is_valid."""
        client = self.clients["mine"]
        body = {k: v for k, v in self.given["message"].items() if k != "resourceType"}
        good = client.resource("Communication", **body).is_valid()
        bad = client.resource("Communication", **{**body, "status": "nonsense"}).is_valid()
        return {"good": good, "bad": bad}

    def operates(self):
        """$everything of a patient, as both."""
        found = {}
        for who, client in self.clients.items():
            bundle = client.reference("Patient", self.me).execute("$everything", method="get")
            found[who] = bundle["entry"][0]["resource"]["resourceType"]
        return found

    def bundles(self):
        """A batch of reads and a transaction with a create."""
        client = self.clients["mine"]
        read = {"request": {"method": "GET", "url": f"Patient/{self.me}"}}
        write = {"resource": self.given["message"], "request": {"method": "POST", "url": "Communication"}}
        batch = client.execute("", data={"resourceType": "Bundle", "type": "batch", "entry": [read]})
        done = client.execute("", data={"resourceType": "Bundle", "type": "transaction", "entry": [write]})
        return {"batch": batch["entry"][0]["response"]["status"], "transaction": done["entry"][0]["response"]["status"]}

    def refusals(self):
        """What must not be had."""
        found = {}
        try:
            self.clients["mine"].get("Patient", self.given["other"])
            found["other"] = "read"
        except ResourceNotFound:
            found["other"] = "not found"
        try:
            self.clients["system"].execute("Communication", data=self.given["message"])
            found["write"] = "taken"
        except ForbiddenError:
            found["write"] = "forbidden"
        return found


def main():
    """Every step that was asked for; a step that fails says so and the next goes on."""
    given = json.load(sys.stdin)
    steps = Steps(given)
    for name in given["steps"]:
        try:
            answer = {"step": name, "found": getattr(steps, name)()}
        except Exception as problem:
            answer = {"step": name, "problem": f"{type(problem).__name__}: {problem}"[:600]}
        print(json.dumps(answer), flush=True)


main()
