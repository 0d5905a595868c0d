// npm's `fhir-kit-client`: an app of a patient and a backend service that use nothing else.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { CapabilityTool, Client } from "fhir-kit-client";
import { message, putAway, turned } from "../fhir/bodies.js";
import { openBench } from "../fhir/bench.js";

let bench;
let me;
const clients = {};

before(async () => {
  bench = await openBench("fhir-kit-client");
  [me] = bench.patients;
  for (const who of ["patient", "system"]) {
    clients[who] = new Client({ baseUrl: bench.target.fhir, bearerToken: (await bench.session(who)).access_token });
  }
});

const answered = (resource) => Client.httpFor(resource).response;

// Every page, by the library's own way to the next one.
async function pages(client, bundle) {
  const found = [];
  for (let page = bundle; page; page = await client.nextPage({ bundle: page })) {
    assert.ok(found.length < 100, "the pages end");
    found.push(page);
  }
  return found;
}

test("the CapabilityStatement and the endpoints, without a token", async () => {
  const client = new Client({ baseUrl: bench.target.fhir });
  const statement = await client.capabilityStatement();
  const tool = new CapabilityTool(statement);
  assert.ok(await tool.resourceCan("Patient", "read"));
  assert.ok(await tool.resourceSearch("Patient", "name"));
  const { authorizeUrl, tokenUrl } = await client.smartAuthMetadata();
  assert.equal(String(authorizeUrl), bench.smart.authorization_endpoint);
  assert.equal(String(tokenUrl), bench.smart.token_endpoint);
});

for (const who of ["patient", "system"]) {
  test(`reads and searches with paging (${who})`, async () => {
    const client = clients[who];
    const patient = await client.read({ resourceType: "Patient", id: me.id });
    assert.equal(patient.birthDate, me.birth_date);
    const searchParams = { patient: me.id, _count: "2" };
    const found = await pages(client, await client.search({ resourceType: "Appointment", searchParams }));
    const ids = found.flatMap((page) => page.entry ?? []).map((one) => one.resource.id);
    assert.ok(found.length > 1 && ids.length > 2, `${found.length} pages`);
    assert.equal(new Set(ids).size, ids.length);
    const posted = await client.search({ resourceType: "Appointment", searchParams: { patient: me.id, _count: "100" }, options: { postSearch: true } });
    assert.deepEqual(posted.entry.map((one) => one.resource.id).toSorted(), ids.toSorted());
  });

  test(`resolves references and includes (${who})`, async () => {
    const client = clients[who];
    const bundle = await client.search({ resourceType: "Encounter", searchParams: { patient: me.id, _include: "Encounter:patient", _count: "5" } });
    assert.ok(bundle.entry.some((one) => one.search.mode === "include" && one.resource.id === me.id));
    const { subject } = bundle.entry[0].resource;
    const inside = await client.resolve({ reference: subject.reference, context: bundle });
    assert.equal(inside.id, me.id);
    assert.equal((await client.resolve({ reference: `${bench.target.fhir}/${subject.reference}` })).id, me.id);
  });

  test(`calls an operation: $everything (${who})`, async () => {
    const bundle = await clients[who].operation({ name: "$everything", resourceType: "Patient", id: me.id, method: "GET", input: { _type: "Encounter" } });
    assert.equal(bundle.type, "searchset");
    assert.ok(bundle.entry.length > 0 && bundle.entry.every((one) => one.resource.resourceType === "Encounter"));
  });

  test(`sends a batch of reads (${who})`, async () => {
    const entry = [`Patient/${me.id}`, `Encounter?patient=${me.id}&_count=1`].map((url) => ({ request: { method: "GET", url } }));
    const answer = await clients[who].batch({ body: { resourceType: "Bundle", type: "batch", entry } });
    assert.equal(answer.type, "batch-response");
    assert.deepEqual(answer.entry.map((one) => one.response.status.slice(0, 3)), ["200", "200"]);
  });
}

test("creates, reads back, by version and by history", async () => {
  const client = clients.patient;
  const made = await client.create({ resourceType: "Communication", body: await message(bench) });
  assert.equal(answered(made).status, 201);
  const { id, meta } = made;
  assert.deepEqual(await client.read({ resourceType: "Communication", id }), { ...made });
  assert.equal((await client.vread({ resourceType: "Communication", id, version: meta.versionId })).id, id);
  const history = await client.history({ resourceType: "Communication", id });
  assert.equal(history.type, "history");
  assert.equal(history.entry[0].resource.meta.versionId, meta.versionId);
});

test("patches and updates a message it received", async () => {
  const client = clients.patient;
  const mine = await bench.all("Communication", "patient");
  const { id } = mine.find((one) => one.recipient?.some((to) => to.reference === `Patient/${me.id}`));
  const before = await client.read({ resourceType: "Communication", id });
  const patched = await client.patch({ resourceType: "Communication", id, jsonPatch: putAway(before) });
  assert.notEqual(patched.meta.versionId, before.meta.versionId);
  const etag = answered(patched).headers.get("etag");
  const body = turned(patched);
  const updated = await client.update({ resourceType: "Communication", id, body, options: { headers: { "If-Match": etag } } });
  assert.equal(answered(updated).status, 200);
  assert.notEqual(updated.meta.versionId, patched.meta.versionId);
  const stale = client.update({ resourceType: "Communication", id, body, options: { headers: { "If-Match": etag } } });
  await assert.rejects(stale, (problem) => problem.response.status === 412 && problem.response.data.resourceType === "OperationOutcome");
});

test("sends a transaction", async () => {
  const entry = [{ fullUrl: "urn:uuid:6f0f0a1e-5f8e-4d8a-9b59-5f4c7c2a0d11", resource: await message(bench), request: { method: "POST", url: "Communication" } }];
  const answer = await clients.patient.transaction({ body: { resourceType: "Bundle", type: "transaction", entry } });
  assert.equal(answer.type, "transaction-response");
  assert.match(answer.entry[0].response.status, /^201/);
});

test("is told why not: an OperationOutcome in the library's error", async () => {
  const unknown = clients.patient.read({ resourceType: "Patient", id: "00000000-0000-4000-8000-000000000000" });
  await assert.rejects(unknown, (problem) => problem.response.status === 404 && problem.response.data.issue[0].code === "not-found");
  const other = clients.patient.read({ resourceType: "Patient", id: bench.patients[1].id });
  await assert.rejects(other, (problem) => problem.response.status === 404);
  const reading = clients.system.create({ resourceType: "Communication", body: await message(bench) });
  await assert.rejects(reading, (problem) => problem.response.status === 403);
});
