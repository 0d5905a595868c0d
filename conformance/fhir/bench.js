// What the rows share: the server, its CapabilityStatement, one token for each kind of caller, and a way to ask.
import { get } from "../lib/fhir.js";
import { smartConfiguration } from "../lib/oauth.js";
import { CALLBACK, activePatients, clientOf, openTarget } from "../lib/target.js";
import { TOKENS, narrowToken } from "./tokens.js";

const JSON_TYPE = "application/fhir+json";
const PAGES = 20;

/** Opens the server of demo.json. `name` is said in the first line. */
export async function openBench(name) {
  const target = await openTarget(name);
  const bench = {
    target,
    smart: await smartConfiguration(target),
    statement: (await get(`${target.fhir}/metadata`)).body,
    origin: new URL(CALLBACK).origin,
    patients: activePatients(target),
    client: (kind) => clientOf(target, kind),
    memory: new Map(),
    begun: new Date().toISOString(),
  };
  bench.types = new Map(bench.statement.rest[0].resource.map((one) => [one.type, one]));
  return Object.assign(bench, verbs(bench));
}

function verbs(bench) {
  const once = (name, make) => {
    if (!bench.memory.has(name)) bench.memory.set(name, make());
    return bench.memory.get(name);
  };
  const tokenOf = (who) => once(`token of ${who}`, () => TOKENS[who](bench));
  const ask = (path, more) => request(bench, tokenOf, path, more);
  return {
    once,
    ask,
    /** The token response of a caller: patient, other, staff or system. */
    session: tokenOf,
    /** A token of the backend service with these scopes only. */
    narrow: (scope) => once(`narrow ${scope}`, () => narrowToken(bench, scope)),
    /** Every match of a search, all pages, remembered. */
    all: (path, as = "system") => once(`all ${as} ${path}`, async () => (await pages(ask, path, as)).flatMap(matched)),
    /** Every page of a search. */
    pages: (path, as = "system") => pages(ask, path, as),
  };
}

// `as`: whose token. `json`: a body; `form`: a form; `raw`: bytes as they are, with `type`.
async function request(bench, tokenOf, path, { as = "system", method, json, form, raw, type, headers = {} } = {}) {
  const url = /^https?:/.test(path) ? path : `${bench.target.fhir}/${path}`.replace(/\/$/, "");
  const body = form ? new URLSearchParams(form) : json === undefined ? raw : JSON.stringify(json);
  const kind = json === undefined ? type : (type ?? JSON_TYPE);
  const bearer = as && (await tokenOf(as)).access_token;
  const all = {
    ...(headers.accept === null ? {} : { accept: JSON_TYPE }),
    ...(bearer && { authorization: `Bearer ${bearer}` }),
    ...(kind && { "content-type": kind }),
    ...headers,
  };
  for (const name of Object.keys(all)) if (all[name] === null || all[name] === undefined) delete all[name];
  const response = await fetch(url, { method: method ?? (body === undefined ? "GET" : "POST"), headers: all, body, redirect: "manual" });
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.toString("utf8");
  const isJson = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
  return { url, status: response.status, headers: response.headers, bytes, text, body: isJson ? parsed(text) : undefined };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function pages(ask, path, as) {
  const found = [];
  for (let next = path; next && found.length < PAGES; ) {
    const answer = await ask(next, { as });
    if (answer.status !== 200 || answer.body?.type !== "searchset") throw new Error(`${next} as ${as} answered ${answer.status}: ${answer.text.slice(0, 400)}`);
    found.push(answer.body);
    next = answer.body.link?.find((one) => one.relation === "next")?.url;
  }
  return found;
}

/** The matches of one page. */
export function matched(bundle) {
  return (bundle.entry ?? []).filter((one) => (one.search?.mode ?? "match") === "match").map((one) => one.resource);
}

/** What came along with the matches of one page. */
export function included(bundle) {
  return (bundle.entry ?? []).filter((one) => one.search?.mode === "include").map((one) => one.resource);
}

/** Whether the CapabilityStatement lists an interaction of a type. */
export function lists(bench, type, code) {
  return (bench.types.get(type)?.interaction ?? []).some((one) => one.code === code);
}
