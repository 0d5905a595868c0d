// Discovery as a stranger checks it with nothing but HTTP. WK and ID are the rows of SMART App Launch 2.2 and its OpenID profile.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { get } from "../lib/fhir.js";
import { launch, smartConfiguration } from "../lib/oauth.js";
import { activePatients, clientOf, openTarget } from "../lib/target.js";

const CAPABILITIES = [
  "launch-standalone",
  "client-public",
  "sso-openid-connect",
  "context-standalone-patient",
  "permission-offline",
  "permission-patient",
  "permission-v1",
  "permission-v2",
  "authorize-post",
];
const METHODS = ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"];

let target;

before(async () => {
  target = await openTarget("http-discovery");
});

for (const accept of [undefined, "text/html", "application/fhir+json", "application/json"]) {
  test(`WK-1, WK-2: smart-configuration is JSON without a token, Accept ${accept ?? "absent"}`, async () => {
    const response = await fetch(`${target.fhir}/.well-known/smart-configuration`, { headers: accept ? { accept } : {} });
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type"), /^application\/json/);
    assert.equal(typeof (await response.json()), "object");
  });
}

test("WK-3: every endpoint is an absolute URL", async () => {
  const found = await smartConfiguration(target);
  for (const [name, value] of Object.entries(found).filter(([name]) => /_(endpoint|uri|bundle)$/.test(name))) {
    assert.ok(URL.canParse(value) && /^https?:/.test(value), `${name}: ${value}`);
  }
});

test("WK-4 to WK-8: endpoints, capabilities, grant types and PKCE methods", async () => {
  const found = await smartConfiguration(target);
  assert.ok(found.authorization_endpoint && found.token_endpoint);
  assert.ok(found.capabilities.length > 0 && found.capabilities.every((one) => typeof one === "string"));
  for (const one of CAPABILITIES) assert.ok(found.capabilities.includes(one), one);
  assert.ok(found.grant_types_supported.includes("authorization_code"));
  assert.ok(found.code_challenge_methods_supported.includes("S256"));
  assert.ok(!found.code_challenge_methods_supported.includes("plain"));
  assert.deepEqual(found.response_types_supported, ["code"]);
});

test("WK-9: issuer and jwks_uri belong to sso-openid-connect", async () => {
  const found = await smartConfiguration(target);
  assert.equal(typeof found.issuer, "string");
  assert.equal(typeof found.jwks_uri, "string");
});

test("WK-10, WK-11: the client authentication announced is the one SMART knows", async () => {
  const found = await smartConfiguration(target);
  const methods = found.token_endpoint_auth_methods_supported ?? [];
  assert.ok(methods.every((one) => METHODS.includes(one)), String(methods));
  if (found.capabilities.includes("client-confidential-asymmetric")) {
    assert.ok(methods.includes("private_key_jwt"));
    assert.ok(found.token_endpoint_auth_signing_alg_values_supported.some((one) => ["RS384", "ES384"].includes(one)));
  }
  if (found.capabilities.includes("client-confidential-symmetric")) assert.ok(methods.includes("client_secret_basic"));
});

test("WK-12: every scope announced is well formed and its type is in the CapabilityStatement", async () => {
  const found = await smartConfiguration(target);
  const { body } = await get(`${target.fhir}/metadata`);
  const types = body.rest[0].resource.map((one) => one.type);
  const clinical = found.scopes_supported.filter((one) => one.includes("/") && !one.startsWith("launch/") && !/^https?:/.test(one));
  assert.ok(clinical.some((one) => /^(patient|user|system)\/[\w*]+\.c?r?u?d?s?(\?.*)?$/.test(one)), "a v2 scope");
  for (const scope of clinical) {
    const [, type] = /^(?:patient|user|system)\/(\w+|\*)\.(?:read|write|\*|c?r?u?d?s?)(?:\?.+)?$/.exec(scope) ?? [];
    assert.ok(type === "*" || types.includes(type), scope);
  }
});

test("WK-13 to WK-16: whatever else is announced answers", async () => {
  const found = await smartConfiguration(target);
  for (const [member, value] of Object.entries(found).filter(([name]) => /_endpoint$/.test(name))) {
    const { status } = await fetch(value, { redirect: "manual" });
    assert.ok(status !== 404 && status < 500, `${member} ${value} answers ${status}`);
  }
  if (found.user_access_brand_bundle) assert.equal((await fetch(found.user_access_brand_bundle)).status, 200);
});

test("WK-17: both discovery documents, metadata and jwks are open to any origin", async () => {
  const { jwks_uri } = await smartConfiguration(target);
  const urls = [`${target.fhir}/.well-known/smart-configuration`, `${target.base}/.well-known/openid-configuration`, `${target.fhir}/metadata`, jwks_uri];
  for (const url of urls) {
    const response = await fetch(url, { headers: { origin: "https://app.example.org" } });
    assert.equal(response.status, 200, url);
    assert.ok(["*", "https://app.example.org"].includes(response.headers.get("access-control-allow-origin")), url);
  }
});

test("ID-2, ID-3: openid-configuration has what it must and agrees with smart-configuration", async () => {
  const smart = await smartConfiguration(target);
  const response = await fetch(`${smart.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type"), /^application\/json/);
  const found = await response.json();
  for (const name of ["response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"]) assert.ok(found[name]?.length > 0, name);
  assert.ok(found.id_token_signing_alg_values_supported.includes("RS256"));
  for (const name of ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"]) assert.equal(found[name], smart[name], name);
});

test("ID-4, ID-5: jwks holds importable RSA keys and the id_token names one", async () => {
  const { jwks_uri } = await smartConfiguration(target);
  const { keys } = await (await fetch(jwks_uri)).json();
  const rsa = keys.filter((key) => key.kty === "RSA");
  assert.ok(rsa.length > 0);
  for (const key of rsa) {
    assert.equal(key.d, undefined, "no private part");
    await crypto.subtle.importKey("jwk", { kty: "RSA", n: key.n, e: key.e }, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["verify"]);
  }
  const { body } = await launch(target, clientOf(target, "public"), activePatients(target)[0]);
  const header = JSON.parse(Buffer.from(body.id_token.split(".")[0], "base64url"));
  assert.ok(rsa.some((key) => key.kid === header.kid), header.kid);
});

test("the CapabilityStatement needs no token, is R4 and lists the OAuth endpoints", async () => {
  const smart = await smartConfiguration(target);
  const { status, headers, body } = await get(`${target.fhir}/metadata`);
  assert.equal(status, 200);
  assert.match(headers.get("content-type"), /^application\/fhir\+json/);
  assert.equal(body.fhirVersion, "4.0.1");
  assert.equal(body.rest[0].security.cors, true);
  const uris = body.rest[0].security.extension.find((one) => one.url.endsWith("/oauth-uris")).extension;
  assert.equal(uris.find((one) => one.url === "authorize").valueUri, smart.authorization_endpoint);
  assert.equal(uris.find((one) => one.url === "token").valueUri, smart.token_endpoint);
});
