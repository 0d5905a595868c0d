// The FHIR side as a stranger checks it with nothing but HTTP: errors, walls, caching, paging, search.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, test } from "node:test";
import { allPages, get, matches, outcomeProblems } from "../lib/fhir.js";
import { SCOPE, launch } from "../lib/oauth.js";
import { activePatients, clientOf, openTarget } from "../lib/target.js";

const ORIGIN = "http://127.0.0.1:8765";
const DAY = 86_400_000;

let target;
let client;
let ana;
let session;
let other;

before(async () => {
  target = await openTarget("http-fhir");
  client = clientOf(target, "public");
  [ana, other] = activePatients(target);
  session = await launch(target, client, ana);
});

const accessToken = () => session.body.access_token;

test("without a token, or with a bad one, the answer is 401 with WWW-Authenticate and an OperationOutcome", async () => {
  for (const bearer of [undefined, "nonsense", `${accessToken()}x`]) {
    for (const path of [`Patient/${ana.id}`, "Appointment", "Binary/1", "DocumentReference?status=current"]) {
      const answer = await get(`${target.fhir}/${path}`, bearer);
      assert.equal(answer.status, 401, path);
      assert.match(answer.headers.get("www-authenticate"), /^Bearer/);
      assert.deepEqual(outcomeProblems(answer), [], path);
    }
  }
});

test("every FHIR error is an OperationOutcome", async () => {
  const table = [
    [`Patient/${randomUUID()}`, 404],
    ["Patient/not%20an%20id", [400, 404]],
    ["Nonsense", 404],
    ["Nonsense/1", 404],
    ["Appointment?date=yesterday", 400],
    ["Appointment?_count=many", 400],
    ["Appointment?date:nonsense=2026-01-01", 400],
    [`Patient/${ana.id}/$nonsense`, [400, 404]],
  ];
  for (const [path, wanted] of table) {
    const answer = await get(`${target.fhir}/${path}`, accessToken());
    assert.ok([wanted].flat().includes(answer.status), `${path} answers ${answer.status}`);
    assert.deepEqual(outcomeProblems(answer), [], path);
  }
});

test("an unknown parameter is refused if the caller is strict and left out of self if not", async () => {
  const strict = await get(`${target.fhir}/Appointment?nonsense=1`, accessToken(), { prefer: "handling=strict" });
  assert.equal(strict.status, 400);
  assert.deepEqual(outcomeProblems(strict), []);
  const lenient = await get(`${target.fhir}/Appointment?nonsense=1`, accessToken(), { prefer: "handling=lenient" });
  assert.equal(lenient.status, 200);
  assert.ok(!lenient.body.link.find((one) => one.relation === "self").url.includes("nonsense"));
});

test("a method or a body that is not served is refused with an OperationOutcome", async () => {
  const headers = { authorization: `Bearer ${accessToken()}` };
  const deleted = await fetch(`${target.fhir}/Patient/${ana.id}`, { method: "DELETE", headers });
  assert.ok([403, 404, 405].includes(deleted.status), String(deleted.status));
  assert.equal((await deleted.json()).resourceType, "OperationOutcome");
  const posted = await fetch(`${target.fhir}/Patient`, { method: "POST", headers: { ...headers, "content-type": "text/plain" }, body: "not FHIR" });
  assert.ok([400, 403, 405, 415].includes(posted.status), String(posted.status));
  assert.equal((await posted.json()).resourceType, "OperationOutcome");
});

test("somebody else's record is answered byte for byte like one that never was", async () => {
  const theirs = await launch(target, client, other);
  for (const [type, search] of [["Patient", `_id=${other.id}`], ["Appointment", ""], ["Communication", ""], ["DocumentReference", ""]]) {
    const [found] = matches(await allPages(`${target.fhir}/${type}?${search}`, theirs.body.access_token));
    assert.ok(found, `${other.username} has a ${type}`);
    const never = randomUUID();
    const [foreign, unknown] = await Promise.all([found.id, never].map((id) => get(`${target.fhir}/${type}/${id}`, accessToken())));
    assert.equal(foreign.status, 404, type);
    assert.equal(fingerprint(foreign, found.id), fingerprint(unknown, never), type);
  }
});

test("a search that names another patient is answered alike whether that patient exists or not", async () => {
  const [foreign, unknown] = await Promise.all([other.id, randomUUID()].map((id) => get(`${target.fhir}/Appointment?patient=${id}`, accessToken())));
  assert.equal(foreign.status, 403);
  assert.equal(unknown.status, 403);
  assert.deepEqual(outcomeProblems(foreign), []);
});

test("ETag and Last-Modified say what meta says, and If-None-Match gives 304 without a body", async () => {
  const [visit] = matches(await allPages(`${target.fhir}/Appointment?_count=1`, accessToken()));
  assert.ok(visit.meta.lastUpdated, "every OpenEMR knows when a visit was written; not every one does of a chart");
  for (const path of [`Patient/${ana.id}`, `Appointment/${visit.id}`]) {
    const url = `${target.fhir}/${path}`;
    const first = await get(url, accessToken());
    const { versionId, lastUpdated } = first.body.meta;
    const etag = first.headers.get("etag");
    assert.equal(etag, `W/"${versionId}"`);
    const written = lastUpdated && new Date(Math.floor(Date.parse(lastUpdated) / 1000) * 1000).toUTCString();
    assert.equal(first.headers.get("last-modified"), written ?? null, path);
    assert.match(first.headers.get("cache-control"), /no-store|private/);
    const second = await get(url, accessToken(), { "if-none-match": etag });
    assert.equal(second.status, 304);
    assert.equal(second.text, "");
    assert.equal((await get(url, accessToken(), { "if-none-match": 'W/"other"' })).status, 200);
  }
});

test("_format overrides Accept, and what cannot be served is 406", async () => {
  const url = `${target.fhir}/Patient/${ana.id}`;
  for (const format of ["json", "application/json", "application/fhir%2Bjson"]) {
    const answer = await get(`${url}?_format=${format}`, accessToken(), { accept: "text/html" });
    assert.equal(answer.status, 200, format);
    assert.match(answer.headers.get("content-type"), /json/);
  }
  for (const answer of [await get(`${url}?_format=ttl`, accessToken()), await get(url, accessToken(), { accept: "image/png" })]) {
    assert.equal(answer.status, 406);
    assert.deepEqual(outcomeProblems(answer), []);
  }
  assert.equal((await get(url, accessToken(), { accept: "*/*" })).status, 200);
});

test("the next links give every appointment once, and a total, where one is given, is right", async () => {
  const whole = await allPages(`${target.fhir}/Appointment?_count=100`, accessToken());
  const pages = await allPages(`${target.fhir}/Appointment?_count=1`, accessToken());
  const ids = (bundles) => matches(bundles).map((one) => one.id);
  assert.ok(ids(pages).length > 1, "there are appointments enough for a second page");
  assert.deepEqual(ids(pages).toSorted(), ids(whole).toSorted());
  assert.equal(new Set(ids(pages)).size, ids(pages).length);
  // FHIR R4, 3.1.1.4.13: a server need not count what it does not send; one page that holds everything has counted.
  for (const { total } of [...pages, ...whole]) assert.ok(total === undefined || total === ids(whole).length, `total ${total}`);
  if (whole.length === 1) assert.equal(whole[0].total, ids(whole).length);
  for (const page of pages) {
    assert.ok(matches([page]).length <= 1);
    assert.ok(URL.canParse(page.link.find((one) => one.relation === "self").url));
    for (const entry of page.entry) assert.equal(entry.fullUrl, `${target.fhir}/Appointment/${entry.resource.id}`);
  }
});

test("a search by POST answers what the same search by GET does", async () => {
  const byGet = await get(`${target.fhir}/Appointment?patient=${ana.id}&_count=50`, accessToken());
  const response = await fetch(`${target.fhir}/Appointment/_search`, {
    method: "POST",
    headers: { authorization: `Bearer ${accessToken()}`, accept: "application/fhir+json" },
    body: new URLSearchParams({ patient: `Patient/${ana.id}`, _count: "50" }),
  });
  assert.equal(response.status, 200);
  const byPost = await response.json();
  assert.equal(byPost.total, byGet.body.total);
  assert.deepEqual(matches([byPost]).map((one) => one.id), matches([byGet.body]).map((one) => one.id));
});

test("a search finds by status, date and _id what the list of all holds", async () => {
  const all = matches(await allPages(`${target.fhir}/Appointment?_count=100`, accessToken()));
  const found = async (query) => matches(await allPages(`${target.fhir}/Appointment?_count=100&${query}`, accessToken())).map((one) => one.id).toSorted();
  const ids = (list) => list.map((one) => one.id).toSorted();
  for (const status of new Set(all.map((one) => one.status))) {
    assert.deepEqual(await found(`status=${status}`), ids(all.filter((one) => one.status === status)), status);
  }
  const now = new Date().toISOString().slice(0, 10);
  const starts = (one) => one.start.slice(0, 10);
  assert.deepEqual(await found(`date=ge${now}`), ids(all.filter((one) => starts(one) >= now)));
  assert.deepEqual(await found(`date=lt${now}`), ids(all.filter((one) => starts(one) < now)));
  assert.deepEqual(await found(`_id=${all[0].id}`), [all[0].id]);
});

test("a patient calls off a visit: with the scope for it, once, and not one that is past", async () => {
  const writing = await launch(target, client, ana, { scope: SCOPE.replace("Appointment.rs", "Appointment.rus"), agent: session.agent });
  const callOff = (id, bearer) => change(id, bearer, [{ op: "replace", path: "/status", value: "cancelled" }]);
  const all = matches(await allPages(`${target.fhir}/Appointment?_count=100`, accessToken()));
  const at = (one) => Date.parse(one.start) - Date.now();
  const visit = all.find((one) => one.status === "booked" && at(one) > 2 * DAY);
  const past = all.find((one) => one.status === "booked" && at(one) < 0) ?? all.find((one) => one.status === "fulfilled");
  assert.ok(visit && past, "a booked visit to come and a past one; start a fresh sandbox if earlier runs called them off");

  const reading = await callOff(visit.id, accessToken());
  assert.equal(reading.status, 403);
  assert.deepEqual(outcomeProblems(reading), []);
  const late = await callOff(past.id, writing.body.access_token);
  assert.equal(late.status, 422);
  assert.deepEqual(outcomeProblems(late), []);

  const done = await callOff(visit.id, writing.body.access_token);
  assert.equal(done.status, 200, JSON.stringify(done.body));
  const { body: after, headers } = await get(`${target.fhir}/Appointment/${visit.id}`, accessToken());
  assert.equal(after.status, "cancelled");
  assert.equal(after.start, visit.start);
  assert.notEqual(after.meta.versionId, visit.meta.versionId);
  assert.equal(headers.get("etag"), done.headers.get("etag"));
  const again = await callOff(visit.id, writing.body.access_token);
  assert.ok([200, 409, 422].includes(again.status), String(again.status));
  const moved = await change(visit.id, writing.body.access_token, [{ op: "replace", path: "/start", value: past.start }]);
  assert.equal(moved.status, 422, JSON.stringify(moved.body));
});

test("the FHIR side answers the origin of an app, preflight included", async () => {
  const url = `${target.fhir}/Patient/${ana.id}`;
  const preflight = await fetch(url, { method: "OPTIONS", headers: { origin: ORIGIN, "access-control-request-method": "GET", "access-control-request-headers": "authorization,accept" } });
  assert.ok(preflight.ok, String(preflight.status));
  assert.match(preflight.headers.get("access-control-allow-headers"), /authorization|\*/i);
  const answer = await get(url, accessToken(), { origin: ORIGIN });
  assert.ok(["*", ORIGIN].includes(answer.headers.get("access-control-allow-origin")));
  assert.match(answer.headers.get("access-control-expose-headers") ?? "", /etag/i);
  const refused = await get(url, undefined, { origin: ORIGIN });
  assert.ok(["*", ORIGIN].includes(refused.headers.get("access-control-allow-origin")), "an error can be read too");
});

test("livez and readyz answer", async () => {
  for (const path of ["livez", "readyz"]) assert.equal((await fetch(`${target.base}/${path}`)).status, 200, path);
});

// A JSON Patch of an appointment.
async function change(id, bearer, patch) {
  const headers = { authorization: `Bearer ${bearer}`, accept: "application/fhir+json", "content-type": "application/json-patch+json" };
  const response = await fetch(`${target.fhir}/Appointment/${id}`, { method: "PATCH", headers, body: JSON.stringify(patch) });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

// Everything of an answer that could tell, without the id asked for and the request's own number and time.
function fingerprint({ status, headers, text }, id) {
  const kept = [...headers].filter(([name]) => !["date", "x-request-id"].includes(name));
  const request = headers.get("x-request-id");
  const body = request ? text.replaceAll(request, "REQUEST") : text;
  return JSON.stringify([status, kept, body.replaceAll(id, "ID")]);
}
