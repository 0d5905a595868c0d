// One row for each search of US Core, run as Inferno runs it: values out of resources found, every page, every variant.
import { must, only, Skip } from "../smart/row.js";
import { included, matched } from "./bench.js";
import { bundle, some, status } from "./said.js";
import { TYPES } from "./us-core-data.js";
import { found } from "./us-core-found.js";
import { fits, moved, parameter, searchable } from "./values.js";

const kindOf = (type, name) => parameter(type, name)[0];

function queryOf(parameters) {
  return Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
}

// The first resource that has all the values, and those values.
function chosen(type, by, resources, full) {
  for (const resource of resources) {
    const values = Object.fromEntries(by.map((name) => [name, searchable(type, name, resource, { full: full && kindOf(type, name) === "token" && name !== "_id" })]));
    if (by.every((name) => values[name] !== undefined)) return { resource, values };
  }
  return undefined;
}

async function results(bench, type, values) {
  const pages = await bench.pages(`${type}?${queryOf(values)}`);
  return pages.flatMap(matched);
}

// Every resource of the answer fits every parameter, and the one the values came from is there.
function judge(type, values, resources, source) {
  must(resources.length > 0, `${type}?${queryOf(values)} finds nothing, though ${type}/${source?.id} has these values`);
  for (const one of resources) {
    must(one.resourceType === type, `a ${one.resourceType} among the matches`);
    for (const [name, sent] of Object.entries(values)) must(fits(type, name, one, sent), `${type}?${queryOf(values)} gives ${type}/${one.id}, which does not fit ${name}`, one);
  }
  if (source) must(resources.some((one) => one.id === source.id), `${type}?${queryOf(values)} does not find ${type}/${source.id}`);
}

function searchRows(type, search) {
  const { by, should, compare = [], or } = search;
  const id = `uscore.${type}.search ${by.join("+")}`;
  const level = should ? "SHOULD" : "SHALL";
  const chooses = async (bench, full) => {
    const resources = some(bench, type, await found(bench));
    const choice = chosen(type, by, resources, full);
    if (choice) return choice;
    const why = `no ${type} of ${resources.length} has ${by.join(" and ")}${full ? " with a system" : ""}`;
    // Inferno skips then, and a skipped test is not passed.
    if (!should && !full) throw new Error(why);
    throw new Skip(why);
  };
  const rows = [
    {
      id,
      requirement: `${level}: by ${by.join(" and ")}; every page, every match fits`,
      async run(bench) {
        const { resource, values } = await chooses(bench);
        judge(type, values, await results(bench, type, values), resource);
      },
    },
    {
      id: `${id} POST`,
      requirement: "the same search by POST _search finds as many",
      async run(bench) {
        const { values } = await chooses(bench);
        const count = (await results(bench, type, values)).length;
        const answer = status(await bench.ask(`${type}/_search`, { form: values }), 200);
        let posted = matched(bundle(answer)).length;
        for (let next = answer.body.link?.find((one) => one.relation === "next")?.url; next; ) {
          const page = bundle(await bench.ask(next));
          posted += matched(page).length;
          next = page.link?.find((one) => one.relation === "next")?.url;
        }
        must(posted === count && count > 0, `POST finds ${posted}, GET ${count}`);
      },
    },
  ];
  if (by.includes("patient")) {
    rows.push({
      id: `${id} reference`,
      requirement: "patient=Patient/id, and the absolute URL, find what patient=id does",
      async run(bench) {
        const { values } = await chooses(bench);
        const bare = values.patient.replace(/^Patient\//, "");
        const count = (await results(bench, type, { ...values, patient: bare })).length;
        for (const form of [`Patient/${bare}`, `${bench.target.fhir}/Patient/${bare}`]) {
          const other = (await results(bench, type, { ...values, patient: form })).length;
          must(other === count && count > 0, `patient=${form} finds ${other}, patient=${bare} ${count}`);
        }
      },
    });
  }
  if (by.some((name) => parameter(type, name)?.[0] === "token" && !["_id", "status", "gender"].includes(name))) {
    rows.push({
      id: `${id} token`,
      requirement: "the form system|code finds too; another system does not",
      async run(bench) {
        const { resource, values } = await chooses(bench, true);
        judge(type, values, await results(bench, type, values), resource);
        const name = by.find((one) => values[one].includes("|"));
        const wrong = { ...values, [name]: values[name].replace(/^[^|]+/, "http://example.org/another-system") };
        must((await results(bench, type, wrong)).length === 0, `${name} of another system is found`);
      },
    });
  }
  for (const prefix of compare) {
    const date = by.find((name) => kindOf(type, name) === "date");
    rows.push({
      id: `${id} ${prefix}`,
      requirement: `${date}=${prefix}... with a day to spare finds, the other way round does not find the same one`,
      async run(bench) {
        const { resource, values } = await chooses(bench);
        const days = prefix.startsWith("g") ? -2 : 2;
        const start = searchable(type, date, resource, { bare: true });
        const near = { ...values, [date]: `${prefix}${moved(start, days)}` };
        judge(type, near, await results(bench, type, near), resource);
        const far = { ...values, [date]: `${prefix}${moved(start, prefix.startsWith("g") ? 40_000 : -40_000)}` };
        // What has not ended is after every day.
        const open = type === "Encounter" && date === "date" && !resource.period.end;
        must(open || !(await results(bench, type, far)).some((one) => one.id === resource.id), `${date}=${far[date]} finds it as well`);
      },
    });
  }
  if (or) {
    rows.push({
      id: `${id} or`,
      requirement: `${or}=a,b finds every value seen`,
      async run(bench) {
        const { values } = await chooses(bench);
        const all = await results(bench, type, { patient: values.patient });
        const seen = [...new Set(all.map((one) => one[or]).filter(Boolean))];
        const listed = await results(bench, type, { patient: values.patient, [or]: seen.join(",") });
        for (const one of seen) must(listed.some((r) => r[or] === one), `${or}=${seen.join(",")} leaves out ${one}`);
        must(listed.length === all.length, `${listed.length} of ${all.length} found`);
      },
    });
  }
  return rows;
}

function typeRows(type, { searches, revinclude }) {
  const rows = searches.flatMap((search) => searchRows(type, search));
  rows.push({
    id: `uscore.${type}.read`,
    requirement: `GET ${type}/[id] is 200, of that type and id`,
    async run(bench) {
      const resources = some(bench, type, await found(bench));
      for (const { id } of resources.slice(0, 5)) {
        const { body } = status(await bench.ask(`${type}/${id}`), 200);
        must(body.resourceType === type && body.id === id, "another resource", body);
      }
    },
  });
  if (revinclude) {
    rows.push({
      id: `uscore.${type}.provenance`,
      requirement: "_revinclude=Provenance:target brings a Provenance of a match, as include",
      async run(bench) {
        const resources = some(bench, type, await found(bench));
        const { body } = status(await bench.ask(`${type}?_id=${resources[0].id}&_revinclude=Provenance:target`), 200);
        const along = included(body).filter((one) => one.resourceType === "Provenance");
        must(along.length > 0, "no Provenance of it", body.entry?.map((one) => one.fullUrl));
        must(along.every((one) => one.target.some((t) => t.reference.endsWith(`${type}/${resources[0].id}`))), "a Provenance of something else", along);
      },
    });
  }
  return rows;
}

const role = async (bench) => {
  const roles = some(bench, "PractitionerRole", await found(bench));
  return roles[0];
};

const chained = [
  {
    id: "uscore.PractitionerRole.chain practitioner.name",
    requirement: "SHALL: PractitionerRole?practitioner.name=",
    async run(bench) {
      const one = await role(bench);
      const { body: who } = status(await bench.ask(one.practitioner.reference), 200);
      const results = matched(bundle(await bench.ask(`PractitionerRole?practitioner.name=${encodeURIComponent(searchable("Practitioner", "family", who))}`)));
      must(results.some((r) => r.id === one.id), "the role is not found", results.map((r) => r.id));
    },
  },
  {
    id: "uscore.PractitionerRole.chain practitioner.identifier",
    requirement: "SHALL: PractitionerRole?practitioner.identifier=system|value, also as practitioner:Practitioner.identifier",
    async run(bench) {
      const one = await role(bench);
      const { body: who } = status(await bench.ask(one.practitioner.reference), 200);
      for (const form of ["practitioner.identifier", "practitioner:Practitioner.identifier"]) {
        const results = matched(bundle(await bench.ask(`PractitionerRole?${form}=${encodeURIComponent(searchable("Practitioner", "identifier", who, { full: true }))}`)));
        must(results.length > 0 && results.every((r) => r.practitioner.reference === one.practitioner.reference), `${form} finds others or none`, results.map((r) => r.id));
      }
    },
  },
  ...["practitioner", "endpoint"].map((name) => ({
    id: `uscore.PractitionerRole.include ${name}`,
    requirement: `SHALL: _include=PractitionerRole:${name}`,
    async run(bench) {
      const roles = (await found(bench)).get("PractitionerRole") ?? [];
      const one = roles.find((r) => [r[name]].flat()[0]?.reference);
      only(one, `no PractitionerRole with ${name} was found`);
      const { body } = status(await bench.ask(`PractitionerRole?_id=${one.id}&_include=PractitionerRole:${name}`), 200);
      const reference = [one[name]].flat()[0].reference;
      must(included(body).some((r) => reference.endsWith(`${r.resourceType}/${r.id}`)), `${reference} is not included`, body.entry?.map((e) => e.fullUrl));
    },
  })),
];

export const rows = [...Object.entries(TYPES).flatMap(([type, asked]) => typeRows(type, asked)), ...chained];
