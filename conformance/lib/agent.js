// A browser without a screen: cookies, redirects and HTML forms over fetch.
import { parse } from "node-html-parser";

const REDIRECTS = 12;

/** One person's browser. Keeps cookies by origin and stops in front of any URL that `stop` names. */
export class Agent {
  #cookies = new Map();

  /** `stop`: the prefix of the URL that belongs to the app and is not to be fetched. */
  constructor({ stop }) {
    this.stop = stop;
  }

  /** Follows redirects to a page `{ url, status, headers, text, root }` or to the app `{ stopped }`. */
  async open(url, init = {}) {
    let next = new URL(url);
    let request = init;
    for (let hop = 0; hop < REDIRECTS; hop += 1) {
      if (next.href.startsWith(this.stop)) return { stopped: next };
      const response = await fetch(next, {
        ...request,
        redirect: "manual",
        headers: { accept: "text/html", ...request.headers, ...this.#header(next) },
      });
      this.#keep(next, response.headers.getSetCookie());
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || !location) {
        const text = await response.text();
        return { url: next, status: response.status, headers: response.headers, text, root: parse(text) };
      }
      // RFC 9700, 4.12: a form that carried a password is answered 303, never 307 or 308.
      if (request.method === "POST" && [307, 308].includes(response.status)) {
        throw new Error(`${next.pathname} answered a form with ${response.status}, which sends the form on`);
      }
      await response.arrayBuffer();
      next = new URL(location, next);
      request = {};
    }
    throw new Error(`more than ${REDIRECTS} redirects, the last to ${next}`);
  }

  /** Submits the form around `selector` with its own values, `values` over them, and one button. */
  async submit(page, selector, values, button) {
    const form = formAround(page.root, selector);
    const fields = successful(form, values);
    if (button) fields.append(button.name, button.value);
    const target = new URL(form.getAttribute("action") || page.url.href, page.url);
    const method = (form.getAttribute("method") || "get").toUpperCase();
    if (method === "POST") {
      return this.open(target, { method, body: fields, headers: { origin: target.origin, referer: page.url.href } });
    }
    target.search = fields.toString();
    return this.open(target);
  }

  #header(url) {
    const jar = this.#cookies.get(url.origin);
    if (!jar || jar.size === 0) return {};
    return { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") };
  }

  #keep(url, lines) {
    const jar = this.#cookies.get(url.origin) ?? new Map();
    for (const line of lines) {
      const [pair, ...attributes] = line.split(";").map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf("="));
      const gone = attributes.some((a) => /^max-age=(0|-\d+)$/i.test(a));
      if (gone) jar.delete(name);
      else jar.set(name, pair.slice(pair.indexOf("=") + 1));
    }
    this.#cookies.set(url.origin, jar);
  }
}

/** The form that holds the first element matching `selector`. */
export function formAround(root, selector) {
  const form = root.querySelectorAll("form").find((candidate) => candidate.querySelector(selector));
  if (!form) throw new Error(`the page "${root.querySelector("title")?.text ?? ""}" has no form with ${selector}`);
  return form;
}

// HTML, 4.10.22.4: what a browser sends when the form is submitted.
function successful(form, values) {
  const fields = new URLSearchParams();
  for (const input of form.querySelectorAll("input, select, textarea")) {
    const name = input.getAttribute("name");
    const type = (input.getAttribute("type") || "text").toLowerCase();
    if (!name || name in values || ["submit", "button", "image", "reset"].includes(type)) continue;
    if (input.hasAttribute("disabled")) continue;
    if (["checkbox", "radio"].includes(type) && !input.hasAttribute("checked")) continue;
    fields.append(name, valueOf(input));
  }
  for (const [name, value] of Object.entries(values)) {
    for (const one of [value].flat()) fields.append(name, one);
  }
  return fields;
}

function valueOf(input) {
  if (input.tagName === "TEXTAREA") return input.text;
  if (input.tagName !== "SELECT") return input.getAttribute("value") ?? (input.getAttribute("type") === "checkbox" ? "on" : "");
  const options = input.querySelectorAll("option");
  const chosen = options.find((option) => option.hasAttribute("selected")) ?? options[0];
  return chosen?.getAttribute("value") ?? chosen?.text ?? "";
}
