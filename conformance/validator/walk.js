// Everything a server hands out: each type its CapabilityStatement lists, as each active patient and as the backend service.
import { get } from "../lib/fhir.js";
import { can } from "../lib/harvest.js";
import { launch, smartConfiguration } from "../lib/oauth.js";
import { activePatients, clientOf } from "../lib/target.js";
import { tokenAs } from "../smart/app.js";

const PAGE = 10;

// A sandbox is small; more pages than this of one search would say nothing new (Slot is computed without end).
const PAGES = 10;

// Includes of one search.
const INCLUDES = 10;

// Reads of what was only pointed at.
const ROUNDS = 3;

/**
 * Walks the server of `target`. Answers `{ types, found, unserved, cut }`: `found` as `[{ name, resource }]`, every
 * page of every search and what is in no page; `unserved` tells the types nobody could search, with what was answered;
 * `cut` the searches that have more pages than were read.
 */
export async function walk(target) {
  const { body: statement } = await get(`${target.fhir}/metadata`);
  const types = statement.rest[0].resource;
  const store = new Store();
  store.add("metadata", statement);
  const cut = [];
  const refused = new Map();
  const all = await visitors(target, types);
  for (const visitor of all) {
    const scene = { target, statement, types, store, visitor, cut };
    const missed = await searchAll(scene, types.filter((one) => can(one, "search-type")));
    for (let round = 0; round < ROUNDS && (await follow(scene)); round++);
    // By now there may be something to name in the parameter that a search wants.
    const never = await searchAll(scene, [...missed.keys()]);
    for (const [type, answer] of never) refused.set(type.type, [...(refused.get(type.type) ?? []), `${visitor.name}: ${answer}`]);
    await operations(scene);
  }
  for (const [name, path, token] of wrong(all[0].token)) store.add(`outcome of ${name}`, (await get(`${target.fhir}/${path}`, token)).body);
  const unserved = types.filter((one) => can(one, "search-type") && !store.searched.has(one.type)).map(({ type }) => `${type}: ${refused.get(type)?.join("; ")}`);
  return { types, found: store.found, unserved, cut };
}

class Store {
  found = [];
  texts = new Set();
  ids = new Map();
  searched = new Set();

  /** Keeps a resource unless the same text is there; `searched` names the type whose search a Bundle answers. */
  add(name, resource, searched) {
    if (resource?.resourceType && this.isNew(resource)) this.found.push({ name, resource, searched });
  }

  /** A page. What it holds is judged in it, and is not asked for again. */
  addBundle(name, bundle, searched) {
    if (searched) this.searched.add(searched);
    this.add(name, bundle, searched);
    for (const { resource } of bundle.entry ?? []) if (resource) this.isNew(resource);
  }

  isNew(resource) {
    if (resource.resourceType !== "Bundle" && resource.id) this.ids.set(`${resource.resourceType}/${resource.id}`, resource);
    const before = this.texts.size;
    return this.texts.add(JSON.stringify(unsigned(resource))).size > before;
  }

  idsOf(type) {
    return [...this.ids.keys()].filter((path) => path.startsWith(`${type}/`)).map((path) => path.slice(type.length + 1));
  }
}

// A page as another visitor sees it too: its id, its time and its links are each visitor's own.
function unsigned(resource) {
  if (resource.resourceType !== "Bundle") return resource;
  return { ...resource, id: undefined, meta: undefined, timestamp: undefined, link: resource.link?.map((one) => one.relation) };
}

// Who looks: every patient with an app of their own, then the backend service, which sees what is nobody's.
async function visitors(target, types) {
  const smart = await smartConfiguration(target);
  const wanted = types
    .filter(({ type }) => smart.scopes_supported.some((one) => one.startsWith(`patient/${type}.`)))
    .map((one) => `patient/${one.type}.${can(one, "search-type") ? "rs" : "r"}`);
  const scope = ["launch/patient", "openid", "fhirUser", ...wanted].join(" ");
  const found = [];
  for (const patient of activePatients(target)) {
    const { body } = await launch(target, clientOf(target, "public"), patient, { scope });
    found.push({ name: patient.username, token: body.access_token, patient: body.patient });
  }
  const bench = { target, smart, origin: target.base };
  const client = clientOf(target, "backend");
  const system = client.scope.split(" ").filter((one) => one.startsWith("system/")).join(" ");
  const answer = await tokenAs(bench, client, { grant_type: "client_credentials", scope: system });
  if (answer.status !== 200) throw new Error(`the backend service was given no token: ${answer.status} ${answer.text}`);
  return [...found, { name: client.client_id, token: answer.body.access_token }];
}

// Searches each of `types`. Answers why not, by type, for those that gave nothing.
async function searchAll(scene, types) {
  const missed = new Map();
  for (const type of types) {
    const answer = await search(scene, type);
    if (answer) missed.set(type, answer);
  }
  return missed;
}

// Every page of one type. Answers why there is none, or undefined.
async function search(scene, type) {
  const { target, store, visitor, cut } = scene;
  let answers = [];
  for (const query of queries(scene, type)) {
    const first = `${type.type}?${new URLSearchParams({ ...query, _count: PAGE })}`;
    const answer = await get(`${target.fhir}/${first}`, visitor.token);
    if (answer.status !== 200) {
      answers = [...answers, `${answer.status} to ${first}`];
      // Only a search that wants another parameter is tried with one.
      if (![400, 422].includes(answer.status)) break;
      continue;
    }
    await pages(scene, type, first, answer.body);
    for (const linked of withIncludes(type)) {
      const { status, body, text } = await get(`${target.fhir}/${first}&${linked}`, visitor.token);
      // What hangs on patients is included for one patient at a time; the patients' own walks have seen it.
      if (status === 400 && !visitor.patient) continue;
      if (status !== 200) throw new Error(`${visitor.name}: ${first}&${linked} answered ${status}: ${text.slice(0, 300)}`);
      store.addBundle(`${visitor.name}: ${type.type} with what it is linked to`, body, type.type);
    }
    return undefined;
  }
  return answers.join(", ");
}

async function pages({ target, store, visitor, cut }, type, first, begun) {
  let page = begun;
  for (let number = 1; ; number++) {
    if (page?.type !== "searchset") throw new Error(`${first} answered a ${page?.resourceType} of type ${page?.type}`);
    store.addBundle(`${visitor.name}: ${first}, page ${number}`, page, type.type);
    const next = page.link?.find((link) => link.relation === "next")?.url;
    if (!next) return;
    if (number === PAGES) {
      cut.push(`${visitor.name}: ${first}`);
      return;
    }
    page = await must(target, next, visitor);
  }
}

// What a search may need: nothing, the patient, or one resource of those that its reference parameters name.
function queries({ store, visitor }, type) {
  const parameters = (type.searchParam ?? []).filter((one) => one.type === "reference");
  const named = parameters.flatMap(({ name }) => {
    const kind = `${name[0].toUpperCase()}${name.slice(1)}`;
    return store.idsOf(kind).slice(0, 1).map((id) => ({ [name]: `${kind}/${id}` }));
  });
  const own = visitor.patient && parameters.some(({ name }) => name === "patient") ? [{ patient: visitor.patient }] : [];
  return [{}, ...own, ...named];
}

// A server bounds how much one search may include: what there is, in searches of a few each.
function withIncludes(type) {
  const all = [...(type.searchInclude ?? []).map((one) => ["_include", one]), ...(type.searchRevInclude ?? []).map((one) => ["_revinclude", one])];
  const named = all.filter(([, value]) => value !== "*");
  const parts = Array.from({ length: Math.ceil(named.length / INCLUDES) }, (_, at) => named.slice(at * INCLUDES, (at + 1) * INCLUDES));
  return parts.map((part) => new URLSearchParams(part).toString());
}

// Reads whatever the resources point at and no search has shown. Answers whether there was any.
async function follow({ target, types, store, visitor }) {
  const readable = new Set(types.filter((one) => can(one, "read")).map((one) => one.type));
  const open = new Set();
  for (const resource of store.ids.values()) {
    for (const path of pointed(resource, target)) {
      const [type, id] = path.split("/");
      if (readable.has(type) && !store.ids.has(`${type}/${id}`)) open.add(`${type}/${id}`);
    }
  }
  const before = store.ids.size;
  for (const path of open) {
    const { status, body } = await get(`${target.fhir}/${path}`, visitor.token);
    if (status === 200) store.add(path, body);
  }
  return store.ids.size > before;
}

// The `Type/id` of every reference and attachment of this server.
function* pointed(value, target) {
  if (value === null || typeof value !== "object") return;
  for (const [key, one] of Object.entries(value)) {
    if ((key === "reference" || key === "url") && typeof one === "string") {
      const local = one.startsWith(`${target.fhir}/`) ? one.slice(target.fhir.length + 1) : one;
      if (/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(local)) yield local;
    } else {
      yield* pointed(one, target);
    }
  }
}

// Bundles that no search makes: the history of one instance of each type, and everything of the patient.
async function operations({ target, statement, types, store, visitor }) {
  const paths = [];
  for (const type of types) {
    const [id] = type.type === "Patient" && visitor.patient ? [visitor.patient] : store.idsOf(type.type);
    if (id && can(type, "history-instance")) paths.push(`${type.type}/${id}/_history`);
    const offered = [...(type.operation ?? []), ...(statement.rest[0].operation ?? [])].map((one) => one.name.replace(/^\$/, ""));
    if (type.type === "Patient" && visitor.patient && offered.includes("everything")) paths.push(`Patient/${id}/$everything`);
  }
  for (const path of paths) {
    const { status, body } = await get(`${target.fhir}/${path}`, visitor.token);
    if (status === 200) store.addBundle(`${visitor.name}: ${path}`, body);
  }
}

// Requests that fail, each in its own way: what an error looks like is served too.
function wrong(token) {
  return [
    ["a read without a token", "Patient/1", undefined],
    ["a type that is not served", "Nonsense/1", token],
    ["an id that nobody has", "Patient/00000000-0000-0000-0000-000000000000", token],
    ["a parameter that is not known", "Patient?nonsense=1", token],
    ["a value that is no date", "Appointment?date=yesterday", token],
  ];
}

async function must(target, url, visitor) {
  const absolute = new URL(url, `${target.fhir}/`);
  const { status, body, text } = await get(absolute, visitor.token);
  if (status !== 200) throw new Error(`${visitor.name}: ${absolute} answered ${status}: ${text.slice(0, 300)}`);
  return body;
}
