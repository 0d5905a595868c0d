// The HAPI FHIR validator reads everything the server serves, as often as it serves it, and everything in fhir-profiles/.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { openTarget } from "../lib/target.js";
import { definitions, usCorePackage, validate } from "../validator/hapi.js";
import { spoilt } from "../validator/spoilt.js";
import { walk } from "../validator/walk.js";

const SHOWN = 40;
const WITHOUT_US_CORE = "no US Core package: put us_core_700.tgz in ../shared/fhir or name it in FHIR_PACKAGES";

const usCore = await usCorePackage();
const bad = spoilt();
let served;
let own;
let wrong;
const reports = new Map();

before(async () => {
  if (!usCore) {
    console.log(`hapi-validator: NOTHING IS VALIDATED, ${WITHOUT_US_CORE}`);
    return;
  }
  const target = await openTarget("hapi-validator");
  served = await walk(target);
  for (const search of served.cut) console.log(`hapi-validator: ${search}: only its first pages are read`);
  const profiles = await definitions();
  const questions = [...served.found, ...profiles, ...bad];
  const { answers, summary } = await validate(questions, usCore);
  const taken = (count) => answers.splice(0, count);
  const ofServer = taken(served.found.length);
  own = taken(profiles.length);
  wrong = answers;
  for (const [at, answer] of ofServer.entries()) {
    const type = served.found[at].searched ?? answer.type;
    reports.set(type, [...(reports.get(type) ?? []), answer]);
  }
  const seconds = (summary.secondsToLoad + summary.secondsToValidate).toFixed(0);
  console.log(`hapi-validator: ${served.found.length} pages and single resources served, ${profiles.length} in fhir-profiles/; ${summary.definitions} definitions; ${seconds} s`);
});

// HAPI knows the extension oauth-uris of SMART 1.0, which had neither; Inferno passes over exactly these two messages
// (fhir-and-smart.md 3.2), and so does this suite.
const PASSED_OVER = ["introspect", "revoke"].map((name) => `Sub-extension url '${name}' is not defined by the Extension http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris`);
const isPassedOver = ({ message }) => PASSED_OVER.some((start) => message.startsWith(start));

/** Fails with the errors of `answers`, and lists what is less than an error. */
function noErrors(what, answers) {
  const all = answers.flatMap(({ name, issues }) => issues.map((issue) => ({ name, ...issue })));
  const serious = all.filter(({ severity }) => severity === "error" || severity === "fatal");
  const errors = serious.filter((issue) => !isPassedOver(issue));
  if (errors.length < serious.length) console.log(`${what}: ${serious.length - errors.length} messages about introspect and revoke in oauth-uris passed over, as Inferno does`);
  const warnings = grouped(all.filter(({ severity }) => severity === "warning"));
  console.log(`${what}: ${answers.length} pages and resources, ${errors.length} errors, ${warnings.length} kinds of warnings`);
  for (const { count, text } of warnings) console.log(`  ${count} x ${text}`);
  const kinds = grouped(errors);
  const more = kinds.length > SHOWN ? [`and ${kinds.length - SHOWN} more kinds`] : [];
  const lines = kinds.slice(0, SHOWN).map(({ count, text, first }) => `${count} x ${text}\n    first in ${first}`);
  assert.equal(errors.length, 0, [`${errors.length} errors of ${kinds.length} kinds`, ...lines, ...more].join("\n"));
}

/** The issues by element and message, without what differs from one resource to the next. */
function grouped(issues) {
  const kinds = new Map();
  for (const { name, location, message } of issues) {
    const text = `${element(location)}: ${message.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uuid>")}`;
    const kind = kinds.get(text) ?? { text, count: 0, first: name };
    kind.count++;
    kinds.set(text, kind);
  }
  return [...kinds.values()].sort((a, b) => b.count - a.count);
}

// HAPI names what a Bundle holds `Bundle.entry[0].resource/*Patient/1*/.name`, which is `Patient.name` like any other.
function element(location) {
  return location
    .replace(/^Bundle\.entry\[\d+\]\.resource\/\*(\w+)\/.*?\*\//, "$1")
    .replace(/\/\*.*?\*\//g, "")
    .replace(/\[\d+\]/g, "");
}

test("every type that can be searched is searched by somebody", (t) => {
  if (!usCore) return t.skip(WITHOUT_US_CORE);
  assert.deepEqual(served.unserved, []);
  return undefined;
});

test("HAPI finds no error in anything the server serves", async (t) => {
  if (!usCore) return t.skip(WITHOUT_US_CORE);
  for (const type of [...reports.keys()].sort()) await t.test(`${type}: 0 errors, alone and in the pages of its search`, () => noErrors(type, reports.get(type)));
  const empty = served.types.map(({ type }) => type).filter((type) => !reports.has(type));
  if (empty.length > 0) console.log(`hapi-validator: nothing seen of ${empty.join(", ")}`);
  return undefined;
});

test("HAPI finds no error in fhir-profiles/", (t) => {
  if (!usCore) return t.skip(WITHOUT_US_CORE);
  noErrors("fhir-profiles/", own);
  return undefined;
});

for (const [at, { name, element }] of bad.entries()) {
  test(`HAPI finds the error: ${name}`, (t) => {
    if (!usCore) return t.skip(WITHOUT_US_CORE);
    const errors = wrong[at].issues.filter(({ severity }) => severity === "error");
    assert.ok(errors.some(({ location, message }) => `${location} ${message}`.includes(element)), `no error about ${element} in ${JSON.stringify(wrong[at].issues)}`);
    return undefined;
  });
}
