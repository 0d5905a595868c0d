// 500 invitations with the server killed (SIGKILL) in the middle: each patient gets exactly one. A sandbox of its own, the
// real binary, the form a member of staff presses; the practice's patients are put into its SQLite file with `sqlite3`.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hidden, newMortal } from "../lib/mortal.js";

const MANY = 500;
const FIRST = 900_000;
const KILLS = Number(process.env.ANTEROOM_KILLS ?? 3);

let sandbox;

before(async () => {
  sandbox = await newMortal({ env: { ANTEROOM_ACTIVATION_REQUIRES: "" } });
  await sandbox.start();
  const rows = Array.from({ length: MANY }, (_, number) => {
    const pid = FIRST + number;
    const uuid = pid.toString(16).toUpperCase().padStart(32, "0");
    return `(${pid},${pid},X'${uuid}','Ana','Batchson','1980-01-01','batch${pid}@mail.example','batch${pid}@mail.example','YES','YES','555-0100','12345')`;
  });
  sandbox.sql(`INSERT INTO patient_data (id,pid,uuid,fname,lname,DOB,email,email_direct,hipaa_allowemail,allow_patient_portal,phone_home,postal_code) VALUES ${rows.join(",")};`);
});

after(async () => {
  await sandbox?.remove();
});

test(`a batch of ${MANY}, the server killed ${KILLS} times in the middle: each is invited exactly once`, { timeout: 300_000 }, async () => {
  const demo = JSON.parse(readFileSync(join(sandbox.folder, "demo.json"), "utf8"));
  const { username, password } = demo.staff.find((one) => one.roles.includes("portal-admin"));
  await sandbox.logIn("/staff/onboarding?search=batchson", { username, password });
  const list = await sandbox.go("/staff/onboarding?search=batchson");
  assert.equal(list.status, 200, list.html);
  const confirm = await sandbox.go("/staff/onboarding?search=batchson", { csrf: hidden(list.html, "csrf"), do: "all" });
  assert.match(confirm.html, /500 patients/);
  const job = await sandbox.go("/staff/onboarding?search=batchson", {
    csrf: hidden(confirm.html, "csrf"),
    everybody: "true",
    ticket: hidden(confirm.html, "ticket"),
    do: "start",
  });
  assert.match(job.path, /^\/staff\/jobs\//);
  const done = () => Number(sandbox.sql("SELECT COUNT(*) FROM anteroom_job_item WHERE outcome <> '';"));
  for (let killed = 0; killed < KILLS; killed += 1) {
    const before = done();
    for (const until = Date.now() + 60_000; Date.now() < until && done() < Math.min(MANY, before + 40); await sleep(10));
    const at = done();
    assert.ok(at < MANY, `too late to kill: ${at} were done`);
    await sandbox.kill();
    console.log(`killed after ${at} of ${MANY}`);
    await sandbox.start();
  }
  for (const until = Date.now() + 180_000; Date.now() < until && done() < MANY; await sleep(250));
  assert.equal(sandbox.sql("SELECT outcome, COUNT(*) FROM anteroom_job_item GROUP BY outcome;"), `invited|${MANY}`);
  assert.equal(sandbox.sql(`SELECT COUNT(*), COUNT(DISTINCT pid) FROM anteroom_link WHERE pid >= ${FIRST};`), `${MANY}|${MANY}`);
  assert.equal(sandbox.sql(`SELECT COUNT(*), COUNT(DISTINCT address) FROM anteroom_outbox WHERE pid >= ${FIRST};`), `${MANY}|${MANY}`);
  // Where this build sends letters, they lie in the folder: one each. (A server killed between a mail server's yes and its
  // own note sends a second copy with the same Message-ID; a folder keeps one file a letter.)
  const unsent = () => Number(sandbox.sql(`SELECT COUNT(*) FROM anteroom_outbox WHERE pid >= ${FIRST} AND status IN ('waiting', 'sending');`));
  // What was in the hand of a server that was killed is free when its lease is over: that is now.
  sandbox.sql("UPDATE anteroom_outbox SET claimed_until = 0 WHERE status = 'sending';");
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
