// The README"s pictures, from a running sandbox: node screenshots.js --url URL --demo demo.json --into ../docs
import { mkdir, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { openChromium } from "./lib/chromium.js";

const { values } = parseArgs({ options: { url: { type: "string" }, demo: { type: "string" }, into: { type: "string" } } });
const { url, demo, into } = values;
const person = JSON.parse(await readFile(demo, "utf8")).patients.find((patient) => patient.notes.startsWith("active"));
await mkdir(into, { recursive: true });

const { browser, close } = await openChromium();
try {
  const page = await browser.newPage();
  const shot = async (name, height) => {
    await page.setViewport({ width: 1100, height, deviceScaleFactor: 1 });
    await page.screenshot({ path: `${into}/${name}.png` });
  };
  await page.setViewport({ width: 1100, height: 900 });
  await page.goto(`${url}/`, { waitUntil: "networkidle0" });
  await shot("home", 900);
  await page.goto(`${url}/developers`, { waitUntil: "networkidle0" });
  await shot("developers", 900);
  await page.goto(`${url}/app`, { waitUntil: "networkidle0" });
  await Promise.all([page.waitForNavigation({ waitUntil: "networkidle0" }), page.click("#connect")]);
  await page.type("[name=username]", person.username);
  await page.type("[name=password]", person.password);
  await shot("login", 700);
  await Promise.all([page.waitForNavigation({ waitUntil: "networkidle0" }), page.click("button[type=submit]")]);
  await shot("consent", 1100);
  await Promise.all([page.waitForNavigation({ waitUntil: "networkidle0" }), page.click("button[name=decision][value=approve]")]);
  await page.waitForSelector("#record:not([hidden])");
  await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
  await shot("app", 1300);
  console.log(`five pictures in ${into}`);
} finally {
  await close();
}
