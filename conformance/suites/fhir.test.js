// US Core as Inferno asserts it, R4's REST rules, the CapabilityStatement walked, the official examples: one test for each row of fhir/table.js.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { openBench } from "../fhir/bench.js";
import { table } from "../fhir/table.js";
import { Skip } from "../smart/row.js";

const results = [];
let bench;

before(async () => {
  bench = await openBench("fhir");
});

after(async () => {
  const listed = (outcome) => results.filter((one) => one.outcome === outcome);
  for (const outcome of ["failed", "skipped"]) {
    for (const { id, reason } of listed(outcome)) console.log(`${outcome}  ${id}: ${reason}`);
  }
  console.log(`fhir: ${listed("passed").length} passed, ${listed("failed").length} failed, ${listed("skipped").length} skipped`);
  if (process.env.ANTEROOM_FHIR_REPORT) {
    const report = { server: bench?.target.base, at: new Date().toISOString(), results };
    await writeFile(process.env.ANTEROOM_FHIR_REPORT, `${JSON.stringify(report, null, 2)}\n`);
  }
});

for (const { id, requirement, run } of table) {
  test(`${id}: ${requirement}`, async (t) => {
    const note = (outcome, reason) => results.push({ id, requirement, outcome, ...(reason && { reason }) });
    try {
      assert.ok(bench, "the bench is open");
      await run(bench);
      note("passed");
    } catch (problem) {
      if (!(problem instanceof Skip)) {
        note("failed", problem.message);
        throw problem;
      }
      note("skipped", problem.message);
      t.skip(problem.message);
    }
  });
}
