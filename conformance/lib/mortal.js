// A sandbox that is killed (SIGKILL) and started again on the same folder and port, with its SQLite file (`sqlite3`) and a
// browser that goes on from before.
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { binary, freePort, newFolder } from "./sandbox.js";

const PATIENCE = 60_000;

/** The value of a hidden field of a page. */
export const hidden = (html, name) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1];

/** A sandbox, not started yet, with what its environment names besides. */
export async function newMortal(env = {}) {
  const folder = await newFolder();
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const jar = new Map();
  let child;

  /** Starts the server and waits until it serves. */
  async function start() {
    child = spawn(binary(), ["demo", "--listen", `127.0.0.1:${port}`, "--data", folder.path], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, ...env },
    });
    for (const until = Date.now() + PATIENCE; Date.now() < until; await sleep(50)) {
      const ready = await fetch(`${base}/readyz`).catch(() => undefined);
      if (ready?.status === 200) return;
    }
    throw new Error("the sandbox did not start");
  }

  async function kill() {
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  const sql = (text) => execFileSync("sqlite3", ["-cmd", ".timeout 10000", join(folder.path, "practice.db")], { input: text }).toString().trim();

  /** Opens a page or sends a form, one with files as FormData: follows redirects on this server, keeps cookies. */
  async function go(path, form) {
    const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") };
    if (form) headers.origin = base;
    const body = form instanceof FormData ? form : form && new URLSearchParams(form);
    const answer = await fetch(new URL(path, base), { method: form ? "POST" : "GET", headers, body, redirect: "manual" });
    for (const cookie of answer.headers.getSetCookie()) {
      const [name, value] = cookie.split(";")[0].split(/=(.*)/s);
      jar.set(name, value);
    }
    const place = answer.headers.get("location");
    if (place && new URL(place, base).origin === base) return go(place);
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, path, bytes, html: bytes.toString() };
  }

  /** Logs in on the way to a page. */
  async function logIn(path, { username, password }) {
    const login = await go(path);
    const action = /<form[^>]*action="([^"]*)"/.exec(login.html)?.[1].replaceAll("&#38;", "&").replaceAll("&amp;", "&");
    return go(action, { csrf: hidden(login.html, "csrf"), username, password });
  }

  /** Ends the server and takes its folder away. */
  async function remove() {
    child?.kill("SIGKILL");
    await folder.remove();
  }

  return { folder: folder.path, start, kill, sql, go, logIn, remove };
}
