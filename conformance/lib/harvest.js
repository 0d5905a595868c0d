// Everything the sandbox serves: each type the CapabilityStatement lists, through every active patient.
import { allPages, get, matches } from "./fhir.js";
import { SCOPE, launch } from "./oauth.js";
import { activePatients, clientOf } from "./target.js";

const PAGE = 5;

// A panel tells of other patients, so no patient's app sees one; the definitions are for everybody and judged by HAPI.
const NOT_A_PATIENTS = new Set(["Group", "StructureDefinition", "SearchParameter", "ImplementationGuide", "CapabilityStatement"]);
// Computed for weeks ahead, and one more for every look at it: the first page shows what they are like.
const ENDLESS = new Set(["Slot", "AuditEvent"]);

/**
 * Walks the server as each active patient. Answers `{ statement, bundles, resources, mismatches, types }`:
 * `resources` holds each once, `mismatches` the reads that differ from the search that named them.
 */
export async function harvest(target) {
  const { body: statement } = await get(`${target.fhir}/metadata`);
  const types = statement.rest[0].resource.filter((one) => !NOT_A_PATIENTS.has(one.type));
  const seen = new Map();
  const bundles = [];
  const mismatches = [];
  for (const patient of activePatients(target)) {
    const scope = scopesFor(types);
    const { body: { access_token: token } } = await launch(target, clientOf(target, "public"), patient, { scope });
    const found = [];
    for (const type of types.filter((one) => can(one, "search-type"))) {
      const first = `${target.fhir}/${type.type}?_count=${PAGE}`;
      const pages = ENDLESS.has(type.type) ? [(await get(first, token)).body] : await allPages(first, token);
      bundles.push(...pages);
      found.push(...matches(pages));
    }
    found.push(...(await binariesBehind(found, target, token)));
    for (const resource of found) {
      const path = `${resource.resourceType}/${resource.id}`;
      if (seen.has(path)) continue;
      seen.set(path, resource);
      const read = await get(`${target.fhir}/${path}`, token);
      if (read.status !== 200 || JSON.stringify(read.body) !== JSON.stringify(resource)) mismatches.push(`${path}: read answers ${read.status} ${read.text.slice(0, 200)}`);
    }
  }
  return { statement, bundles, mismatches, types, resources: [...seen.values()] };
}

/** Whether the CapabilityStatement lists `interaction` for a type. */
export function can(type, interaction) {
  return (type.interaction ?? []).some((one) => one.code === interaction);
}

function scopesFor(types) {
  const context = SCOPE.split(" ").filter((scope) => !scope.startsWith("patient/"));
  return [...context, ...types.map((one) => `patient/${one.type}.${can(one, "search-type") ? "rs" : "r"}`)].join(" ");
}

async function binariesBehind(resources, target, token) {
  const urls = resources
    .filter((one) => one.resourceType === "DocumentReference")
    .flatMap((document) => document.content)
    .map((content) => content.attachment.url)
    .filter(Boolean);
  const binaries = [];
  for (const url of urls) {
    const { status, body, text } = await get(new URL(url, `${target.fhir}/`), token);
    if (status !== 200) throw new Error(`${url} answered ${status}: ${text.slice(0, 300)}`);
    binaries.push(body);
  }
  return binaries;
}
