// What a kit would find: each patient, what is theirs, and whatever those resources refer to.
import { CLINICAL, TYPES } from "./us-core-data.js";
import { included, matched } from "./bench.js";

const ROUNDS = 3;

/** `Map` of type to the resources found, once for all rows. */
export function found(bench) {
  return bench.once("us core: everything found", () => harvest(bench));
}

async function harvest(bench) {
  const store = new Map();
  const keep = (one) => {
    if (!store.has(one.resourceType)) store.set(one.resourceType, new Map());
    store.get(one.resourceType).set(one.id, one);
  };
  const gather = async (path) => {
    for (const bundle of await bench.pages(path)) [...matched(bundle), ...included(bundle)].forEach(keep);
  };
  // A type that cannot be searched is the failure of its own row, not of all rows.
  const tried = (path) => gather(path).catch(() => undefined);
  for (const { id } of bench.target.demo.patients.filter((one) => one.id)) {
    await tried(`Patient?_id=${id}&_revinclude=Provenance:target`);
    await Promise.all(CLINICAL.map((type) => tried(`${type}?patient=${id}${TYPES[type].revinclude ? "&_revinclude=Provenance:target" : ""}`)));
  }
  for (let round = 0; round < ROUNDS; round += 1) await follow(bench, store, keep);
  for (const id of store.get("Practitioner")?.keys() ?? []) await tried(`PractitionerRole?practitioner=${id}`);
  await follow(bench, store, keep);
  return new Map([...store].map(([type, ids]) => [type, [...ids.values()]]));
}

async function follow(bench, store, keep) {
  const wanted = new Set();
  for (const [type, ids] of store) if (TYPES[type]) for (const one of ids.values()) for (const path of references(one)) wanted.add(path);
  for (const path of wanted) {
    const [type, id] = path.split("/");
    if (!TYPES[type] || store.get(type)?.has(id)) continue;
    const answer = await bench.ask(path);
    if (answer.status === 200) keep(answer.body);
  }
}

/** Every `Type/id` a resource refers to. */
export function references(value) {
  if (typeof value !== "object" || value === null) return [];
  const own = typeof value.reference === "string" && /(^|\/)[A-Z]\w+\/[A-Za-z0-9.-]{1,64}$/.test(value.reference) ? [value.reference.split("/").slice(-2).join("/")] : [];
  return [...own, ...Object.values(value).flatMap(references)];
}
