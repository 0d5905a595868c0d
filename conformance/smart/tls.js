// The TLS tests of the kit: each protocol version alone. SSL 2.0 and 3.0 are spoken by hand, because OpenSSL has forgotten them.
import { connect as plain } from "node:net";
import { connect } from "node:tls";
import { Skip, must } from "./row.js";

const WAIT = 8_000;
const OLD = ["TLSv1", "TLSv1.1"];
const NEW = ["TLSv1.2", "TLSv1.3"];

// A ClientHello of SSL 3.0 with four cipher suites, and one of SSL 2.0 with three.
const SSL3_HELLO = Buffer.concat([Buffer.from("160300003701000033" + "0300", "hex"), Buffer.alloc(32, 7), Buffer.from("00" + "000c" + "002f0035000a000500040009" + "0100", "hex")]);
const SSL2_HELLO = Buffer.concat([Buffer.from("802201" + "0002" + "0009" + "0000" + "0010" + "010080020080030080", "hex"), Buffer.alloc(16, 7)]);

/** The row of one endpoint. `url(bench)` answers its URL. */
export function tlsRow(id, url) {
  return {
    id,
    requirement: "the endpoint speaks TLS 1.2 or 1.3 with a certificate that can be verified, and nothing older",
    async run(bench) {
      const target = new URL(await url(bench));
      if (target.protocol !== "https:") throw new Skip("TLS is the reverse proxy's: this server was given as http");
      const place = { host: target.hostname, port: Number(target.port || 443) };
      const spoken = [];
      for (const version of [...OLD, ...NEW]) if (await speaks(place, version)) spoken.push(version);
      if (await answersHello(place, SSL3_HELLO, (data) => data[0] === 0x16 && data[1] === 3 && data[2] === 0)) spoken.push("SSLv3");
      if (await answersHello(place, SSL2_HELLO, (data) => (data[0] & 0x80) !== 0 && data[2] === 4)) spoken.push("SSLv2");
      must(spoken.some((one) => NEW.includes(one)), "neither TLS 1.2 nor 1.3 with a trusted certificate", spoken);
      must(spoken.every((one) => NEW.includes(one)), "an old protocol is spoken", spoken);
    },
  };
}

function speaks({ host, port }, version) {
  const old = OLD.includes(version);
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      servername: host,
      minVersion: version,
      maxVersion: version,
      // An old version counts as spoken whatever the certificate; a new one only with a trusted one.
      rejectUnauthorized: !old,
      ciphers: old ? "ALL:@SECLEVEL=0" : undefined,
      timeout: WAIT,
    });
    const end = (answer) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("secureConnect", end(true)).once("error", end(false)).once("timeout", end(false)).once("close", end(false));
  });
}

function answersHello({ host, port }, hello, isServerHello) {
  return new Promise((resolve) => {
    const socket = plain({ host, port, timeout: WAIT }, () => socket.write(hello));
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (data) => end(isServerHello(data)));
    for (const event of ["error", "timeout", "close"]) socket.once(event, () => end(false));
  });
}
