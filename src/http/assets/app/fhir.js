// FHIR over fetch: read, search with all pages, cancel, download. Errors carry the server's own sentence.

import { FHIR, LaunchError, current, note, refresh } from "./launch.js";

const PAGES = 20;
const known = new Map();

/** A refused FHIR call: the sentence of its OperationOutcome, the status, the reason codes. */
export class FhirError extends Error {
  constructor(status, outcome) {
    super(sentenceOf(status, outcome));
    this.status = status;
  }
}

/** One resource by type and id, or by a relative reference. */
export async function read(reference) {
  return json(await call(within(`${FHIR}/${reference}`)));
}

/** The same, remembered for the life of the page; null when it cannot be read. */
export function lookUp(reference) {
  if (!known.has(reference)) {
    known.set(reference, read(reference).catch(() => null));
  }
  return known.get(reference);
}

/** Every match of a search, following the `next` links. */
export async function search(type, parameters) {
  const found = [];
  let url = `${FHIR}/${type}?${new URLSearchParams(parameters)}`;
  for (let page = 0; url && page < PAGES; page += 1) {
    const bundle = await json(await call(within(url)));
    for (const entry of bundle.entry ?? []) {
      if (entry.resource?.resourceType === type && entry.search?.mode !== "outcome") {
        found.push(entry.resource);
      }
    }
    url = (bundle.link ?? []).find((link) => link.relation === "next")?.url;
  }
  return found;
}

/** Asks the practice to cancel an appointment. Gives { waiting, sentence }. */
export async function cancel(id) {
  const answer = await call(`${FHIR}/Appointment/${id}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json-patch+json", Accept: "application/fhir+json", Prefer: "return=representation" },
    body: JSON.stringify([{ op: "replace", path: "/status", value: "cancelled" }]),
  });
  const body = await answer.json().catch(() => null);
  // 202: a member of staff decides; the appointment stands until then.
  return { waiting: answer.status === 202, sentence: issueText(body) };
}

/** The file behind an attachment, as a Blob of its own type. */
export async function download(attachment) {
  const type = attachment.contentType || "application/octet-stream";
  const answer = await call(within(new URL(attachment.url, `${FHIR}/`).href), { headers: { Accept: `${type}, */*;q=0.5` } });
  const kind = answer.headers.get("Content-Type") ?? "";
  if (kind.includes("fhir+json") && !type.includes("json")) {
    const binary = await answer.json();
    const bytes = Uint8Array.from(atob(binary.data ?? ""), (letter) => letter.charCodeAt(0));
    return new Blob([bytes], { type: binary.contentType || type });
  }
  return new Blob([await answer.arrayBuffer()], { type });
}

// The token goes to the practice's FHIR base and nowhere else, whatever a link says.
function within(url) {
  if (!new URL(url).href.startsWith(`${FHIR}/`)) {
    throw new FhirError(0, { issue: [{ diagnostics: "This link leads away from the practice, so it was not opened." }] });
  }
  return url;
}

async function call(url, options = {}) {
  let answer = await once(url, options);
  if (answer.status === 401 && current()?.refreshToken) {
    await refresh();
    answer = await once(url, options);
  }
  if (answer.status === 401) {
    throw new LaunchError("Your connection has ended. Connect again.", "invalid_token");
  }
  if (!answer.ok) {
    throw new FhirError(answer.status, await answer.json().catch(() => null));
  }
  return answer;
}

async function once(url, options) {
  const started = performance.now();
  const headers = { Accept: "application/fhir+json", ...options.headers, Authorization: `Bearer ${current()?.accessToken}` };
  let answer;
  try {
    answer = await fetch(url, { ...options, headers, cache: "no-store" });
  } catch {
    throw new FhirError(0, null);
  }
  const took = Math.round(performance.now() - started);
  note(`${options.method ?? "GET"} ${url.slice(FHIR.length)}`, `${answer.status} in ${took} ms`);
  return answer;
}

async function json(answer) {
  try {
    return await answer.json();
  } catch {
    throw new FhirError(answer.status, null);
  }
}

function issueText(outcome) {
  return (outcome?.issue ?? [])
    .map((issue) => issue.details?.text || issue.diagnostics)
    .filter(Boolean)
    .join(" ");
}

function sentenceOf(status, outcome) {
  const said = issueText(outcome);
  if (said) {
    return said;
  }
  if (status === 0) {
    return "The practice's server does not answer. Check your connection and try again.";
  }
  if (status === 403) {
    return "You did not allow this app to see this part.";
  }
  return `The practice's server could not answer (status ${status}). Try again in a minute.`;
}
