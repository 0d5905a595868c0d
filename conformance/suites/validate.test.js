// Two validators that nobody here wrote read everything the server serves.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { get } from "../lib/fhir.js";
import * as fhirkit from "../lib/fhirkit.js";
import { can, harvest } from "../lib/harvest.js";
import * as medplum from "../lib/medplum.js";
import { openTarget } from "../lib/target.js";

const SHOWN = 40;

const WITHOUT_US_CORE = "no US Core package: put us_core_700.tgz in ../shared/fhir or name it in FHIR_PACKAGES";

let target;
let served;
let usCore;

before(async () => {
  target = await openTarget("validate");
  medplum.loadBase();
  usCore = await medplum.loadUsCore();
  if (!usCore) console.log(`validate: PROFILES NOT CHECKED, ${WITHOUT_US_CORE}`);
  served = await harvest(target);
  const counts = new Map();
  for (const { resourceType } of served.resources) counts.set(resourceType, (counts.get(resourceType) ?? 0) + 1);
  console.log(`validate: ${[...counts].map(([type, count]) => `${count} ${type}`).join(", ")}; ${served.bundles.length} bundles`);
});

function none(problems) {
  const more = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more`] : [];
  assert.equal(problems.length, 0, [`${problems.length} problems`, ...problems.slice(0, SHOWN), ...more].join("\n"));
}

function name(resource) {
  return `${resource.resourceType}/${resource.id ?? "-"}`;
}

// What an error looks like is served too.
async function outcomes() {
  const answers = [await get(`${target.fhir}/Patient`), await get(`${target.fhir}/Nonsense/1`)];
  return answers.map((answer) => answer.body);
}

test("the active patients see something of every type that can be searched", () => {
  const missing = served.types.filter((type) => can(type, "search-type") && !served.resources.some((one) => one.resourceType === type.type));
  none(missing.map((type) => `no ${type.type}`));
});

test("a read answers the very resource that the search held", () => {
  none(served.mismatches);
});

test("@medplum/core finds no error, base R4 and US Core 7.0.0", async () => {
  const all = [...served.resources, ...served.bundles, served.statement, ...(await outcomes())];
  none(all.flatMap((resource) => medplum.problems(resource, usCore).map((text) => `${name(resource)}: ${text}`)));
});

test("@medplum/core finds errors where there are some", () => {
  const patient = served.resources.find((one) => one.resourceType === "Patient");
  const { name: names, ...nameless } = patient;
  assert.ok(names.length > 0);
  if (usCore) assert.notDeepEqual(medplum.problems(nameless, usCore), []);
  assert.notDeepEqual(medplum.problems({ ...patient, nonsense: true }, usCore), []);
});

test("fhirkit-rs finds no error", async () => {
  const all = [...served.resources, ...served.bundles, served.statement, ...(await outcomes())];
  none((await fhirkit.problems(all)).map(({ resource, text }) => `${name(resource)}: ${text}`));
});

test("fhirkit-rs finds errors where there are some", async () => {
  const appointment = served.resources.find((one) => one.resourceType === "Appointment");
  const wrong = [{ ...appointment, status: undefined }, { ...appointment, nonsense: 1 }];
  const found = await fhirkit.problems(wrong);
  assert.deepEqual(new Set(found.map(({ resource }) => resource)), new Set(wrong));
});

for (const type of ["Patient", "DocumentReference"]) {
  test(`every must-support element of US Core ${type} is filled somewhere`, (t) => {
    if (!usCore) {
      t.skip(WITHOUT_US_CORE);
      return;
    }
    const resources = served.resources.filter((one) => one.resourceType === type);
    const empty = medplum.mustSupport(type, usCore).filter((path) => !resources.some((one) => holds(one, path.split(".").slice(1))));
    // US Core, DocumentReference: a server supports attachment.url or attachment.data, one is enough.
    const attachment = ["DocumentReference.content.attachment.url", "DocumentReference.content.attachment.data"];
    const open = attachment.every((path) => empty.includes(path)) ? empty : empty.filter((path) => !attachment.includes(path));
    none(open);
  });
}

test("race, ethnicity and birth sex are filled somewhere", () => {
  const patients = served.resources.filter((one) => one.resourceType === "Patient");
  const missing = ["us-core-race", "us-core-ethnicity", "us-core-birthsex"].filter(
    (slug) => !patients.some((one) => one.extension?.some((extension) => extension.url.endsWith(`/${slug}`))),
  );
  none(missing);
});

function holds(value, [step, ...rest]) {
  if (step === undefined) return value !== undefined && value !== null;
  return [value].flat().some((one) => one?.[step] !== undefined && holds(one[step], rest));
}
