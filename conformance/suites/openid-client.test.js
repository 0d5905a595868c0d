// The npm package `openid-client`: would an OpenID Connect client that nobody here wrote accept us?
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as oidc from "openid-client";
import { Agent } from "../lib/agent.js";
import { SCOPE, consent, login } from "../lib/oauth.js";
import { activePatients, clientOf, openTarget } from "../lib/target.js";

let target;

before(async () => {
  target = await openTarget("openid-client");
});

async function discover(client, authentication) {
  const server = await oidc.discovery(new URL(target.base), client.client_id, undefined, authentication, {
    execute: [oidc.allowInsecureRequests],
  });
  // Without this the signature of an id_token that came straight from the token endpoint is not looked at.
  oidc.enableNonRepudiationChecks(server);
  return server;
}

async function signIn(server, client, patient) {
  const checks = { pkceCodeVerifier: oidc.randomPKCECodeVerifier(), expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce(), idTokenExpected: true };
  const url = oidc.buildAuthorizationUrl(server, {
    redirect_uri: client.redirect_uris[0],
    scope: SCOPE,
    aud: target.fhir,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const agent = new Agent({ stop: client.redirect_uris[0] });
  const page = await consent(agent, await login(agent, await agent.open(url), patient), "approve");
  assert.ok(page.stopped, `the forms lead back to the app, not to ${page.url} (${page.status})`);
  return oidc.authorizationCodeGrant(server, page.stopped, checks);
}

test("discovery is accepted", async () => {
  const server = await discover(clientOf(target, "public"), oidc.None());
  const metadata = server.serverMetadata();
  assert.equal(metadata.issuer.replace(/\/$/, ""), target.base);
  assert.ok(metadata.supportsPKCE(), "S256 is announced");
});

test("a public client signs a patient in, checks the id_token, asks userinfo and refreshes", async () => {
  const client = clientOf(target, "public");
  const [patient] = activePatients(target);
  const server = await discover(client, oidc.None());
  const tokens = await signIn(server, client, patient);

  const claims = tokens.claims();
  // OpenID Connect Core, 2: an array, or one string where there is one audience.
  assert.deepEqual([claims.aud].flat(), [client.client_id]);
  assert.ok(claims.sub.length > 0 && claims.sub.length < 256);
  assert.match(claims.fhirUser, new RegExp(`(^|/)Patient/${patient.id}$`));
  const header = JSON.parse(Buffer.from(tokens.id_token.split(".")[0], "base64url"));
  assert.equal(header.alg, "RS256");
  assert.equal(tokens.patient, patient.id);

  const person = await oidc.fetchUserInfo(server, tokens.access_token, claims.sub);
  assert.equal(person.sub, claims.sub);

  const refreshed = await oidc.refreshTokenGrant(server, tokens.refresh_token);
  assert.notEqual(refreshed.access_token, tokens.access_token);
  assert.equal((await oidc.fetchUserInfo(server, refreshed.access_token, claims.sub)).sub, claims.sub);
});

test("the subject is the person's own and stays the same", async () => {
  const client = clientOf(target, "public");
  const server = await discover(client, oidc.None());
  const [first, second] = activePatients(target);
  const subjects = [];
  for (const patient of [first, first, second]) subjects.push((await signIn(server, client, patient)).claims().sub);
  assert.equal(subjects[0], subjects[1]);
  assert.notEqual(subjects[0], subjects[2]);
});
