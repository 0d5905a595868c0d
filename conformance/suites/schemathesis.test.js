// The PyPI package `schemathesis`: reads /openapi.json and sends what it makes up of it, with a patient's token.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { launch } from "../lib/oauth.js";
import { activePatients, clientOf, openTarget } from "../lib/target.js";

const PROGRAM = process.env.SCHEMATHESIS ?? fileURLToPath(new URL("../.venv/bin/schemathesis", import.meta.url));
// Enough for every endpoint to see bad types, missing parts and odd letters; ANTEROOM_SCHEMATHESIS raises it.
const EXAMPLES = process.env.ANTEROOM_SCHEMATHESIS ?? "4";
const SCOPE = "launch/patient openid fhirUser patient/*.cruds patient/*.rs";

let target;

before(async () => {
  target = await openTarget("schemathesis");
});

async function description() {
  const answer = await fetch(`${target.base}/openapi.json`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^application\/json/);
  return answer.json();
}

test("every address of /openapi.json that takes a plain GET is there", async () => {
  const { paths, openapi, servers } = await description();
  assert.match(openapi, /^3\.0\./);
  assert.equal(servers[0].url, target.demo.public_url.replace(/\/$/, ""));
  for (const [path, item] of Object.entries(paths)) {
    if (!item.get || path.includes("{") || item.get.security) continue;
    const answer = await fetch(`${target.base}${path}`, { redirect: "manual" });
    assert.notEqual(answer.status, 404, path);
    assert.ok(answer.status < 500, `${path}: ${answer.status}`);
  }
});

test("nothing that is made up of /openapi.json breaks the server: 0 answers of 500", async (t) => {
  assert.ok(existsSync(PROGRAM), "schemathesis is missing: .venv/bin/pip install -r requirements.txt");
  const [patient] = activePatients(target);
  const { body } = await launch(target, clientOf(target, "public"), patient, { scope: SCOPE });
  const folder = await mkdtemp(join(tmpdir(), "schemathesis-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const given = [
    "run", `${target.base}/openapi.json`, "--url", target.base, "--checks", "not_a_server_error", "--max-examples", EXAMPLES,
    "--phases", "examples,coverage,fuzzing", "--workers", "2", "--seed", "1", "--no-shrink", "--continue-on-failure",
    "--request-timeout", "10", "--warnings", "off", "--suppress-health-check", "all",
    // Registrations are counted per address, and the suites after this one register too.
    "--exclude-path", "/oauth2/register",
    "--header", `Authorization: Bearer ${body.access_token}`,
  ];
  const done = await promisify(execFile)(PROGRAM, given, { cwd: folder, maxBuffer: 1 << 26, env: { ...process.env, NO_COLOR: "1" } }).catch((error) => error);
  const text = `${done.stdout}\n${done.stderr}`;
  t.diagnostic(text.split("\n").filter((line) => /Operations|Test cases|generated|passed|API calls/.test(line)).join(" · ").slice(0, 400));
  assert.equal(done.code ?? 0, 0, text.slice(-6000));
});
