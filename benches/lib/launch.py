"""A SMART standalone launch as a person and an app do it, over HTTP: login form, consent form, code, token, refresh."""

import base64
import hashlib
import html.parser
import http.client
import json
import secrets
import time
import urllib.parse

from lib.servers import Failed

SCOPE = "launch/patient offline_access patient/Patient.rs patient/Appointment.rs"
# Access tokens live 600 s; a window never begins with an older one than this.
FRESH = 300


def plain_patient(demo):
    """The last of those who may log in: a chart that is one row, without earlier names and addresses."""
    return [one for one in demo["patients"] if one["username"] and one["notes"] == "active"][-1]


class Form(html.parser.HTMLParser):
    """The first form of a page and what a browser would send with it."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields, self.asked, self.inside = None, [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        if tag == "form" and self.action is None:
            self.action, self.inside = known.get("action") or "", True
        if not self.inside or "name" not in known or "disabled" in known:
            return
        if tag == "input":
            kind = known.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in known:
                return
            if kind in ("text", "password", "email"):
                self.asked.append(known["name"])
            else:
                self.fields.append((known["name"], known.get("value") or ""))
        if tag == "button" and not any(name == known["name"] for name, _ in self.fields):
            self.fields.append((known["name"], known.get("value") or ""))

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False


class Browser:
    """Cookies and redirects, up to the address that belongs to the app."""

    def __init__(self, base, callback):
        self.base, self.callback, self.cookies = base, callback, {}

    def send(self, method, url, fields=None):
        """Follows redirects; answers (url, status, text), or the callback's URL with status 0."""
        for _ in range(10):
            url = urllib.parse.urljoin(self.base, url)
            if url.startswith(self.callback):
                return url, 0, ""
            status, headers, text = self.once(method, url, fields)
            if status not in (301, 302, 303, 307):
                return url, status, text
            url = urllib.parse.urljoin(url, headers["location"])
            if status != 307:
                method, fields = "GET", None
        raise Failed("the launch redirects in circles")

    def once(self, method, url, fields):
        parts = urllib.parse.urlsplit(url)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = self.base
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            connection.request(method, parts._replace(scheme="", netloc="", fragment="").geturl(), body, headers)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("set-cookie") or []:
                name, value = cookie.split(";")[0].split("=", 1)
                self.cookies[name] = value
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()


class Access:
    """A patient's access, kept fresh with the refresh token."""

    def __init__(self, base, demo, scope=SCOPE):
        self.base, self.scope = base, scope
        self.client = next(client for client in demo["clients"] if client["kind"] == "public"
                           and not client["redirect_uris"][0].startswith(base))
        self.login = plain_patient(demo)
        self.patient, self.token, self.refresh, self.born = "", "", "", 0.0
        self.launch()

    def launch(self):
        redirect, verifier, state = self.client["redirect_uris"][0], secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = urllib.parse.urlencode({
            "response_type": "code", "client_id": self.client["client_id"], "redirect_uri": redirect, "scope": self.scope,
            "state": state, "aud": f"{self.base}/fhir", "code_challenge": challenge, "code_challenge_method": "S256",
        })
        browser = Browser(self.base, redirect)
        typed = {"username": self.login["username"], "email": self.login["email"], "password": self.login["password"]}
        url, status, text = browser.send("GET", f"/oauth2/authorize?{asked}")
        # Login, then consent; a practice may show a page between them.
        for _ in range(3):
            if status == 0:
                break
            form = Form(text)
            if status != 200 or form.action is None:
                raise Failed(f"the launch stopped at {url.split('?')[0]} with status {status}:\n{text[:2000]}")
            fields = form.fields + [(name, typed[name]) for name in form.asked]
            url, status, text = browser.send("POST", urllib.parse.urljoin(url, form.action or url), fields)
        answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        if "code" not in answer or answer.get("state") != state:
            raise Failed(f"the launch ended without a code: {answer or text[:2000]}")
        self.take({"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": redirect,
                   "code_verifier": verifier, "client_id": self.client["client_id"]})

    def fresh(self):
        """An access token that lives long enough for a window."""
        if time.monotonic() - self.born > FRESH:
            self.take({"grant_type": "refresh_token", "refresh_token": self.refresh,
                       "client_id": self.client["client_id"]})
        return self.token

    def take(self, fields):
        status, _, text = Browser(self.base, "-").once("POST", f"{self.base}/oauth2/token", list(fields.items()))
        if status != 200:
            raise Failed(f"the token endpoint answered {status}: {text}")
        answer = json.loads(text)
        self.token, self.refresh, self.born = answer["access_token"], answer["refresh_token"], time.monotonic()
        self.patient = answer.get("patient", self.patient)
