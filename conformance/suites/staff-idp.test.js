// Staff log in through a real identity provider (npm `oidc-provider`), in Chromium: a sandbox and a provider of our own.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ACCOUNTS, startIdp } from "../idp/idp.js";
import { openChromium } from "../lib/chromium.js";
import { binary, freePort, newFolder, startSandbox } from "../lib/sandbox.js";

const PATIENCE = { timeout: 20_000 };
const run = promisify(execFile);

let chromium;
let folder;
let idp;
let port;
let sandbox;

const env = () => ({
  ANTEROOM_STAFF_IDP_ISSUER: idp.issuer,
  ANTEROOM_STAFF_IDP_CLIENT_ID: idp.client.id,
  ANTEROOM_STAFF_IDP_CLIENT_SECRET: idp.client.secret,
});

before(async () => {
  folder = await newFolder();
  port = await freePort();
  idp = await startIdp({ anteroom: `http://127.0.0.1:${port}` });
  sandbox = await startSandbox({ folder: folder.path, port, env: env() });
  chromium = await openChromium();
  console.log(`staff-idp: ${sandbox.base} with the provider ${idp.issuer}`);
});

after(async () => {
  await chromium?.close();
  await sandbox?.stop();
  await idp?.close();
  await folder?.remove();
});

/** A browser of one person. Answers its page; it closes with the test. */
async function sitDown(t) {
  const context = await chromium.browser.createBrowserContext();
  t.after(() => context.close());
  return context.newPage();
}

const words = (page) => page.$eval("body", (body) => body.innerText);

async function press(page, selector) {
  const [answer] = await Promise.all([page.waitForNavigation(PATIENCE), page.click(selector)]);
  return answer;
}

/** From the desk to the provider's form. */
async function toProvider(page) {
  await page.goto(`${sandbox.base}/staff`, PATIENCE);
  assert.equal(await page.$("input[name=password]"), null, "no password is asked for here");
  return press(page, "a[href^='/login/staff/start']");
}

/** The whole way in as the account `login`. Answers the last response. */
async function logIn(page, login) {
  await toProvider(page);
  assert.ok(page.url().startsWith(idp.issuer), `${page.url()} is at the provider`);
  await page.type("input[name=login]", login);
  await page.type("input[name=password]", "any");
  return press(page, "button[type=submit]");
}

test("a clinician logs in at the provider and is at the desk", async (t) => {
  const page = await sitDown(t);
  const answer = await logIn(page, "lee");
  assert.equal(answer.status(), 200);
  assert.equal(page.url(), `${sandbox.base}/staff`);
  assert.match(await words(page), /Donna Lee/);
  // The second time the provider knows who it is, and asks nothing.
  await page.deleteCookie(...(await page.cookies(sandbox.base)));
  await toProvider(page);
  assert.equal(page.url(), `${sandbox.base}/staff`);
  assert.match(await words(page), /Donna Lee/);
});

test("another account with the same address is refused until an operator takes the link back", async (t) => {
  await logIn(await sitDown(t), "lee");
  const page = await sitDown(t);
  const answer = await logIn(page, "lee-again");
  assert.equal(answer.status(), 400);
  assert.match(await words(page), /anteroom staff unlink dlee/);
  await page.goto(`${sandbox.base}/staff`, PATIENCE);
  assert.ok(page.url().includes("/login/staff"), "no session was opened");

  const listed = async () => {
    const { stdout } = await run(binary(), ["staff", "list", "--json", "--data", folder.path]);
    return JSON.parse(stdout).filter((one) => one.linked).map((one) => one.username);
  };
  assert.deepEqual(await listed(), ["dlee"]);
  await run(binary(), ["staff", "unlink", "dlee", "--data", folder.path]);
  assert.deepEqual(await listed(), []);
  await assert.rejects(run(binary(), ["staff", "unlink", "dlee", "--data", folder.path]), /no account/);
  const anew = await sitDown(t);
  assert.equal((await logIn(anew, "lee-again")).status(), 200);
  assert.match(await words(anew), /Donna Lee/);
  await run(binary(), ["staff", "unlink", "dlee", "--data", folder.path]);
});

for (const [login, said] of [
  ["unverified", /not verified your e-mail/],
  ["string", /cannot be trusted|not verified/],
  ["stranger", /no active user/],
]) {
  test(`the account "${login}" (${JSON.stringify(ACCOUNTS[login].email_verified)}) is refused`, async (t) => {
    const page = await sitDown(t);
    const answer = await logIn(page, login);
    assert.equal(answer.status(), 400);
    assert.match(await words(page), said);
    await page.goto(`${sandbox.base}/staff`, PATIENCE);
    assert.ok(page.url().includes("/login/staff"), "no session was opened");
  });
}

test("who logs out at the provider is logged out here, and nobody else is", async (t) => {
  const page = await sitDown(t);
  assert.equal((await logIn(page, "haddad")).status(), 200);
  const other = await sitDown(t);
  assert.equal((await logIn(other, "lee")).status(), 200);

  await page.goto(`${idp.issuer}/session/end`, PATIENCE);
  await press(page, "button[name=logout][value=yes]");
  await page.goto(`${sandbox.base}/staff`, PATIENCE);
  assert.ok(page.url().includes("/login/staff"), `${page.url()}: the session has ended`);
  await other.goto(`${sandbox.base}/staff`, PATIENCE);
  assert.match(await words(other), /Donna Lee/);
});

test("a logout token of nobody's making is refused", async () => {
  const send = (form) => fetch(`${sandbox.base}/login/staff/backchannel`, { method: "POST", body: new URLSearchParams(form) });
  for (const form of [{}, { logout_token: "" }, { logout_token: "e30.e30.e30" }]) {
    const answer = await send(form);
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal((await answer.json()).error, "invalid_request");
  }
});

test("who cancels at the provider gets a page, and no session", async (t) => {
  const page = await sitDown(t);
  await toProvider(page);
  const answer = await press(page, "a[href$='/abort']");
  assert.equal(answer.status(), 400);
  assert.match(await words(page), /cancelled/);
});

test("with the provider away the login says to try later", async (t) => {
  await sandbox.stop();
  await idp.close();
  sandbox = await startSandbox({ folder: folder.path, port, env: env() });
  const answer = await toProvider(await sitDown(t));
  assert.equal(answer.status(), 503);
  assert.match(await answer.text(), /try again later/);
  assert.ok(Number(answer.headers()["retry-after"]) > 0);
  assert.doesNotMatch(sandbox.said(), /panicked/);
});
