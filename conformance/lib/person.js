// A person at a screen: fills the server's real forms in Chromium and sees where they end up.
import { patience } from "./patience.js";
import { CALLBACK } from "./target.js";

const PATIENCE = { timeout: 20_000 };
const FORMS = { login: "input[name=password]", "new credentials": "input[name=new_password]", consent: "button[name=decision]" };

/** One person with a browser of their own: no cookie is shared with any other. */
export class Person {
  static async sitDown(browser) {
    const context = await browser.createBrowserContext();
    return new Person(context, await context.newPage());
  }

  constructor(context, page) {
    this.context = context;
    this.page = page;
  }

  /** Opens the app's launch page and waits for the server's first page or the way back. */
  async startApp(app, { fhir, client, scope, secrets = {} }) {
    const query = new URLSearchParams({ iss: fhir, client_id: client.client_id, scope, secrets: JSON.stringify(secrets) });
    await this.page.goto(`${app.origin}/launch?${query}`, PATIENCE);
    await this.page.waitForFunction((away) => location.origin !== away || location.pathname === "/callback" || document.title === "failed", PATIENCE, app.origin);
    if ((await this.page.title()) === "failed") throw new Error(`fhirclient will not launch: ${await this.words()}`);
    await this.page.waitForFunction(() => document.readyState === "complete", PATIENCE);
  }

  /** Goes on from the app's launch page, where the desk has opened it, with the app's own configuration. */
  async continueLaunch(app, { client, scope }) {
    const url = new URL(this.page.url());
    for (const [name, value] of Object.entries({ client_id: client.client_id, scope })) url.searchParams.set(name, value);
    await this.page.goto(url.href, PATIENCE);
    await this.page.waitForFunction((away) => location.origin !== away || document.title === "failed", PATIENCE, app.origin);
    if ((await this.page.title()) === "failed") throw new Error(`fhirclient will not launch: ${await this.words()}`);
    await this.page.waitForFunction(() => document.readyState === "complete", PATIENCE);
  }

  /** Opens a page. */
  async open(url) {
    return this.page.goto(url, PATIENCE);
  }

  /** Presses what `selector` names, in this window, and waits for the next page. */
  async press(selector) {
    await this.page.$$eval("[target]", (all) => all.forEach((one) => one.removeAttribute("target")));
    const gone = this.page.waitForNavigation(PATIENCE);
    await this.page.$eval(selector, (one) => one.click());
    return gone;
  }

  /** login, new credentials, consent, app, or the words of any other page. */
  async where() {
    if (this.page.url().startsWith(CALLBACK)) return "app";
    for (const [name, selector] of Object.entries(FORMS)) {
      if (await this.page.$(selector)) return name;
    }
    return `a page that says: ${await this.words()}`;
  }

  async words() {
    return this.page.$eval("body", (body) => (body.querySelector("main") ?? body).innerText.trim());
  }

  /** Logs in, again where the server says to wait; `email` is typed only where it is asked for. */
  async logIn(login) {
    const answer = await this.#logInOnce(login);
    if (await patience(answer?.status(), answer?.headers()["retry-after"])) await this.#logInOnce(login);
  }

  /** Fills the new-credentials form; keeps the username it proposes, else types the given one. */
  async chooseCredentials({ username, password }) {
    const proposed = await this.page.$eval("input[name=username]", (input) => input.value);
    if (!proposed) await this.#type("input[name=username]", username);
    await this.#type("input[name=new_password]", password);
    await this.#type("input[name=new_password_again]", password);
    await this.#submit("input[name=new_password]");
    return proposed || username;
  }

  /** The scopes of the consent page, as values of its checkboxes. */
  async scopesAsked() {
    return this.page.$$eval("input[type=checkbox][name=scope]", (boxes) => boxes.map((box) => box.value));
  }

  /** Ticks every scope but those of `without`, and presses approve or deny. */
  async decide(decision, without = []) {
    for (const box of await this.page.$$("input[type=checkbox][name=scope]")) {
      const [value, ticked] = await box.evaluate((input) => [input.value, input.checked]);
      if (ticked === without.includes(value)) await box.evaluate((input) => input.click());
    }
    await this.#press(`button[name=decision][value=${decision}]`);
  }

  /** Runs `body(client, argument)` in the page, with the client of `FHIR.oauth2.ready()`. */
  async inApp(body, argument) {
    const where = await this.where();
    if (where !== "app") throw new Error(`not back in the app but at ${where}`);
    return this.page.evaluate(
      async (source, given) => {
        const { client, problem } = await window.smart;
        if (problem) throw new Error(`FHIR.oauth2.ready() failed: ${problem}`);
        return new Function("client", "given", `return (${source})(client, given);`)(client, given);
      },
      body.toString(),
      argument,
    );
  }

  async leave() {
    await this.context.close();
  }

  async #logInOnce({ username, password, email }) {
    await this.#type("input[name=username]", username);
    await this.#type("input[name=password]", password);
    if (await this.page.$("input[name=email]")) await this.#type("input[name=email]", email);
    return this.#submit("input[name=password]");
  }

  async #type(selector, text) {
    await this.page.$eval(selector, (input) => { input.value = ""; });
    await this.page.type(selector, text);
  }

  async #submit(selector) {
    const button = await this.page.evaluateHandle((inside) => {
      const form = document.querySelector(inside).form;
      return form.querySelector("button[type=submit], button:not([type]), input[type=submit]");
    }, selector);
    return this.#press(button.asElement());
  }

  async #press(what) {
    const arrived = this.page.waitForNavigation(PATIENCE);
    const [answer] = await Promise.all([arrived, typeof what === "string" ? this.page.click(what) : what.click()]);
    return answer;
  }
}
