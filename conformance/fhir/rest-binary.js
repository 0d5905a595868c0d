// R4's rules for Binary (section 5.5) and what a browser must not do with it.
import { createHash } from "node:crypto";
import { must, only } from "../smart/row.js";
import { lists } from "./bench.js";
import { paper } from "./bodies.js";
import { refused, status } from "./said.js";

const row = (number, requirement, run) => ({ id: `REST-BIN-${number}`, requirement, run });
const kind = (answer) => answer.headers.get("content-type") ?? "";

// The attachment of a document of the first patient, and what is said of it.
function attached(bench) {
  return bench.once("an attachment", async () => {
    const documents = await bench.all("DocumentReference", "patient");
    const attachment = documents.flatMap((one) => one.content).map((one) => one.attachment).find((one) => /Binary\//.test(one.url ?? "") && one.size > 20);
    only(attachment, "no document with a Binary of some size");
    return { ...attachment, path: `Binary/${attachment.url.split("/Binary/").at(-1).replace(/^Binary\//, "")}` };
  });
}

const raw = async (bench, headers = {}, more = {}) => bench.ask((await attached(bench)).path, { as: "patient", ...more, headers: { accept: "*/*", ...headers } });

export const rows = [
  row(1, "*/* and no Accept: the bytes with their own type", async (bench) => {
    const { contentType } = await attached(bench);
    for (const accept of ["*/*", null]) {
      const answer = status(await raw(bench, { accept }), 200);
      must(kind(answer).startsWith(contentType.split(";")[0]) || kind(answer).startsWith("application/octet-stream"), `Content-Type for ${accept}`, kind(answer));
    }
  }),
  row(2, "application/fhir+json: a Binary with the same bytes in data", async (bench) => {
    const { path, contentType, size, hash } = await attached(bench);
    const answer = status(await bench.ask(path, { as: "patient" }), 200);
    must(answer.body?.resourceType === "Binary" && answer.body.contentType.startsWith(contentType.split(";")[0]), "Binary", answer.text);
    const bytes = Buffer.from(answer.body.data, "base64");
    const plain = await raw(bench);
    must(bytes.equals(plain.bytes), "other bytes");
    must(bytes.length === size, `size ${size}, not ${bytes.length}`);
    if (hash) must(createHash("sha1").update(bytes).digest("base64") === hash, "hash");
  }),
  row(3, "an Accept that fits neither is 406", async (bench) => {
    const { contentType } = await attached(bench);
    const other = contentType.startsWith("image/png") ? "audio/ogg" : "image/png";
    refused(await raw(bench, { accept: other }), 406);
  }),
  row(4, "attachment, nosniff, no-store, and nothing may run in it", async (bench) => {
    const { headers } = status(await raw(bench), 200);
    must(/^attachment/.test(headers.get("content-disposition") ?? ""), "Content-Disposition", String(headers.get("content-disposition")));
    must(headers.get("x-content-type-options") === "nosniff", "X-Content-Type-Options", String(headers.get("x-content-type-options")));
    must(/no-store/.test(headers.get("cache-control") ?? ""), "Cache-Control", String(headers.get("cache-control")));
    must(/default-src 'none'|sandbox/.test(headers.get("content-security-policy") ?? ""), "Content-Security-Policy", String(headers.get("content-security-policy")));
  }),
  row(5, "Range: 206 with Content-Range; the end; a suffix", async (bench) => {
    const whole = (await raw(bench)).bytes;
    for (const [range, from, to] of [["bytes=0-9", 0, 9], ["bytes=5-", 5, whole.length - 1], ["bytes=-7", whole.length - 7, whole.length - 1], [`bytes=0-${whole.length * 2}`, 0, whole.length - 1]]) {
      const answer = status(await raw(bench, { range }), 206);
      must(answer.headers.get("content-range") === `bytes ${from}-${to}/${whole.length}`, range, String(answer.headers.get("content-range")));
      must(answer.bytes.equals(whole.subarray(from, to + 1)), `${range}: other bytes`);
    }
  }),
  row(6, "a range beyond the end is 416 with the size; one that is none is ignored", async (bench) => {
    const whole = (await raw(bench)).bytes;
    const answer = status(await raw(bench, { range: `bytes=${whole.length}-` }), 416);
    must(answer.headers.get("content-range") === `bytes */${whole.length}`, "Content-Range", String(answer.headers.get("content-range")));
    must(status(await raw(bench, { range: "pages=1-2" }), 200).bytes.equals(whole), "another unit");
  }),
  row(7, "If-Range: another ETag gives the whole", async (bench) => {
    const whole = await raw(bench);
    status(await raw(bench, { range: "bytes=0-4", "if-range": '"another"' }), 200);
    must((whole.headers.get("accept-ranges") ?? "") === "bytes", "Accept-Ranges", String(whole.headers.get("accept-ranges")));
  }),
  row(8, "HEAD: Content-Length and no body", async (bench) => {
    const whole = await raw(bench);
    const head = status(await raw(bench, {}, { method: "HEAD" }), 200);
    must(head.bytes.length === 0 && Number(head.headers.get("content-length")) === whole.bytes.length, "Content-Length", String(head.headers.get("content-length")));
  }),
  row(9, "the document's owner alone: another patient is 404, nobody 401", async (bench) => {
    const { path } = await attached(bench);
    refused(await bench.ask(path, { as: "other" }), 404);
    refused(await bench.ask(path, { as: null }), 401);
  }),
  row(10, "Binary is not searched", async (bench) => {
    must(!lists(bench, "Binary", "search-type"), "search-type is listed");
    refused(await bench.ask("Binary", { as: "patient" }), 403, 404, 405);
  }),
  row(11, "If-None-Match of the ETag is 304", async (bench) => {
    const etag = (await raw(bench)).headers.get("etag");
    must(etag, "no ETag");
    status(await raw(bench, { "if-none-match": etag }), 304);
  }),
  row(12, "POST of raw bytes is kept with its type, and read back the same", async (bench) => {
    only(lists(bench, "Binary", "create"), "Binary.create is not listed");
    const bytes = Buffer.from("a file of a stranger\r\n");
    const made = status(await bench.ask("Binary", { as: "patient", raw: bytes, type: "text/plain", headers: { "x-security-context": `Patient/${bench.patients[0].id}` } }), 201);
    const location = made.headers.get("location").replace(/\/_history.*/, "");
    const back = status(await bench.ask(location, { as: "patient", headers: { accept: "*/*" } }), 200);
    must(back.bytes.equals(bytes) && /^text\/plain/.test(kind(back)), "other bytes", back.text);
    refused(await bench.ask(location, { as: "other" }), 404);
  }),
  row(13, "POST of a Binary resource is kept as well", async (bench) => {
    only(lists(bench, "Binary", "create"), "Binary.create is not listed");
    const json = { resourceType: "Binary", contentType: "text/plain", data: Buffer.from("by resource").toString("base64"), securityContext: { reference: `Patient/${bench.patients[0].id}` } };
    const made = status(await bench.ask("Binary", { as: "patient", json }), 201);
    const back = status(await bench.ask(made.headers.get("location").replace(/\/_history.*/, ""), { as: "patient", headers: { accept: "*/*" } }), 200);
    must(back.text === "by resource", "other bytes", back.text);
  }),
  row(14, "active content is refused or never shown inline", async (bench) => {
    only(lists(bench, "DocumentReference", "create"), "DocumentReference.create is not listed");
    const body = paper(bench, "<!doctype html><script>alert(1)</script>");
    body.content[0].attachment.contentType = "text/html";
    body.content[0].attachment.title = "page.html";
    const made = status(await bench.ask("DocumentReference", { as: "patient", json: body }), 201, 415, 422);
    if (made.status !== 201) return;
    const url = made.body.content[0].attachment.url;
    const back = status(await bench.ask(`Binary/${url.split("/").at(-1)}`, { as: "patient", headers: { accept: "*/*" } }), 200);
    must(/^attachment/.test(back.headers.get("content-disposition") ?? "") && back.headers.get("x-content-type-options") === "nosniff", "inline", [...back.headers]);
  }),
  row(15, "a document filed with data comes back with the same bytes", async (bench) => {
    only(lists(bench, "DocumentReference", "create"), "DocumentReference.create is not listed");
    const text = "Grüße, 雪\r\n";
    const made = status(await bench.ask("DocumentReference", { as: "patient", json: paper(bench, text) }), 201);
    const url = made.body.content[0].attachment.url;
    const back = status(await bench.ask(`Binary/${url.split("/").at(-1)}`, { as: "patient", headers: { accept: "*/*" } }), 200);
    must(back.bytes.equals(Buffer.from(text)), "other bytes", back.text);
  }),
];
