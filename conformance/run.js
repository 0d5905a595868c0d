// Runs suites against one server: node run.js [--url URL] [--demo FILE] [--report FILE] [suite...]
import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { url: { type: "string" }, demo: { type: "string" }, report: { type: "string" }, help: { type: "boolean" } },
});

const known = (await readdir(join(HERE, "suites"))).map((file) => file.replace(".test.js", ""));
if (values.help) {
  console.log(`node run.js [--url URL] [--demo demo.json] [--report smart.json] [suite...]\nsuites: ${known.join(", ")}`);
  process.exit(0);
}
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`no suite ${unknown.join(", ")}; there are ${known.join(", ")}`);
  process.exit(2);
}

const suites = positionals.length > 0 ? positionals : known;
const scratch = await mkdtemp(join(tmpdir(), "anteroom-conformance-"));
const tap = join(scratch, "tap");
const child = spawn(
  process.execPath,
  [
    "--test",
    // One at a time: the suites share the app's port and the server's throttles.
    "--test-concurrency=1",
    // Longer than any suite takes: what hangs is named.
    "--test-timeout=1500000",
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=tap",
    `--test-reporter-destination=${tap}`,
    ...suites.map((name) => join("suites", `${name}.test.js`)),
  ],
  {
    cwd: HERE,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      ...(values.url && { ANTEROOM_URL: values.url }),
      ...(values.demo && { ANTEROOM_DEMO_JSON: resolve(values.demo) }),
      ...(values.report && { ANTEROOM_SMART_REPORT: resolve(values.report) }),
    },
  },
);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
const exit = await new Promise((done) => child.once("close", (code) => done(code ?? 1)));

const summary = await readFile(tap, "utf8").catch(() => "");
await rm(scratch, { recursive: true, force: true });
const count = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(summary)?.[1] ?? 0);
const failed = Math.max(count("fail") + count("cancelled"), exit === 0 ? 0 : 1);
if (count("skipped") > 0) console.log(`${count("skipped")} skipped`);
console.log(`${count("pass")} passed, ${failed} failed`);
process.exit(exit);
