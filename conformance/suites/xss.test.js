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
  const all = await page.$$eval("main a[href^='/']", (found) => found.map((one) => one.getAttribute("href")));
  return all.filter((href) => !/logout|\.csv|\.pdf|\.zip|\.ics|\/assets\/|\/fhir\//.test(href));
}

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
        const key = path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "{id}").split("&")[0];
        // Two of a kind are enough: a list has hundreds.
        if ([...seen].filter((one) => one.startsWith(`${key} `)).length >= 2) continue;
        seen.add(`${key} ${path}`);
        const answer = await person.page.goto(`${target.base}${path}`, { waitUntil: "load", timeout: 20_000 });
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
