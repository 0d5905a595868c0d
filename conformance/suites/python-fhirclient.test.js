// The PyPI package `fhirclient`: finds the endpoints in the CapabilityStatement, launches, reads with its own model classes.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Agent } from "../lib/agent.js";
import { assertion } from "../lib/jwt.js";
import { consent, login, smartConfiguration, words } from "../lib/oauth.js";
import { startPython } from "../lib/pyfhirclient.js";
import { activePatients, clientOf, openTarget } from "../lib/target.js";

const SCOPE = "launch/patient openid fhirUser offline_access patient/Patient.rs patient/Appointment.rs patient/DocumentReference.rs";

let target;

before(async () => {
  target = await openTarget("python-fhirclient");
});

async function launched(t, client, patient) {
  const python = startPython();
  t.after(() => python.end());
  const settings = { app_id: client.client_id, api_base: `${target.fhir}/`, redirect_uri: client.redirect_uris[0], scope: SCOPE };
  if (client.client_secret) settings.app_secret = client.client_secret;
  const { authorize_url } = await python.step("start", { settings });
  // The library sends the FHIR base it was given, with its slash.
  assert.equal(new URL(authorize_url).searchParams.get("aud").replace(/\/$/, ""), target.fhir);
  const agent = new Agent({ stop: client.redirect_uris[0] });
  const page = await consent(agent, await login(agent, await agent.open(authorize_url), patient), "approve");
  assert.ok(page.stopped, `the forms lead back to the app, not to ${page.url}: ${page.root && words(page)}`);
  return { python, ...(await python.step("callback", { url: page.stopped.href })) };
}

for (const kind of ["public", "confidential"]) {
  test(`a ${kind} app launches, reads and searches with the library's models, and refreshes`, async (t) => {
    const [patient] = activePatients(target);
    const found = await launched(t, clientOf(target, kind), patient);
    assert.equal(found.patient, patient.id);
    assert.equal(found.birth_date, patient.birth_date);
    assert.ok(found.name.includes(patient.name.split(" ").at(-1)), found.name);
    const { documents, appointments } = await found.python.step("search");
    assert.ok(documents.length > 0 && appointments.length > 0);
    assert.equal(new Set(documents).size, documents.length, "no document twice");
    const refreshed = await found.python.step("refresh");
    assert.ok(refreshed.changed);
    assert.equal(refreshed.patient, patient.id);
  });
}

test("a backend service hands in its assertion and searches patients", async (t) => {
  const client = clientOf(target, "backend");
  const { token_endpoint } = await smartConfiguration(target);
  const python = startPython();
  t.after(() => python.end());
  const scope = client.scope.split(" ").filter((one) => one.startsWith("system/")).join(" ");
  const jwt_token = assertion({ client: client.client_id, jwk: client.private_jwk, audience: token_endpoint });
  await python.step("start", { settings: { app_id: client.client_id, api_base: `${target.fhir}/`, scope, jwt_token } });
  const { patients } = await python.step("authorize");
  assert.ok(activePatients(target).every((one) => patients.includes(one.id)), `${patients.length} patients`);
});
