// The CapabilityStatement's content (section 5.6), FHIR's JSON (5.7), and what errors look like.
import { get } from "../lib/fhir.js";
import { must, only } from "../smart/row.js";
import { lists } from "./bench.js";
import { message } from "./bodies.js";
import { refused, status } from "./said.js";
import { UNTIMED } from "./us-core-data.js";

const row = (id, requirement, run) => ({ id: `REST-${id}`, requirement, run });
const OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";
const SHAPES = ["_count", "_sort", "_total", "_summary", "_elements", "_include", "_revinclude", "_format", "_pretty", "_has", "_contained"];
const CODES = {
  interaction: ["read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type"],
  versioning: ["no-version", "versioned", "versioned-update"],
  conditionalRead: ["not-supported", "modified-since", "not-match", "full-support"],
  conditionalDelete: ["not-supported", "single", "multiple"],
  referencePolicy: ["literal", "logical", "resolves", "enforced", "local"],
};
// What the portal writes: issue 4 says so.
const WRITES = {
  Patient: ["update", "patch"],
  Appointment: ["create", "update", "patch"],
  Communication: ["create", "update", "patch"],
  DocumentReference: ["create"],
  Binary: ["create"],
  Task: ["create", "update", "patch"],
  Questionnaire: ["create", "update", "patch"],
  Coverage: ["create", "update"],
};
const SERVED = ["Patient", "Appointment", "Schedule", "Slot", "Communication", "DocumentReference", "Binary", "Practitioner", "PractitionerRole", "Organization", "Location", "Encounter", "RelatedPerson", "Coverage", "Task", "Questionnaire", "Provenance", "AuditEvent", "Group", "Endpoint", "ValueSet", "CodeSystem"];

const statement = [
  row("CAP-1", "status, date, kind instance with implementation.description (cpb-14), fhirVersion, format", ({ statement: s }) => {
    must(s.status === "active" && Date.parse(s.date) > 0 && s.kind === "instance" && s.implementation?.description && s.fhirVersion === "4.0.1" && s.format?.length > 0, "root", { ...s, rest: undefined });
    must(s.software?.name && s.software.version, "software", s.software);
  }),
  row("CAP-2", "rest.mode server, once; security with cors, SMART-on-FHIR, oauth-uris, description", ({ statement: { rest } }) => {
    must(rest.length === 1 && rest[0].mode === "server", "mode");
    const { security } = rest[0];
    must(security.cors === true && security.description, "cors", security.cors);
    must(security.service.some((one) => one.coding.some((c) => c.code === "SMART-on-FHIR")), "service", security.service);
    must(security.extension.some((one) => one.url === OAUTH), "oauth-uris", security.extension);
  }),
  row("CAP-3", "each type once (cpb-9), its parameters once (cpb-12)", ({ statement: { rest } }) => {
    const types = rest[0].resource.map((one) => one.type);
    must(new Set(types).size === types.length, "a type twice", types);
    for (const one of rest[0].resource) {
      const names = (one.searchParam ?? []).map((p) => p.name);
      must(new Set(names).size === names.length, `${one.type}: a parameter twice`, names);
    }
  }),
  row("CAP-4", "each parameter has name, type and definition; what shapes the answer (_count ...) has none in R4", ({ statement: { rest } }) => {
    const kinds = ["number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"];
    for (const one of rest[0].resource) for (const p of one.searchParam ?? []) must(p.name && kinds.includes(p.type) && (/^https?:/.test(p.definition ?? "") || SHAPES.includes(p.name)), `${one.type}.${p.name}`, p);
  }),
  row("CAP-5", "codes of interactions, versioning, conditions and policies are those of R4", ({ statement: { rest } }) => {
    for (const one of rest[0].resource) {
      for (const { code } of one.interaction) must(CODES.interaction.includes(code), `${one.type}.interaction`, code);
      for (const name of ["versioning", "conditionalRead", "conditionalDelete"]) if (one[name] !== undefined) must(CODES[name].includes(one[name]), `${one.type}.${name}`, one[name]);
      for (const policy of one.referencePolicy ?? []) must(CODES.referencePolicy.includes(policy), `${one.type}.referencePolicy`, policy);
      for (const name of ["readHistory", "updateCreate", "conditionalCreate", "conditionalUpdate"]) must(one[name] === undefined || typeof one[name] === "boolean", `${one.type}.${name}`, one[name]);
    }
  }),
  row("CAP-6", "readHistory where vread is listed, and only there", ({ statement: { rest } }) => {
    for (const one of rest[0].resource) must((one.readHistory === true) === one.interaction.some((i) => i.code === "vread"), one.type, one.readHistory);
  }),
  row("CAP-7", "what is declared works: conditionalRead", async (bench) => {
    const { conditionalRead } = bench.types.get("Patient");
    must(conditionalRead === "full-support", "conditionalRead: READ-3 and READ-4 want both", conditionalRead);
  }),
  row("CAP-8", "conditionalCreate where create is listed says what If-None-Exist does", ({ statement: { rest } }) => {
    for (const one of rest[0].resource.filter((r) => r.interaction.some((i) => i.code === "create") && r.type !== "Binary")) must(one.conditionalCreate === true, one.type, one.conditionalCreate);
  }),
  row("CAP-9", "every type of a portal is served", ({ types }) => {
    must(SERVED.every((one) => types.has(one)), "missing", SERVED.filter((one) => !types.has(one)));
  }),
  row("CAP-10", "every write of a portal is listed; batch and transaction are", (bench) => {
    const missing = Object.entries(WRITES).flatMap(([type, codes]) => codes.filter((code) => !lists(bench, type, code)).map((code) => `${type}.${code}`));
    for (const code of ["batch", "transaction"]) if (!(bench.statement.rest[0].interaction ?? []).some((one) => one.code === code)) missing.push(code);
    must(missing.length === 0, "not listed", missing);
  }),
  row("CAP-11", "operations: docref, everything, validate, expand are listed with a definition", ({ statement: { rest } }) => {
    const all = [...(rest[0].operation ?? []), ...rest[0].resource.flatMap((one) => one.operation ?? [])];
    for (const name of ["docref", "everything", "validate", "expand"]) must(all.some((one) => one.name === name && /^https?:/.test(one.definition)), name, all.map((one) => one.name));
  }),
  row("CAP-12", "instantiates US Core's server", ({ statement: { instantiates } }) => {
    must((instantiates ?? []).some((one) => one.startsWith("http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server")), "instantiates", instantiates ?? []);
  }),
  row("CAP-13", "mode=full, normative and terminology are answered, another mode is 400 or ignored", async ({ ask }) => {
    must(status(await ask("metadata?mode=full", { as: null }), 200).body.resourceType === "CapabilityStatement", "full");
    must(status(await ask("metadata?mode=normative", { as: null }), 200).body.resourceType === "CapabilityStatement", "normative");
    const terminology = await ask("metadata?mode=terminology", { as: null });
    if (terminology.status === 200) must(["TerminologyCapabilities", "CapabilityStatement"].includes(terminology.body.resourceType), "terminology", terminology.body.resourceType);
    else refused(terminology, 400, 404, 501);
  }),
  row("CAP-14", "metadata with HEAD, ETag and _format", async ({ ask }) => {
    status(await ask("metadata", { as: null, method: "HEAD" }), 200);
    status(await ask("metadata?_format=json", { as: null, headers: { accept: "text/html" } }), 200);
    refused(await ask("metadata?_format=ttl", { as: null }), 406);
  }),
  row("CAP-15", "every definition of this server that is named can be fetched", async (bench) => {
    const own = new Set(bench.statement.rest[0].resource.flatMap((one) => [...(one.searchParam ?? []).map((p) => p.definition), ...(one.operation ?? []).map((o) => o.definition), ...(one.supportedProfile ?? []), one.profile]).filter((one) => one?.startsWith("https://anteroom.dev/fhir/")));
    for (const url of own) {
      const [type] = url.slice("https://anteroom.dev/fhir/".length).split("/");
      const answer = await get(`${bench.target.fhir}/${type}?url=${encodeURIComponent(url)}`);
      must(answer.status === 200 && answer.body.entry?.length === 1, url, answer.text);
    }
  }),
];

const json = [
  row("JSON-1", "nothing is null or empty, no text has blanks around a code, in all that is served", async (bench) => {
    const bad = [];
    const look = (value, path) => {
      if (value === null && !/\._\w+\[\d+\]$|\[\d+\]$/.test(path)) bad.push(`${path} is null`);
      else if (value === "") bad.push(`${path} is an empty text`);
      else if (Array.isArray(value)) {
        if (value.length === 0) bad.push(`${path} is an empty array`);
        value.forEach((one, index) => look(one, `${path}[${index}]`));
      } else if (typeof value === "object" && value !== null) {
        if (Object.keys(value).length === 0) bad.push(`${path} is an empty object`);
        for (const [name, one] of Object.entries(value)) look(one, `${path}.${name}`);
      } else if (/\.(code|status|use|system|contentType)$/.test(path) && typeof value === "string" && value !== value.trim()) bad.push(`${path} has blanks around it`);
    };
    for (const type of served(bench)) for (const one of await bench.all(`${type}?_count=50`, "patient")) look(one, `${type}/${one.id}`);
    look(bench.statement, "metadata");
    must(bad.length === 0, `${bad.length} places`, bad.slice(0, 10));
  }),
  row("JSON-2", "ids are ids, instants have seconds and a zone, references are relative and to the right place", async (bench) => {
    for (const type of served(bench)) {
      for (const one of await bench.all(`${type}?_count=50`, "patient")) {
        must(/^[A-Za-z0-9.-]{1,64}$/.test(one.id), "id", one.id);
        const timed = one.meta.lastUpdated !== undefined || !UNTIMED.includes(type);
        if (timed) must(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(one.meta.lastUpdated), "lastUpdated", one.meta);
        for (const [, reference] of JSON.stringify(one).matchAll(/"reference":"([^"]+)"/g)) must(/^(#|urn:|https?:|[A-Z]\w+\/[A-Za-z0-9.-]{1,64}$)/.test(reference), `${type}/${one.id}`, reference);
      }
    }
  }),
  row("JSON-3", "a key twice, a BOM, a deep nesting and broken UTF-8 are 400", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const good = JSON.stringify(await message(bench));
    const send = (raw) => bench.ask("Communication", { as: "patient", raw, type: "application/fhir+json" });
    refused(await send(good.replace("{", '{"status":"completed",')), 400, 422);
    refused(await send(`${"[".repeat(5000)}${"]".repeat(5000)}`), 400, 422);
    refused(await send(Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from([0xff, 0xfe]), Buffer.from("}")])), 400);
  }),
  row("JSON-4", "an empty array, null and an empty text are refused", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const good = await message(bench);
    for (const change of [{ note: [] }, { topic: null }, { topic: { text: "" } }, { topic: {} }]) refused(await bench.ask("Communication", { as: "patient", json: { ...good, ...change } }), 400, 422);
  }),
  row("JSON-5", "resourceType need not be first", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const { resourceType, ...rest } = await message(bench);
    status(await bench.ask("Communication", { as: "patient", json: { ...rest, resourceType } }), 201);
  }),
  row("JSON-6", "a narrative that could run is refused or not kept", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const text = { status: "generated", div: '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div>' };
    const answer = await bench.ask("Communication", { as: "patient", json: { ...(await message(bench)), text } });
    if (answer.status === 201) must(!answer.text.includes("<script"), "it was kept");
    else refused(answer, 400, 422);
  }),
];

const errors = [
  row("ERR-1", "every error is an OperationOutcome in application/fhir+json, with severity and a code of R4", async (bench) => {
    const codes = "invalid structure required value invariant security login unknown expired forbidden suppressed processing not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational".split(" ");
    for (const [path, more] of [["Nonsense", {}], ["Patient/x y", {}], ["Appointment?date=x", {}], ["Patient/$nonsense", {}], ["Appointment", { as: null }], ["metadata", { as: null, method: "DELETE" }], ["Patient", { method: "DELETE" }], ["Patient/1/2/3/4", {}]]) {
      const { body } = refused(await bench.ask(path.replace(" ", "%20"), { as: "patient", ...more }), 400, 401, 403, 404, 405);
      for (const issue of body.issue) must(codes.includes(issue.code) && ["fatal", "error"].includes(issue.severity), path, issue);
    }
  }),
  row("ERR-2", "nobody's question makes a 500", async (bench) => {
    const strange = ["Patient?_id=%00", "Patient?name=%F0%9F%92%89", "Patient?_count=99999999999999999999", "Appointment?date=9999-12-31T23:59:60Z", "Appointment?date=ge0000-01-01", "Patient?_sort=-", "Patient?_include=", "Patient?_include=:::", "Patient?_has:", "Patient?_has:a:b:c=", "Patient?:exact=x", "Patient?=", "Patient?_summary", "Patient?_elements=", "Patient?identifier=%7C", "Patient?identifier=%7C%7C%7C", `Patient?name=${"x".repeat(4000)}`, "Patient?birthdate=le&birthdate=", "Appointment?patient=Patient/", "Appointment?patient.=x", "Appointment?patient..name=x", "%2e%2e/metadata", "Patient/%00"];
    for (const path of strange) must((await bench.ask(path)).status < 500, path);
  }),
];

const served = (bench) => [...bench.types.keys()].filter((type) => lists(bench, type, "search-type") && ["Patient", "Appointment", "Communication", "DocumentReference", "Encounter", "RelatedPerson", "Coverage", "Task", "Practitioner", "Organization", "Location"].includes(type));

export const rows = [...statement, ...json, ...errors];
