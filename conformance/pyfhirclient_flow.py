"""One app of the PyPI package fhirclient, told what to do by lines of JSON on stdin, answering each with one line.

{"do": "start", "settings": {...}}      answers {"authorize_url": ...}
{"do": "callback", "url": "..."}        answers {"patient": ..., "scope": ..., "name": ...}
{"do": "search"}                        answers {"documents": n, "appointments": n}
{"do": "refresh"}                       answers {"changed": ..., "patient": ...}
{"do": "authorize"}                     answers {"patients": n} (a backend service)
A refusal by the server or the library answers {"problem": "..."}.
"""

import json
import sys

from fhirclient import client
from fhirclient.models.appointment import Appointment
from fhirclient.models.documentreference import DocumentReference
from fhirclient.models.patient import Patient


class App:
    """The steps of one launch."""

    def __init__(self):
        self.smart = None

    def start(self, settings):
        """Reads the server's statement; a backend service has no page to go to."""
        self.smart = client.FHIRClient(settings=settings)
        self.smart.wants_patient = False
        self.smart.prepare()
        return {"authorize_url": None if settings.get("jwt_token") else self.smart.authorize_url}

    def callback(self, url):
        """Trades the code of the redirect and reads the patient."""
        self.smart.handle_callback(url)
        patient = self.smart.patient
        return {
            "patient": patient.id,
            "birth_date": patient.birthDate.isostring,
            "name": self.smart.human_name(patient.name[0]),
            "scope": self.smart.launch_context["scope"],
        }

    def search(self):
        """Searches as the library does, which follows the server's own pages."""
        server, patient = self.smart.server, {"patient": self.smart.patient_id}
        found = {}
        for name, kind in (("documents", DocumentReference), ("appointments", Appointment)):
            found[name] = [one.id for one in kind.where(struct=patient).perform_resources_iter(server)]
        return found

    def refresh(self):
        """Refreshes and reads the patient again."""
        before = self.smart.server.auth.access_token
        self.smart.reauthorize()
        after = self.smart.server.auth.access_token
        return {"changed": before != after, "patient": Patient.read(self.smart.patient_id, self.smart.server).id}

    def authorize(self):
        """Gets a token for a backend service and searches patients."""
        self.smart.authorize()
        return {"patients": [one.id for one in Patient.where(struct={}).perform_resources_iter(self.smart.server)]}


def main():
    """Answers every line of stdin."""
    app = App()
    for line in sys.stdin:
        step = json.loads(line)
        try:
            answer = getattr(app, step.pop("do"))(**step)
        except Exception as problem:  # what the library throws has no common ancestor
            answer = {"problem": f"{type(problem).__name__}: {problem}"}
        print(json.dumps(answer), flush=True)


main()
