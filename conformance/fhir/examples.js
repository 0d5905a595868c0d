// The examples that HL7 published, of the types a portal serves: what is valid R4 must come back from $validate without an error.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Skip, must } from "../smart/row.js";
import { usCore } from "./package.js";
import { status } from "./said.js";

const R4 = fileURLToPath(new URL("../node_modules/hl7.fhir.r4.examples/", import.meta.url));
const TYPES = ["Patient", "Appointment", "Schedule", "Slot", "Communication", "DocumentReference", "Binary", "Practitioner", "PractitionerRole", "Organization", "Location", "Encounter", "RelatedPerson", "Coverage", "Task", "Questionnaire", "Provenance", "AuditEvent", "Group", "Endpoint", "ValueSet", "CodeSystem"];
// Of code lists R4 has two thousand; the first of each are as good as all.
const MOST = 40;
const AT_ONCE = 4;

/**
 * Examples that are left out: their decimals end in zeros or are whole, which the server refuses because it could not keep them; and one
 * with an item that has no linkId, which R4 wants.
 */
const LEFT_OUT = ["R4 Patient-dicom", "R4 Coverage-7546D", "R4 Questionnaire-qs1"];
const LEFT_OUT_OF_US_CORE = /^US Core \S+ Questionnaire-(prapare-example|phq-9-example|AUDIT-C)$/;

function official(type) {
  if (!existsSync(R4)) return [];
  return readdirSync(R4).filter((name) => name.startsWith(`${type}-`) && name.endsWith(".json")).slice(0, MOST).map((name) => [`R4 ${name.replace(".json", "")}`, JSON.parse(readFileSync(join(R4, name), "utf8"))]);
}

function all(type) {
  const core = usCore().flatMap(({ version, examples }) => examples.filter((one) => one.resourceType === type).map((one) => [`US Core ${version} ${type}-${one.id}`, one]));
  return [...core, ...official(type)].filter(([name]) => !LEFT_OUT.includes(name) && !LEFT_OUT_OF_US_CORE.test(name));
}

/** `$validate` of many, a few at a time: what each was answered, with errors. */
async function judged(bench, type, examples) {
  const problems = [];
  const queue = [...examples];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, resource] = next;
      const answer = await bench.ask(`${type}/$validate`, { json: resource });
      const errors = (answer.body?.issue ?? []).filter((one) => ["error", "fatal"].includes(one.severity));
      if (answer.status !== 200) problems.push(`${name} answered ${answer.status}: ${answer.text.slice(0, 160)}`);
      else if (errors.length > 0) problems.push(`${name}: ${(errors[0].expression ?? []).join()} ${errors[0].details?.text ?? errors[0].diagnostics}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return problems;
}

export const rows = TYPES.map((type) => ({
  id: `EXAMPLES-${type}`,
  requirement: "every official example is valid to $validate",
  async run(bench) {
    if (!bench.types.has(type)) throw new Skip(`${type} is not served`);
    const offered = [...(bench.statement.rest[0].operation ?? []), ...(bench.types.get(type).operation ?? [])].some((one) => one.name === "validate");
    if (!offered) throw new Skip(`$validate is not offered for ${type}: crates/fhir-decode/tests/examples.rs takes its examples through the gate`);
    const examples = all(type);
    if (examples.length === 0) throw new Skip("no examples at hand: npm ci, and FHIR_PACKAGES for those of US Core");
    const [, first] = examples[0];
    status(await bench.ask(`${type}/$validate`, { json: first }), 200);
    const problems = await judged(bench, type, examples);
    must(problems.length === 0, `${problems.length} of ${examples.length}: ${problems.slice(0, 6).join("; ")}`);
  },
}));
