// 500 invitations with the server killed (SIGKILL) in the middle: each patient gets exactly one. A sandbox of its own, the
// real binary, the form a member of staff presses; the practice's patients are put into its SQLite file with `sqlite3`.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { binary, freePort, newFolder } from "../lib/sandbox.js";

const MANY = 500;
const FIRST = 900_000;
const KILLS = Number(process.env.ANTEROOM_KILLS ?? 3);

let folder;
let port;
let base;
let child;
const jar = new Map();

/** Starts the sandbox on the folder and waits until it serves. */
async function start() {
  const env = { ...process.env, ANTEROOM_ACTIVATION_REQUIRES: "" };
  child = spawn(binary(), ["demo", "--listen", `127.0.0.1:${port}`, "--data", folder.path], { stdio: ["ignore", "ignore", "inherit"], env });
  for (const until = Date.now() + 60_000; Date.now() < until; await sleep(50)) {
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

/** A browser: follows redirects on this server, keeps cookies. */
async function go(path, form) {
  const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") };
  if (form) Object.assign(headers, { "content-type": "application/x-www-form-urlencoded", origin: base });
  const body = form && new URLSearchParams(form).toString();
  const answer = await fetch(new URL(path, base), { method: form ? "POST" : "GET", headers, body, redirect: "manual" });
  for (const cookie of answer.headers.getSetCookie()) {
    const [name, value] = cookie.split(";")[0].split(/=(.*)/s);
    jar.set(name, value);
  }
  const place = answer.headers.get("location");
  if (place && new URL(place, base).origin === base) return go(place);
  return { status: answer.status, path, html: await answer.text() };
}

const hidden = (html, name) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1];

before(async () => {
  folder = await newFolder();
  port = await freePort();
  base = `http://127.0.0.1:${port}`;
  await start();
  const rows = Array.from({ length: MANY }, (_, number) => {
    const pid = FIRST + number;
    const uuid = pid.toString(16).toUpperCase().padStart(32, "0");
    return `(${pid},${pid},X'${uuid}','Ana','Batchson','1980-01-01','batch${pid}@mail.example','batch${pid}@mail.example','YES','YES','555-0100','12345')`;
  });
  sql(`INSERT INTO patient_data (id,pid,uuid,fname,lname,DOB,email,email_direct,hipaa_allowemail,allow_patient_portal,phone_home,postal_code) VALUES ${rows.join(",")};`);
});

after(async () => {
  child?.kill("SIGKILL");
  await folder?.remove();
});

test(`a batch of ${MANY}, the server killed ${KILLS} times in the middle: each is invited exactly once`, { timeout: 300_000 }, async () => {
  const demo = JSON.parse(readFileSync(join(folder.path, "demo.json"), "utf8"));
  const { username, password } = demo.staff.find((one) => one.roles.includes("portal-admin"));
  const login = await go("/staff/onboarding?search=batchson");
  const action = /<form[^>]*action="([^"]*)"/.exec(login.html)?.[1].replaceAll("&#38;", "&").replaceAll("&amp;", "&");
  await go(action, { csrf: hidden(login.html, "csrf"), username, password });
  const list = await go("/staff/onboarding?search=batchson");
  assert.equal(list.status, 200, list.html);
  const confirm = await go("/staff/onboarding?search=batchson", { csrf: hidden(list.html, "csrf"), do: "all" });
  assert.match(confirm.html, /500 patients/);
  const job = await go("/staff/onboarding?search=batchson", {
    csrf: hidden(confirm.html, "csrf"),
    everybody: "true",
    ticket: hidden(confirm.html, "ticket"),
    do: "start",
  });
  assert.match(job.path, /^\/staff\/jobs\//);
  const done = () => Number(sql("SELECT COUNT(*) FROM anteroom_job_item WHERE outcome <> '';"));
  for (let killed = 0; killed < KILLS; killed += 1) {
    const before = done();
    for (const until = Date.now() + 60_000; Date.now() < until && done() < Math.min(MANY, before + 40); await sleep(10));
    const at = done();
    assert.ok(at < MANY, `too late to kill: ${at} were done`);
    await kill();
    console.log(`killed after ${at} of ${MANY}`);
    await start();
  }
  for (const until = Date.now() + 180_000; Date.now() < until && done() < MANY; await sleep(250));
  assert.equal(sql("SELECT outcome, COUNT(*) FROM anteroom_job_item GROUP BY outcome;"), `invited|${MANY}`);
  assert.equal(sql(`SELECT COUNT(*), COUNT(DISTINCT pid) FROM anteroom_link WHERE pid >= ${FIRST};`), `${MANY}|${MANY}`);
  assert.equal(sql(`SELECT COUNT(*), COUNT(DISTINCT address) FROM anteroom_outbox WHERE pid >= ${FIRST};`), `${MANY}|${MANY}`);
  // Where this build sends letters, they lie in the folder: one each. (A server killed between a mail server's yes and its
  // own note sends a second copy with the same Message-ID; a folder keeps one file a letter.)
  const unsent = () => Number(sql(`SELECT COUNT(*) FROM anteroom_outbox WHERE pid >= ${FIRST} AND status IN ('waiting', 'sending');`));
  // What was in the hand of a server that was killed is free when its lease is over: that is now.
  sql("UPDATE anteroom_outbox SET claimed_until = 0 WHERE status = 'sending';");
  for (const until = Date.now() + 120_000; Date.now() < until && unsent() > 0; await sleep(500));
  const folderOfMail = demo.mail_dir;
  const to = new Map();
  for (const name of readdirSync(folderOfMail).filter((name) => name.endsWith(".eml"))) {
    const address = /^To:.*?([\w.]+@mail\.example)/im.exec(readFileSync(join(folderOfMail, name), "utf8"))?.[1];
    if (address?.startsWith("batch")) to.set(address, (to.get(address) ?? 0) + 1);
  }
  assert.equal(to.size, MANY);
  assert.deepEqual([...to].filter(([, number]) => number !== 1), []);
});
