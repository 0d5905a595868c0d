#!/usr/bin/env python3
"""A mail server that can fail in every way a mail server fails.

    python server.py FOLDER [--port PORT]

It listens on 127.0.0.1 with STARTTLS and AUTH, and writes into FOLDER:
    server.json   where it listens, user, password, and the file of its certificate authority
    <mode>/*.eml  what it took, as it came over the wire after a line of JSON that names the envelope

How it behaves is asked anew for each connection and command, and chosen by the name in EHLO, so that many tests can use
one server at once: EHLO <anything>.<mode>.test, or the words of a mode file FOLDER/modes/<anything>. Modes:
    ok           takes everything
    greylist     451 at RCPT
    busy         421 at RCPT, and closes
    unknown      550 at RCPT
    refuse       554 after the final dot
    slow         ten seconds before it answers RCPT
    drop         takes the message after the final dot and closes without an answer
    bye          closes at connect (all connections, while FOLDER/modes/bye is there)
    noauth       535 for the right password too
    plain        no STARTTLS on offer
"""

import argparse
import asyncio
import json
import pathlib
import subprocess
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "portal", "a-mail-password"
SLOW = 10.0


def certificates(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path, pathlib.Path]:
    """An authority, and a certificate of it for localhost."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=Mail test authority", "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
            "-keyout", "server.key", "-out", "server.csr")
    (folder / "server.ext").write_text("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "server.ext", "-out", "server.pem")
    return folder / "ca.pem", folder / "server.pem", folder / "server.key"


class Server(SMTP):
    """Fails as the mode says."""

    def __init__(self, folder: pathlib.Path, handler, **options):
        super().__init__(handler, **options)
        self.folder = folder

    def connection_made(self, transport):
        # Twice a connection: the second time it is encrypted.
        if (self.folder / "modes" / "bye").exists():
            transport.close()
            return
        super().connection_made(transport)

    def mode(self) -> str:
        """The mode of the name the client gave itself."""
        name = getattr(self.session, "host_name", None) or ""
        file = self.folder / "modes" / name
        if name and "/" not in name and file.is_file():
            return file.read_text().strip() or "ok"
        return "ok"

    async def smtp_STARTTLS(self, arg: str):
        if self.mode() == "plain":
            await self.push("454 4.7.0 TLS not available")
            return
        await super().smtp_STARTTLS(arg)

    async def smtp_EHLO(self, hostname: str):
        self.session.host_name = hostname
        if self.mode() == "plain":
            # What somebody in the middle makes of the offer.
            kept, self.tls_context = self.tls_context, None
            try:
                await super().smtp_EHLO(hostname)
            finally:
                self.tls_context = kept
            return
        await super().smtp_EHLO(hostname)


class Handler:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.number = 0

    async def handle_RCPT(self, server: Server, session: Session, envelope: Envelope, address: str, options: list):
        mode = server.mode()
        if mode == "greylist":
            return f"451 4.7.1 <{address}> greylisted, come back later"
        if mode == "busy":
            asyncio.get_event_loop().call_later(0.2, server.transport.close)
            return "421 4.3.2 Too busy, closing"
        if mode == "unknown":
            return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"
        if mode == "slow":
            await asyncio.sleep(SLOW)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope):
        mode = server.mode()
        if mode == "refuse":
            return "554 5.7.1 Message rejected as spam"
        self.number += 1
        box = self.folder / "taken" / (session.host_name or "nobody")
        box.mkdir(parents=True, exist_ok=True)
        told = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "user": getattr(session.auth_data, "login", b"").decode(),
                "tls": session.ssl is not None}
        unfinished = box / f".{self.number:06}"
        unfinished.write_bytes(json.dumps(told).encode() + b"\n" + envelope.original_content)
        unfinished.rename(box / f"{self.number:06}.eml")
        if mode == "drop":
            server.transport.abort()
            return "250 never seen"
        return f"250 2.0.0 OK queued as {self.number:06}"


def authenticator(folder: pathlib.Path):
    def check(server: Server, session: Session, envelope: Envelope, mechanism: str, data) -> AuthResult:
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        if right and server.mode() != "noauth":
            session.auth_data = data
            return AuthResult(success=True, auth_data=data)
        return AuthResult(success=False, handled=False,
                          message="535 5.7.8 Username and Password not accepted. An app password is needed")

    return check


async def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--port", type=int, default=0)
    given = arguments.parse_args()
    folder = given.folder.resolve()
    (folder / "modes").mkdir(parents=True, exist_ok=True)
    authority, certificate, key = certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handler = Handler(folder)
    make = lambda: Server(  # noqa: E731
        folder, handler, hostname="localhost", tls_context=context, require_starttls=False, auth_required=True,
        auth_require_tls=True, authenticator=authenticator(folder), enable_SMTPUTF8=True, timeout=60,
    )
    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", given.port)
    # The same behind TLS from the first byte.
    implicit = await loop.create_server(
        lambda: Server(folder, handler, hostname="localhost", auth_required=True, auth_require_tls=False,
                       authenticator=authenticator(folder), enable_SMTPUTF8=True, timeout=60),
        "127.0.0.1", 0, ssl=context,
    )
    told = {"host": "localhost", "port": server.sockets[0].getsockname()[1], "tls_port": implicit.sockets[0].getsockname()[1],
            "user": USER, "password": PASSWORD, "ca": str(authority), "folder": str(folder)}
    unfinished = folder / "server.json.unfinished"
    unfinished.write_text(json.dumps(told))
    unfinished.rename(folder / "server.json")
    print(f"listening on {told['port']}", flush=True)
    async with server, implicit:
        await asyncio.gather(server.serve_forever(), implicit.serve_forever())


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
