// What ONC's g(10) kit asks beyond SMART of apps that staff start: group 3, and the launch with patient scopes of group 9.
import { get } from "../lib/fhir.js";
import { decoded } from "../lib/jwt.js";
import { authorization, authorizeUrl } from "./app.js";
import { staffApp } from "./bench.js";
import { byStaff } from "./ehr.js";
import { capabilityRow } from "./g10-patient.js";
import { launchRows } from "./launch.js";
import { openidRows } from "./openid.js";
import { refreshRows } from "./refresh.js";
import { must, need, scopes } from "./row.js";

const CAPABILITIES = [
  "launch-ehr",
  "client-confidential-symmetric",
  "client-confidential-asymmetric",
  "sso-openid-connect",
  "context-banner",
  "context-style",
  "context-ehr-patient",
  "context-ehr-encounter",
  "permission-offline",
  "permission-user",
  "permission-v1",
  "permission-v2",
  "authorize-post",
];
const USER = "launch openid fhirUser offline_access user/Patient.rs user/Encounter.rs user/Practitioner.rs user/DocumentReference.rs user/Appointment.rs";
const PATIENT = "launch openid fhirUser offline_access patient/Patient.rs";

const ALONE = "launch/patient openid fhirUser user/Patient.rs user/Practitioner.rs patient/DocumentReference.rs";

const user = {};
const alone = {};
const patient = {};

export const rows = [
  capabilityRow("g10.3.3.01 capabilities of an EHR practitioner app", CAPABILITIES),
  ...launchRows("g10.3.3.2", user, byStaff(staffApp, USER), { ehr: true }),
  {
    id: "g10.3.3.03 scopes of a practitioner app",
    requirement: "openid, fhirUser, launch, offline_access and user-level scopes are granted",
    run() {
      const body = need(user.body, "g10.3.3.2");
      const granted = scopes(body.scope);
      for (const one of scopes(user.requested)) must(granted.has(one), one, body.scope);
    },
  },
  {
    id: "g10.3.3.04 patient in context",
    requirement: "the patient staff launched for is in the response and can be read",
    async run(bench) {
      const { patient: id, access_token: token } = need(user.body, "g10.3.3.2");
      must(id === bench.patients[0].id, "another patient", id);
      const answer = await get(`${bench.target.fhir}/Patient/${id}`, token);
      must(answer.status === 200, `status ${answer.status}`, answer.text);
    },
  },
  {
    id: "g10.3.3.05 encounter in context",
    requirement: "the encounter staff launched for is in the response and can be read",
    async run(bench) {
      const { encounter, patient: id, access_token: token } = need(user.body, "g10.3.3.2");
      must(encounter, "no encounter", user.body);
      const answer = await get(`${bench.target.fhir}/Encounter/${encounter}`, token);
      must(answer.status === 200 && answer.body.resourceType === "Encounter", `status ${answer.status}`, answer.text);
      must(answer.body.subject?.reference?.endsWith(`Patient/${id}`), "the encounter of somebody else", answer.body.subject);
    },
  },
  {
    id: "g10.3.3.06 smart_style_url",
    requirement: "smart_style_url is there and answers 200 and JSON",
    async run() {
      const url = need(user.body, "g10.3.3.2").smart_style_url;
      must(url, "no smart_style_url", user.body);
      const response = await fetch(url);
      must(response.status === 200, `status ${response.status}`);
      must(typeof (await response.json()) === "object", "no JSON object");
    },
  },
  {
    id: "g10.3.3.07 need_patient_banner",
    requirement: "need_patient_banner is there, as a boolean",
    run() {
      must(typeof need(user.body, "g10.3.3.2").need_patient_banner === "boolean", "need_patient_banner", user.body.need_patient_banner);
    },
  },
  {
    id: "g10.3.3.08 the launch works once",
    requirement: "a launch value that was used, or never was, gives no code",
    async run(bench) {
      const launch = need(user.launch, "g10.3.3.2.02");
      for (const value of [launch, "made-up"]) await refusedLaunch(bench, value);
    },
  },
  ...openidRows("g10.3.4", user),
  ...refreshRows("g10.3.5", user, { withScopes: false }),
  ...launchRows("g10.9.9", patient, byStaff(staffApp, PATIENT), { ehr: true }),
  ...launchRows("staff.1", alone, async (bench) => ({ ...(await byStaff(staffApp, ALONE)(bench)), traveller: await bench.traveller("staff without a session") })),
  {
    id: "staff.2 standalone launch by staff",
    requirement: "staff log in, pick the patient, and the app reads that patient and, by user scopes, others",
    async run(bench) {
      const { patient: id, access_token: token, id_token: identity } = need(alone.body, "staff.1");
      must(id === bench.patients[0].id, "another patient", id);
      const [, other] = bench.patients;
      const answer = await get(`${bench.target.fhir}/Patient/${other.id}`, token);
      must(answer.status === 200, `another patient's record answers ${answer.status} to staff with user/Patient.rs`, answer.text);
      must(/Practitioner\/|Person\//.test(decoded(identity).claims.fhirUser ?? ""), "fhirUser", decoded(identity).claims);
    },
  },
  {
    id: "g10.9.9.11 patient scopes from the EHR",
    requirement: "patient/Patient.rs is granted to an app that staff launched, and reads only that patient",
    async run(bench) {
      const { scope, patient: id, access_token: token } = need(patient.body, "g10.9.9");
      must(scopes(scope).has("patient/Patient.rs"), "not granted", scope);
      const [own, other] = await Promise.all(bench.patients.slice(0, 2).map((one) => get(`${bench.target.fhir}/Patient/${one.id}`, token)));
      must(id === bench.patients[0].id && own.status === 200, `status ${own.status}`, own.text);
      must([403, 404].includes(other.status), `another patient's record answers ${other.status}`);
    },
  },
];

async function refusedLaunch(bench, launch) {
  const { parameters } = authorization(bench, user.client, USER, { launch });
  const traveller = await bench.traveller("staff");
  await traveller.open(authorizeUrl(bench, parameters).href);
  if ((await traveller.where()) === "app") {
    must(!traveller.arrived.searchParams.has("code") && traveller.arrived.searchParams.has("error"), "a code", traveller.arrived.search);
    return;
  }
  must((await traveller.where()).startsWith("a page"), `led on to ${await traveller.where()}`);
}
