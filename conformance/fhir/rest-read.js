// R4's rules for content, reading and history (sections 5.1 and 5.2 of the requirement).
import { must, only } from "../smart/row.js";
import { lists } from "./bench.js";
import { changedMessage, turnOver } from "./bodies.js";
import { bundle, refused, status, version } from "./said.js";

const NOBODY = "00000000-0000-4000-8000-000000000000";
const kind = (answer) => answer.headers.get("content-type") ?? "";

const me = ({ patients }) => `Patient/${patients[0].id}`;

function negotiation() {
  const row = (number, requirement, run) => ({ id: `REST-NEG-${number}`, requirement, run });
  const is200 = async (bench, headers, query = "") => {
    const answer = status(await bench.ask(`${me(bench)}${query}`, { headers }), 200);
    must(/^application\/(fhir\+)?json|^text\/json/.test(kind(answer)), "Content-Type", kind(answer));
    return answer;
  };
  return [
    row(1, "application/fhir+json by default, with no Accept and with */*", async (bench) => {
      for (const accept of [null, "*/*", "application/*", "application/fhir+json"]) must(/^application\/fhir\+json/.test(kind(await is200(bench, { accept }))), `Accept ${accept}`);
    }),
    row(2, "Accept application/json, text/json and lists with weights are taken", async (bench) => {
      for (const accept of ["application/json", "text/json", "text/html;q=0.9, application/fhir+json;q=0.8", "application/fhir+json; charset=utf-8", "image/png, */*;q=0.1"]) await is200(bench, { accept });
    }),
    row(3, "fhirVersion=4.0 in Accept is taken, another one is 406", async (bench) => {
      await is200(bench, { accept: "application/fhir+json; fhirVersion=4.0" });
      refused(await bench.ask(me(bench), { headers: { accept: "application/fhir+json; fhirVersion=3.0" } }), 406);
    }),
    row(4, "_format overrides Accept: json, application/json, application/fhir+json", async (bench) => {
      for (const format of ["json", "application/json", "application/fhir%2Bjson", "application/fhir+json", "text/json"]) await is200(bench, { accept: "text/turtle" }, `?_format=${format}`);
    }),
    row(5, "an unknown Accept, and _format=ttl, are 406", async (bench) => {
      refused(await bench.ask(me(bench), { headers: { accept: "image/png" } }), 406);
      refused(await bench.ask(`${me(bench)}?_format=ttl`), 406);
    }),
    row(6, "XML is 406 unless the CapabilityStatement declares it", async (bench) => {
      const declared = bench.statement.format.some((one) => /xml/.test(one));
      const answer = await bench.ask(me(bench), { headers: { accept: "application/fhir+xml" } });
      if (declared) must(status(answer, 200) && /xml/.test(kind(answer)), "Content-Type", kind(answer));
      else refused(answer, 406);
    }),
    row(7, "_pretty is taken", async (bench) => {
      await is200(bench, {}, "?_pretty=true");
      await is200(bench, {}, "?_pretty=false");
    }),
    row(8, "Accept-Charset is ignored", (bench) => is200(bench, { "accept-charset": "utf-8" })),
    row(9, "Content-Type of a body: unknown is 415", async (bench) => {
      for (const type of ["text/plain", "application/fhir+xml", "application/x-www-form-urlencoded"]) refused(await bench.ask("Communication", { as: "patient", raw: "x", type }), 415);
    }),
    row(10, "Content-Type of a body: another fhirVersion is 415", async (bench) => {
      refused(await bench.ask("Communication", { as: "patient", json: { resourceType: "Communication" }, type: "application/fhir+json; fhirVersion=3.0" }), 415);
    }),
    row(11, "patient data: ETag, Last-Modified, no-store, Vary with Accept and Authorization", async (bench) => {
      const { headers } = await is200(bench, {});
      must(/^W\/".+"$/.test(headers.get("etag") ?? ""), "ETag", String(headers.get("etag")));
      must(Date.parse(headers.get("last-modified")) > 0, "Last-Modified", String(headers.get("last-modified")));
      must(/no-store/.test(headers.get("cache-control") ?? ""), "Cache-Control", String(headers.get("cache-control")));
      for (const name of ["accept", "authorization", "origin"]) must((headers.get("vary") ?? "").toLowerCase().includes(name), `Vary without ${name}`, String(headers.get("vary")));
    }),
    row(12, "charset=utf-8 is said", async (bench) => must(/charset=utf-8/i.test(kind(await is200(bench, {}))), "Content-Type")),
    row(13, "HEAD answers as GET does, without a body", async (bench) => {
      const get = await is200(bench, {});
      const head = status(await bench.ask(me(bench), { method: "HEAD" }), 200);
      must(head.text === "" && head.headers.get("etag") === get.headers.get("etag"), "HEAD", head.text);
    }),
    row(14, "X-Request-Id is the server's; the client's comes back as X-Correlation-Id", async (bench) => {
      const { headers } = await is200(bench, { "x-request-id": "fhir-suite-0001" });
      must(headers.get("x-correlation-id") === "fhir-suite-0001", "X-Correlation-Id", String(headers.get("x-correlation-id")));
      must(/^[\w-]{16}$/.test(headers.get("x-request-id") ?? ""), "X-Request-Id", String(headers.get("x-request-id")));
      for (const odd of ["a b", "x".repeat(65)]) must((await is200(bench, { "x-request-id": odd })).headers.get("x-correlation-id") === null, `${odd} came back`);
    }),
    row(15, "the ETag is meta.versionId, Last-Modified is meta.lastUpdated", async (bench) => {
      const answer = await is200(bench, {});
      must(version(answer) === answer.body.meta.versionId, "versionId", answer.body.meta);
      must(Math.floor(Date.parse(answer.body.meta.lastUpdated) / 1000) === Date.parse(answer.headers.get("last-modified")) / 1000, "lastUpdated", answer.body.meta);
    }),
  ];
}

function reading() {
  const row = (number, requirement, run) => ({ id: `REST-READ-${number}`, requirement, run });
  return [
    row(1, "an unknown id is 404, an id that is none 400 or 404", async (bench) => {
      refused(await bench.ask(`Patient/${NOBODY}`), 404);
      refused(await bench.ask(`Patient/${"x".repeat(65)}`), 400, 404);
      refused(await bench.ask("Patient/not%20an%20id"), 400, 404);
    }),
    row(2, "an unknown type is 404", async (bench) => {
      refused(await bench.ask("Nonsense/1"), 404);
      refused(await bench.ask("MolecularSequence/1"), 404);
    }),
    row(3, "If-None-Match with the ETag is 304 without a body, also as a list and as *", async (bench) => {
      const etag = (await bench.ask(me(bench))).headers.get("etag");
      for (const value of [etag, `"x", ${etag}`, "*"]) {
        const answer = status(await bench.ask(me(bench), { headers: { "if-none-match": value } }), 304);
        must(answer.text === "", "a 304 has no body", answer.text);
      }
      status(await bench.ask(me(bench), { headers: { "if-none-match": 'W/"another"' } }), 200);
    }),
    row(4, "If-Modified-Since: 304 after, 200 before", async (bench) => {
      const { headers } = await bench.ask(me(bench));
      const changed = Date.parse(headers.get("last-modified"));
      status(await bench.ask(me(bench), { headers: { "if-modified-since": new Date(changed).toUTCString() } }), 304);
      status(await bench.ask(me(bench), { headers: { "if-modified-since": new Date(changed - 86_400_000).toUTCString() } }), 200);
    }),
    row(5, "If-None-Match goes before If-Modified-Since (RFC 9110, 13.2.2)", async (bench) => {
      const later = new Date(Date.now() + 1000).toUTCString();
      status(await bench.ask(me(bench), { headers: { "if-none-match": 'W/"another"', "if-modified-since": later } }), 200);
    }),
    row(6, "_elements on a read: what was asked, what is mandatory, SUBSETTED", async (bench) => {
      const { body } = status(await bench.ask(`${me(bench)}?_elements=birthDate`), 200);
      must(body.birthDate && !body.telecom && !body.address, "elements", Object.keys(body));
      must((body.meta.tag ?? []).some((one) => one.code === "SUBSETTED"), "SUBSETTED", body.meta);
    }),
    row(7, "_summary=true, text, data on a read", async (bench) => {
      for (const value of ["true", "text", "data"]) {
        const { body } = status(await bench.ask(`${me(bench)}?_summary=${value}`), 200);
        must(body.id === bench.patients[0].id, value, body);
        if (value !== "data") must((body.meta.tag ?? []).some((one) => one.code === "SUBSETTED"), `SUBSETTED with ${value}`, body.meta);
      }
      must(!(await bench.ask(`${me(bench)}?_summary=true`)).body.communication, "communication is no summary element");
    }),
    row(8, "somebody else's record is 404 to a patient, like one that never was", async (bench) => {
      refused(await bench.ask(`Patient/${bench.patients[1].id}`, { as: "patient" }), 404);
    }),
    row(9, "a type the scope does not cover is 403", async (bench) => {
      const answer = await bench.ask(`DocumentReference?patient=${bench.patients[0].id}`, { as: null, headers: { authorization: `Bearer ${await bench.narrow("system/Patient.rs")}` } });
      refused(answer, 403);
    }),
    row(10, "without a token 401 with WWW-Authenticate: Bearer", async (bench) => {
      const answer = refused(await bench.ask(me(bench), { as: null }), 401);
      must(/^Bearer/.test(answer.headers.get("www-authenticate") ?? ""), "WWW-Authenticate", String(answer.headers.get("www-authenticate")));
    }),
  ];
}

function history() {
  const row = (number, requirement, run) => ({ id: `REST-HIST-${number}`, requirement, run });
  const listed = (bench, type, code) => only(lists(bench, type, code), `${type}.${code} is not listed`);
  return [
    row(1, "vread of the current version is the resource", async (bench) => {
      listed(bench, "Patient", "vread");
      const { body } = await bench.ask(me(bench));
      const answer = status(await bench.ask(`${me(bench)}/_history/${body.meta.versionId}`), 200);
      must(JSON.stringify(answer.body) === JSON.stringify(body), "another body", answer.text);
      must(version(answer) === body.meta.versionId, "ETag");
    }),
    row(2, "vread of an unknown version is 404, of one that is none 400 or 404", async (bench) => {
      listed(bench, "Patient", "vread");
      refused(await bench.ask(`${me(bench)}/_history/0000000000000001`), 404);
      refused(await bench.ask(`${me(bench)}/_history/no%20version`), 400, 404);
    }),
    row(3, "history of an instance: Bundle history, the current version first, request and response", async (bench) => {
      listed(bench, "Patient", "history-instance");
      const { body } = await bench.ask(me(bench));
      const { entry, total } = bundle(await bench.ask(`${me(bench)}/_history`), "history");
      must(entry[0].resource.meta.versionId === body.meta.versionId, "the first is not the current one", entry[0]);
      must(total === undefined || total >= entry.length, "total", total);
      for (const one of entry) must(one.request?.method && one.request.url && one.response?.status && !one.search && one.fullUrl, "an entry", one);
      must(entry.every((one) => !one.fullUrl.includes("_history")), "bdl-8: fullUrl with a version");
    }),
    row(4, "history: a change makes a version; newest first; each can be read by its id", async (bench) => {
      listed(bench, "Communication", "history-instance");
      const message = await bench.once("a message received", () => changedMessage(bench));
      const { entry } = bundle(await bench.ask(`Communication/${message.id}/_history`, { as: "patient" }), "history");
      const versions = entry.map((one) => one.resource.meta.versionId);
      must(versions.length > 1 && versions.every((one, index) => one !== versions[index - 1]), "versions", versions);
      const times = entry.map((one) => Date.parse(one.resource.meta.lastUpdated));
      must(times.every((time, index) => index === 0 || times[index - 1] >= time), "not the newest first", times);
      for (const one of entry) {
        const read = status(await bench.ask(`Communication/${message.id}/_history/${one.resource.meta.versionId}`, { as: "patient" }), 200);
        must(JSON.stringify(read.body) === JSON.stringify(one.resource), "vread and history differ", read.text);
      }
    }),
    row(9, "a state that comes back is listed once", async (bench) => {
      listed(bench, "Communication", "history-instance");
      for (let turn = 0; turn < 2; turn += 1) await turnOver(bench);
      const { id } = await bench.once("a message received", () => changedMessage(bench));
      const { entry } = bundle(await bench.ask(`Communication/${id}/_history`, { as: "patient" }), "history");
      const versions = entry.map((one) => one.resource.meta.versionId);
      must(new Set(versions).size === versions.length, "a versionId twice", versions);
    }),
    row(5, "history takes _count and pages; _since in the future leaves nothing", async (bench) => {
      listed(bench, "Communication", "history-instance");
      const message = await bench.once("a message received", () => changedMessage(bench));
      const { entry, link } = bundle(await bench.ask(`Communication/${message.id}/_history?_count=1`, { as: "patient" }), "history");
      must(entry.length === 1 && link.some((one) => one.relation === "next"), "one of several, and a next link", link);
      const next = bundle(await bench.ask(link.find((one) => one.relation === "next").url, { as: "patient" }), "history");
      must(next.entry?.[0].resource.meta.versionId !== entry[0].resource.meta.versionId, "the next page begins again");
      const none = bundle(await bench.ask(`Communication/${message.id}/_history?_since=2100-01-01T00:00:00Z`, { as: "patient" }), "history");
      must((none.entry ?? []).length === 0, "entries since 2100", none.entry);
    }),
    row(6, "history of an unknown id is 404", async (bench) => {
      listed(bench, "Patient", "history-instance");
      refused(await bench.ask(`Patient/${NOBODY}/_history`), 404);
    }),
    row(7, "a patient sees no history of another", async (bench) => {
      listed(bench, "Patient", "history-instance");
      refused(await bench.ask(`Patient/${bench.patients[1].id}/_history`, { as: "patient" }), 404);
    }),
    row(8, "history of a type or of all is listed and works, or is refused", async (bench) => {
      for (const [path, is] of [["Patient/_history", lists(bench, "Patient", "history-type")], ["_history", (bench.statement.rest[0].interaction ?? []).some((one) => one.code === "history-system")]]) {
        const answer = await bench.ask(path);
        if (is) bundle(answer, "history");
        else refused(answer, 400, 403, 404, 405);
      }
    }),
  ];
}

export const rows = [...negotiation(), ...reading(), ...history()];
