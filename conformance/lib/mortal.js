// A server that is killed (SIGKILL) and started again on the same folder and port, with its database and a browser that goes on
// from before: a sandbox of its own on SQLite (`sqlite3`), or for suites that can use it the practice that ./test set up on
// MariaDB (`mariadb`). That one is told by ANTEROOM_TEST_PRACTICE, its folder, ANTEROOM_TEST_PRACTICE_SQL, the client's options,
// and its server's settings.
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { binary, freePort, newFolder } from "./sandbox.js";

const PATIENCE = 60_000;

/** The value of a hidden field of a page. */
export const hidden = (html, name) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1];

/** A sandbox of its own. */
async function ownSandbox() {
  const folder = await newFolder();
  const port = await freePort();
  return {
    folder: folder.path,
    base: `http://127.0.0.1:${port}`,
    command: ["demo", "--listen", `127.0.0.1:${port}`, "--data", folder.path],
    sql: (text) => execFileSync("sqlite3", ["-cmd", ".timeout 10000", join(folder.path, "practice.db")], { input: text }).toString().trim(),
    remove: folder.remove,
  };
}

/** The practice whose settings are in the environment; it stays. */
function givenPractice(folder) {
  const { ANTEROOM_PUBLIC_URL, ANTEROOM_DATABASE_URL, ANTEROOM_TEST_PRACTICE_SQL } = process.env;
  const database = new URL(ANTEROOM_DATABASE_URL).pathname.slice(1);
  const options = [`--defaults-extra-file=${ANTEROOM_TEST_PRACTICE_SQL}`, "--default-character-set=utf8mb4", "--batch", "--raw", "--skip-column-names"];
  // The suites put texts together as SQLite and the standard do.
  const mode = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT');";
  return {
    folder,
    base: ANTEROOM_PUBLIC_URL,
    command: ["serve"],
    sql: (text) => execFileSync("mariadb", [...options, database], { input: `${mode}\n${text}\n` }).toString().trim(),
    remove: async () => {},
  };
}

/**
 * A server, not started yet, with what its environment names besides. Where `practice` is true it is that of the practice in the
 * environment, where there is one; otherwise always a sandbox of its own.
 */
export async function newMortal({ practice = false, env = {} } = {}) {
  const given = practice ? process.env.ANTEROOM_TEST_PRACTICE : undefined;
  const { folder, base, command, sql, remove: removed } = given ? givenPractice(given) : await ownSandbox();
  const jar = new Map();
  let child;

  const isOver = () => child.exitCode !== null || child.signalCode !== null;

  /** Starts the server and waits until it serves. What answers there once it has ended is another one. */
  async function start() {
    child = spawn(binary(), command, {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, ...env },
    });
    for (const until = Date.now() + PATIENCE; Date.now() < until; await sleep(50)) {
      const ready = await fetch(`${base}/readyz`).catch(() => undefined);
      if (isOver()) throw new Error(`the server ended before it served (${child.exitCode ?? child.signalCode})`);
      if (ready?.status === 200) return;
    }
    throw new Error("the server did not start");
  }

  async function kill() {
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
  }

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

  /** Ends the server and takes away the folder of a sandbox. */
  async function remove() {
    if (child && !isOver()) await kill();
    await removed();
  }

  return { folder, start, kill, sql, go, logIn, remove };
}
