// The letters a sandbox writes into its folder, read as a mail program reads them.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE = 30_000;
const QUOTED = /=\r?\n|=([0-9A-F]{2})/g;

/** The bytes of a body, out of what mail servers carry. */
function decoded(body, encoding) {
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding !== "quoted-printable") return body;
  const latin = body.replace(QUOTED, (_, hex) => (hex ? String.fromCharCode(parseInt(hex, 16)) : ""));
  return Buffer.from(latin, "latin1").toString("utf8");
}

/** Header lines, unfolded, by lower-case name; and what follows them. */
function split(text) {
  const [head, ...rest] = text.split(/\r?\n\r?\n/);
  const lines = head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
  const headers = Object.fromEntries(lines.map((line) => line.split(/:\s*(.*)/s)).map(([name, value]) => [name.toLowerCase(), value]));
  return { headers, body: rest.join("\n\n") };
}

/** The text part of a letter; a letter without parts is its own. */
function plain(text) {
  const { headers, body } = split(text);
  const type = headers["content-type"] ?? "text/plain";
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1];
  if (boundary) return body.split(`--${boundary}`).slice(1).map((part) => plain(part.replace(/^\r?\n/, ""))).find(Boolean);
  return type.startsWith("text/plain") ? decoded(body, headers["content-transfer-encoding"]) : undefined;
}

/** Every letter to an address so far, the oldest first: `{ to, text, link }`, the link being the first address in the text that `way` names. */
function lettersTo(folder, address, way) {
  const files = readdirSync(folder).filter((name) => name.endsWith(".eml")).sort();
  const letters = files.map((name) => readFileSync(join(folder, name), "utf8"));
  return letters
    .filter((raw) => split(raw).headers.to?.includes(address))
    .map((raw) => ({ raw, text: plain(raw) }))
    .map(({ raw, text }) => ({ raw, text, link: new RegExp(`https?://\\S+${way}\\S+`).exec(text)?.[0] }))
    .filter(({ link }) => link);
}

/** Waits for the first letter to `address` with a link that holds `way`, such as `/reset/`. Throws where none comes. */
export async function letterTo(folder, address, way) {
  for (const until = Date.now() + PATIENCE; Date.now() < until; await sleep(100)) {
    const [letter] = lettersTo(folder, address, way);
    if (letter) return letter;
  }
  throw new Error(`no letter to ${address} with a link to ${way}; there are ${readdirSync(folder).length} letters`);
}
