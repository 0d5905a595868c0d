// What the rows share: the server, its people and apps, one browser, and one traveller for each person.
import { openChromium } from "../lib/chromium.js";
import { letIn } from "../lib/desk.js";
import { newKey, publicHalf } from "../lib/jwt.js";
import { smartConfiguration } from "../lib/oauth.js";
import { CALLBACK, activePatients, clientOf, openTarget, staffOf } from "../lib/target.js";
import { Traveller } from "../lib/traveller.js";
import { Skip } from "./row.js";

/** Opens everything. `close()` ends it. */
export async function openBench() {
  const target = await openTarget("smart");
  const smart = await smartConfiguration(target);
  const chromium = await openChromium();
  const travellers = new Map();
  const memory = new Map();
  return {
    target,
    smart,
    origin: new URL(CALLBACK).origin,
    patients: activePatients(target),
    client: (kind) => clientOf(target, kind),
    staff: (role) => staffOf(target, role),
    /** The person of this name, in front of a browser of their own. */
    async traveller(name) {
      if (!travellers.has(name)) travellers.set(name, await Traveller.setOut(chromium.browser, target.base));
      return travellers.get(name);
    },
    /** `make()` once, whoever asks first; a failure is told to everybody who asks. */
    once(name, make) {
      if (!memory.has(name)) memory.set(name, make());
      return memory.get(name);
    },
    async close() {
      await chromium.close();
    },
  };
}

/** Registers an app by RFC 7591. Answers the client in the shape of demo.json, with what was answered. */
export async function register(bench, metadata, keys = {}) {
  if (!bench.smart.registration_endpoint) throw new Skip("the server registers no apps by itself");
  const body = { client_name: "A stranger's test", redirect_uris: [CALLBACK], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], ...metadata };
  const response = await fetch(bench.smart.registration_endpoint, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const text = await response.text();
  if ([401, 403].includes(response.status)) throw new Skip(`registration is closed (${response.status})`);
  if (response.status === 429) throw new Skip(`the server registers no more apps for ${response.headers.get("retry-after")} s: start a fresh sandbox`);
  if (response.status !== 201) throw new Error(`registration answered ${response.status}: ${text.slice(0, 500)}`);
  const answer = JSON.parse(text);
  const kind = { none: "public", private_key_jwt: "asymmetric" }[answer.token_endpoint_auth_method] ?? "confidential";
  return { kind, client_id: answer.client_id, client_secret: answer.client_secret, redirect_uris: answer.redirect_uris, scope: answer.scope, answer, ...keys };
}

/** An app that signs, with a key of each algorithm in its registered set. */
export function signingApp(bench) {
  return bench.once("signing app", async () => {
    const keys = { RS384: newKey("RS384"), ES384: newKey("ES384") };
    const jwks = { keys: Object.values(keys).map(publicHalf) };
    const client = await register(bench, { token_endpoint_auth_method: "private_key_jwt", scope: "launch/patient openid fhirUser offline_access patient/*.rs", jwks });
    return { ...client, keys, private_jwk: keys.ES384 };
  });
}

/** A confidential app for staff, registered by itself and let in on the staff's page. */
export function staffApp(bench) {
  return bench.once("staff app", async () => {
    const scope = "launch launch/patient openid fhirUser offline_access user/*.rs patient/*.rs";
    const client = await register(bench, { token_endpoint_auth_method: "client_secret_basic", scope, launch_uri: `${bench.origin}/launch` });
    await letIn(bench.target, await bench.traveller("administrator"), { who: bench.staff("portal-admin"), client });
    return client;
  });
}
