// R4's rules for operations (section 5.4): $everything, $validate, $expand, and what is unknown.
import { must, only } from "../smart/row.js";
import { matched } from "./bench.js";
import { message } from "./bodies.js";
import { bundle, codes, refused, sentences, status } from "./said.js";
import { UNTIMED } from "./us-core-data.js";

const row = (id, requirement, run) => ({ id: `REST-OP-${id}`, requirement, run });
const everything = ({ patients }, query = "", index = 0) => `Patient/${patients[index].id}/$everything${query}`;
const resources = (body) => (body.entry ?? []).map((one) => one.resource);
const errors = (outcome) => outcome.issue.filter((one) => ["error", "fatal"].includes(one.severity));

async function all(bench, path, as) {
  const found = [];
  for (let next = path; next; ) {
    const body = bundle(await bench.ask(next, { as }));
    const urls = (body.entry ?? []).map((one) => one.fullUrl);
    must(new Set(urls).size === urls.length, "bdl-7: a resource twice in one page", urls);
    found.push(...matched(body));
    next = body.link?.find((one) => one.relation === "next")?.url;
    must(found.length < 5000, "it does not end");
  }
  return found;
}

export const rows = [
  row("EVERYTHING-1", "$everything: the patient first, whatever is theirs, nothing twice", async (bench) => {
    const found = await all(bench, everything(bench), "patient");
    must(found[0].resourceType === "Patient" && found[0].id === bench.patients[0].id, "the first", found[0]);
    const keys = found.map((one) => `${one.resourceType}/${one.id}`);
    must(new Set(keys).size === keys.length, "twice", keys.filter((one, index) => keys.indexOf(one) !== index));
    for (const type of ["Appointment", "Encounter", "DocumentReference", "Communication"]) {
      const own = await bench.all(type, "patient");
      must(own.every((one) => keys.includes(`${type}/${one.id}`) || one.meta.lastUpdated > bench.begun), `${type} is not whole`);
    }
  }),
  row("EVERYTHING-2", "_type narrows; _count pages; start and end narrow", async (bench) => {
    const visits = await all(bench, everything(bench, "?_type=Encounter"), "patient");
    must(visits.length > 0 && visits.every((one) => one.resourceType === "Encounter"), "_type", visits.map((one) => one.resourceType));
    const page = bundle(await bench.ask(everything(bench, "?_count=2"), { as: "patient" }));
    must(matched(page).length <= 2 && page.link.some((one) => one.relation === "next"), "_count", page.link);
    const old = await all(bench, everything(bench, "?start=1900-01-01&end=1900-12-31"), "patient");
    must(!old.some((one) => ["Appointment", "Encounter"].includes(one.resourceType)), "of 1900", old.map((one) => one.resourceType));
  }),
  row("EVERYTHING-3", "_since narrows; a bad one is 400", async (bench) => {
    const later = await all(bench, everything(bench, "?_since=2190-01-01T00:00:00Z"), "patient");
    // What has no time of its last change may have changed since.
    must(later.every((one) => ["Patient", ...UNTIMED].includes(one.resourceType)), "since 2190", later.map((one) => one.resourceType));
    refused(await bench.ask(everything(bench, "?_since=yesterday"), { as: "patient" }), 400);
    refused(await bench.ask(everything(bench, "?_type=Nonsense"), { as: "patient" }), 400);
  }),
  row("EVERYTHING-4", "somebody else's is 404 to a patient", async (bench) => {
    refused(await bench.ask(everything(bench, "", 1), { as: "patient" }), 404);
  }),
  row("EVERYTHING-5", "with a narrow scope only what it covers", async (bench) => {
    const headers = { authorization: `Bearer ${await bench.narrow("system/Patient.rs system/Encounter.rs")}` };
    const body = bundle(await bench.ask(everything(bench), { as: null, headers }));
    must(resources(body).every((one) => ["Patient", "Encounter"].includes(one.resourceType)), "more than the scope", resources(body).map((one) => one.resourceType));
  }),
  row("VALIDATE-1", "$validate of a good resource: 200, no error", async (bench) => {
    const answer = status(await bench.ask("Communication/$validate", { as: "patient", json: await message(bench) }), 200);
    must(answer.body.resourceType === "OperationOutcome" && errors(answer.body).length === 0, "errors", answer.text);
  }),
  row("VALIDATE-2", "of a bad one: 200, an error that names the element", async (bench) => {
    const answer = status(await bench.ask("Communication/$validate", { as: "patient", json: { ...(await message(bench)), status: "nonsense" } }), 200);
    must(errors(answer.body).length > 0 && /status/.test(sentences(answer.body)), "no error", answer.text);
  }),
  row("VALIDATE-3", "in Parameters, with mode and profile", async (bench) => {
    const parameter = [{ name: "resource", resource: await message(bench) }, { name: "mode", valueCode: "create" }];
    const answer = status(await bench.ask("Communication/$validate", { as: "patient", json: { resourceType: "Parameters", parameter } }), 200);
    must(errors(answer.body).length === 0, "errors", answer.text);
    const unknown = await bench.ask("Communication/$validate", { as: "patient", json: { resourceType: "Parameters", parameter: [...parameter, { name: "profile", valueUri: "http://example.org/none" }] } });
    if (unknown.status === 200) must(unknown.body.issue.some((one) => one.severity !== "information"), "an unknown profile passes", unknown.text);
    else refused(unknown, 400, 404, 422);
  }),
  row("VALIDATE-4", "nothing is kept", async (bench) => {
    const one = await message(bench);
    status(await bench.ask("Communication/$validate", { as: "patient", json: one }), 200);
    must(!JSON.stringify(await bench.pages("Communication?_count=100", "patient")).includes(one.payload[0].contentString), "it was kept");
  }),
  row("VALIDATE-5", "what is no JSON is 400", async (bench) => {
    refused(await bench.ask("Communication/$validate", { as: "patient", raw: "{", type: "application/fhir+json" }), 400);
  }),
  row("EXPAND-1", "$expand by id and by url: the codes, with total and timestamp", async (bench) => {
    only(bench.types.has("ValueSet"), "ValueSet is not served");
    const [one] = await bench.all("ValueSet");
    for (const path of [`ValueSet/${one.id}/$expand`, `ValueSet/$expand?url=${encodeURIComponent(one.url)}`]) {
      const { body } = status(await bench.ask(path), 200);
      must(body.resourceType === "ValueSet" && body.expansion?.timestamp && (body.expansion.contains ?? []).every((code) => code.system && code.code), path, body);
    }
  }),
  row("EXPAND-2", "filter, count and offset", async (bench) => {
    only(bench.types.has("ValueSet"), "ValueSet is not served");
    const sets = await bench.all("ValueSet");
    const whole = (await Promise.all(sets.slice(0, 8).map(async (one) => ({ one, body: (await bench.ask(`ValueSet/${one.id}/$expand`)).body })))).find(({ body }) => (body.expansion?.contains ?? []).length > 2);
    only(whole, "no value set with three codes");
    const { contains } = whole.body.expansion;
    const page = status(await bench.ask(`ValueSet/${whole.one.id}/$expand?count=1&offset=1`), 200).body.expansion;
    must(page.contains.length === 1 && page.contains[0].code === contains[1].code && page.total === contains.length, "page", page);
    const word = contains[0].display.slice(0, 4);
    const filtered = status(await bench.ask(`ValueSet/${whole.one.id}/$expand?filter=${encodeURIComponent(word)}`), 200).body.expansion.contains ?? [];
    must(filtered.some((one) => one.code === contains[0].code) && filtered.length <= contains.length, "filter", filtered);
  }),
  row("EXPAND-3", "an unknown value set is 404", async (bench) => {
    only(bench.types.has("ValueSet"), "ValueSet is not served");
    refused(await bench.ask("ValueSet/$expand?url=http://example.org/none"), 404, 422);
  }),
  row("UNKNOWN-1", "an unknown operation is 404 or 400, with an outcome", async (bench) => {
    for (const path of ["$nonsense", "Patient/$nonsense", `Patient/${bench.patients[0].id}/$nonsense`]) {
      const answer = refused(await bench.ask(path), 400, 404, 405);
      must(codes(answer.body).some((one) => ["not-supported", "not-found"].includes(one)), "issue.code", codes(answer.body));
    }
  }),
  row("UNKNOWN-2", "an operation at the wrong level is refused", async (bench) => {
    refused(await bench.ask("Appointment/$everything"), 400, 404, 405);
    refused(await bench.ask("$everything"), 400, 404, 405);
  }),
  row("METHOD-1", "an operation takes no PUT, PATCH or DELETE", async (bench) => {
    for (const method of ["PUT", "PATCH", "DELETE"]) refused(await bench.ask(everything(bench), { method, ...(method !== "DELETE" && { json: {} }) }), 404, 405, 415);
  }),
];
