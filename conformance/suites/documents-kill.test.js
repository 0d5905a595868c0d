// Documents are sent while the server is killed (SIGKILL) at random moments of it: what was acknowledged is there with its bytes,
// each row has its file, and each file in a chart's folder its row as soon as the sweep has gone over it. A sandbox of its own
// or the practice on MariaDB that ./test names, the real binary, the form a patient sends.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hidden, newMortal } from "../lib/mortal.js";

const KILLS = Number(process.env.ANTEROOM_KILLS ?? 12);
const LONG_AGO = Date.now() / 1000 - 7200;

let sandbox;

/** Sends a document with the form as a patient finds it. */
async function send(name, text) {
  const { html } = await sandbox.go("/account/documents");
  const form = new FormData();
  for (const field of ["csrf", "ticket"]) form.append(field, hidden(html, field));
  form.append("file", new Blob([text], { type: "text/plain" }), name);
  return sandbox.go("/account/documents", form);
}

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
  sandbox = await newMortal({ practice: true });
  await sandbox.start();
});

after(async () => {
  await sandbox?.remove();
});

test(`documents are sent while the server is killed ${KILLS} times: nothing is lost, half there or orphaned`, { timeout: 300_000 }, async () => {
  const demo = JSON.parse(readFileSync(join(sandbox.folder, "demo.json"), "utf8"));
  const page = await sandbox.logIn("/account/documents", demo.patients.find((one) => one.notes.startsWith("active")));
  assert.ok(hidden(page.html, "ticket"), page.html);
  const root = join(sandbox.folder, "documents");
  const acknowledged = new Map();
  let number = 0;
  let running = true;
  async function sender() {
    while (running) {
      const name = `sent-${(number += 1)}.txt`;
      const text = randomBytes(200_000).toString("base64");
      const answer = await send(name, text).catch(() => undefined);
      if (answer?.path?.endsWith("done=sent")) acknowledged.set(name, text);
      else await sleep(20);
    }
  }
  const senders = [sender(), sender(), sender()];
  for (let killed = 0; killed < KILLS; killed += 1) {
    await sleep(150 + Math.random() * 400);
    await sandbox.kill();
    await sandbox.start();
  }
  await sleep(300);
  running = false;
  await Promise.all(senders);
  await sandbox.kill();
  assert.ok(acknowledged.size > 0, "some were sent");
  const left = files(root);
  // The sweep takes what a server left that died an hour ago: let it be that long ago.
  for (const path of left) if (path.includes("/.anteroom/")) utimesSync(path, LONG_AGO, LONG_AGO);
  await sandbox.start();
  const waiting = () => files(root).filter((path) => path.includes("/.anteroom/")).length;
  for (const until = Date.now() + 30_000; Date.now() < until && waiting() > 0; await sleep(100));
  assert.equal(waiting(), 0, "what was received and not filed is swept");
  const rows = sandbox.sql("SELECT d.name || '|' || REPLACE(d.url, 'file://', '') || '|' || d.hash || '|' || HEX(d.uuid) FROM documents d WHERE d.name LIKE 'sent-%';");
  const known = new Map(rows.split("\n").filter(Boolean).map((row) => row.split("|")).map(([name, path, hash, uuid]) => [name, { path, hash, uuid }]));
  for (const name of acknowledged.keys()) assert.ok(known.has(name), `${name} was acknowledged`);
  for (const [name, { path, hash, uuid }] of known) {
    assert.ok(existsSync(path), `${name} has its file`);
    const id = uuid.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    const read = await sandbox.go(`/account/documents/${id}`);
    assert.equal(read.status, 200, name);
    assert.equal(createHash("sha3-512").update(read.bytes).digest("hex"), hash, name);
    if (acknowledged.has(name)) assert.equal(read.bytes.toString(), acknowledged.get(name), name);
  }
  const named = new Set(sandbox.sql("SELECT REPLACE(url, 'file://', '') FROM documents;").split("\n").map((path) => path.split("/").slice(-2).join("/")));
  for (const path of files(root)) assert.ok(named.has(path.split("/").slice(-2).join("/")), `${path} has its row`);
  // The sandbox's own papers, which came through OpenEMR's portal, are in the queue's table too.
  const counts = sandbox.sql(`SELECT (SELECT COUNT(*) FROM documents WHERE name LIKE 'sent-%') || '|' ||
    (SELECT COUNT(*) FROM anteroom_upload u LEFT JOIN documents d ON d.id = u.document WHERE d.id IS NULL OR d.name LIKE 'sent-%') || '|' ||
    (SELECT COUNT(*) FROM pnotes WHERE title = 'New Document' AND body LIKE '%sent-%');`);
  assert.equal(new Set(counts.split("|")).size, 1, `each row with its note and its place in the queue: ${counts}`);
  console.log(`${known.size} filed, ${acknowledged.size} acknowledged, ${left.length - known.size} files that were not theirs before the sweep`);
});
