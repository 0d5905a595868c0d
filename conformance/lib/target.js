// The server under test, as a stranger knows it: a base URL and the sandbox's demo.json.
import { readFile } from "node:fs/promises";

/**
 * Reads ANTEROOM_DEMO_JSON (and ANTEROOM_URL, which overrides its public_url) and prints which
 * server a suite is about to judge. Throws with a sentence if the file is missing or unreadable.
 */
export async function openTarget(suite) {
  const file = process.env.ANTEROOM_DEMO_JSON;
  if (!file) throw new Error("set ANTEROOM_DEMO_JSON (or --demo) to the demo.json of the server under test");
  const demo = JSON.parse(await readFile(file, "utf8"));
  const base = (process.env.ANTEROOM_URL || demo.public_url).replace(/\/$/, "");
  const fhir = demo.fhir_base.replace(demo.public_url.replace(/\/$/, ""), base);
  console.log(`${suite}: against ${base}, FHIR base ${fhir}`);
  return { base, fhir, demo };
}

/** The patients who may log in and have records. */
export function activePatients({ demo }) {
  const found = demo.patients.filter(
    (p) => p.username && p.password && /\bactive\b/.test(p.notes) && !/not authori[sz]ed|must change|\bnot active\b/.test(p.notes),
  );
  if (found.length < 2) throw new Error("demo.json names fewer than two active patients with a password");
  return found;
}

/** The one patient whose notes match, for the states other than active. */
export function patientWhere({ demo }, notes) {
  const found = demo.patients.find((p) => p.username && p.password && notes.test(p.notes));
  if (!found) throw new Error(`demo.json has no patient with credentials and the notes ${notes}`);
  return found;
}

/** The first client of a kind: public, confidential, asymmetric or backend. */
export function clientOf({ demo }, kind) {
  const found = demo.clients.find((c) => c.kind === kind);
  if (!found) throw new Error(`demo.json has no ${kind} client`);
  return found;
}

/** The first member of staff with a role: portal-admin or portal-user. */
export function staffOf({ demo }, role) {
  const found = (demo.staff ?? []).find((one) => one.username && one.password && (one.roles ?? []).includes(role));
  if (!found) throw new Error(`demo.json has no staff with a password and the role ${role}`);
  return found;
}

/** The loopback redirect at which the suites themselves listen. */
export const CALLBACK = "http://127.0.0.1:8765/callback";
