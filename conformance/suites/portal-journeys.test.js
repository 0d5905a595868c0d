// Four ways from the chart to a login, as people walk them in Chromium: registering, an invitation, a lost password, staff
// with a printed sheet. A sandbox of its own; letters are read out of its folder, forms filled and pressed, nothing else.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openChromium } from "../lib/chromium.js";
import { letterTo } from "../lib/letters.js";
import { Person } from "../lib/person.js";
import { freePort, newFolder, startSandbox } from "../lib/sandbox.js";
import { patientWhere, staffOf } from "../lib/target.js";

const PASSWORD = "Lantern-harbor-2026";
// Where a patient of the sandbox lives is not in its demo.json.
const ZIP = { name: "Seán O'Connor", zip: "01966" };
const pictures = process.env.ANTEROOM_PICTURES;

let folder;
let sandbox;
let target;
let chromium;

before(async () => {
  folder = await newFolder();
  sandbox = await startSandbox({ folder: folder.path, port: await freePort() });
  target = { base: sandbox.base, demo: JSON.parse(await readFile(join(folder.path, "demo.json"), "utf8")) };
  chromium = await openChromium();
  if (pictures) await mkdir(pictures, { recursive: true });
});

after(async () => {
  await chromium?.close();
  await sandbox?.stop();
  await folder?.remove();
});

/** Takes a picture of the page, where pictures are wanted. */
async function picture(person, name) {
  if (pictures) await person.page.screenshot({ path: join(pictures, `journey-${name}.png`), fullPage: true });
}

/** Types into the fields of the page's form, and chooses from its lists by the words a person reads. */
async function fill(person, fields) {
  for (const [name, text] of Object.entries(fields)) {
    const kind = await person.page.$eval(`main [name=${name}]`, (one) => one.type);
    if (kind === "select-one") {
      const value = await person.page.$eval(`main [name=${name}]`, (list, words) => [...list.options].find((one) => one.text === words)?.value, text);
      assert.ok(value !== undefined, `${name} offers ${text}`);
      await person.page.select(`main [name=${name}]`, value);
    } else if (kind === "date") {
      await person.page.$eval(`main [name=${name}]`, (input, day) => { input.value = day; }, text);
    } else {
      await person.page.$eval(`main [name=${name}]`, (input) => { input.value = ""; });
      await person.page.type(`main [name=${name}]`, text);
    }
  }
}

/** Fills the form and sends it by the button of its own. */
async function send(person, fields = {}) {
  await fill(person, fields);
  await person.press("main form button[type=submit]");
}

const title = (person) => person.page.$eval("h1", (one) => one.innerText.trim());
const place = (person) => new URL(person.page.url()).pathname;
const family = (patient) => patient.name.split(" ").at(-1);

/** Somebody with a browser that nobody used before. */
const somebody = () => Person.sitDown(chromium.browser);

/** A portal administrator at the desk, on a page of it. */
async function staffAt(path) {
  const person = await somebody();
  await person.open(`${target.base}${path}`);
  await person.logIn(staffOf(target, "portal-admin"));
  assert.equal(place(person), path, await person.words());
  return person;
}

/** Logs in on a browser that knows nothing, and is let in as the person of this name. */
async function getsIn(login, name) {
  const person = await somebody();
  await person.open(`${target.base}/account`);
  await person.logIn(login);
  if ((await person.where()) === "new credentials") return person;
  assert.equal(place(person), "/account", await person.words());
  assert.match(await person.words(), new RegExp(name));
  return person;
}

/** Nobody comes in with this login. */
async function staysOut(login) {
  const person = await somebody();
  await person.open(`${target.base}/account`);
  await person.logIn(login);
  assert.equal(await person.where(), "login", "it is refused");
  await person.leave();
}

/** A letter's link is looked at by a mail scanner before anybody reads it: nothing is used up by that. */
async function scanned(link) {
  for (let look = 0; look < 3; look += 1) assert.equal((await fetch(link)).status, 200, link);
}

/** Presses a button that answers with a PDF: its headers, and the bytes of the file the browser keeps. */
async function pdfBehind(person, selector) {
  const downloadPath = join(folder.path, "downloads");
  const browser = await chromium.browser.target().createCDPSession();
  await browser.send("Browser.setDownloadBehavior", { behavior: "allow", browserContextId: person.context.id, downloadPath, eventsEnabled: true });
  const kept = new Promise((resolve) => {
    browser.on("Browser.downloadWillBegin", ({ suggestedFilename }) => {
      browser.on("Browser.downloadProgress", ({ state }) => state === "completed" && resolve(suggestedFilename));
    });
  });
  const answered = person.page.waitForResponse((answer) => answer.headers()["content-type"] === "application/pdf");
  await person.page.$eval(selector, (one) => one.click());
  const headers = (await answered).headers();
  const bytes = await readFile(join(downloadPath, await kept));
  await browser.detach();
  return { headers, bytes };
}

test("F046, F107, F108, F109, F110, F113, F116: somebody new registers, and gets in with the login of their own", { timeout: 120_000 }, async () => {
  const email = "zoe.quill@mail.example";
  const zoe = await somebody();
  await zoe.open(`${target.base}/account`);
  await zoe.press("main a[href='/register']");
  await send(zoe, { first_name: "Zoe", last_name: "Quill", birth_date: "1991-03-04", email });
  assert.equal(place(zoe), "/register/sent");
  await picture(zoe, "register-sent");
  const { link } = await letterTo(target.demo.mail_dir, email, "/register/");
  await scanned(link);
  await zoe.open(link);
  assert.match(await zoe.words(), /Zoe Quill/);
  await picture(zoe, "register-profile");
  await send(zoe, { sex: "Female", street: "1 Elm Street", city: "Gloucester", state: "MA", postal_code: "01930", phone_home: "978-555-0190" });
  await picture(zoe, "register-insurance");
  await send(zoe, { insurer: "Commonwealth Harbor Health Plan", policy_number: "P-1" });
  await picture(zoe, "register-provider");
  await send(zoe, { provider: "Donna Lee", wish: "Mondays, please" });
  for (const said of ["Zoe Quill", "1 Elm Street", "Commonwealth Harbor Health Plan", "Donna Lee", "Mondays, please"]) {
    assert.ok((await zoe.words()).includes(said), `${said} on the last page: ${await zoe.words()}`);
  }
  await picture(zoe, "register-check");
  await send(zoe);
  assert.equal(await title(zoe), "Choose your login");
  await picture(zoe, "register-login");
  await send(zoe, { username: "zoe.quill", new_password: PASSWORD, new_password_again: PASSWORD });
  await picture(zoe, "register-done");
  const inside = await getsIn({ username: "zoe.quill", password: PASSWORD, email }, "Zoe Quill");
  await picture(inside, "register-inside");
  await inside.leave();

  const desk = await staffAt("/staff/registrations");
  assert.match(await desk.words(), /Zoe Quill/, "staff are told");
  await picture(desk, "register-staff");
  await desk.leave();
  await zoe.leave();
});

test("F092, F093, F098, F102: staff invite a patient, who chooses a login behind the link", { timeout: 120_000 }, async () => {
  const patient = target.demo.patients.find(({ notes }) => notes === "no credentials, e-mail on file");
  assert.ok(patient, "the sandbox has somebody to invite");
  const desk = await staffAt("/staff/onboarding");
  await desk.page.type("#search", family(patient));
  await desk.press("form[role=search] button[type=submit]");
  await picture(desk, "invite-list");
  const button = `button[name=do][value="invite:${patient.id}"]`;
  assert.ok(await desk.page.$(button), await desk.words());
  await desk.press(button);
  await picture(desk, "invite-done");
  const { raw, link } = await letterTo(target.demo.mail_dir, patient.email, "/activate/");
  assert.ok(!raw.includes(patient.birth_date), "the letter does not answer its own question");
  await scanned(link);

  const home = await somebody();
  await home.open(link);
  await picture(home, "invite-link");
  const chosen = { username: "invited.patient", new_password: PASSWORD, new_password_again: PASSWORD };
  await send(home, { ...chosen, birth_date: "1900-01-01" });
  assert.equal(place(home), new URL(link).pathname, "somebody else's birth date opens nothing");
  await send(home, { ...chosen, birth_date: patient.birth_date });
  assert.equal(await title(home), "Your login is ready");
  await picture(home, "invite-ready");
  assert.equal((await fetch(link)).status, 410, "the link is used up");
  const inside = await getsIn({ username: chosen.username, password: PASSWORD, email: patient.email }, family(patient));
  await inside.leave();

  await desk.open(`${target.base}/staff/patients/${patient.id}`);
  assert.match(await desk.words(), /invited\.patient/, "staff see whose login it is");
  await picture(desk, "invite-staff");
  for (const one of [desk, home]) await one.leave();
});

test("F045, F058, F059, F061, F066: a lost password, with the PIN of the screen and the link of the letter", { timeout: 120_000 }, async () => {
  const patient = target.demo.patients.find(({ name }) => name === ZIP.name);
  const home = await somebody();
  await home.open(`${target.base}/account`);
  assert.equal(await home.page.$("main a[href='/reset']"), null, "the way is shown after a failure");
  await home.logIn({ ...patient, password: "forgotten it is" });
  await home.press("main a[href='/reset']");
  await send(home, { email: patient.email, birth_date: patient.birth_date, family_name: family(patient), zip: ZIP.zip });
  const pin = await home.page.$eval(".code", (one) => one.innerText.trim());
  assert.match(pin, /^\S{6}$/);
  await picture(home, "lost-asked");
  const { raw, link } = await letterTo(target.demo.mail_dir, patient.email, "/reset/");
  assert.ok(!raw.includes(pin), "the letter does not hold the PIN");
  await scanned(link);
  await (await getsIn(patient, family(patient))).leave();

  await home.open(link);
  await picture(home, "lost-link");
  await send(home, { username: patient.username, pin, new_password: PASSWORD, new_password_again: PASSWORD });
  assert.equal(await title(home), "Your new password is set", await home.words());
  await picture(home, "lost-done");
  await staysOut(patient);
  await (await getsIn({ ...patient, password: PASSWORD }, family(patient))).leave();
  await home.leave();
});

test("F047, F071, F073, F076, F077: staff reset a login, look first, print the sheet; the patient must choose another password", { timeout: 120_000 }, async () => {
  const patient = patientWhere(target, /must change/);
  const desk = await staffAt("/staff/patients");
  await desk.open(`${target.base}/staff/patients/${patient.id}`);
  await desk.press("button[name=decision][value=preview]");
  assert.match(await desk.words(), /Nothing is stored yet/);
  await picture(desk, "staff-preview");
  const password = await desk.page.$eval(".code", (one) => one.innerText.trim());
  await staysOut({ ...patient, password });
  await desk.press("button[name=decision][value=commit]");
  await picture(desk, "staff-saved");
  assert.equal(await desk.page.$eval(".code", (one) => one.innerText.trim()), password, "what was looked at is what is stored");
  const sheet = await pdfBehind(desk, "button[name=decision][value=sheet]");
  assert.match(sheet.headers["cache-control"], /no-store/);
  assert.equal(sheet.bytes.subarray(0, 5).toString(), "%PDF-");
  await desk.open(`${target.base}/staff/patients/${patient.id}`);
  assert.ok(!(await desk.words()).includes(password), "it is shown once");

  const home = await getsIn({ ...patient, password }, "");
  assert.equal(await home.where(), "new credentials", "the password of the sheet is for one login");
  await picture(home, "staff-must-change");
  await home.chooseCredentials({ username: patient.username, password: PASSWORD });
  assert.equal(place(home), "/account", await home.words());
  await staysOut({ ...patient, password });
  for (const one of [desk, home]) await one.leave();
});
