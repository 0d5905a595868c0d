// The npm package `openid-client`: would an OpenID Connect client that nobody here wrote accept us?
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as oidc from "openid-client";
import { Agent } from "../lib/agent.js";
import { get } from "../lib/fhir.js";
import { algorithmOf, newKey, publicHalf } from "../lib/jwt.js";
import { SCOPE, consent, login, words } from "../lib/oauth.js";
import { CALLBACK, activePatients, clientOf, openTarget } from "../lib/target.js";

const IMPORT = { RS384: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" }, ES384: { name: "ECDSA", namedCurve: "P-384" } };
const BYE = "http://127.0.0.1:8765/goodbye";

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

// SMART wants the token endpoint as audience; the library, by a newer draft, names the issuer.
async function signing(jwk) {
  const { token_endpoint } = await (await fetch(`${target.base}/.well-known/openid-configuration`)).json();
  const { kty, n, e, d, p, q, dp, dq, qi, crv, x, y } = jwk;
  const bare = JSON.parse(JSON.stringify({ kty, n, e, d, p, q, dp, dq, qi, crv, x, y }));
  const key = await crypto.subtle.importKey("jwk", bare, IMPORT[algorithmOf(jwk)], false, ["sign"]);
  return oidc.PrivateKeyJwt({ key, kid: jwk.kid }, {
    [oidc.modifyAssertion](header, claims) {
      claims.aud = token_endpoint;
    },
  });
}

async function reads(client, token) {
  return (await get(`${target.fhir}/Patient/${activePatients(target)[0].id}`, token)).status;
}

async function signIn(server, client, patient, agent = new Agent({ stop: client.redirect_uris[0] })) {
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
  const page = await consent(agent, await login(agent, await agent.open(url), patient), "approve");
  assert.ok(page.stopped, `the forms lead back to the app, not to ${page.url} (${page.status}) ${page.root && words(page)}`);
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

for (const [name, method] of Object.entries({ client_secret_basic: oidc.ClientSecretBasic, client_secret_post: oidc.ClientSecretPost })) {
  test(`${name}: sign in, refresh, introspect, revoke`, async () => {
    const client = clientOf(target, "confidential");
    await wholeLife(client, method(client.client_secret));
  });
}

test("private_key_jwt: sign in, refresh, introspect, revoke", async () => {
  const client = clientOf(target, "asymmetric");
  await wholeLife(client, await signing(client.private_jwk));
});

async function wholeLife(client, authentication) {
  const [patient] = activePatients(target);
  const server = await discover(client, authentication);
  const tokens = await signIn(server, client, patient);
  assert.equal(tokens.patient, patient.id);
  const refreshed = await oidc.refreshTokenGrant(server, tokens.refresh_token);
  const told = await oidc.tokenIntrospection(server, refreshed.access_token);
  assert.equal(told.active, true);
  assert.equal(told.client_id, client.client_id);
  assert.equal(told.sub, tokens.claims().sub);
  assert.equal(told.patient, patient.id);
  assert.equal(await reads(client, refreshed.access_token), 200);
  await oidc.tokenRevocation(server, refreshed.refresh_token);
  assert.equal((await oidc.tokenIntrospection(server, refreshed.access_token)).active, false);
  assert.equal(await reads(client, refreshed.access_token), 401);
  await assert.rejects(oidc.refreshTokenGrant(server, refreshed.refresh_token), { error: "invalid_grant" });
}

test("a wrong secret is invalid_client", async () => {
  const client = clientOf(target, "confidential");
  const server = await discover(client, oidc.ClientSecretBasic(`${client.client_secret}x`));
  await assert.rejects(oidc.refreshTokenGrant(server, "made-up"), { status: 401 });
});

test("a backend service gets a token for its signature and reads patients", async () => {
  const client = clientOf(target, "backend");
  const server = await discover(client, await signing(client.private_jwk));
  const scope = client.scope.split(" ").filter((one) => one.startsWith("system/")).join(" ");
  const tokens = await oidc.clientCredentialsGrant(server, { scope });
  assert.ok(tokens.expires_in <= 300);
  assert.equal(tokens.refresh_token, undefined);
  const answer = await oidc.fetchProtectedResource(server, tokens.access_token, new URL(`${target.fhir}/Patient`), "GET", undefined, new Headers({ accept: "application/fhir+json" }));
  assert.equal(answer.status, 200);
  const bundle = await answer.json();
  assert.ok(bundle.entry.length > 1, "it sees more than one patient");
});

for (const [method, more] of Object.entries({ none: {}, client_secret_basic: {}, private_key_jwt: { keys: true } })) {
  test(`dynamic registration with ${method}, then a sign in`, async () => {
    const key = newKey("ES384");
    const metadata = {
      client_name: "A stranger's registration",
      redirect_uris: [CALLBACK],
      token_endpoint_auth_method: method,
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      scope: SCOPE,
      ...(more.keys && { jwks: { keys: [publicHalf(key)] } }),
    };
    const authentication = more.keys ? await signing(key) : method === "none" ? oidc.None() : undefined;
    const server = await oidc.dynamicClientRegistration(new URL(target.base), metadata, authentication, { execute: [oidc.allowInsecureRequests] });
    oidc.enableNonRepudiationChecks(server);
    const { client_id } = server.clientMetadata();
    const tokens = await signIn(server, { client_id, redirect_uris: [CALLBACK] }, activePatients(target)[0]);
    assert.equal(await reads({}, tokens.access_token), 200);
    assert.ok((await oidc.refreshTokenGrant(server, tokens.refresh_token)).access_token);
  });
}

test("RP-initiated logout ends the session and leads to the registered address", async () => {
  const metadata = { client_name: "A stranger's logout", redirect_uris: [CALLBACK], post_logout_redirect_uris: [BYE], token_endpoint_auth_method: "none", grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], scope: SCOPE };
  const server = await oidc.dynamicClientRegistration(new URL(target.base), metadata, oidc.None(), { execute: [oidc.allowInsecureRequests] });
  oidc.enableNonRepudiationChecks(server);
  const client = { client_id: server.clientMetadata().client_id, redirect_uris: [CALLBACK] };
  const agent = new Agent({ stop: new URL(CALLBACK).origin });
  const tokens = await signIn(server, client, activePatients(target)[0], agent);
  const away = (uri) => oidc.buildEndSessionUrl(server, { id_token_hint: tokens.id_token, post_logout_redirect_uri: uri, state: "so-long" });
  const wrong = await agent.open(away("http://127.0.0.1:8765/elsewhere"));
  assert.ok(!wrong.stopped, "an address that is not registered is not gone to");
  let page = await agent.open(away(BYE));
  // The server may ask whether the person means it.
  if (!page.stopped) page = await agent.submit(page, "button[type=submit]", {});
  assert.ok(page.stopped?.href.startsWith(BYE), `not led to ${BYE} but to ${page.url} ${page.root && words(page)}`);
  assert.equal(page.stopped.searchParams.get("state"), "so-long");
  const url = oidc.buildAuthorizationUrl(server, { redirect_uri: CALLBACK, scope: SCOPE, aud: target.fhir, state: "s".repeat(16), code_challenge: "c".repeat(43), code_challenge_method: "S256" });
  const again = await agent.open(url);
  assert.ok(again.root?.querySelector("input[name=password]"), "who comes back must log in again");
});
