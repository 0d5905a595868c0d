// What ONC's g(10) kit asks beyond SMART of patient apps: groups 1 (standalone) and 2 (a patient who grants less).
import { can } from "../lib/harvest.js";
import { get, outcomeProblems } from "../lib/fhir.js";
import { refresh } from "./app.js";
import { launchRows } from "./launch.js";
import { refreshRows } from "./refresh.js";
import { oauthError } from "./response.js";
import { must, need, only, scopes } from "./row.js";
import { byPatient } from "./standalone.js";

const CAPABILITIES = [
  "launch-standalone",
  "client-public",
  "client-confidential-symmetric",
  "client-confidential-asymmetric",
  "sso-openid-connect",
  "context-standalone-patient",
  "permission-offline",
  "permission-patient",
  "permission-v1",
  "permission-v2",
  "authorize-post",
];

// US Core 6.1.0, of 7.0.0 also Location; then what the kit searches without demanding a scope for it.
const WANTED = "Patient AllergyIntolerance CarePlan CareTeam Condition DiagnosticReport DocumentReference Goal Immunization MedicationRequest Observation Procedure Provenance ServiceRequest Coverage MedicationDispense Specimen Location".split(" ");
const ALSO = ["Encounter", "Practitioner", "PractitionerRole", "Organization", "RelatedPerson"];

// How each type is searched where it is not by patient.
const BY = { Patient: (patient) => `_id=${patient}`, Practitioner: () => "name=a", Organization: () => "name=a", Location: () => "name=a", PractitionerRole: () => "specialty=a" };

const LIMITED = ["Patient", "DocumentReference", "Appointment", "Communication"];
const DENIED = ["Appointment", "Communication"];

const whole = {};
const limited = {};

/** The CapabilityStatement's types, asked for once. */
export function served(bench) {
  return bench.once("types", async () => (await get(`${bench.target.fhir}/metadata`)).body.rest[0].resource);
}

/** The row of a list of capabilities. */
export function capabilityRow(id, list) {
  return {
    id,
    requirement: `smart-configuration lists ${list.join(", ")}`,
    run({ smart }) {
      const missing = list.filter((one) => !smart.capabilities.includes(one));
      must(missing.length === 0, "missing", missing);
    },
  };
}

/** One search of a type that must be 200; skipped with the reason where the server does not serve the type. */
export async function searchable(bench, type, body) {
  const found = (await served(bench)).find((one) => one.type === type);
  only(found, `the server does not serve ${type}; g(10) as a whole needs every US Core type`);
  only(can(found, "search-type"), `${type} is served by read and _revinclude, not by search`);
  const query = (BY[type] ?? ((patient) => `patient=${patient}`))(body.patient);
  const { status, text } = await get(`${bench.target.fhir}/${type}?${query}`, body.access_token);
  must(status === 200, `${type}?${query} answers ${status}`, text);
}

export const rows = [
  capabilityRow("g10.1.8.01 capabilities of a standalone patient app", CAPABILITIES),
  ...launchRows("g10.1.8.2", whole, byPatient("confidential")),
  {
    id: "g10.1.8.03 scopes of a patient app",
    requirement: "openid, fhirUser, launch/patient, offline_access and every patient scope asked for are granted",
    run() {
      const body = need(whole.body, "g10.1.8.2");
      const granted = scopes(body.scope);
      for (const one of scopes(whole.requested)) {
        if (one.startsWith("patient/")) must([...granted].some((scope) => scope.startsWith("patient/")), "no patient scope", body.scope);
        else must(granted.has(one), one, body.scope);
      }
      must(granted.has("patient/*.rs"), "patient/*.rs was asked for and not granted", body.scope);
    },
  },
  {
    id: "g10.1.8.04 unauthenticated read",
    requirement: "a Patient read without a token is 401 and says Bearer",
    async run(bench) {
      const answer = await get(`${bench.target.fhir}/Patient/${bench.patients[0].id}`);
      must(answer.status === 401, "status", answer.status);
      must(/^Bearer/.test(answer.headers.get("www-authenticate") ?? ""), "WWW-Authenticate", String(answer.headers.get("www-authenticate")));
      must(outcomeProblems(answer).length === 0, "no OperationOutcome", outcomeProblems(answer));
    },
  },
  {
    id: "g10.1.8.05 patient in context",
    requirement: "patient of the token response is the one who logged in, and can be read",
    async run(bench) {
      const { patient, access_token: token } = need(whole.body, "g10.1.8.2");
      must(patient === bench.patients[0].id, "another patient", patient);
      const answer = await get(`${bench.target.fhir}/Patient/${patient}`, token);
      must(answer.status === 200 && answer.body.resourceType === "Patient", `status ${answer.status}`, answer.text);
    },
  },
  ...refreshRows("g10.1.11", whole, { withScopes: false }),
  ...refreshRows("g10.1.12", whole, { withScopes: true }),
  {
    id: "g10.1.11.04 patient in context after the refresh",
    requirement: "the new token reads the same patient",
    async run(bench) {
      const { access_token: token } = need(whole.body, "g10.1.8.2");
      const answer = await get(`${bench.target.fhir}/Patient/${bench.patients[0].id}`, token);
      must(answer.status === 200, `status ${answer.status}`, answer.text);
    },
  },
  {
    id: "g10.1.11.05 invalid refresh token",
    requirement: "a made-up refresh token is 400 or 401",
    async run(bench) {
      need(whole.body, "g10.1.8.2");
      oauthError(await refresh(bench, whole.client, `${whole.body.refresh_token}x`), [400, 401], ["invalid_grant"]);
    },
  },
  ...[...WANTED, ...ALSO].map((type) => ({
    id: `g10.1.13 unrestricted ${type}`,
    requirement: `with patient/*.rs a search for ${type} is 200`,
    run: (bench) => searchable(bench, type, need(whole.body, "g10.1.8.2")),
  })),
  ...launchRows("g10.2.1", limited, limitedPlan),
  {
    id: "g10.2.2 limited scopes",
    requirement: `a patient who unticks ${DENIED.join(" and ")} grants exactly the rest, and the token response says so`,
    run() {
      const body = need(limited.body, "g10.2.1");
      const wanted = [...scopes(limited.requested)].filter((scope) => !DENIED.some((type) => scope.startsWith(`patient/${type}.`)));
      const granted = scopes(body.scope);
      must(granted.size === wanted.length && wanted.every((one) => granted.has(one)), `granted is not ${wanted.join(" ")}`, body.scope);
    },
  },
  ...LIMITED.map((type) => ({
    id: `g10.2.3 restricted ${type}`,
    requirement: DENIED.includes(type) ? `a search for ${type} is 401 or 403` : `a search for ${type} is 200`,
    async run(bench) {
      const body = need(limited.body, "g10.2.1");
      if (!DENIED.includes(type)) return searchable(bench, type, body);
      const answer = await get(`${bench.target.fhir}/${type}?patient=${body.patient}`, body.access_token);
      must([401, 403].includes(answer.status), `status ${answer.status}`, answer.text);
      return undefined;
    },
  })),
  {
    id: "g10.9.x granular scope selection",
    requirement: "asked for resource-level Condition and Observation scopes, the patient grants granular ones",
    async run(bench) {
      const types = (await served(bench)).map((one) => one.type);
      const missing = ["Condition", "Observation"].filter((type) => !types.includes(type));
      only(missing.length === 0, `the server does not serve ${missing.join(" and ")}`);
      throw new Error("Condition and Observation are served now: this row must be written");
    },
  },
];

async function limitedPlan(bench) {
  const scope = ["launch/patient openid fhirUser offline_access", ...LIMITED.map((type) => `patient/${type}.rs`)].join(" ");
  const without = DENIED.map((type) => `patient/${type}.rs`);
  return byPatient("confidential", scope, { without })(bench);
}
