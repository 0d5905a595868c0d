// Decisions with the server killed (SIGKILL) while they are made: each happened whole or not at all, and can be made again.
// A sandbox of its own or the practice on MariaDB that ./test names, the real binary, the form a member of staff presses; the
// wishes are put into its database as OpenEMR's own portal writes them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hidden, newMortal } from "../lib/mortal.js";

const FIRST = 910_000;
const KILLS = Number(process.env.ANTEROOM_KILLS ?? 3) * 4;

let sandbox;
const serialised = (fields) => {
  const text = (value) => `s:${Buffer.byteLength(value)}:"${value}";`;
  const all = Object.entries(fields);
  return `a:${all.length}:{${all.map(([name, value]) => text(name) + text(value)).join("")}}`;
};

before(async () => {
  sandbox = await newMortal({ practice: true });
  await sandbox.start();
  for (let number = 0; number < KILLS; number += 1) {
    const pid = FIRST + number;
    const uuid = pid.toString(16).toUpperCase().padStart(32, "0");
    const args = serialised({ city: "Örtlich", lname: `Neu${number}`, note: "" }).replaceAll("'", "''");
    sandbox.sql(`INSERT INTO patient_data (id,pid,uuid,fname,lname,DOB,city,allow_patient_portal) VALUES (${pid},${pid},X'${uuid}','Ana','Killson','1980-01-01','Troy','YES');
      INSERT INTO onsite_portal_activity (date,patient_id,activity,require_audit,pending_action,action_taken,status,narrative,table_action,table_args,action_user,checksum)
      VALUES ('2020-01-01 08:00:${String(number).padStart(2, "0")}',${pid},'profile',1,'review','','waiting','Patient request changes to demographics.','','${args}',0,'0');`);
  }
});

after(async () => {
  await sandbox?.remove();
});

test(`F148: ${KILLS} decisions, the server killed while each is made: whole or not at all`, { timeout: 300_000 }, async () => {
  const demo = JSON.parse(readFileSync(join(sandbox.folder, "demo.json"), "utf8"));
  const { username, password } = demo.staff.find((one) => one.roles.includes("portal-admin"));
  await sandbox.logIn("/staff/reviews?kind=profile", { username, password });
  let whole = 0;
  for (let number = 0; number < KILLS; number += 1) {
    const pid = FIRST + number;
    const list = await sandbox.go("/staff/reviews?kind=profile");
    assert.equal(list.status, 200, list.html);
    const row = list.html.split("<tr>").find((one) => one.includes("Killson"));
    const path = /href="(\/staff\/reviews\/[^"?]*)/.exec(row)?.[1];
    const page = await sandbox.go(path);
    const parts = [...page.html.matchAll(/name="part" value="([^"]*)"/g)].map((found) => ["part", found[1]]);
    assert.equal(parts.length, 2, page.html);
    const form = [["csrf", hidden(page.html, "csrf")], ["seen", hidden(page.html, "seen")], ["decision", "accept"], ...parts];
    const asked = sandbox.go(path, form).catch(() => undefined);
    await sleep(number * 2);
    await sandbox.kill();
    await asked;
    await sandbox.start();
    // The chart, the history of the name, OpenEMR's row, this house's note of it and the ledger say the same.
    const state = sandbox.sql(`SELECT p.city || '|' || p.lname || '|' ||
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
    const again = await sandbox.go(path);
    await sandbox.go(path, [["csrf", hidden(again.html, "csrf")], ["seen", hidden(again.html, "seen")], ["decision", "accept"], ...parts]);
    assert.equal(sandbox.sql(`SELECT city || lname FROM patient_data WHERE pid = ${pid};`), `ÖrtlichNeu${number}`);
  }
  console.log(`${whole} of ${KILLS} were done before the server died`);
});
