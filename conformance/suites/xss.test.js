// What people typed is shown as text: everything that anybody may fill in the sandbox's database holds markup that would call a
// function, and every page is opened as a stranger, a patient and staff. The pages' policy is switched off first, so that it is
// not what keeps a script from running; then it is on, and must have had nothing to stop.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { PAGES } from "../axe/pages.js";
import { openChromium } from "../lib/chromium.js";
import { Person } from "../lib/person.js";
import { freePort, newFolder, startSandbox } from "../lib/sandbox.js";
import { activePatients, staffOf } from "../lib/target.js";
import { COLUMNS, CORPUS } from "../xss/corpus.js";

const run = promisify(execFile);
const LOGINS = { patient: "/account", staff: "/staff" };

let folder;
let sandbox;
let target;
let database;
let chromium;

before(async () => {
  folder = await newFolder();
  const port = await freePort();
  sandbox = await startSandbox({ folder: folder.path, port });
  target = { base: sandbox.base, demo: JSON.parse(await readFile(join(folder.path, "demo.json"), "utf8")) };
  database = join(folder.path, (await readdir(folder.path)).find((name) => /\.(db|sqlite3?)$/.test(name)));
  await sandbox.stop();
  await fill();
  sandbox = await startSandbox({ folder: folder.path, port });
  chromium = await openChromium();
});

after(async () => {
  await chromium?.close();
  await sandbox?.stop();
  await folder?.remove();
});

const sql = async (text) => (await run("sqlite3", ["-cmd", ".timeout 5000", database, text], { maxBuffer: 1 << 24 })).stdout.trim();
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

/** Every row of every column gets the next text of the corpus that fits. */
async function fill() {
  const there = new Set((await sql("SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'")).split("\n"));
  for (const [table, column, letters] of COLUMNS) {
    assert.ok(there.has(`${table}.${column}`), `${table}.${column} is a column of the sandbox`);
    const fits = CORPUS.filter((text) => text.length <= letters);
    const cases = fits.map((text, index) => `WHEN ${index} THEN ${quoted(text)}`).join(" ");
    // One row a text, the whole corpus over rows and columns.
    await sql(`UPDATE ${table} SET ${column} = CASE (rowid + ${column.length}) % ${fits.length} ${cases} END WHERE COALESCE(${column}, '') <> ''`);
  }
}

/** A reader in a browser of their own; what ran, and what the policy stopped, is gathered. */
async function reader(who, policy) {
  const person = await Person.sitDown(chromium.browser);
  const found = [];
  await person.page.setBypassCSP(policy === "off");
  await person.page.exposeFunction("xss", () => found.push(`a script ran on ${person.page.url()}`));
  await person.page.exposeFunction("stopped", (what) => found.push(`the policy stopped ${what} on ${person.page.url()}`));
  await person.page.evaluateOnNewDocument(() => document.addEventListener("securitypolicyviolation", (event) => window.stopped(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`)));
  person.page.on("dialog", async (dialog) => {
    found.push(`a dialog on ${person.page.url()}`);
    await dialog.dismiss();
  });
  if (LOGINS[who]) {
    await person.open(`${target.base}${LOGINS[who]}`);
    await person.logIn(who === "staff" ? staffOf(target, "portal-admin") : activePatients(target)[0]);
    assert.equal(new URL(person.page.url()).pathname, LOGINS[who], `${who} is logged in`);
  }
  return { person, found };
}

/** Every page of ours that a page links to, once. */
async function links(page) {
  const all = await page.$$eval("main a[href^='/']", (found) => found.map((one) => one.getAttribute("href").split("#")[0]));
  return all.filter((href) => !/logout|\.csv|\.pdf|\.zip|\.ics|\/assets\/|\/fhir\//.test(href));
}

const element = (name) => `input[name="${name}"], textarea[name="${name}"]`;

test("the traps close: markup in a page runs with the policy off, and is stopped with it on", async () => {
  for (const [policy, expected] of [["off", /a script ran/], ["on", /the policy stopped/]]) {
    const { person, found } = await reader("stranger", policy);
    await person.open(`${target.base}/help`);
    await person.page.evaluate((text) => document.body.insertAdjacentHTML("beforeend", text), CORPUS[1]);
    await person.page.waitForFunction(() => [...document.images].every((one) => one.complete));
    assert.match(found.join(), expected);
    await person.context.close();
  }
});

test("answers of a form, typed by a patient, are text for both sides", async () => {
  const staff = await reader("staff", "off");
  const patient = activePatients(target)[0];
  await staff.person.open(`${target.base}/staff/patients/${patient.id}/forms`);
  await staff.person.press("button[name=decision][value=put]");
  const home = await reader("patient", "off");
  await home.person.open(`${target.base}/account/forms`);
  const open = await home.person.page.$eval("article a.button", (one) => one.getAttribute("href"));
  await home.person.open(`${target.base}${open}`);
  const names = await home.person.page.$$eval("main form input[type=text]:not([name=name]), main form textarea", (all) => all.map((one) => one.name));
  assert.ok(names.length > 0, "the form asks for words");
  for (let at = 0; at < CORPUS.length; at += names.length) {
    const typed = CORPUS.slice(at, at + names.length);
    for (const [index, text] of typed.entries()) await home.person.page.$eval(element(names[index]), (one, value) => { one.value = value; }, text);
    await home.person.press("button[name=decision][value=save]");
    for (const { person } of [home, staff]) {
      await person.open(`${target.base}${person === home.person ? open : `/staff/patients/${patient.id}/forms`}`);
    }
    const kept = await home.person.page.$$eval("main form input[type=text]:not([name=name]), main form textarea", (all) => all.map((one) => one.value));
    assert.deepEqual(kept.slice(0, typed.length), typed, "nothing of it is lost or changed");
  }
  // Signed, the answers are on the review that staff read.
  await home.person.page.$$eval("main input[type=date]", (all) => all.forEach((one) => { one.value ||= "2026-11-01"; }));
  await home.person.page.$$eval("main form textarea, main form input[type=text]:not([name=name])", (all, text) => all.forEach((one) => { one.value ||= text; }), CORPUS[1]);
  await home.person.page.$$eval("main fieldset", (all) => all.forEach((one) => one.querySelector("input[type=radio]")?.click()));
  await home.person.page.$$eval("main input[type=checkbox]:not(:checked)", (all) => all.forEach((one) => one.click()));
  await home.person.page.$eval("input[name=name]", (one, name) => { one.value = name; }, CORPUS[1].slice(0, 100));
  await home.person.press("button[name=decision][value=sign]");
  await home.person.open(`${target.base}${open}`);
  assert.equal(await home.person.page.$("button[name=decision][value=sign]"), null, await home.person.words());
  await staff.person.open(`${target.base}/staff/reviews?kind=form`);
  const review = await staff.person.page.$$eval("tbody tr a", (all) => all.map((one) => one.getAttribute("href")).at(-1));
  await staff.person.open(`${target.base}${review}`);
  assert.ok((await staff.person.words()).includes(CORPUS[1]), await staff.person.words());
  assert.deepEqual([...home.found, ...staff.found], []);
  for (const { person } of [home, staff]) await person.context.close();
});

for (const policy of ["off", "on"]) {
  for (const who of ["stranger", "patient", "staff"]) {
    test(`${who}: nothing runs, with the policy ${policy}`, async () => {
      const { person, found } = await reader(who, policy);
      const patient = activePatients(target)[0].id;
      const queue = PAGES.filter((one) => one.who === who).map((one) => one.path.replace("{patient}", patient));
      const seen = new Set();
      let marks = 0;
      while (queue.length > 0 && seen.size < 160) {
        const path = queue.shift();
        const key = path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "{id}").split("?")[0];
        // Two of a kind are enough: a list has hundreds, and every page is there in two languages.
        if (seen.has(`${key} ${path}`) || [...seen].filter((one) => one.startsWith(`${key} `)).length >= 2) continue;
        seen.add(`${key} ${path}`);
        const answer = await person.page.goto(`${target.base}${path}`, { waitUntil: "load", timeout: 20_000 }).catch((error) => {
          // A file that is saved is no page.
          if (!/ERR_ABORTED/.test(error.message)) throw error;
        });
        if (!answer) continue;
        assert.ok(answer.status() < 500, `${path}: ${answer.status()}`);
        // What only runs when it is opened or focused.
        await person.page.$$eval("details", (all) => all.forEach((one) => { one.open = true; }));
        marks += await person.page.evaluate(() => (document.body.innerText.match(/onerror|onload|ontoggle|onfocus|<script/g) ?? []).length);
        queue.push(...(await links(person.page)));
      }
      assert.deepEqual(found, []);
      if (who !== "stranger") assert.ok(marks > 10, `what was typed is on the pages, as text: ${marks} on ${seen.size} pages`);
      await person.context.close();
    });
  }
}
