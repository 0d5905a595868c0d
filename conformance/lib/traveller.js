// A person in Chromium who is stopped at the border: every page that is not the server's own is noted and not fetched.
import { pickPatient } from "./desk.js";
import { Person } from "./person.js";

const PATIENCE = { timeout: 20_000, waitUntil: "load" };
const STEPS = 10;

/** A person whose way through the server's pages ends where the server sends them away. */
export class Traveller extends Person {
  /** `home`: the server's own base. The browser is shared, its cookies are not. */
  static async setOut(browser, home) {
    const context = await browser.createBrowserContext();
    const traveller = new Traveller(context, await context.newPage());
    await traveller.#guard(home);
    return traveller;
  }

  /** The URL of the last visit outside, if the person is there now. */
  arrived;

  /** GET. */
  async open(url) {
    this.arrived = undefined;
    return super.open(url);
  }

  /** POST of a form, as a page of the app would make its visitor's browser do. */
  async post(url, fields) {
    this.arrived = undefined;
    await this.page.goto("about:blank");
    const gone = this.page.waitForNavigation(PATIENCE);
    await this.page.evaluate(
      (action, values) => {
        const form = Object.assign(document.createElement("form"), { method: "post", action });
        for (const [name, value] of Object.entries(values)) form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
        document.body.append(form);
        HTMLFormElement.prototype.submit.call(form);
      },
      String(url),
      fields,
    );
    return gone;
  }

  /** app, login, new credentials, patient, consent, or the words of the page. */
  async where() {
    if (this.arrived) return "app";
    if (/\/choose-patient/.test(this.page.url())) return "patient";
    return super.where();
  }

  /** Walks every form up to the app: who logs in, which patient staff pick, what is unticked. Answers the URL at the border. */
  async walk({ who, patient, without = [], decision = "approve" }) {
    const trail = [];
    for (let step = 0; step < STEPS; step += 1) {
      const where = await this.where();
      if (where === "app") return this.arrived;
      if (trail.filter((one) => one === where).length > 1) break;
      trail.push(where);
      if (where === "login") await this.logIn(who);
      else if (where === "patient") await pickPatient(this, patient);
      else if (where === "consent") {
        this.asked = await this.scopesAsked();
        this.screen = await this.words();
        await this.decide(decision, without);
      } else break;
    }
    throw new Error(`the way to the app ended after ${trail.join(", ") || "nothing"}, at ${new URL(this.page.url()).pathname}: ${(await this.words()).slice(0, 400)}`);
  }

  async #guard(home) {
    const { origin } = new URL(home);
    await this.page.setRequestInterception(true);
    this.page.on("request", (request) => {
      const url = request.url();
      if (!/^https?:/.test(url) || new URL(url).origin === origin) return request.continue();
      if (!request.isNavigationRequest()) return request.abort();
      this.arrived = new URL(url);
      return request.respond({ status: 200, contentType: "text/html", body: "<!doctype html><title>the app</title>" });
    });
  }
}
