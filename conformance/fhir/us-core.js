// US Core beyond the searches: the statement, must-support, references, missing data, $docref.
import { must, only, Skip } from "../smart/row.js";
import { bundle, refused, some, status } from "./said.js";
import { choicesOf, mustSupport } from "./must-support.js";
import { usCore } from "./package.js";
import { TYPES, UNTIMED } from "./us-core-data.js";
import { found, references } from "./us-core-found.js";

const CORE = "http://hl7.org/fhir/us/core";
const PROFILES = {
  Patient: "us-core-patient",
  DocumentReference: "us-core-documentreference",
  Encounter: "us-core-encounter",
  RelatedPerson: "us-core-relatedperson",
  Coverage: "us-core-coverage",
  Practitioner: "us-core-practitioner",
  PractitionerRole: "us-core-practitionerrole",
  Organization: "us-core-organization",
  Location: "us-core-location",
  Provenance: "us-core-provenance",
};

const bare = (canonical) => canonical.split("|")[0];

const statement = [
  {
    id: "uscore.capability.2 metadata without a token",
    requirement: "GET /metadata is 200 and a CapabilityStatement, without a token",
    async run({ ask }) {
      const answer = status(await ask("metadata", { as: null }), 200);
      must(answer.body.resourceType === "CapabilityStatement", "resourceType", answer.body.resourceType);
    },
  },
  {
    id: "uscore.capability.3 fhirVersion",
    requirement: "fhirVersion is 4.0.1",
    run({ statement: { fhirVersion } }) {
      must(fhirVersion === "4.0.1", "fhirVersion", fhirVersion);
    },
  },
  {
    id: "uscore.capability.4 format",
    requirement: "JSON is among the formats",
    run({ statement: { format } }) {
      must(format.some((one) => ["json", "application/json", "application/fhir+json"].includes(one)), "format", format);
    },
  },
  {
    id: "uscore.capability.5 profiles",
    requirement: "supportedProfile names us-core-patient and another profile of US Core",
    run({ statement: { rest } }) {
      const all = rest[0].resource.flatMap((one) => [...(one.supportedProfile ?? []), one.profile].filter(Boolean)).map(bare).filter((one) => one.startsWith(`${CORE}/`));
      must(all.includes(`${CORE}/StructureDefinition/us-core-patient`) && new Set(all).size > 1, "supportedProfile", all);
    },
  },
  {
    id: "uscore.capability.6 instantiates",
    requirement: "instantiates the US Core server",
    run({ statement: { instantiates } }) {
      must((instantiates ?? []).map(bare).includes(`${CORE}/CapabilityStatement/us-core-server`), "instantiates", instantiates ?? []);
    },
  },
  {
    id: "uscore.capability.7 resolves",
    requirement: "referencePolicy has resolves for each type",
    run({ types }) {
      for (const type of Object.keys(TYPES)) must((types.get(type)?.referencePolicy ?? []).includes("resolves"), type, types.get(type)?.referencePolicy);
    },
  },
  {
    id: "uscore.capability.8 revinclude",
    requirement: "searchRevInclude has Provenance:target where US Core asks it",
    run({ types }) {
      for (const [type, { revinclude }] of Object.entries(TYPES)) if (revinclude) must((types.get(type)?.searchRevInclude ?? []).includes("Provenance:target"), type, types.get(type)?.searchRevInclude);
    },
  },
  {
    id: "uscore.capability.9 parameters",
    requirement: "every search parameter of the tables is listed",
    run({ types }) {
      const missing = Object.entries(TYPES).flatMap(([type, { searches }]) => {
        const has = (types.get(type)?.searchParam ?? []).map((one) => one.name);
        return [...new Set(searches.flatMap((one) => one.by))].filter((name) => !has.includes(name)).map((name) => `${type}.${name}`);
      });
      must(missing.length === 0, "not listed", missing);
    },
  },
  {
    id: "uscore.capability.10 interactions",
    requirement: "read of each type; search of all but Provenance; vread and history SHOULD; create of DocumentReference SHALL",
    run({ types }) {
      const missing = [];
      for (const [type, { searches }] of Object.entries(TYPES)) {
        const has = (types.get(type)?.interaction ?? []).map((one) => one.code);
        for (const code of ["read", ...(searches.length > 0 ? ["search-type"] : []), "vread", "history-instance"]) if (!has.includes(code)) missing.push(`${type}.${code}`);
      }
      if (!(types.get("DocumentReference")?.interaction ?? []).some((one) => one.code === "create")) missing.push("DocumentReference.create");
      must(missing.length === 0, "not listed", missing);
    },
  },
  {
    id: "uscore.capability.11 combinations",
    requirement: "the combinations of parameters stand in the extension capabilitystatement-search-parameter-combination",
    run({ types }) {
      const missing = Object.entries(TYPES).flatMap(([type, { searches }]) => {
        const said = (types.get(type)?.extension ?? []).filter((one) => /capabilitystatement-search-parameter-combination$/.test(one.url)).map((one) => one.extension.filter((e) => e.url === "required").map((e) => e.valueString).sort().join("+"));
        return searches.filter((one) => one.by.length > 1 && !said.includes([...one.by].sort().join("+"))).map((one) => `${type} ${one.by.join("+")}`);
      });
      must(missing.length === 0, "not named", missing);
    },
  },
  {
    id: "uscore.capability.12 meta",
    requirement: "meta.profile and meta.lastUpdated are filled (SHOULD), the time where the EMR has one",
    async run(bench) {
      for (const type of Object.keys(PROFILES)) {
        for (const one of (await found(bench)).get(type) ?? []) {
          must(one.meta?.lastUpdated || UNTIMED.includes(type), `${type}/${one.id} has no meta.lastUpdated`);
          must((one.meta.profile ?? []).some((p) => p.startsWith(`${CORE}/`) || p.startsWith("https://anteroom.dev/")), `${type}/${one.id} names no profile`, one.meta);
        }
      }
    },
  },
];

const packages = usCore();

function mustSupportRows() {
  if (packages.length === 0) {
    return [{ id: "uscore.must-support", requirement: "every must-support element is filled somewhere", run() { throw new Skip("no US Core package: set FHIR_PACKAGES"); } }];
  }
  const rows = new Map();
  for (const { version, definitions } of packages) {
    for (const [type, name] of Object.entries(PROFILES)) {
      // Location came into the kit with 7.0.0.
      if (version.startsWith("6") && type === "Location") continue;
      const profile = definitions.find((one) => one.id === name && one.resourceType === "StructureDefinition");
      if (!profile) continue;
      const elements = mustSupport(profile, definitions);
      for (const element of elements) {
        const known = rows.get(element.id);
        if (known) known.versions.push(version);
        else rows.set(element.id, { type, element, elements, versions: [version] });
      }
    }
  }
  return [...rows.values()].map(({ type, element, elements, versions }) => ({
    id: `uscore.${type}.must-support ${element.id.slice(type.length + 1)}`,
    requirement: `filled at least once over all (US Core ${versions.join(", ")})`,
    async run(bench) {
      const resources = some(bench, type, await found(bench));
      const choices = choicesOf(element.id);
      if (choices.includes("PractitionerRole") && (await found(bench)).has("PractitionerRole")) return;
      const either = elements.filter((one) => choices.includes(one.id) || one.id === element.id);
      if (either.some((one) => resources.some(one.fills))) return;
      throw new Error(`none of ${resources.length} ${type} has ${choices.join(" or ")}`);
    },
  }));
}

function referenceRows() {
  const newest = packages.at(-1);
  if (!newest) return [];
  return Object.entries(PROFILES).flatMap(([type, name]) => {
    const profile = newest.definitions.find((one) => one.id === name && one.resourceType === "StructureDefinition");
    return mustSupport(profile, newest.definitions)
      .filter((one) => one.targets.length > 0)
      .map((element) => ({
        id: `uscore.${type}.reference ${element.id.slice(type.length + 1)}`,
        requirement: `every reference leads to a ${element.targets.join(" or ")}`,
        async run(bench) {
          const resources = some(bench, type, await found(bench));
          const paths = new Set(resources.flatMap((one) => element.values(one)).flatMap(references));
          only(paths.size > 0, `no ${type} refers to anything there`);
          for (const path of paths) {
            const answer = status(await bench.ask(path), 200);
            const allowed = element.targets.includes("Resource") || element.targets.includes(answer.body.resourceType);
            must(allowed, `${path} is no ${element.targets.join(" or ")}`);
            must(`${answer.body.resourceType}/${answer.body.id}` === path, "another resource", answer.body.id);
          }
        },
      }));
  });
}

const extra = [
  {
    id: "uscore.Patient.must-support previous name",
    requirement: "a name of use old, or with an end",
    async run(bench) {
      must(((await found(bench)).get("Patient") ?? []).some((one) => (one.name ?? []).some((n) => n.use === "old" || n.period?.end)), "no Patient has one");
    },
  },
  {
    id: "uscore.Patient.must-support previous address",
    requirement: "an address of use old, or with an end",
    async run(bench) {
      must(((await found(bench)).get("Patient") ?? []).some((one) => (one.address ?? []).some((a) => a.use === "old" || a.period?.end)), "no Patient has one");
    },
  },
  {
    id: "uscore.Patient no social security number",
    requirement: "SHOULD NOT: an identifier that is a social security number",
    async run(bench) {
      for (const one of (await found(bench)).get("Patient") ?? []) must(!one.identifier.some((i) => /us-ssn|2\.16\.840\.1\.113883\.4\.1$/.test(i.system ?? "")), `Patient/${one.id}`, one.identifier);
    },
  },
  {
    id: "uscore.Practitioner.npi",
    requirement: "us-core-16, us-core-17: an NPI has ten digits and a right check digit",
    async run(bench) {
      const npis = ((await found(bench)).get("Practitioner") ?? []).flatMap((one) => one.identifier ?? []).filter((one) => one.system === "http://hl7.org/fhir/sid/us-npi");
      only(npis.length > 0, "no Practitioner with an NPI was found");
      for (const { value } of npis) must(/^\d{10}$/.test(value) && luhn(`80840${value}`), `${value} is none`);
    },
  },
  {
    id: "uscore.missing-data extension",
    requirement: "the extension data-absent-reason is used somewhere",
    async run(bench) {
      const all = [...(await found(bench)).values()].flat().map((one) => JSON.stringify(one));
      must(all.some((one) => one.includes('"http://hl7.org/fhir/StructureDefinition/data-absent-reason"')), `not in ${all.length} resources`);
    },
  },
  {
    id: "uscore.missing-data code",
    requirement: "the coding data-absent-reason|unknown is used somewhere",
    async run(bench) {
      const all = [...(await found(bench)).values()].flat().map((one) => JSON.stringify(one));
      const coding = /"system":"http:\/\/terminology\.hl7\.org\/CodeSystem\/data-absent-reason","code":"unknown"/;
      must(all.some((one) => coding.test(one)), `not in ${all.length} resources`);
    },
  },
  {
    id: "uscore.notes DiagnosticReport",
    requirement: "Clinical Notes Guidance: notes also as DiagnosticReport",
    run({ types }) {
      only(types.has("DiagnosticReport"), "DiagnosticReport is not served: a portal's documents are DocumentReferences; the group cannot pass here");
    },
  },
  {
    id: "uscore.patient token finds the same",
    requirement: "with a patient's own token, each type finds exactly what the service finds of that patient",
    async run(bench) {
      const { id } = bench.patients[0];
      for (const type of ["Encounter", "DocumentReference", "RelatedPerson", "Coverage"].filter((one) => bench.types.has(one))) {
        const own = (await bench.all(`${type}?patient=${id}`, "patient")).map((one) => one.id).sort();
        const all = (await bench.all(`${type}?patient=${id}`, "system")).map((one) => one.id);
        must(own.every((one) => all.includes(one)), `${type}: the patient sees what the service does not`);
        must(own.length > 0, `${type}: the patient finds none of ${all.length}`);
      }
    },
  },
];

const documents = (bench) => bench.all(`DocumentReference?patient=${bench.patients[0].id}`);
const docref = [
  {
    id: "uscore.docref GET",
    requirement: "GET DocumentReference/$docref?patient= is a searchset of that patient's documents (or the CCD alone, where there is one)",
    async run(bench) {
      const body = bundle(await bench.ask(`DocumentReference/$docref?patient=${bench.patients[0].id}`));
      const known = (await documents(bench)).map((one) => one.id);
      const results = (body.entry ?? []).map((one) => one.resource).filter((one) => one.resourceType === "DocumentReference");
      must(results.every((one) => known.includes(one.id) || one.type.coding.some((c) => c.code === "34133-9")), "a document of somebody else", results.map((one) => one.id));
    },
  },
  {
    id: "uscore.docref POST",
    requirement: "POST with Parameters answers as GET does",
    async run(bench) {
      const { id } = bench.patients[0];
      const parameter = [{ name: "patient", valueId: id }];
      const posted = bundle(await bench.ask("DocumentReference/$docref", { json: { resourceType: "Parameters", parameter } }));
      const got = bundle(await bench.ask(`DocumentReference/$docref?patient=${id}`));
      must((posted.entry ?? []).length === (got.entry ?? []).length, `POST ${posted.entry?.length}, GET ${got.entry?.length}`);
    },
  },
  {
    id: "uscore.docref type",
    requirement: "type=system|code narrows",
    async run(bench) {
      const coding = (await documents(bench)).flatMap((one) => one.type.coding).find((one) => one.system === "http://loinc.org");
      only(coding, "no document with a LOINC type");
      const body = bundle(await bench.ask(`DocumentReference/$docref?patient=${bench.patients[0].id}&type=${encodeURIComponent(`${coding.system}|${coding.code}`)}`));
      const results = (body.entry ?? []).map((one) => one.resource).filter((one) => one.resourceType === "DocumentReference");
      must(results.length > 0 && results.every((one) => one.type.coding.some((c) => c.code === coding.code)), "not narrowed", results.map((one) => one.type));
    },
  },
  {
    id: "uscore.docref dates",
    requirement: "start and end narrow to the range",
    async run(bench) {
      const body = bundle(await bench.ask(`DocumentReference/$docref?patient=${bench.patients[0].id}&start=1900-01-01&end=1900-12-31`));
      must((body.entry ?? []).every((one) => one.resource.resourceType !== "DocumentReference"), "documents of 1900", body.entry?.length);
    },
  },
  {
    id: "uscore.docref unknown patient",
    requirement: "an unknown patient is an empty bundle",
    async run(bench) {
      const body = bundle(await bench.ask("DocumentReference/$docref?patient=00000000-0000-4000-8000-000000000000"));
      must((body.entry ?? []).every((one) => one.resource.resourceType !== "DocumentReference"), "documents of nobody", body.entry?.length);
    },
  },
  {
    id: "uscore.docref no patient",
    requirement: "no patient and no patient in context is an error; with a patient's token it is that patient",
    async run(bench) {
      refused(await bench.ask("DocumentReference/$docref"), 400, 422);
      status(await bench.ask("DocumentReference/$docref", { as: "patient" }), 200, 400);
    },
  },
  {
    id: "uscore.docref somebody else",
    requirement: "a patient's token and another patient: an empty bundle or a refusal, no document",
    async run(bench) {
      const answer = status(await bench.ask(`DocumentReference/$docref?patient=${bench.patients[1].id}`, { as: "patient" }), 200, 403, 404);
      if (answer.status === 200) must((answer.body.entry ?? []).every((one) => one.resource.resourceType !== "DocumentReference"), "somebody else's documents");
    },
  },
  {
    id: "uscore.docref listed",
    requirement: "the CapabilityStatement lists docref with US Core's definition",
    run({ types }) {
      const listed = (types.get("DocumentReference")?.operation ?? []).find((one) => one.name === "docref");
      must(listed && bare(listed.definition) === `${CORE}/OperationDefinition/docref`, "operation", types.get("DocumentReference")?.operation);
    },
  },
];

function luhn(digits) {
  const sum = [...digits].reverse().reduce((all, digit, index) => {
    const twice = Number(digit) * (index % 2 === 1 ? 2 : 1);
    return all + (twice > 9 ? twice - 9 : twice);
  }, 0);
  return sum % 10 === 0;
}

export const rows = [...statement, ...mustSupportRows(), ...extra, ...referenceRows(), ...docref];
