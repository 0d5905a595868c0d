// Inferno's SMART App Launch 2.2 tests, those of its g(10) kit on authorization, and what neither tries: one test for each row of smart/table.js.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { openBench } from "../smart/bench.js";
import { Skip } from "../smart/row.js";
import { table } from "../smart/table.js";

const results = [];
let bench;

before(async () => {
  bench = await openBench();
});

after(async () => {
  await bench?.close();
  const listed = (outcome) => results.filter((one) => one.outcome === outcome);
  for (const outcome of ["failed", "skipped"]) {
    for (const { id, reason } of listed(outcome)) console.log(`${outcome}  ${id}: ${reason}`);
  }
  console.log(`smart: ${listed("passed").length} passed, ${listed("failed").length} failed, ${listed("skipped").length} skipped`);
  if (process.env.ANTEROOM_SMART_REPORT) {
    const report = { server: bench?.target.base, at: new Date().toISOString(), results };
    await writeFile(process.env.ANTEROOM_SMART_REPORT, `${JSON.stringify(report, null, 2)}\n`);
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
