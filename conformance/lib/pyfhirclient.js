// The PyPI package fhirclient in a Python process, one step a line.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../pyfhirclient_flow.py", import.meta.url));
const BUILT_IN = fileURLToPath(new URL("../.venv/bin/python", import.meta.url));

/** Starts the process. `step(name, given)` answers what the library did, `end()` ends it. FHIRKIT_PYTHON names another Python. */
export function startPython() {
  const python = process.env.FHIRKIT_PYTHON ?? BUILT_IN;
  if (!existsSync(python)) throw new Error("PyPI's fhirclient is missing: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt");
  const child = spawn(python, [SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** Answers the library's answer; throws where it refused or the process ended. */
    async step(name, given = {}) {
      child.stdin.write(`${JSON.stringify({ do: name, ...given })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`the Python process ended at ${name}`);
      const answer = JSON.parse(value);
      if (answer.problem) throw new Error(`fhirclient (Python) at ${name}: ${answer.problem}`);
      return answer;
    },
    end() {
      child.stdin.end();
    },
  };
}
