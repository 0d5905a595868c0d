// Group 9 of ONC's g(10) kit: revocation, wrong requests, PKCE, introspection, an app that signs, SMART 1 scopes, granular scopes.
import { allPages, get, matches } from "../lib/fhir.js";
import { endApps } from "../lib/account.js";
import { authorization, authorizeUrl, challenge, codeOf, launched, redirected, refresh, tokenAs, trade } from "./app.js";
import { signingApp } from "./bench.js";
import { goodActive, introspect } from "./introspection.js";
import { launchRows } from "./launch.js";
import { openidRows } from "./openid.js";
import { refreshRows } from "./refresh.js";
import { oauthError } from "./response.js";
import { must, need, only, scopes } from "./row.js";
import { STANDALONE, byPatient } from "./standalone.js";

const V1 = "launch/patient openid fhirUser offline_access patient/Patient.read patient/DocumentReference.read patient/Appointment.read";
const DOCUMENTS = "launch/patient openid fhirUser patient/Patient.rs patient/DocumentReference.rs";

const open = {};
const signing = {};
const v1 = {};

/** A launch of the public app by the first patient, for a test that needs one of its own. */
export async function ownLaunch(bench, scope = STANDALONE) {
  const traveller = await bench.traveller("patient");
  return launched(bench, { client: bench.client("public"), scope, traveller, who: bench.patients[0] });
}

// A launch up to the code, and then a trade that must fail.
async function badTrade(bench, change, statuses, codes) {
  const client = bench.client("public");
  const traveller = await bench.traveller("patient");
  const request = authorization(bench, client, STANDALONE);
  const code = codeOf(await redirected(bench, traveller, request, { who: bench.patients[0] }));
  const form = { grant_type: "authorization_code", code, redirect_uri: client.redirect_uris[0], code_verifier: request.verifier };
  oauthError(await tokenAs(bench, client, change(form, request)), statuses, codes);
}

function pkceRow(number, name, requirement, verifier) {
  return {
    id: `g10.9.6.${number} ${name}`,
    requirement: `${requirement} is 400 or 401`,
    run: (bench) =>
      badTrade(
        bench,
        ({ code_verifier: right, ...form }) => {
          const wrong = verifier(right);
          return wrong === undefined ? form : { ...form, code_verifier: wrong };
        },
        [400, 401],
        ["invalid_grant", "invalid_request"],
      ),
  };
}

export const rows = [
  ...launchRows("g10.9.1", open, byPatient("public")),
  ...refreshRows("g10.9.1.r", open, { withScopes: false }),
  {
    id: "g10.9.2 token revocation",
    requirement: "after the patient has ended the app on the management page, reads are 401, 403 or 404 and a refresh is 400 or 401",
    async run(bench) {
      must(bench.smart.management_endpoint, "smart-configuration names no management_endpoint");
      // Somebody whose other launches no later row needs: every app of hers is ended.
      const traveller = await bench.traveller("second patient");
      const client = bench.client("confidential");
      const [, patient] = bench.patients;
      const { body } = await launched(bench, { client, scope: STANDALONE, traveller, who: patient });
      const url = `${bench.target.fhir}/Patient/${patient.id}`;
      must((await get(url, body.access_token)).status === 200, "the token does not read before the revocation");
      await endApps(bench, traveller, patient);
      const read = await get(url, body.access_token);
      must([401, 403, 404].includes(read.status), `a read still answers ${read.status}`);
      oauthError(await refresh(bench, client, body.refresh_token), [400, 401], ["invalid_grant"]);
      const told = await introspect(bench, body.access_token);
      must(told.body?.active === false, "introspection calls the token active", told.body);
    },
  },
  {
    id: "g10.9.3 invalid aud",
    requirement: "the FHIR base of somebody else as aud gives no code",
    async run(bench) {
      const traveller = await bench.traveller("patient");
      const { parameters } = authorization(bench, bench.client("public"), STANDALONE, { aud: "https://inferno.healthit.gov/invalid_aud" });
      await traveller.open(authorizeUrl(bench, parameters).href);
      const where = await traveller.where();
      must(where === "app" || where.startsWith("a page"), `led on to ${where}`);
      if (where === "app") must(traveller.arrived.searchParams.has("error") && !traveller.arrived.searchParams.has("code"), "a code", traveller.arrived.search);
    },
  },
  {
    id: "g10.9.4.1 invalid code",
    requirement: "a made-up code is exactly 400",
    run: (bench) => badTrade(bench, (form) => ({ ...form, code: "BAD_CODE" }), [400], ["invalid_grant"]),
  },
  {
    id: "g10.9.4.2 invalid client id",
    requirement: "a made-up client id at the token endpoint is 400 or 401",
    async run(bench) {
      const real = bench.client("public");
      const traveller = await bench.traveller("patient");
      const request = authorization(bench, real, STANDALONE);
      const code = codeOf(await redirected(bench, traveller, request, { who: bench.patients[0] }));
      oauthError(await trade(bench, { ...real, client_id: "BAD_CLIENT_ID" }, request, code), [400, 401], ["invalid_client"]);
    },
  },
  pkceRow(1, "no code_verifier", "a trade without the verifier", () => undefined),
  pkceRow(2, "blank code_verifier", "a trade with an empty verifier", () => ""),
  pkceRow(3, "wrong code_verifier", "a trade with another verifier", () => `${"b".repeat(60)}${Date.now()}`),
  pkceRow(4, "plain code_verifier", "a trade with the challenge as the verifier", (right) => challenge(right)),
  {
    id: "g10.9.10 introspection of a patient app's token",
    requirement: "active with the context while it lives",
    async run(bench) {
      const body = need(open.body, "g10.9.1");
      const answer = await introspect(bench, body.access_token);
      must(answer.status === 200, `status ${answer.status}`, answer.text);
      goodActive(answer.body, { ...body, id_token: open.answer.body.id_token }, open.client);
    },
  },
  ...launchRows("g10.9.11", signing, byPatient("asymmetric")),
  ...openidRows("g10.9.11.o", signing),
  ...refreshRows("g10.9.11.r", signing, { withScopes: true }),
  {
    id: "g10.9.11.x both algorithms",
    requirement: "an app with an RS384 and an ES384 key in its set may sign with either",
    async run(bench) {
      const client = await signingApp(bench);
      for (const key of Object.values(client.keys)) {
        const answer = await tokenAs(bench, { ...client, private_jwk: key }, { grant_type: "refresh_token", refresh_token: "made-up" });
        // Who the client is comes first: invalid_client would say that the assertion was refused.
        oauthError(answer, [400], ["invalid_grant"]);
      }
    },
  },
  ...launchRows("g10.9.12", v1, byPatient("public", V1)),
  {
    id: "g10.9.12.09 access by SMART 1 scopes",
    requirement: "what .read names can be read and searched; the scopes come back in the app's own spelling",
    async run(bench) {
      const { access_token: token, patient, scope } = need(v1.body, "g10.9.12");
      for (const path of [`Patient/${patient}`, `DocumentReference?patient=${patient}`, `Appointment?patient=${patient}`]) {
        const answer = await get(`${bench.target.fhir}/${path}`, token);
        must(answer.status === 200, `${path} answers ${answer.status}`, answer.text);
      }
      const write = await fetch(`${bench.target.fhir}/Appointment/none`, { method: "PUT", headers: { authorization: `Bearer ${token}`, "content-type": "application/fhir+json" }, body: JSON.stringify({ resourceType: "Appointment", id: "none", status: "cancelled", participant: [{ status: "accepted" }] }) });
      must([403, 404, 405].includes(write.status), `a write answers ${write.status}`);
      must(scopes(scope).has("patient/DocumentReference.read"), "spelling", scope);
    },
  },
  ...[1, 2].map((nth) => ({
    id: `g10.9.13.${nth} fine-grained scopes ${nth}`,
    requirement: `a DocumentReference scope with a category or type, no. ${nth}: the search holds exactly what it names, a read outside is refused`,
    run: (bench) => fineGrained(bench, nth),
  })),
];

// The values of a document that a scope may name, as query parameters; a blank in one would end the scope.
function named(document) {
  const codings = (concepts) => concepts.flatMap((one) => one?.coding ?? []).filter((one) => !/\s/.test(one.code)).map((one) => `${one.system}|${one.code}`);
  return [...codings(document.category ?? []).map((value) => `category=${value}`), ...codings([document.type]).map((value) => `type=${value}`)];
}

async function documents(bench, token) {
  const found = matches(await allPages(`${bench.target.fhir}/DocumentReference`, token));
  return found.filter((one) => one.resourceType === "DocumentReference");
}

// A launch with the whole type tells what there is; this one may see a part of it: a category where one tells documents apart, else a type.
async function fineGrained(bench, nth) {
  const all = await bench.once("documents", async () => {
    const { body } = await ownLaunch(bench, DOCUMENTS);
    return documents(bench, body.access_token);
  });
  const parts = [...new Set(all.flatMap(named))].filter((one) => !all.every((document) => named(document).includes(one))).sort();
  only(parts.length >= nth, `the first patient's documents differ by ${parts.length} categories and types`);
  const granular = `patient/DocumentReference.rs?${parts[nth - 1]}`;
  const { body } = await ownLaunch(bench, `launch/patient openid fhirUser patient/Patient.rs ${granular}`);
  must(scopes(body.scope).has(granular), `${granular} did not come back as it was written`, body.scope);
  must(![...scopes(body.scope)].some((one) => /^patient\/(DocumentReference|\*)\.\w+$/.test(one)), "the whole type was granted", body.scope);
  const inside = all.filter((one) => named(one).includes(parts[nth - 1])).map((one) => one.id).sort();
  const found = (await documents(bench, body.access_token)).map((one) => one.id).sort();
  must(JSON.stringify(found) === JSON.stringify(inside), `${granular}: ${found.length} found, ${inside.length} expected`, { found, inside });
  const read = (id) => get(`${bench.target.fhir}/DocumentReference/${id}`, body.access_token);
  must((await read(inside[0])).status === 200, "a read inside the scope is not 200");
  const refused = await read(all.find((one) => !inside.includes(one.id)).id);
  must([403, 404].includes(refused.status), `a read outside the scope answers ${refused.status}`);
}
