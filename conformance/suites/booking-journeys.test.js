// A visit without an app, as people walk it in Chromium: a patient asks, staff answer, the patient sees it, takes it into a
// calendar, moves and cancels it. A sandbox of its own; at each step the row OpenEMR's own screens read is looked at, and axe
// reads the page.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { openChromium } from "../lib/chromium.js";
import { seen as look } from "../lib/looked.js";
import { Person } from "../lib/person.js";
import { freePort, newFolder, startSandbox } from "../lib/sandbox.js";
import { activePatients, staffOf } from "../lib/target.js";

const HERE = "/account/visits";
const run = promisify(execFile);

let folder;
let sandbox;
let target;
let database;
let chromium;

before(async () => {
  folder = await newFolder();
  sandbox = await startSandbox({ folder: folder.path, port: await freePort() });
  target = { base: sandbox.base, demo: JSON.parse(await readFile(join(folder.path, "demo.json"), "utf8")) };
  database = join(folder.path, (await readdir(folder.path)).find((name) => /\.(db|sqlite3?)$/.test(name)));
  chromium = await openChromium();
});

after(async () => {
  await chromium?.close();
  await sandbox?.stop();
  await folder?.remove();
});

/** What the sandbox's database says, as OpenEMR's screens would read it. */
async function rows(sql) {
  const { stdout } = await run("sqlite3", ["-readonly", "-cmd", ".timeout 5000", database, sql]);
  return stdout.trim();
}

/** Mark, kind, length and words of the visit with this reason. */
const row = (reason) => rows(`SELECT pc_apptstatus || '|' || pc_title || '|' || pc_duration || '|' || pc_hometext FROM openemr_postcalendar_events WHERE pc_hometext LIKE '${reason}%' ORDER BY pc_eid DESC LIMIT 1`);

/** Day, clock and mark of it. */
const when = (reason) => rows(`SELECT pc_eventDate || ' ' || substr(pc_startTime, 1, 5) || ' ' || pc_apptstatus FROM openemr_postcalendar_events WHERE pc_hometext LIKE '${reason}%' ORDER BY pc_eid DESC LIMIT 1`);

const place = (person) => new URL(person.page.url()).pathname;

/** The page as a person sees it. */
const seen = (person, name, fold) => look(person, `booking-${name}`, fold);

/** Somebody logged in, on a page. */
async function at(path, login) {
  const person = await Person.sitDown(chromium.browser);
  // A script that is put in is not the page's own: its policy does not hold for it.
  await person.page.setBypassCSP(true);
  await person.open(`${target.base}${path}`);
  await person.logIn(login);
  assert.equal(place(person), path, await person.words());
  return person;
}

const atHome = () => at(HERE, activePatients(target)[0]);
const atTheDesk = () => at("/staff/visits", staffOf(target, "portal-admin"));

/** Follows the link with these words. */
async function follow(person, words, inside = "main") {
  const link = await person.page.evaluateHandle((text, root) => [...document.querySelectorAll(`${root} a`)].find((one) => one.innerText.trim().startsWith(text)), words, inside);
  assert.ok(link.asElement(), `${words} on ${person.page.url()}: ${await person.words()}`);
  const gone = person.page.waitForNavigation({ timeout: 20_000 });
  await link.asElement().evaluate((one) => one.click());
  return gone;
}

/** The article about the visit with this reason: its id. */
async function article(person, reason) {
  const id = await person.page.$$eval("article", (all, text) => all.find((one) => one.innerText.includes(text))?.id, reason);
  assert.ok(id, `a visit with ${reason}: ${await person.words()}`);
  return id;
}

const words = (person, id) => person.page.$eval(`[id="${id}"]`, (one) => one.innerText);

/** Presses a button of that visit, its folds opened and its fields filled. */
async function decide(person, reason, decision, fields = {}) {
  const id = await article(person, reason);
  await person.page.$$eval(`[id="${id}"] details`, (all) => all.forEach((one) => { one.open = true; }));
  for (const [name, text] of Object.entries(fields)) {
    const field = `[id="${id}"] [name=${name}]`;
    if (name === "slot") await person.page.select(field, text);
    else await person.page.type(field, text);
  }
  await person.press(`[id="${id}"] button[name=decision][value=${decision}]`);
}

/** Presses a link to a file: its name, and what the browser keeps. */
async function fileBehind(person, selector) {
  const downloadPath = join(folder.path, "downloads");
  const browser = await chromium.browser.target().createCDPSession();
  await browser.send("Browser.setDownloadBehavior", { behavior: "allow", browserContextId: person.context.id, downloadPath, eventsEnabled: true });
  const kept = new Promise((resolve) => {
    browser.on("Browser.downloadWillBegin", ({ suggestedFilename }) => {
      browser.on("Browser.downloadProgress", ({ state }) => state === "completed" && resolve(suggestedFilename));
    });
  });
  await person.page.$eval(selector, (one) => one.click());
  const name = await kept;
  await browser.detach();
  return { name, text: await readFile(join(downloadPath, name), "utf8") };
}

/** What for, with whom; the week is shown. */
async function week(person) {
  await person.open(`${target.base}${HERE}`);
  await follow(person, "Ask for a visit");
  await follow(person, "Office Visit");
  await follow(person, "Donna Lee");
}

/** The last time of a week: one that may still be called off, for which the practice wants a day's notice. */
async function last(person) {
  await person.page.$$eval(".starts button", (all) => all.at(-1).setAttribute("data-last", ""));
  return "[data-last]";
}

/** Presses the first time that is shown, and asks for it with a reason. */
async function ask(person, reason) {
  await person.press(".starts button");
  await person.page.type("#reason", reason);
  await person.press("main form button[type=submit]");
}

test("F121, F124, F127, F138: a patient asks for a visit, staff confirm it, the patient takes it into a calendar and cancels", { timeout: 180_000 }, async () => {
  const home = await atHome();
  await seen(home, "visits");
  await follow(home, "Ask for a visit");
  await seen(home, "kinds");
  await follow(home, "Office Visit");
  await seen(home, "providers");
  await follow(home, "Anybody who is free");
  await seen(home, "anybody");
  await home.page.goBack();
  await follow(home, "Donna Lee");
  await seen(home, "week");
  const late = await last(home);
  const time = await home.page.$eval(late, (one) => one.textContent.trim().slice(0, 5));
  await home.press(late);
  assert.equal(place(home), `${HERE}/ask`);
  assert.match(await home.words(), /Held for you until \d\d:\d\d/);
  await seen(home, "ask");
  assert.equal(await rows("SELECT COUNT(*) FROM anteroom_hold"), "1");
  await home.page.type("#reason", "Earache since Sunday");
  await home.press("main form button[type=submit]");
  assert.match(home.page.url(), /done=asked/);
  assert.equal(await row("Earache"), "^|Office Visit|900|Earache since Sunday", "F124");
  assert.ok((await when("Earache")).includes(` ${time} `), "F121: at the time that was pressed");
  assert.match(await words(home, await article(home, "Earache")), /Waits for the practice/);
  await seen(home, "asked");

  const desk = await atTheDesk();
  await seen(desk, "desk", "details");
  await decide(desk, "Earache", "confirm");
  assert.match(desk.page.url(), /done=confirm/);
  assert.equal(await row("Earache"), "-|Office Visit|900|Earache since Sunday", "F129");
  await seen(desk, "confirmed");

  await home.open(`${target.base}${HERE}`);
  const id = await article(home, "Earache");
  assert.match(await words(home, id), /Booked/);
  const file = await fileBehind(home, `[id="${id}"] a[download]`);
  assert.equal(file.name, "visit.ics");
  assert.match(file.text, /^BEGIN:VCALENDAR\r\n[^]*STATUS:CONFIRMED\r\n[^]*END:VCALENDAR\r\n$/);
  assert.ok(!file.text.includes("Earache"), "what for is nobody's business who looks at that calendar");
  await decide(home, "Earache", "cancel", { reason: "It is better" });
  assert.match(home.page.url(), /done=cancel/);
  assert.match(await row("Earache"), /^x\|Office Visit\|900\|Earache since Sunday\nCancelled by patient: It is better/, "F127, F128");
  await seen(home, "cancelled");
  for (const one of [home, desk]) await one.leave();
});

test("F125, F129: staff propose another time, the patient agrees; another request is declined, and the patient reads why", { timeout: 180_000 }, async () => {
  const home = await atHome();
  await week(home);
  await ask(home, "Rash on both arms");
  const asked = await when("Rash");
  const desk = await atTheDesk();
  const id = await article(desk, "Rash");
  const slot = await desk.page.$$eval(`[id="${id}"] option`, (all) => all.at(-1).value);
  await decide(desk, "Rash", "propose", { slot });
  assert.match(desk.page.url(), /done=propose/);
  const proposed = await when("Rash");
  assert.notEqual(proposed, asked, "the row is at the other time");
  assert.match(proposed, /\^$/, "and waits");
  await home.open(`${target.base}/account`);
  assert.match(await home.words(), /Your answer is wanted/);
  await seen(home, "account");
  await follow(home, "Your appointments");
  await seen(home, "proposed", "details");
  await decide(home, "Rash", "agree");
  assert.match(home.page.url(), /done=agree/);
  assert.equal(await when("Rash"), proposed.replace(/\^$/, "-"));

  await week(home);
  await ask(home, "Tired all day");
  await desk.open(`${target.base}/staff/visits`);
  await decide(desk, "Tired", "decline", { reason: "Please see Dr. Fischer about it" });
  assert.match(await row("Tired"), /^x\|/);
  await home.open(`${target.base}${HERE}`);
  assert.match(await words(home, await article(home, "Tired")), /Please see Dr\. Fischer about it/);
  await home.open(`${target.base}${HERE}?lang=es`);
  assert.match(await words(home, await article(home, "Tired")), /El consultorio dice/);
  await seen(home, "spanish", "details");
  for (const one of [home, desk]) await one.leave();
});

test("F121: of two who press the same time one is told what is free next; a visit is moved in one step", { timeout: 180_000 }, async () => {
  const [first, second] = await Promise.all(activePatients(target).slice(0, 2).map((login) => at(HERE, login)));
  await week(first);
  await week(second);
  await first.press(await last(first));
  await second.press(await last(second));
  assert.match(await second.words(), /This time is taken\. Next free: \d{4}-\d\d-\d\d/);
  assert.match(await second.words(), /Donna Lee/, "what was chosen is kept");
  await seen(second, "taken");
  await first.page.type("#reason", "Twisted ankle");
  await first.press("main form button[type=submit]");
  const before = await when("Twisted ankle");
  const id = await article(first, "Twisted ankle");
  await follow(first, "Choose another time", `[id="${id}"]`);
  assert.match(await first.words(), /Move your visit/);
  await seen(first, "move");
  await ask(first, "Twisted ankle, later");
  assert.match(first.page.url(), /done=moved/);
  assert.match(await when("Twisted ankle, later"), /\^$/);
  assert.equal(await rows("SELECT COUNT(*) FROM openemr_postcalendar_events WHERE pc_hometext LIKE 'Twisted ankle%' AND pc_apptstatus = '^'"), "1", "the other one was given up");
  assert.notEqual(await when("Twisted ankle, later"), before);
  for (const one of [first, second]) await one.leave();
});
