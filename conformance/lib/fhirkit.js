// fhirkit-rs as a second, independent validator, in a Python process.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../fhirkit_check.py", import.meta.url));
const BUILT_IN = fileURLToPath(new URL("../.venv/bin/python", import.meta.url));

/** Every error fhirkit-rs finds in `resources`: `{ resource, text }`. FHIRKIT_PYTHON names another Python. */
export async function problems(resources) {
  const python = process.env.FHIRKIT_PYTHON ?? BUILT_IN;
  if (!existsSync(python)) {
    throw new Error("fhirkit-rs is missing: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt");
  }
  const child = spawn(python, [SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(resources.map((resource) => `${JSON.stringify(resource)}\n`).join(""));
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => { output += text; });
  const exit = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  const lines = output.trim().split("\n").map((line) => JSON.parse(line));
  const { checked } = lines.pop();
  if (exit !== 0 || checked !== resources.length) throw new Error(`fhirkit-rs checked ${checked} of ${resources.length} and ended with ${exit}`);
  return lines
    .filter((found) => found.severity === "error")
    .map((found) => ({ resource: resources[found.line - 1], text: `${found.path} ${found.message}` }));
}
