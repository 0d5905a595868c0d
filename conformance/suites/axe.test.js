// axe-core reads every page of axe/pages.js as a stranger, a patient and staff see it: English and Spanish, light and dark, phone and desk.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { PAGES } from "../axe/pages.js";
import { openChromium } from "../lib/chromium.js";
import { violations } from "../lib/looked.js";
import { Person } from "../lib/person.js";
import { activePatients, openTarget, staffOf } from "../lib/target.js";

const WIDTHS = [390, 1280];
const SCHEMES = ["light", "dark"];
const LANGUAGES = ["en", "es"];
// Where pictures go, for people to look at.
const pictures = process.env.ANTEROOM_PICTURES;

let chromium;
let target;
const people = new Map();

before(async () => {
  target = await openTarget("axe");
  chromium = await openChromium();
  if (pictures) await mkdir(pictures, { recursive: true });
});

after(() => chromium?.close());

/** A browser for each kind of reader, logged in once. */
async function reader(who) {
  if (people.has(who)) return people.get(who);
  const person = await Person.sitDown(chromium.browser);
  const account = { patient: () => [activePatients(target)[0], "/account"], staff: () => [staffOf(target, "portal-admin"), "/staff"] }[who];
  if (account) {
    const [login, path] = account();
    await person.open(`${target.base}${path}`);
    await person.logIn(login);
    assert.equal(new URL(person.page.url()).pathname, path, `${who} is logged in`);
  }
  // A script that is put in is not the page's own: its policy does not hold for it.
  await person.page.setBypassCSP(true);
  people.set(who, person);
  return person;
}

const address = (path, language) => `${target.base}${path.replace("{patient}", activePatients(target)[0].id)}${path.includes("?") ? "&" : "?"}lang=${language}`;

for (const one of PAGES) {
  test(`${one.who}: ${one.name}`, async () => {
    const { page } = await reader(one.who);
    const said = [];
    const found = new Map();
    const note = (fault, how) => found.set(fault, [...(found.get(fault) ?? []), how]);
    const hear = (message) => {
      // A page that is not there, or a form sent wrong, is answered with an error on purpose.
      if (["error", "warn"].includes(message.type()) && !/Failed to load resource/.test(message.text())) said.push(message.text());
    };
    const fail = (error) => said.push(String(error));
    page.on("console", hear).on("pageerror", fail);
    try {
      for (const language of one.once ? LANGUAGES.slice(1) : LANGUAGES) {
        await page.setViewport({ width: 1280, height: 900 });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
        const answer = await page.goto(address(one.path, language), { waitUntil: "load", timeout: 20_000 });
        assert.equal(answer.status(), one.status ?? 200, one.path);
        await one.does?.(page);
        assert.equal(await page.$eval("html", (html) => html.lang), language);
        if (one.english) assert.equal(await page.$eval("main", (main) => main.lang), "en");
        for (const scheme of SCHEMES) {
          await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
          for (const width of WIDTHS) {
            const how = `${language}, ${scheme}, ${width} px`;
            await page.setViewport({ width, height: 900 });
            // Transitions of colours are over before they are measured: ended, and not waited for, since a page that is drawn
            // no frame of never ends one.
            await page.evaluate(() => document.getAnimations().forEach((one) => one.finish()));
            if (pictures) await page.screenshot({ path: `${pictures}/${one.who}-${one.name.replace(/\W+/g, "-")}-${language}-${scheme}-${width}.png`, fullPage: true });
            for (const fault of await violations(page)) note(fault, how);
            const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            if (wide > 0) note(`the page scrolls sideways by ${wide} px`, how);
          }
        }
      }
      assert.deepEqual([...found].map(([fault, where]) => `${fault} (${where.join("; ")})`), []);
      assert.deepEqual(said, [], "the console says nothing");
    } finally {
      page.off("console", hear).off("pageerror", fail);
    }
  });
}

test("a keyboard reaches the content, the form and the languages of the login, each with its ring", async () => {
  const { page } = await Person.sitDown(chromium.browser);
  await page.goto(address("/account", "es"), { waitUntil: "load" });
  const stops = [];
  for (let step = 0; step < 30; step += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const one = document.activeElement;
      const name = one.id || one.getAttribute("href") || one.type || one.tagName;
      return { name, ring: getComputedStyle(one).outlineStyle !== "none", done: one === document.body };
    });
    if (stop.done) break;
    stops.push(stop);
  }
  assert.equal(stops[0]?.name, "#main", "the first stop leads past the frame");
  for (const wanted of ["username", "password", "submit"]) assert.ok(stops.some((stop) => stop.name === wanted), wanted);
  assert.ok(stops.some((stop) => stop.name.endsWith("lang=en")), "the other language");
  assert.deepEqual(stops.filter((stop) => !stop.ring), [], "every stop shows where it is");
});
