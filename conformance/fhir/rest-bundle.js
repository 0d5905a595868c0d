// R4's rules for batch and transaction (section 5.2).
import { randomUUID } from "node:crypto";
import { must, only } from "../smart/row.js";
import { message, nothingYet, paper } from "./bodies.js";
import { bundle, refused, sentences, status } from "./said.js";

const row = (id, requirement, run) => ({ id: `REST-${id}`, requirement, run });
const send = (bench, type, entry, { as = "patient", headers } = {}) => bench.ask("", { as, headers, json: { resourceType: "Bundle", type, entry } });
const get = (url, more = {}) => ({ request: { method: "GET", url, ...more } });
const post = (resource, more = {}) => ({ fullUrl: `urn:uuid:${randomUUID()}`, resource, request: { method: "POST", url: resource.resourceType, ...more } });
const code = (entry) => Number.parseInt(entry.response.status, 10);
const me = ({ patients }) => `Patient/${patients[0].id}`;

const batch = [
  row("BATCH-1", "one entry for each, in order; each alone", async (bench) => {
    const { entry } = bundle(await send(bench, "batch", [get(me(bench)), get("Patient/00000000-0000-4000-8000-000000000000"), get("Appointment?_count=2"), get("Nonsense/1")]), "batch-response");
    must(JSON.stringify(entry.map(code)) === JSON.stringify([200, 404, 200, 404]), "statuses", entry.map((one) => one.response.status));
    must(entry[0].resource.id === bench.patients[0].id && entry[0].response.etag && entry[0].response.lastModified, "the first", entry[0]);
    must(entry[1].response.outcome?.resourceType === "OperationOutcome" && !entry[1].resource, "the second", entry[1]);
    must(entry[2].resource.type === "searchset", "the third", entry[2]);
  }),
  row("BATCH-2", "the scope is looked at for each entry", async (bench) => {
    const bearer = { authorization: `Bearer ${await bench.narrow("system/Patient.rs")}` };
    const { entry } = bundle(await send(bench, "batch", [get(me(bench)), get(`DocumentReference?patient=${bench.patients[0].id}`)], { as: null, headers: bearer }), "batch-response");
    must(code(entry[0]) === 200 && code(entry[1]) === 403, "statuses", entry.map((one) => one.response.status));
  }),
  row("BATCH-3", "a patient's batch reaches no other patient", async (bench) => {
    const other = bench.patients[1].id;
    const { entry } = bundle(await send(bench, "batch", [get(`Patient/${other}`), get(`Patient?_id=${other}`), get(`Appointment?patient=${other}`), get(`Encounter?patient=Patient/${other}`)]), "batch-response");
    must(entry.every((one) => !JSON.stringify(one.resource ?? {}).includes(`"id":"${other}"`) && (one.resource?.entry ?? []).every((e) => e.search?.mode === "outcome")), "somebody else's", entry);
  }),
  row("BATCH-4", "ifNoneMatch of an entry is 304", async (bench) => {
    const etag = (await bench.ask(me(bench), { as: "patient" })).headers.get("etag");
    const { entry } = bundle(await send(bench, "batch", [get(me(bench), { ifNoneMatch: etag })]), "batch-response");
    must(code(entry[0]) === 304 && !entry[0].resource, "status", entry[0]);
  }),
  row("BATCH-5", "a write that fails leaves the others", async (bench) => {
    const { entry } = bundle(await send(bench, "batch", [post(await message(bench)), post({ ...(await message(bench)), status: "nonsense" })]), "batch-response");
    must(code(entry[0]) === 201 && [400, 422].includes(code(entry[1])), "statuses", entry.map((one) => one.response.status));
    must(/^201 |^201$/.test(entry[0].response.status) && entry[0].response.location.includes("Communication/"), "the first", entry[0].response);
    must(entry[1].response.outcome?.issue?.length > 0, "the second", entry[1]);
  }),
  row("BATCH-6", "an empty bundle is an empty answer; a Bundle of another type and another resource are 400", async (bench) => {
    const empty = status(await bench.ask("", { as: "patient", json: { resourceType: "Bundle", type: "batch" } }), 200);
    must(empty.body.type === "batch-response" && empty.body.entry === undefined, "an empty array is no JSON of FHIR", empty.text);
    refused(await send(bench, "collection", [get(me(bench))]), 400, 422);
    refused(await bench.ask("", { as: "patient", json: { resourceType: "Patient" } }), 400);
  }),
  row("BATCH-7", "an entry without request, or with an absolute URL elsewhere, is refused", async (bench) => {
    const answer = await send(bench, "batch", [{ resource: await message(bench) }, get("https://example.org/fhir/Patient/1"), get("../oauth2/token"), get("metadata/../../livez")]);
    if (answer.status === 200) must(answer.body.entry.every((one) => code(one) >= 400), "statuses", answer.body.entry.map((one) => one.response.status));
    else refused(answer, 400, 422);
  }),
];

const transaction = [
  row("TX-1", "all is done: one entry for each in order, 201 and location", async (bench) => {
    const { entry } = bundle(await send(bench, "transaction", [get(me(bench)), post(await message(bench)), post(paper(bench))]), "transaction-response");
    must(JSON.stringify(entry.map(code)) === JSON.stringify([200, 201, 201]), "statuses", entry.map((one) => one.response.status));
    for (const one of entry.slice(1)) {
      must(one.response.etag && one.response.lastModified, "etag and lastModified", one.response);
      const path = one.response.location.replace(/\/_history.*/, "").split("/").slice(-2).join("/");
      status(await bench.ask(path, { as: "patient" }), 200);
    }
  }),
  row("TX-2", "one that fails: nothing is done, and the entry is named", async (bench) => {
    const text = `not to be kept ${randomUUID()}`;
    const answer = refused(await send(bench, "transaction", [post(await message(bench, text)), post({ ...(await message(bench)), recipient: [{ reference: "Practitioner/00000000-0000-4000-8000-000000000000" }] })]), 400, 404, 409, 412, 422);
    must(/entry\[1\]/.test(sentences(answer.body)), "the entry is not named", answer.text);
    const pages = await bench.pages("Communication?_count=100", "patient");
    must(!JSON.stringify(pages).includes(text), "the first was kept");
  }),
  row("TX-3", "a reference to an entry's urn:uuid is resolved", async (bench) => {
    const mine = (await bench.all("Communication", "patient")).find((one) => (one.recipient ?? []).some((to) => to.reference === me(bench)));
    only(mine, "no message to answer");
    const first = post(await message(bench));
    const second = post({ ...(await message(bench)), inResponseTo: [{ reference: first.fullUrl }] });
    const answer = await send(bench, "transaction", [second, first]);
    // A practice need not take an answer to one's own message; what it must not do is keep the placeholder.
    if (answer.status !== 200) {
      refused(answer, 422, 409);
      must(!/urn:uuid/.test(answer.text) || /inResponseTo/.test(answer.text), "the reference was not resolved", answer.text);
      return;
    }
    const [made, target] = answer.body.entry.map((one) => one.response.location.replace(/\/_history.*/, "").split("/").at(-1));
    const { body } = status(await bench.ask(`Communication/${made}`, { as: "patient" }), 200);
    must(JSON.stringify(body).includes(`Communication/${target}`) && !JSON.stringify(body).includes("urn:uuid"), "not resolved", body);
  }),
  row("TX-4", "a reference to a urn:uuid that no entry has is 400 or 422", async (bench) => {
    refused(await send(bench, "transaction", [post({ ...(await message(bench)), inResponseTo: [{ reference: `urn:uuid:${randomUUID()}` }] })]), 400, 422);
  }),
  row("TX-5", "two entries about one record are 400 or 422", async (bench) => {
    const [one] = await bench.all("Communication", "patient");
    const change = { resource: one, request: { method: "PUT", url: `Communication/${one.id}`, ifMatch: `W/"${one.meta.versionId}"` } };
    refused(await send(bench, "transaction", [change, change]), 400, 422);
  }),
  row("TX-6", "ifMatch of an entry is looked at: 412 for all", async (bench) => {
    const [one] = await bench.all("Communication", "patient");
    refused(await send(bench, "transaction", [{ resource: one, request: { method: "PUT", url: `Communication/${one.id}`, ifMatch: 'W/"0000000000000001"' } }]), 412);
  }),
  row("TX-7", "ifNoneExist of an entry: 201, then 200 with the same one", async (bench) => {
    const ifNoneExist = await nothingYet(bench);
    const one = () => post(paper(bench), { ifNoneExist });
    const first = bundle(await send(bench, "transaction", [one()]), "transaction-response").entry[0].response;
    const second = bundle(await send(bench, "transaction", [one()]), "transaction-response").entry[0].response;
    must(/^201/.test(first.status) && /^200/.test(second.status), "statuses", [first.status, second.status]);
    must(first.location.split("/DocumentReference/")[1].split("/")[0] === second.location?.split("/DocumentReference/")[1].split("/")[0], "another one", second);
  }),
  row("TX-8", "a conditional reference (Practitioner?identifier=) is resolved, or refused by name", async (bench) => {
    const { body: who } = await bench.ask((await message(bench)).recipient[0].reference, { as: "patient" });
    const npi = who.identifier?.find((one) => one.system && one.value);
    only(npi, "the addressee has no identifier");
    const answer = await send(bench, "transaction", [post({ ...(await message(bench)), recipient: [{ reference: `Practitioner?identifier=${npi.system}|${npi.value}` }] })]);
    if (answer.status !== 200) must(/recipient/.test(sentences(refused(answer, 400, 412, 422).body)), "not named", answer.text);
  }),
  row("TX-9", "the scope of one entry missing: nothing is done", async (bench) => {
    refused(await send(bench, "transaction", [get(me(bench)), post(await message(bench))], { as: "system" }), 403);
  }),
  row("TX-10", "a GET of a transaction sees what the transaction wrote", async (bench) => {
    const text = `seen at once ${randomUUID()}`;
    const { entry } = bundle(await send(bench, "transaction", [get("Communication?_count=100&_sort=-sent"), post(await message(bench, text))]), "transaction-response");
    must(JSON.stringify(entry[0].resource).includes(text), "the order is DELETE, POST, PUT, GET");
  }),
];

export const rows = [...batch, ...transaction];
