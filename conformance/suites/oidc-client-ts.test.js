// The npm package `oidc-client-ts`, unchanged, in Chromium: what a single-page app that only knows OpenID Connect does.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { serveApp } from "../lib/app.js";
import { openChromium } from "../lib/chromium.js";
import { Person } from "../lib/person.js";
import { activePatients, openTarget } from "../lib/target.js";

const SCOPE = "openid fhirUser launch/patient offline_access patient/Patient.rs";
const PATIENCE = { timeout: 20_000 };

let target;
let app;
let chromium;
let configuration;
let settings;

before(async () => {
  target = await openTarget("oidc-client-ts");
  configuration = await (await fetch(`${target.base}/.well-known/openid-configuration`)).json();
  app = await serveApp();
  chromium = await openChromium();
  settings = await register();
});

after(async () => {
  await chromium?.close();
  await app?.close();
});

// An app of its own, because demo.json's public one has neither this way back nor an address for after the logout.
async function register() {
  const metadata = {
    client_name: "A stranger's OpenID app",
    redirect_uris: [`${app.origin}/oidc/callback`],
    post_logout_redirect_uris: [`${app.origin}/oidc/goodbye`],
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    scope: SCOPE,
  };
  const response = await fetch(configuration.registration_endpoint, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(metadata) });
  assert.equal(response.status, 201, await response.clone().text());
  const { client_id } = await response.json();
  return {
    authority: configuration.issuer,
    client_id,
    redirect_uri: metadata.redirect_uris[0],
    post_logout_redirect_uri: metadata.post_logout_redirect_uris[0],
    scope: SCOPE,
    loadUserInfo: true,
    automaticSilentRenew: false,
    extraQueryParams: { aud: target.fhir },
  };
}

async function atApp(person) {
  await person.page.goto(`${app.origin}/oidc`, PATIENCE);
  await person.page.evaluate((value) => sessionStorage.setItem("settings", value), JSON.stringify(settings));
  await person.page.reload(PATIENCE);
}

// Leaves the page by a call of the library, which returns only when the browser is already gone.
async function leaveBy(person, method, ...given) {
  const gone = person.page.waitForNavigation(PATIENCE);
  await person.page.evaluate((name, values) => { window.manager[name](...values); }, method, given);
  await gone;
}

async function signIn(person, patient) {
  await atApp(person);
  await leaveBy(person, "signinRedirect", { nonce: "nonce-of-the-test" });
  if ((await person.where()) === "login") await person.logIn(patient);
  if ((await person.where()) === "consent") await person.decide("approve");
  assert.ok(person.page.url().startsWith(settings.redirect_uri), person.page.url());
  return person.page.evaluate(async () => {
    const user = await window.manager.signinCallback();
    return { profile: user.profile, scope: user.scope, access: user.access_token, refresh: user.refresh_token };
  });
}

test("signinRedirect, the callback and userinfo", async (t) => {
  const [patient] = activePatients(target);
  const person = await Person.sitDown(chromium.browser);
  t.after(() => person.leave());
  const user = await signIn(person, patient);
  assert.match(user.profile.fhirUser, new RegExp(`Patient/${patient.id}$`));
  assert.ok(user.profile.sub);
  assert.equal(user.profile.nonce ?? "nonce-of-the-test", "nonce-of-the-test");
  assert.ok(user.scope.split(" ").includes("patient/Patient.rs"), user.scope);
  const status = await person.page.evaluate(
    async (url, token) => (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status,
    `${target.fhir}/Patient/${patient.id}`,
    user.access,
  );
  assert.equal(status, 200, "the token reads the patient from a page");
});

test("signinSilent renews by the refresh token", async (t) => {
  const [patient] = activePatients(target);
  const person = await Person.sitDown(chromium.browser);
  t.after(() => person.leave());
  const before = await signIn(person, patient);
  assert.ok(before.refresh, "offline_access gives a refresh token");
  const renewed = await person.page.evaluate(async () => {
    const user = await window.manager.signinSilent();
    return { sub: user.profile.sub, access: user.access_token, refresh: user.refresh_token };
  });
  assert.notEqual(renewed.access, before.access);
  assert.notEqual(renewed.refresh, before.refresh, "the refresh token is rotated");
  assert.equal(renewed.sub, before.profile.sub);
});

test("revokeTokens ends what was given", async (t) => {
  const [patient] = activePatients(target);
  const person = await Person.sitDown(chromium.browser);
  t.after(() => person.leave());
  const { access } = await signIn(person, patient);
  await person.page.evaluate(() => window.manager.revokeTokens(["refresh_token"]));
  const { status } = await fetch(`${target.fhir}/Patient/${patient.id}`, { headers: { authorization: `Bearer ${access}` } });
  assert.equal(status, 401);
});

test("signoutRedirect ends the session and leads back to the app", async (t) => {
  const [patient] = activePatients(target);
  const person = await Person.sitDown(chromium.browser);
  t.after(() => person.leave());
  await signIn(person, patient);
  await leaveBy(person, "signoutRedirect", { state: "so long" });
  if (!person.page.url().startsWith(settings.post_logout_redirect_uri)) {
    // OpenID Connect RP-Initiated Logout, 2: the server may ask whether the person means it.
    const gone = person.page.waitForNavigation(PATIENCE);
    await person.page.click("form button[type=submit]");
    await gone;
  }
  assert.ok(person.page.url().startsWith(settings.post_logout_redirect_uri), `${person.page.url()}: ${await person.words()}`);
  assert.ok(new URL(person.page.url()).searchParams.get("state"), "the state comes back");
  await person.page.evaluate(() => window.manager.signoutCallback());

  await atApp(person);
  await leaveBy(person, "signinRedirect");
  assert.equal(await person.where(), "login", "who comes back must log in again");
});
