"""A colleague's browser at the staff desk of a served practice."""

import urllib.parse

from lib import turns
from lib.launch import Browser, Form
from lib.servers import Failed


class Desk(turns.Side):
    """Logged in on the way to a page, as a colleague whom `chosen` picks."""

    def __init__(self, place, folder, ends, page, chosen):
        super().__init__(place, folder, ends)
        base = place.demo["public_url"]
        browser = Browser(base, "-")
        who = next(one for one in place.demo["staff"] if chosen(one))
        url, status, text = browser.send("GET", page)
        form = Form(text)
        if status != 200 or form.action is None:
            raise Failed(f"no login at {url}: {status}")
        fields = form.fields + [(name, who[name]) for name in form.asked]
        url, status, text = browser.send("POST", urllib.parse.urljoin(url, form.action), fields)
        if urllib.parse.urlsplit(url).path != page:
            raise Failed(f"the login of staff ended at {url} with {status}:\n{text[:2000]}")
        self.cookies = browser.cookies

    def headers(self):
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
