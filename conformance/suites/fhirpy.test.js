// PyPI's `fhirpy`: what `fhirpy_check.py` found with the tokens of a patient's app and of a backend service.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { message, putAway } from "../fhir/bodies.js";
import { openBench } from "../fhir/bench.js";

const SCRIPT = fileURLToPath(new URL("../fhirpy_check.py", import.meta.url));
const BUILT_IN = fileURLToPath(new URL("../.venv/bin/python", import.meta.url));
const STEPS = ["metadata", "reads", "searches", "creates", "patches", "updates", "validates", "operates", "bundles", "refusals"];

let bench;
let me;
let answers;

before(async () => {
  bench = await openBench("fhirpy");
  [me] = bench.patients;
  const received = (await bench.all("Communication", "patient")).find((one) => one.recipient?.some((to) => to.reference === `Patient/${me.id}`));
  const given = {
    steps: STEPS,
    base: bench.target.fhir,
    patient: me.id,
    other: bench.patients[1].id,
    mine: (await bench.session("patient")).access_token,
    system: (await bench.session("system")).access_token,
    message: await message(bench),
    received: received.id,
    patch: putAway(received),
  };
  answers = await run(given);
});

// Lines of the process, by step.
async function run(given) {
  const python = process.env.FHIRKIT_PYTHON ?? BUILT_IN;
  if (!existsSync(python)) throw new Error("fhirpy is missing: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt");
  const child = spawn(python, [SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk) => { text += chunk; });
  child.stdin.end(JSON.stringify(given));
  await new Promise((done) => child.once("close", done));
  return new Map(text.trim().split("\n").map((line) => JSON.parse(line)).map((one) => [one.step, one]));
}

function found(step) {
  const answer = answers.get(step);
  assert.ok(answer, `the step ${step} was not reached`);
  assert.equal(answer.problem, undefined, answer.problem);
  return answer.found;
}

test("reads the CapabilityStatement", () => {
  assert.equal(found("metadata").version, "4.0.1");
});

test("reads, and follows a reference", () => {
  for (const dates of Object.values(found("reads"))) assert.deepEqual(dates, [me.birth_date, me.birth_date]);
});

test("searches: every page once, count, sort, first, include", () => {
  for (const [who, one] of Object.entries(found("searches"))) {
    assert.ok(one.paged.length > 2, who);
    assert.deepEqual(one.paged.toSorted(), one.whole.toSorted(), who);
    assert.equal(new Set(one.paged).size, one.paged.length, who);
    assert.equal(one.count, one.whole.length, who);
    assert.ok(one.first && one.included > 0 && one.booked > 0 && one.booked < one.count, who);
  }
});

test("creates, finds and refreshes a message", () => {
  const { id, found: again, version } = found("creates");
  assert.ok(id && version);
  assert.equal(again, id);
});

test("patches by RFC 6902; a merge patch is refused", () => {
  const { version, merged } = found("patches");
  assert.ok(version);
  assert.equal(merged, "not-supported");
});

test("updates with If-Match", () => {
  assert.ok(found("updates").same, "the same body makes no version");
});

test("validates", () => {
  assert.deepEqual(found("validates"), { good: true, bad: false });
});

test("calls $everything", () => {
  for (const type of Object.values(found("operates"))) assert.equal(type, "Patient");
});

test("sends a batch and a transaction", () => {
  const { batch, transaction } = found("bundles");
  assert.match(batch, /^200/);
  assert.match(transaction, /^201/);
});

test("gets no other patient, and does not write with a token that reads", () => {
  assert.deepEqual(found("refusals"), { other: "not found", write: "forbidden" });
});
