// What the server publishes about itself: profiles, extensions and its guide, open to everybody, and true to what it serves.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { allPages, get, matches, outcomeProblems } from "../lib/fhir.js";
import { openTarget } from "../lib/target.js";

const KINDS = ["StructureDefinition", "SearchParameter", "ImplementationGuide", "CapabilityStatement"];

let target;
const published = new Map();

before(async () => {
  target = await openTarget("definitions");
  for (const kind of KINDS) published.set(kind, matches(await allPages(`${target.fhir}/${kind}?_count=3`)));
});

test("each kind is searched without a token, page by page, every definition once", () => {
  for (const [kind, found] of published) {
    assert.ok(found.length > 0, kind);
    assert.ok(found.every((one) => one.resourceType === kind));
    assert.equal(new Set(found.map((one) => one.url)).size, found.length, kind);
    assert.equal(new Set(found.map((one) => one.id)).size, found.length, kind);
  }
});

test("a definition is found by id, url, name and version, and read by id", async () => {
  for (const [kind, found] of published) {
    for (const one of found) {
      const read = await get(`${target.fhir}/${kind}/${one.id}`);
      assert.equal(read.status, 200);
      assert.deepEqual(read.body, one);
      const url = encodeURIComponent(one.url);
      for (const query of [`_id=${one.id}`, `url=${url}`, `name:exact=${one.name}`, `url=${url}&version=${one.version}`]) {
        const { body } = await get(`${target.fhir}/${kind}?${query}`);
        assert.deepEqual([body.total, body.entry?.map((entry) => entry.resource.id)], [1, [one.id]], query);
        assert.equal(body.entry[0].fullUrl, `${target.fhir}/${kind}/${one.id}`);
        assert.ok(body.link.some((link) => link.relation === "self" && link.url.startsWith(`${target.fhir}/${kind}?`)));
      }
    }
  }
});

test("POST _search finds the same", async () => {
  const response = await fetch(`${target.fhir}/StructureDefinition/_search`, { method: "POST", body: new URLSearchParams({ _count: "2" }) });
  assert.equal(response.status, 200);
  const got = await get(`${target.fhir}/StructureDefinition?_count=2`);
  assert.deepEqual(await response.json(), got.body);
});

test("an ETag saves the second read, and any origin may ask", async () => {
  const [one] = published.get("StructureDefinition");
  const url = `${target.fhir}/StructureDefinition/${one.id}`;
  const first = await get(url, undefined, { origin: "https://app.example" });
  assert.equal(first.headers.get("access-control-allow-origin"), "*");
  const second = await get(url, undefined, { "if-none-match": first.headers.get("etag") });
  assert.equal(second.status, 304);
});

test("what is not there is 404, what cannot be done 405, and both say so in FHIR", async () => {
  const missing = await get(`${target.fhir}/StructureDefinition/not-there`);
  assert.equal(missing.status, 404);
  assert.deepEqual(outcomeProblems(missing), []);
  const response = await fetch(`${target.fhir}/StructureDefinition/emr-status`, { method: "DELETE" });
  assert.equal(response.status, 405);
  assert.equal((await response.json()).resourceType, "OperationOutcome");
});

test("the guide names every profile that is published, and every one it names is there", () => {
  const named = published.get("ImplementationGuide").flatMap((guide) => guide.definition.resource).map((row) => row.reference.reference);
  const there = KINDS.filter((kind) => kind !== "ImplementationGuide").flatMap((kind) => published.get(kind).map((one) => `${kind}/${one.id}`));
  for (const reference of there) assert.ok(named.includes(reference), `the guide does not name ${reference}`);
  for (const reference of named.filter((one) => KINDS.includes(one.split("/")[0]))) assert.ok(there.includes(reference), `${reference} is not served`);
});

test("the published CapabilityStatement lists the types that the server's own lists", async () => {
  const { body: own } = await get(`${target.fhir}/metadata`);
  const [said] = published.get("CapabilityStatement");
  assert.equal(said.kind, "requirements");
  const rows = (statement) =>
    statement.rest[0].resource.map((row) => [row.type, (row.interaction ?? []).map((one) => one.code), (row.searchParam ?? []).map((one) => one.name)]);
  assert.deepEqual(rows(said), rows(own));
});
