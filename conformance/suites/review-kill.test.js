// Decisions with the server killed (SIGKILL) while they are made: each happened whole or not at all, and can be made again.
// A sandbox of its own, the real binary, the form a member of staff presses; the wishes are put into its SQLite file with
// `sqlite3` as OpenEMR's own portal writes them.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { binary, freePort, newFolder } from "../lib/sandbox.js";

const FIRST = 910_000;
const KILLS = Number(process.env.ANTEROOM_KILLS ?? 3) * 4;

let folder;
let port;
let base;
let child;
const jar = new Map();

/** Starts the sandbox on the folder and waits until it serves. */
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
const serialised = (fields) => {
  const text = (value) => `s:${Buffer.byteLength(value)}:"${value}";`;
  const all = Object.entries(fields);
  return `a:${all.length}:{${all.map(([name, value]) => text(name) + text(value)).join("")}}`;
};

before(async () => {
  folder = await newFolder();
  port = await freePort();
  base = `http://127.0.0.1:${port}`;
  await start();
  for (let number = 0; number < KILLS; number += 1) {
    const pid = FIRST + number;
    const uuid = pid.toString(16).toUpperCase().padStart(32, "0");
    const args = serialised({ city: "Örtlich", lname: `Neu${number}`, note: "" }).replaceAll("'", "''");
    sql(`INSERT INTO patient_data (id,pid,uuid,fname,lname,DOB,city,allow_patient_portal) VALUES (${pid},${pid},X'${uuid}','Ana','Killson','1980-01-01','Troy','YES');
      INSERT INTO onsite_portal_activity (date,patient_id,activity,require_audit,pending_action,action_taken,status,narrative,table_action,table_args,action_user,checksum)
      VALUES ('2020-01-01 08:00:${String(number).padStart(2, "0")}',${pid},'profile',1,'review','','waiting','Patient request changes to demographics.','','${args}',0,'0');`);
  }
});

after(async () => {
  child?.kill("SIGKILL");
  await folder?.remove();
});

test(`F148: ${KILLS} decisions, the server killed while each is made: whole or not at all`, { timeout: 300_000 }, async () => {
  const demo = JSON.parse(readFileSync(join(folder.path, "demo.json"), "utf8"));
  const { username, password } = demo.staff.find((one) => one.roles.includes("portal-admin"));
  const login = await go("/staff/reviews?kind=profile");
  const action = /<form[^>]*action="([^"]*)"/.exec(login.html)?.[1].replaceAll("&#38;", "&").replaceAll("&amp;", "&");
  await go(action, { csrf: hidden(login.html, "csrf"), username, password });
  let whole = 0;
  for (let number = 0; number < KILLS; number += 1) {
    const pid = FIRST + number;
    const list = await go("/staff/reviews?kind=profile");
    assert.equal(list.status, 200, list.html);
    const row = list.html.split("<tr>").find((one) => one.includes("Killson"));
    const path = /href="(\/staff\/reviews\/[^"?]*)/.exec(row)?.[1];
    const page = await go(path);
    const parts = [...page.html.matchAll(/name="part" value="([^"]*)"/g)].map((found) => ["part", found[1]]);
    assert.equal(parts.length, 2, page.html);
    const form = [["csrf", hidden(page.html, "csrf")], ["seen", hidden(page.html, "seen")], ["decision", "accept"], ...parts];
    const asked = go(path, form).catch(() => undefined);
    await sleep(number * 2);
    await kill();
    await asked;
    await start();
    // The chart, the history of the name, OpenEMR's row, this house's note of it and the ledger say the same.
    const state = sql(`SELECT p.city || '|' || p.lname || '|' ||
      (SELECT COUNT(*) FROM patient_history h WHERE h.pid = p.pid AND h.history_type_key = 'name_history') || '|' ||
      (SELECT a.status || a.pending_action FROM onsite_portal_activity a WHERE a.patient_id = p.pid) || '|' ||
      (SELECT COUNT(*) FROM anteroom_review r WHERE r.pid = p.pid AND r.status = 'completed') || '|' ||
      (SELECT COUNT(*) FROM anteroom_audit l WHERE l.patient = p.uuid AND l.action LIKE 'Task.patch%' AND l.outcome = 'success')
      FROM patient_data p WHERE p.pid = ${pid};`);
    const before = "Troy|Killson|0|waitingreview|0|0";
    const done = `Örtlich|Neu${number}|1|closedcompleted|1|1`;
    assert.ok([before, done].includes(state), state);
    whole += state === done ? 1 : 0;
    if (state === done) continue;
    const again = await go(path);
    await go(path, [["csrf", hidden(again.html, "csrf")], ["seen", hidden(again.html, "seen")], ["decision", "accept"], ...parts]);
    assert.equal(sql(`SELECT city || lname FROM patient_data WHERE pid = ${pid};`), `ÖrtlichNeu${number}`);
  }
  console.log(`${whole} of ${KILLS} were done before the server died`);
});
