// Documents are sent while the server is killed (SIGKILL) at random moments of it: what was acknowledged is there with its bytes,
// each row has its file, and each file in a chart's folder its row as soon as the sweep has gone over it. A sandbox of its own,
// the real binary, the form a patient sends.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { binary, freePort, newFolder } from "../lib/sandbox.js";

const KILLS = Number(process.env.ANTEROOM_KILLS ?? 12);
const LONG_AGO = Date.now() / 1000 - 7200;

let folder;
let port;
let base;
let child;
const jar = new Map();

async function start() {
  child = spawn(binary(), ["demo", "--listen", `127.0.0.1:${port}`, "--data", folder.path], { stdio: ["ignore", "ignore", "inherit"] });
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
async function go(path, body) {
  const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; "), origin: base };
  const answer = await fetch(new URL(path, base), { method: body ? "POST" : "GET", headers, body, redirect: "manual" });
  for (const cookie of answer.headers.getSetCookie()) {
    const [name, value] = cookie.split(";")[0].split(/=(.*)/s);
    jar.set(name, value);
  }
  const place = answer.headers.get("location");
  if (place && new URL(place, base).origin === base) return go(place);
  return { status: answer.status, path, bytes: Buffer.from(await answer.arrayBuffer()) };
}

const hidden = (html, name) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1];

/** Everything that lies in the folders of charts and of what is received. */
function files(root) {
  const found = [];
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    if (entry.name !== ".anteroom" && !/^\d+$/.test(entry.name)) continue;
    for (const name of readdirSync(join(root, entry.name))) found.push(join(root, entry.name, name));
  }
  return found;
}

before(async () => {
  folder = await newFolder();
  port = await freePort();
  base = `http://127.0.0.1:${port}`;
  await start();
});

after(async () => {
  child?.kill("SIGKILL");
  await folder?.remove();
});

test(`documents are sent while the server is killed ${KILLS} times: nothing is lost, half there or orphaned`, { timeout: 300_000 }, async () => {
  const demo = JSON.parse(readFileSync(join(folder.path, "demo.json"), "utf8"));
  const { username, password } = demo.patients.find((one) => one.notes.startsWith("active"));
  const login = (await go("/account/documents")).bytes.toString();
  const action = /<form[^>]*action="([^"]*)"/.exec(login)?.[1].replaceAll("&#38;", "&").replaceAll("&amp;", "&");
  const page = await go(action, new URLSearchParams({ csrf: hidden(login, "csrf"), username, password }));
  const csrf = hidden(page.bytes.toString(), "csrf");
  assert.ok(csrf, page.bytes.toString());
  const root = join(folder.path, "documents");
  const acknowledged = new Map();
  let number = 0;
  let running = true;
  async function sender() {
    while (running) {
      const name = `sent-${(number += 1)}.txt`;
      const text = randomBytes(200_000).toString("base64");
      const form = new FormData();
      form.append("csrf", csrf);
      form.append("file", new Blob([text], { type: "text/plain" }), name);
      const answer = await go("/account/documents", form).catch(() => undefined);
      if (answer?.path?.endsWith("done=sent")) acknowledged.set(name, text);
      else await sleep(20);
    }
  }
  const senders = [sender(), sender(), sender()];
  for (let killed = 0; killed < KILLS; killed += 1) {
    await sleep(150 + Math.random() * 400);
    await kill();
    await start();
  }
  await sleep(300);
  running = false;
  await Promise.all(senders);
  await kill();
  assert.ok(acknowledged.size > 0, "some were sent");
  const left = files(root);
  // The sweep takes what a server left that died an hour ago: let it be that long ago.
  for (const path of left) if (path.includes("/.anteroom/")) utimesSync(path, LONG_AGO, LONG_AGO);
  await start();
  const waiting = () => files(root).filter((path) => path.includes("/.anteroom/")).length;
  for (const until = Date.now() + 30_000; Date.now() < until && waiting() > 0; await sleep(100));
  assert.equal(waiting(), 0, "what was received and not filed is swept");
  const rows = sql("SELECT d.name || '|' || REPLACE(d.url, 'file://', '') || '|' || d.hash || '|' || HEX(d.uuid) FROM documents d WHERE d.name LIKE 'sent-%';");
  const known = new Map(rows.split("\n").filter(Boolean).map((row) => row.split("|")).map(([name, path, hash, uuid]) => [name, { path, hash, uuid }]));
  for (const name of acknowledged.keys()) assert.ok(known.has(name), `${name} was acknowledged`);
  for (const [name, { path, hash, uuid }] of known) {
    assert.ok(existsSync(path), `${name} has its file`);
    const id = uuid.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    const read = await go(`/account/documents/${id}`);
    assert.equal(read.status, 200, name);
    assert.equal(createHash("sha3-512").update(read.bytes).digest("hex"), hash, name);
    if (acknowledged.has(name)) assert.equal(read.bytes.toString(), acknowledged.get(name), name);
  }
  const named = new Set(sql("SELECT REPLACE(url, 'file://', '') FROM documents;").split("\n").map((path) => path.split("/").slice(-2).join("/")));
  for (const path of files(root)) assert.ok(named.has(path.split("/").slice(-2).join("/")), `${path} has its row`);
  const counts = sql("SELECT (SELECT COUNT(*) FROM documents WHERE name LIKE 'sent-%') || '|' || (SELECT COUNT(*) FROM anteroom_upload) || '|' || (SELECT COUNT(*) FROM pnotes WHERE title = 'New Document' AND body LIKE '%sent-%');");
  assert.deepEqual(new Set(counts.split("|")).size, 1, `each row with its note and its place in the queue: ${counts}`);
  console.log(`${known.size} filed, ${acknowledged.size} acknowledged, ${left.length - known.size} files that were not theirs before the sweep`);
});
