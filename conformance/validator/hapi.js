// The Java program beside this file, from Node: which package, which profiles, and what it says.
import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const BESIDE = fileURLToPath(new URL("../../../shared/fhir/us_core_700.tgz", import.meta.url));

// The program is over before the second compiler's work would pay.
const QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseParallelGC"];

/** The package of this project. */
export const PROFILES = fileURLToPath(new URL("../../fhir-profiles", import.meta.url));

/** The US Core 7.0.0 package: of FHIR_PACKAGES (a file, or a folder that holds it) or beside the project; undefined where there is none. */
export async function usCorePackage() {
  const place = [process.env.FHIR_PACKAGES, BESIDE].find((path) => path && existsSync(path));
  if (!place || !statSync(place).isDirectory()) return place;
  const found = (await readdir(place)).find((name) => /us[_.-]?core.*7.?0.?0.*\.tgz$/i.test(name));
  if (!found) throw new Error(`${place} (FHIR_PACKAGES) holds no US Core 7.0.0 package`);
  return join(place, found);
}

/** Every resource of `fhir-profiles/` and its examples: `[{ name, resource }]`. */
export async function definitions() {
  const names = (await readdir(PROFILES, { recursive: true })).filter((name) => name.endsWith(".json")).sort();
  const all = await Promise.all(names.map(async (name) => ({ name: `fhir-profiles/${name}`, resource: JSON.parse(await readFile(join(PROFILES, name), "utf8")) })));
  return all.filter(({ resource }) => resource.resourceType);
}

/** What HAPI says of each of `[{ name, resource }]`, in their order: `{ answers: [{ name, type, issues }], summary }`. */
export async function validate(questions, usCore) {
  const classes = [join(HERE, "target", "classes"), join(HERE, "target", "lib")];
  if (!classes.every((path) => existsSync(path))) throw new Error("the HAPI validator is not built: (cd conformance/validator && mvn -q package)");
  const folder = await mkdtemp(join(tmpdir(), "anteroom-hapi-"));
  try {
    const input = join(folder, "resources.ndjson");
    await writeFile(input, questions.map(({ name, resource }) => `${JSON.stringify({ name, resource })}\n`).join(""));
    const options = ["--package", usCore, "--profiles", PROFILES, "--input", input];
    const { exit, output } = await java([...QUICK, "-cp", `${classes[0]}:${join(classes[1], "*")}`, "dev.anteroom.validator.Validate", ...options]);
    if (exit !== 0 && exit !== 1) throw new Error(`the HAPI validator ended with ${exit}`);
    const lines = output.trim().split("\n").map((line) => JSON.parse(line));
    const { summary } = lines.pop();
    if (lines.length !== questions.length || summary.resources !== questions.length) throw new Error(`the HAPI validator answered ${lines.length} of ${questions.length}`);
    if ((summary.errors > 0) !== (exit === 1)) throw new Error(`the HAPI validator counts ${summary.errors} errors and ends with ${exit}`);
    return { answers: lines, summary };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function java(parameters) {
  const child = spawn("java", parameters, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => { output += text; });
  const exit = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  return { exit, output };
}
