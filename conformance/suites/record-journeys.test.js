// Flow E9, as people walk it in Chromium: a patient writes to a clinician and gets an answer, sends a document that staff look at
// and file, fills in and signs a form that becomes part of the chart; the desk's counts follow by themselves, and the list of who
// looked tells of it. Against any running server, so that both engines show it; at each step axe reads the page.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openChromium } from "../lib/chromium.js";
import { seen as look } from "../lib/looked.js";
import { Person } from "../lib/person.js";
import { activePatients, openTarget, staffOf } from "../lib/target.js";

/** Told apart from other runs against the same server. */
const RUN = Date.now().toString(36);
const SUBJECT = `About the new pills ${RUN}`;
const PAPER = `letter-${RUN}.pdf`;
const ENCLOSED = `leaflet-${RUN}.pdf`;

/** A small but whole PDF. */
const PDF = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\nxref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n0000000105 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n170\n%%EOF\n";

let target;
let folder;
let chromium;
let patient;
let clinician;

before(async () => {
  target = await openTarget("record-journeys");
  patient = activePatients(target)[0];
  folder = await mkdtemp(join(tmpdir(), "anteroom-record-"));
  for (const name of [PAPER, ENCLOSED]) await writeFile(join(folder, name), PDF);
  chromium = await openChromium();
});

after(async () => {
  await chromium?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const place = (person) => new URL(person.page.url()).pathname;

/** The page as a person sees it. */
const seen = (person, name, fold) => look(person, `record-${name}`, fold);

/** Somebody logged in, on a page. */
async function at(path, login) {
  const person = await Person.sitDown(chromium.browser);
  await person.page.setBypassCSP(true);
  await person.open(`${target.base}${path}`);
  if (place(person) !== path) await person.logIn(login);
  assert.equal(place(person), path, await person.words());
  return person;
}

const go = (person, path) => person.open(`${target.base}${path}`);
const admin = () => staffOf(target, "portal-admin");
const words = (person) => person.words();

/** Follows the link with these words. */
async function follow(person, text) {
  const link = await person.page.evaluateHandle((said) => [...document.querySelectorAll("main a")].find((one) => one.innerText.trim().startsWith(said)), text);
  assert.ok(link.asElement(), `${text} on ${person.page.url()}: ${await words(person)}`);
  const gone = person.page.waitForNavigation({ timeout: 20_000 });
  await link.asElement().evaluate((one) => one.click());
  return gone;
}

/** What stands behind a queue of the desk. */
const count = (person, queue) => person.page.$eval(`[data-queue="${queue}"] [data-count]`, (one) => Number(one.innerText));

/** The file behind a link with these words, as whoever is logged in saves it: its kind and its first letters. */
async function saved(person, text) {
  const address = await person.page.evaluate((said) => [...document.querySelectorAll("main a")].find((one) => one.innerText.includes(said))?.href, text);
  assert.ok(address, `${text} on ${person.page.url()}: ${await words(person)}`);
  const cookie = (await person.page.cookies(target.base)).map((one) => `${one.name}=${one.value}`).join("; ");
  const answer = await fetch(address, { headers: { cookie }, redirect: "manual" });
  return `${answer.status} ${answer.headers.get("content-type")} ${(await answer.text()).slice(0, 5)}`;
}

/** The lines of a table that hold these words. */
const lines = (person, text) => person.page.$$eval("tbody tr", (all, said) => all.map((one) => one.innerText).filter((one) => one.includes(said)), text);

test("F139, F141, F143, F144: a patient writes to a clinician who takes part, and a document goes along", async () => {
  const person = await at("/account/messages/new", patient);
  const offered = await person.page.$$eval("select[name=to] option[value]:not([value=''])", (all) => all.map((one) => ({ id: one.value, name: one.innerText })));
  // By their names: a server on a database of OpenEMR's gives ids of its own.
  const named = (one) => offered.find((other) => one.name.includes(other.name.trim()));
  clinician = target.demo.staff.find((one) => one.password && named(one));
  assert.ok(clinician && offered.length < 20, `the addressees are those who take part, not all who work here: ${offered.map((one) => one.name)}`);
  await person.page.select("select[name=to]", named(clinician).id);
  await person.page.type("input[name=title]", SUBJECT);
  await person.page.type("textarea[name=body]", "May I take them at night?");
  await (await person.page.$("input[type=file]")).uploadFile(join(folder, ENCLOSED));
  await seen(person, "write");
  await person.press("main form button[type=submit]");
  assert.match(await words(person), new RegExp(SUBJECT));
  await seen(person, "sent");
  await person.context.close();
});

test("F139, F146: staff find it unread, answer and complete it; the counters are right", async () => {
  const staff = await at("/staff", clinician);
  const before = await count(staff, "messages");
  assert.ok(before >= 1, "it waits at the desk");
  await go(staff, "/staff/messages");
  await seen(staff, "staff-inbox");
  assert.equal((await lines(staff, SUBJECT)).length, 1);
  await follow(staff, SUBJECT);
  assert.match(await words(staff), /May I take them at night\?/);
  assert.equal(await saved(staff, ENCLOSED), "200 application/pdf %PDF-", "F144: what goes along is there to be opened");
  await seen(staff, "staff-thread");
  await staff.page.type("textarea[name=body]", "Yes, with a glass of water.");
  await staff.press("section[aria-labelledby=answer] button[type=submit]");
  assert.match(await words(staff), /Yes, with a glass of water\./);
  await go(staff, "/staff");
  assert.equal(await count(staff, "messages"), before - 1, "what was read does not wait any more");
  await staff.context.close();

  const person = await at("/account", patient);
  await seen(person, "home");
  await go(person, "/account/messages");
  assert.match((await lines(person, SUBJECT)).join(), /Unread/);
  await follow(person, SUBJECT);
  assert.match(await words(person), /Yes, with a glass of water\./);
  await seen(person, "thread");
  await person.press("button[name=decision][value=complete]");
  assert.match(await words(person), /Completed/);
  await go(person, "/account/messages");
  assert.doesNotMatch((await lines(person, SUBJECT)).join(), /Unread/);
  await person.context.close();
});

test("F148 to F151, F158: a document waits until staff have looked and filed it; the desk counts it without a reload", async () => {
  const staff = await at("/staff", admin());
  const before = await count(staff, "requests");
  await seen(staff, "desk");
  const person = await at("/account/documents", patient);
  await (await person.page.$("input[type=file]")).uploadFile(join(folder, PAPER));
  await person.press("main form button[type=submit]");
  assert.match((await lines(person, PAPER)).join(), /Nobody has looked yet/);
  await seen(person, "documents");
  // Nobody touches the desk: it hears. A page behind others holds no connection.
  await staff.page.bringToFront();
  await staff.page.waitForFunction((least) => Number(document.querySelector('[data-queue="requests"] [data-count]').innerText) > least, { timeout: 20_000 }, before);
  await go(staff, "/staff/reviews?kind=document");
  await seen(staff, "reviews");
  assert.equal((await lines(staff, PAPER)).length, 1);
  const address = await staff.page.$$eval("tbody tr", (all, said) => all.find((one) => one.innerText.includes(said))?.querySelector("a")?.getAttribute("href"), PAPER);
  await go(staff, address);
  await seen(staff, "review");
  const category = await staff.page.$eval("select[name=category]", (one) => one.value);
  await staff.press("button[name=decision][value=accept]");
  await go(person, "/account/documents");
  const line = (await lines(person, PAPER)).join();
  assert.doesNotMatch(line, /Nobody has looked yet/);
  assert.ok(line.includes(category), `${line} is filed under ${category}`);
  await go(person, "/account/requests");
  await seen(person, "requests");
  // The same decision a second time decides nothing.
  await go(staff, address);
  assert.equal(await staff.page.$("button[name=decision][value=accept]"), null, "what is decided is not decided again");
  await staff.context.close();
  await person.context.close();
});

test("F151: staff take a document back from the patient, and share it again", async () => {
  const staff = await at(`/staff/patients/${patient.id}/documents`, admin());
  const press = async (value) => {
    const id = await staff.page.$$eval("tbody tr", (all, said) => all.find((one) => one.innerText.includes(said))?.id, PAPER);
    await staff.press(`[id="${id}"] button[value="${value}"]`);
  };
  const values = await staff.page.$$eval("tbody tr", (all, said) => [...all.find((one) => one.innerText.includes(said)).querySelectorAll("button")].map((one) => one.value), PAPER);
  await seen(staff, "staff-documents");
  await press(values[0]);
  const person = await at("/account/documents", patient);
  assert.equal((await lines(person, PAPER)).length, 0, "the patient does not see it");
  const again = await staff.page.$$eval("tbody tr", (all, said) => [...all.find((one) => one.innerText.includes(said)).querySelectorAll("button")].map((one) => one.value), PAPER);
  assert.notDeepEqual(again, values);
  await press(again[0]);
  await go(person, "/account/documents");
  assert.equal((await lines(person, PAPER)).length, 1);
  await staff.context.close();
  await person.context.close();
});

test("F152 to F154, F157: a form is put before the patient, signed, locked by staff and part of the chart", async () => {
  const staff = await at(`/staff/patients/${patient.id}/forms`, admin());
  const title = await staff.page.$eval("select[name=template]", (one) => one.options[one.selectedIndex].innerText);
  await seen(staff, "staff-forms");
  await staff.press("button[name=decision][value=put]");
  const person = await at("/account/forms", patient);
  await seen(person, "forms");
  assert.match(await words(person), new RegExp(title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  const open = await person.page.$$eval("article a.button", (all) => all[0].getAttribute("href"));
  await go(person, open);
  await seen(person, "form");
  // Neither name nor tick: nothing is signed.
  await person.page.$$eval("[required]", (all) => all.forEach((one) => one.removeAttribute("required")));
  await person.press("button[name=decision][value=sign]");
  assert.ok(await person.page.$("[role=alert]"), await words(person));
  await seen(person, "form-refused");
  await person.page.$$eval("main input[type=text], main input[type=date], main textarea", (all) => all.forEach((one) => {
    if (!one.value) one.value = one.type === "date" ? "2026-11-01" : "none";
  }));
  await person.page.$$eval("main fieldset", (all) => all.forEach((one) => one.querySelector("input[type=radio]")?.click()));
  await person.page.$$eval("main input[type=checkbox]:not(:checked)", (all) => all.forEach((one) => one.click()));
  await person.page.$eval("input[name=name]", (one, name) => { one.value = name; }, patient.name);
  await person.press("button[name=decision][value=sign]");
  assert.equal(await person.page.$("[role=alert]"), null, await words(person));
  await go(person, open);
  assert.equal(await person.page.$("button[name=decision][value=sign]"), null, "what is signed is not signed again");
  await seen(person, "form-signed");
  await go(staff, "/staff/reviews?kind=form");
  const address = await staff.page.$$eval("tbody tr a", (all) => all.at(-1)?.getAttribute("href"));
  assert.ok(address, await words(staff));
  await go(staff, address);
  await seen(staff, "review-form");
  await staff.press("button[name=decision][value=accept]");
  assert.equal(await staff.page.$("[role=alert]"), null, await words(staff));
  await go(staff, address);
  assert.equal(await staff.page.$("button[name=decision][value=accept]"), null, "F157: what is locked is not decided again");
  await go(person, "/account/forms");
  await seen(person, "forms-locked");
  const line = await person.page.$eval("tbody tr", (one) => one.innerText);
  assert.ok(line.includes(title), line);
  assert.equal(await saved(person, "Download (PDF)"), "200 application/pdf %PDF-", "F154");
  await go(person, "/account/documents");
  assert.ok((await lines(person, title.slice(0, 12))).length > 0, `F158: it is a document of the chart: ${await words(person)}`);
  await staff.context.close();
  await person.context.close();
});

test("who looked at my record tells of the staff's looks", async () => {
  const person = await at("/account/activity", patient);
  const name = admin().name.split(" ").at(-1);
  assert.ok((await lines(person, name)).length > 0, `${name} is on the list`);
  await person.context.close();
});
