// R4's rules for create, update and patch (section 5.2), conditions, Prefer, Idempotency-Key, 405.
import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { request as requestTls } from "node:https";
import { must, only } from "../smart/row.js";
import { lists, matched } from "./bench.js";
import { changedMessage, isAway, message, nothingYet, paper, putAway, sent, turned } from "./bodies.js";
import { codes, refused, sentences, status, version } from "./said.js";

const PATCH = "application/json-patch+json";
const LARGE = 24 * 1024 * 1024;
const NOBODY = "00000000-0000-4000-8000-000000000000";
const row = (id, requirement, run) => ({ id: `REST-${id}`, requirement, run });
const create = (bench, json, headers = {}) => bench.ask("Communication", { as: "patient", json, headers });

const creating = [
  row("CREATE-1", "POST is 201 with Location of the version, ETag, Last-Modified and the resource", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const answer = await sent(bench);
    const location = answer.headers.get("location") ?? "";
    must(location.startsWith(`${bench.target.fhir}/Communication/${answer.body.id}/_history/`), "Location", location);
    must(location.endsWith(`/${version(answer)}`) && version(answer) === answer.body.meta.versionId, "ETag", String(answer.headers.get("etag")));
    must(Date.parse(answer.headers.get("last-modified")) > 0, "Last-Modified", String(answer.headers.get("last-modified")));
    const read = status(await bench.ask(`Communication/${answer.body.id}`, { as: "patient" }), 200);
    must(JSON.stringify(read.body) === JSON.stringify(answer.body), "what is read is not what was answered", read.text);
  }),
  row("CREATE-2", "id, versionId and lastUpdated of the sender are ignored", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const answer = status(await create(bench, { ...(await message(bench)), id: NOBODY, meta: { versionId: "7", lastUpdated: "2001-01-01T00:00:00Z" } }), 201);
    must(answer.body.id !== NOBODY && answer.body.meta.versionId !== "7" && !answer.body.meta.lastUpdated.startsWith("2001"), "taken over", answer.body.meta);
  }),
  row("CREATE-3", "the type of URL and body differ: 400", async (bench) => {
    refused(await create(bench, paper(bench)), 400);
  }),
  row("CREATE-4", "what is no JSON, or no resource, is 400", async (bench) => {
    const send = (raw) => bench.ask("Communication", { as: "patient", raw, type: "application/fhir+json" });
    for (const raw of ["{", "", "{]"]) refused(await send(raw), 400);
    for (const raw of ["[]", "null", '"x"', "{}", '{"resourceType":"Nonsense"}']) refused(await send(raw), 400, 422);
  }),
  row("CREATE-5", "what FHIR does not allow is 400 or 422, and the element is named", async (bench) => {
    const good = await message(bench);
    for (const [change, element] of [
      [{ status: "sent" }, /status/],
      [{ nonsense: 1 }, /nonsense/],
      [{ sent: "2026-02-30" }, /sent/],
      [{ status: undefined }, /status/],
      [{ payload: [{ contentInteger: 1 }] }, /payload/],
      [{ subject: { reference: 5 } }, /subject|Communication/],
    ]) {
      const answer = refused(await create(bench, { ...good, ...change }), 400, 422);
      must(element.test(sentences(answer.body)), `${JSON.stringify(change)}: the element is not named`, answer.text);
    }
  }),
  row("CREATE-6", "what cannot be kept is refused by name, not dropped", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const answer = refused(await create(bench, { ...(await message(bench)), priority: "stat", note: [{ text: "x" }] }), 422, 400);
    must(/priority/.test(sentences(answer.body)) && /note/.test(sentences(answer.body)), "not named", answer.text);
  }),
  row("CREATE-7", "a record about another patient is refused", async (bench) => {
    refused(await create(bench, { ...(await message(bench)), subject: { reference: `Patient/${bench.patients[1].id}` } }), 403, 404, 422);
  }),
  row("CREATE-8", "a type that is not served is 404, one that takes no create 405 with Allow", async (bench) => {
    refused(await bench.ask("Observation", { as: "patient", json: { resourceType: "Observation", status: "final", code: { text: "x" } } }), 404, 405);
    const answer = refused(await bench.ask("Practitioner", { as: "staff", json: { resourceType: "Practitioner" } }), 405);
    must(/GET/.test(answer.headers.get("allow") ?? ""), "Allow", String(answer.headers.get("allow")));
  }),
  row("CREATE-9", "without c in the scope: 403", async (bench) => {
    refused(await bench.ask("Communication", { as: "system", json: await message(bench) }), 403);
  }),
  row("CREATE-10", "a body beyond the limit is 413", async (bench) => {
    const answered = await statusOfLarge(bench, "DocumentReference", LARGE);
    must(answered === 413, `${LARGE} bytes are answered ${answered}, not 413`);
  }),
  row("COND-1", "If-None-Exist: none is 201, one is 200 with the one there is", async (bench) => {
    only(lists(bench, "DocumentReference", "create"), "DocumentReference.create is not listed");
    const body = paper(bench);
    const headers = { "if-none-exist": await nothingYet(bench) };
    const first = status(await bench.ask("DocumentReference", { as: "patient", json: body, headers }), 201);
    const second = status(await bench.ask("DocumentReference", { as: "patient", json: body, headers }), 200);
    must(first.headers.get("location").includes(second.body.id), "another one", second.body.id);
  }),
  row("COND-2", "If-None-Exist with several matches is 412", async (bench) => {
    only(lists(bench, "DocumentReference", "create"), "DocumentReference.create is not listed");
    refused(await bench.ask("DocumentReference", { as: "patient", json: paper(bench), headers: { "if-none-exist": "status=current" } }), 412);
  }),
  row("COND-3", "If-None-Exist with a bad query is 400", async (bench) => {
    only(lists(bench, "DocumentReference", "create"), "DocumentReference.create is not listed");
    refused(await bench.ask("DocumentReference", { as: "patient", json: paper(bench), headers: { "if-none-exist": "nonsense=1" } }), 400, 412);
  }),
  row("IDEM-1", "Idempotency-Key: the same request again makes nothing new and answers the same", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const headers = { "idempotency-key": `"${randomUUID()}"` };
    const body = await message(bench);
    const first = status(await create(bench, body, headers), 201);
    const second = status(await create(bench, body, headers), 200, 201);
    must(second.body.id === first.body.id, "another one was made", second.body.id);
    const found = matched((await bench.ask(`Communication?_count=100&_id=${first.body.id}`, { as: "patient" })).body);
    must(found.length === 1, "found", found.length);
  }),
  row("IDEM-2", "Idempotency-Key with another body is 422 or 409", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const headers = { "idempotency-key": `"${randomUUID()}"` };
    status(await create(bench, await message(bench), headers), 201);
    refused(await create(bench, await message(bench), headers), 409, 422);
  }),
  row("PREFER-1", "return=minimal: no body", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const answer = status(await create(bench, await message(bench), { prefer: "return=minimal" }), 201);
    must(answer.text === "" && answer.headers.get("location"), "a body", answer.text);
  }),
  row("PREFER-2", "return=OperationOutcome: an outcome that says so", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const answer = status(await create(bench, await message(bench), { prefer: "return=OperationOutcome" }), 201);
    must(answer.body.resourceType === "OperationOutcome" && answer.body.issue.every((one) => one.severity === "information"), "outcome", answer.text);
  }),
  row("PREFER-3", "return=representation: the resource", async (bench) => {
    only(lists(bench, "Communication", "create"), "Communication.create is not listed");
    const answer = status(await create(bench, await message(bench), { prefer: "return=representation" }), 201);
    must(answer.body.resourceType === "Communication", "body", answer.text);
  }),
];

const received = (bench) => bench.once("a message received", () => changedMessage(bench));
const at = async (bench) => {
  const { id } = await received(bench);
  return status(await bench.ask(`Communication/${id}`, { as: "patient" }), 200);
};
const put = (bench, body, headers, id = body.id) => bench.ask(`Communication/${id}`, { as: "patient", method: "PUT", json: body, headers });
const patch = (bench, id, json, { headers, type = PATCH } = {}) => bench.ask(`Communication/${id}`, { as: "patient", method: "PATCH", json, type, headers });

const updating = [
  row("UPDATE-1", "PUT with If-Match is 200, with a new version and ETag", async (bench) => {
    const before = await at(bench);
    const answer = status(await put(bench, turned(before.body), { "if-match": before.headers.get("etag") }), 200);
    must(version(answer) !== version(before) && answer.body.meta.versionId === version(answer), "version", answer.body.meta);
    must(isAway(answer.body) !== isAway(before.body), "not changed", answer.body);
  }),
  row("UPDATE-2", "If-Match of another version is 412, one that is none 400", async (bench) => {
    const { body } = await at(bench);
    refused(await put(bench, turned(body), { "if-match": 'W/"0000000000000001"' }), 412);
    refused(await put(bench, turned(body), { "if-match": "nonsense" }), 400, 412);
  }),
  row("UPDATE-3", "without If-Match: 428 where the server says versioned-update", async (bench) => {
    const { body } = await at(bench);
    const answer = await put(bench, turned(body), {});
    if (bench.types.get("Communication").versioning === "versioned-update") refused(answer, 428);
    else status(answer, 200);
  }),
  row("UPDATE-4", "the id of the body must be that of the URL: 400", async (bench) => {
    const before = await at(bench);
    const headers = { "if-match": before.headers.get("etag") };
    refused(await put(bench, { ...turned(before.body), id: NOBODY }, headers, before.body.id), 400);
    const { id, ...without } = turned(before.body);
    refused(await put(bench, without, headers, id), 400);
  }),
  row("UPDATE-5", "what was read is taken back unchanged: 200, the same version", async (bench) => {
    const before = await at(bench);
    const answer = status(await put(bench, before.body, { "if-match": before.headers.get("etag") }), 200);
    must(version(answer) === version(before), "a new version of the same", version(answer));
  }),
  row("UPDATE-6", "an element that is not the caller's to set is refused by name", async (bench) => {
    const before = await at(bench);
    const answer = refused(await put(bench, { ...before.body, sent: "2020-01-01T00:00:00Z" }, { "if-match": before.headers.get("etag") }), 422, 400);
    must(/sent/.test(sentences(answer.body)), "not named", answer.text);
  }),
  row("UPDATE-7", "PUT of an unknown id is 404 or 405 (no update as create)", async (bench) => {
    const { body } = await at(bench);
    must(bench.types.get("Communication").updateCreate !== true, "updateCreate is said");
    refused(await put(bench, { ...body, id: NOBODY }, { "if-match": 'W/"0000000000000001"' }), 404, 405);
  }),
  row("UPDATE-8", "somebody else's record is 404", async (bench) => {
    const [theirs] = await bench.all("Communication", "other");
    refused(await put(bench, theirs, { "if-match": `W/"${theirs.meta.versionId}"` }), 404);
  }),
  row("PATCH-1", "a JSON Patch is 200, with a new version", async (bench) => {
    const before = await at(bench);
    const answer = status(await patch(bench, before.body.id, putAway(before.body)), 200);
    must(version(answer) !== version(before), "version", version(answer));
  }),
  row("PATCH-2", "test: one that holds goes on, one that fails is 422 and changes nothing", async (bench) => {
    const before = await at(bench);
    refused(await patch(bench, before.body.id, [...putAway(before.body), { op: "test", path: "/status", value: "preparation" }]), 422);
    must(version(await at(bench)) === version(before), "changed");
    status(await patch(bench, before.body.id, [{ op: "test", path: "/status", value: "completed" }, ...putAway(before.body)]), 200);
  }),
  row("PATCH-3", "a pointer to nothing, an unknown op and a patch that is no array are 400 or 422", async (bench) => {
    const { body } = await at(bench);
    for (const json of [[{ op: "replace", path: "/nothing/here", value: 1 }], [{ op: "nonsense", path: "/status" }], { op: "test" }, [{ path: "/status" }], [{ op: "replace", path: "status", value: "x" }], [{ op: "remove", path: "/extension/99" }]]) refused(await patch(bench, body.id, json), 400, 422);
  }),
  row("PATCH-4", "id, resourceType and meta are not patched", async (bench) => {
    const { body } = await at(bench);
    for (const path of ["/id", "/resourceType", "/meta/versionId", "/meta/security"]) refused(await patch(bench, body.id, [{ op: "add", path, value: path === "/meta/security" ? [{ code: "R" }] : "Patient" }]), 400, 403, 422);
  }),
  row("PATCH-5", "the result is checked as a body is", async (bench) => {
    const { body } = await at(bench);
    refused(await patch(bench, body.id, [{ op: "replace", path: "/status", value: "nonsense" }]), 400, 422);
    refused(await patch(bench, body.id, [{ op: "remove", path: "/status" }]), 400, 422);
  }),
  row("PATCH-6", "other patch formats are 415, merge patch above all", async (bench) => {
    const { body } = await at(bench);
    for (const type of ["application/merge-patch+json", "application/json", "application/xml-patch+xml", "text/plain"]) refused(await patch(bench, body.id, {}, { type }), 415);
  }),
  row("PATCH-7", "If-Match of another version is 412", async (bench) => {
    const { body } = await at(bench);
    refused(await patch(bench, body.id, [{ op: "test", path: "/status", value: "completed" }], { headers: { "if-match": 'W/"0000000000000001"' } }), 412);
  }),
  row("PATCH-8", "a patch of one's own demographics waits for staff: 202 with a Task", async (bench) => {
    only(lists(bench, "Patient", "patch"), "Patient.patch is not listed");
    const { body } = await bench.ask(`Patient/${bench.patients[0].id}`, { as: "patient" });
    const phone = body.telecom.findIndex((one) => one.system === "phone");
    const value = `(978) 555-01${String(Math.floor(Math.random() * 90) + 10)}`;
    const answer = status(await bench.ask(`Patient/${body.id}`, { as: "patient", method: "PATCH", type: PATCH, json: [{ op: "replace", path: `/telecom/${phone}/value`, value }] }), 202);
    must(/\/Task\/[A-Za-z0-9.-]+/.test(answer.headers.get("location") ?? answer.headers.get("content-location") ?? ""), "Location", String(answer.headers.get("location")));
    must(answer.body.resourceType === "OperationOutcome" || answer.body.resourceType === "Task", "body", answer.text);
    const task = status(await bench.ask(answer.headers.get("location").replace(/\/_history.*/, ""), { as: "patient" }), 200).body;
    must(task.resourceType === "Task" && ["requested", "received", "ready"].includes(task.status), "the Task", task);
    const still = (await bench.ask(`Patient/${body.id}`, { as: "patient" })).body;
    must(still.telecom[phone].value === body.telecom[phone].value, "changed without review", still.telecom);
  }),
];

const methods = [
  row("METHOD-1", "DELETE, where it is not listed, is 405 with Allow", async (bench) => {
    for (const type of ["Patient", "Communication", "DocumentReference"].filter((one) => !lists(bench, one, "delete"))) {
      const answer = refused(await bench.ask(`${type}/${NOBODY}`, { as: "staff", method: "DELETE" }), 405);
      must(/GET/.test(answer.headers.get("allow") ?? ""), "Allow", String(answer.headers.get("allow")));
      must(codes(answer.body).includes("not-supported"), "issue.code", codes(answer.body));
    }
  }),
  row("METHOD-2", "PUT and DELETE of a whole type are 405, or 412 and 404 where conditional", async (bench) => {
    refused(await bench.ask("Practitioner", { as: "staff", method: "PUT", json: { resourceType: "Practitioner" } }), 404, 405);
    refused(await bench.ask("Practitioner", { as: "staff", method: "DELETE" }), 404, 405);
  }),
  row("METHOD-3", "POST to a read-only resource's instance is 404 or 405", async (bench) => {
    refused(await bench.ask(`Patient/${bench.patients[0].id}`, { as: "staff", json: { resourceType: "Patient" } }), 404, 405);
  }),
];

// The status a body of so many spaces is answered with, be it read to its end or not.
async function statusOfLarge(bench, path, length) {
  const { access_token: bearer } = await bench.session("patient");
  const url = new URL(`${bench.target.fhir}/${path}`);
  return new Promise((done, failed) => {
    const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/fhir+json", "content-length": length };
    const call = (url.protocol === "https:" ? requestTls : request)(url, { method: "POST", headers }, (response) => {
      response.resume();
      done(response.statusCode);
    });
    call.on("error", failed);
    call.end(Buffer.alloc(length, " "));
  });
}

export const rows = [...creating, ...updating, ...methods];
