// The authorization server as a stranger checks it with nothing but HTTP. AZ and TK are the rows of SMART App Launch 2.2.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Agent } from "../lib/agent.js";
import { get } from "../lib/fhir.js";
import { authorizationRequest, codeForm, launch, openAuthorize, smartConfiguration, token } from "../lib/oauth.js";
import { activePatients, clientOf, openTarget } from "../lib/target.js";

const ORIGIN = "http://127.0.0.1:8765";

let target;
let client;
let ana;
let session;

before(async () => {
  target = await openTarget("http-oauth");
  client = clientOf(target, "public");
  [ana] = activePatients(target);
  session = await launch(target, client, ana);
});

test("TK-2 to TK-4: the token response and its headers", () => {
  const { status, headers, body } = session;
  assert.equal(status, 200);
  // RFC 6749, 7.1: the name of a token type is compared without regard to case.
  assert.equal(body.token_type.toLowerCase(), "bearer");
  assert.equal(typeof body.expires_in, "number");
  assert.equal(typeof body.scope, "string");
  assert.equal(body.patient, ana.id);
  assert.match(headers.get("cache-control"), /no-store/);
  assert.match(headers.get("pragma"), /no-cache/);
  assert.equal(session.redirect.searchParams.get("state"), session.request.parameters.state);
});

test("TK-9: the token endpoint is open to the origin of a public client, preflight included", async () => {
  const { token_endpoint } = await smartConfiguration(target);
  const preflight = await fetch(token_endpoint, { method: "OPTIONS", headers: { origin: ORIGIN, "access-control-request-method": "POST", "access-control-request-headers": "content-type" } });
  assert.ok(preflight.ok, String(preflight.status));
  assert.ok(["*", ORIGIN].includes(preflight.headers.get("access-control-allow-origin")));
  assert.match(`${preflight.headers.get("access-control-allow-methods")}`, /POST|\*/);
  const answer = await token(target, { grant_type: "authorization_code" }, { origin: ORIGIN });
  assert.ok(["*", ORIGIN].includes(answer.headers.get("access-control-allow-origin")));
});

test("every OAuth error is JSON by RFC 6749, 5.2", async () => {
  const base = { client_id: client.client_id, redirect_uri: client.redirect_uris[0] };
  const table = [
    [{ ...base, grant_type: "authorization_code", code: "nonsense", code_verifier: "v".repeat(43) }, "invalid_grant", [400]],
    [{ ...base, grant_type: "refresh_token", refresh_token: "nonsense" }, "invalid_grant", [400]],
    [{ ...base, grant_type: "not_a_grant_type" }, "unsupported_grant_type", [400]],
    [{ ...base }, "invalid_request", [400]],
    [{ grant_type: "authorization_code", code: "nonsense", redirect_uri: base.redirect_uri, client_id: "nobody", code_verifier: "v".repeat(43) }, "invalid_client", [400, 401]],
  ];
  for (const [form, error, statuses] of table) {
    const answer = await token(target, form);
    assert.equal(answer.body.error, error, JSON.stringify(form));
    assert.ok(statuses.includes(answer.status), `${error} ${answer.status}`);
    assert.match(answer.headers.get("content-type"), /^application\/json/);
    assert.match(answer.headers.get("cache-control"), /no-store/);
    assert.equal(answer.body.resourceType, undefined);
  }
});

test("a request for a code with a wrong client or redirect is a page, never a redirect", async () => {
  const { parameters } = authorizationRequest(target, client);
  for (const wrong of [{ client_id: "nobody" }, { redirect_uri: "http://127.0.0.1:8765/callback/" }, { redirect_uri: "https://evil.example/callback" }]) {
    const { authorization_endpoint } = await smartConfiguration(target);
    const url = new URL(authorization_endpoint);
    url.search = new URLSearchParams({ ...parameters, ...wrong }).toString();
    const response = await fetch(url, { redirect: "manual" });
    assert.equal(response.status, 400, JSON.stringify(wrong));
    assert.equal(response.headers.get("location"), null);
  }
});

test("AZ-2, AZ-5 to AZ-7: other mistakes go back to the app as an error with its state", async () => {
  const { parameters } = authorizationRequest(target, client);
  const table = [
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ code_challenge_method: "plain" }, "invalid_request"],
    [{ code_challenge: "" }, "invalid_request"],
    [{ aud: "https://evil.example/fhir" }, "invalid_request"],
    [{ scope: "" }, "invalid_scope"],
  ];
  for (const [wrong, error] of table) {
    const agent = new Agent({ stop: client.redirect_uris[0] });
    const { stopped } = await openAuthorize(target, agent, { ...parameters, ...wrong });
    assert.ok(stopped, `${JSON.stringify(wrong)} comes back to the app`);
    const got = stopped.searchParams.get("error");
    assert.ok(got === error || (error === "invalid_scope" && got === "invalid_request"), `${JSON.stringify(wrong)}: ${got}`);
    assert.equal(stopped.searchParams.get("state"), parameters.state);
    assert.equal(stopped.searchParams.get("code"), null);
  }
});

test("AZ-1: the authorization endpoint takes a POST as well", async () => {
  const { authorization_endpoint } = await smartConfiguration(target);
  const agent = new Agent({ stop: client.redirect_uris[0] });
  const { parameters } = authorizationRequest(target, client);
  const page = await agent.open(authorization_endpoint, { method: "POST", body: new URLSearchParams(parameters) });
  assert.equal(page.status, 200);
  assert.ok(page.root.querySelector("input[name=password]"), "the login form");
});

test("the pages cannot be framed or cached, and their forms carry a token", async () => {
  const agent = new Agent({ stop: client.redirect_uris[0] });
  const page = await openAuthorize(target, agent, authorizationRequest(target, client).parameters);
  assert.match(page.headers.get("content-security-policy"), /frame-ancestors/);
  assert.match(page.headers.get("cache-control"), /no-store/);
  assert.ok(page.root.querySelector("form input[type=hidden][name=csrf]")?.getAttribute("value"));
});

test("TK-10, TK-13: a code needs its verifier, works once, and its second use ends the tokens", async () => {
  const again = await launch(target, client, ana, { agent: session.agent });
  assert.equal((await get(`${target.fhir}/Patient/${ana.id}`, again.body.access_token)).status, 200);
  const replay = await token(target, codeForm(again.request, again.code));
  assert.equal(replay.status, 400);
  assert.equal(replay.body.error, "invalid_grant");
  assert.equal((await get(`${target.fhir}/Patient/${ana.id}`, again.body.access_token)).status, 401);
});

test("a refresh rotates, narrows and never widens", async () => {
  const { body } = await launch(target, client, ana, { agent: session.agent });
  const form = { grant_type: "refresh_token", client_id: client.client_id };
  const wider = await token(target, { ...form, refresh_token: body.refresh_token, scope: `${body.scope} patient/Observation.cruds` });
  assert.equal(wider.body.error, "invalid_scope");
  const narrow = await token(target, { ...form, refresh_token: body.refresh_token, scope: "launch/patient offline_access patient/Patient.rs" });
  assert.equal(narrow.status, 200, JSON.stringify(narrow.body));
  assert.notEqual(narrow.body.access_token, body.access_token);
  assert.equal((await get(`${target.fhir}/Appointment`, narrow.body.access_token)).status, 403);
  assert.equal((await get(`${target.fhir}/Patient/${ana.id}`, narrow.body.access_token)).status, 200);
});
