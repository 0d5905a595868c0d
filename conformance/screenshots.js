// The README's pictures, from a running sandbox: node screenshots.js --url URL --demo demo.json --into ../docs
import { mkdir, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { openChromium } from "./lib/chromium.js";

const { values } = parseArgs({ options: { url: { type: "string" }, demo: { type: "string" }, into: { type: "string" } } });
const { url, demo, into } = values;
const sandbox = JSON.parse(await readFile(demo, "utf8"));
const person = sandbox.patients.find((patient) => patient.notes.startsWith("active"));
const colleague = sandbox.staff.find((one) => one.roles.includes("portal-admin"));
await mkdir(into, { recursive: true });

// An app for staff, which waits until somebody lets it in.
async function waitingApp() {
  const { registration_endpoint } = await (await fetch(`${url}/.well-known/openid-configuration`)).json();
  const app = {
    client_name: "Ward Round",
    client_uri: "https://ward.example/",
    redirect_uris: ["https://ward.example/callback"],
    launch_uri: "https://ward.example/launch",
    token_endpoint_auth_method: "client_secret_basic",
    scope: "launch openid fhirUser user/Patient.rs user/Appointment.rs user/Encounter.rs",
  };
  const response = await fetch(registration_endpoint, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(app) });
  if (response.status !== 201) throw new Error(`the app for the picture was not registered: ${response.status} ${await response.text()}`);
}

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
  await page.goto(`${url}/account/apps`, { waitUntil: "networkidle0" });
  await page.click("summary");
  await shot("account-apps", 1300);
  await page.goto(`${url}/developers/register`, { waitUntil: "networkidle0" });
  await page.type("[name=name]", "Health Diary");
  await page.type("[name=redirect_uris]", "http://diary.example/callback");
  // A field that is wrong, so that the picture shows how the form says so.
  await Promise.all([page.waitForNavigation({ waitUntil: "networkidle0" }), page.click("form[action$='/developers/register'] button[type=submit]")]);
  await shot("developers-register", 1500);

  await waitingApp();
  const desk = await (await browser.createBrowserContext()).newPage();
  const deskShot = async (name, height) => {
    await desk.setViewport({ width: 1100, height, deviceScaleFactor: 1 });
    await desk.screenshot({ path: `${into}/${name}.png` });
  };
  const deskSubmit = (selector) => Promise.all([desk.waitForNavigation({ waitUntil: "networkidle0" }), desk.click(selector)]);
  await desk.goto(`${url}/staff/launch`, { waitUntil: "networkidle0" });
  await desk.type("[name=username]", colleague.username);
  await desk.type("[name=password]", colleague.password);
  await deskSubmit("button[type=submit]");
  await desk.click("input[name=client_id]");
  await desk.type("[name=search]", person.name.split(" ").at(-1));
  await deskSubmit("form:has([name=search]) button[type=submit]");
  await deskSubmit(`button[name=patient][value="${person.id}"]`);
  await deskShot("staff-launch", 1100);
  await desk.goto(`${url}/staff/apps`, { waitUntil: "networkidle0" });
  await deskShot("staff-apps", 1300);
  await desk.goto(`${url}/staff/onboarding`, { waitUntil: "networkidle0" });
  await deskShot("staff-onboarding", 1300);
  const resettable = sandbox.patients.find((patient) => patient.notes.includes("must change"));
  await desk.goto(`${url}/staff/patients/${resettable.id}`, { waitUntil: "networkidle0" });
  await deskSubmit("button[name=decision][value=preview]");
  await deskShot("staff-patient", 1300);

  // As a patient sees it who reads Spanish on a dark phone.
  await page.setViewport({ width: 390, height: 844, deviceScaleFactor: 2, isMobile: true });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await page.setExtraHTTPHeaders({ "accept-language": "es" });
  await page.goto(`${url}/account/activity`, { waitUntil: "networkidle0" });
  await page.screenshot({ path: `${into}/account-activity-phone.png` });
  console.log(`twelve pictures in ${into}`);
} finally {
  await close();
}
