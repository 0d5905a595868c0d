// The US Core packages as they were published: definitions and examples out of the .tgz.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const BESIDE = fileURLToPath(new URL("../../../shared/fhir/", import.meta.url));
const BLOCK = 512;

/** Where the packages may be: FHIR_PACKAGES (a file or a folder), or the folder beside the project. */
function files() {
  const place = process.env.FHIR_PACKAGES || BESIDE;
  if (!existsSync(place)) return [];
  if (statSync(place).isFile()) return [place];
  return readdirSync(place).filter((name) => name.endsWith(".tgz")).map((name) => join(place, name));
}

/** Every US Core package at hand: `[{ version, definitions, examples }]`, the oldest first. */
export function usCore() {
  const found = [];
  for (const file of files()) {
    const entries = [...unpacked(readFileSync(file))].filter(([name]) => name.endsWith(".json"));
    const manifest = entries.find(([name]) => name === "package/package.json")?.[1];
    if (!manifest || JSON.parse(manifest).name !== "hl7.fhir.us.core") continue;
    const resources = (pattern) => entries.filter(([name]) => pattern.test(name)).map(([, text]) => JSON.parse(text)).filter((one) => one.resourceType);
    found.push({ version: JSON.parse(manifest).version, definitions: resources(/^package\/[^/]+\.json$/), examples: resources(/^package\/example\/[^/]+\.json$/) });
  }
  return found.sort((a, b) => (a.version < b.version ? -1 : 1));
}

// A tar archive: blocks of 512 bytes, a header with name and octal size before each file (POSIX ustar).
function* unpacked(bytes) {
  const tar = gunzipSync(bytes);
  const text = (from, length) => tar.toString("utf8", from, from + length).replace(/\0.*$/s, "");
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12).trim() || "0", 8);
    const prefix = text(at + 345, 155);
    const name = `${prefix ? `${prefix}/` : ""}${text(at, 100)}`;
    yield [name, tar.toString("utf8", at + BLOCK, at + BLOCK + size)];
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
