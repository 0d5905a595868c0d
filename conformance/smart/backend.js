// Group 3 of the kit: backend services.
import { get } from "../lib/fhir.js";
import { ASSERTION_TYPE, assertion } from "../lib/jwt.js";
import { post, tokenAs } from "./app.js";
import { discoveryRows } from "./discovery.js";
import { goodBody, goodHeaders, oauthError } from "./response.js";
import { must, need } from "./row.js";
import { tlsRow } from "./tls.js";

const LONGEST = 300;
const seen = {};

/** The scopes a backend client was registered with. */
export function systemScope(client) {
  return client.scope.split(" ").filter((one) => one.startsWith("system/")).join(" ");
}

/** A fresh token of the backend client. */
export async function backendToken(bench, scope) {
  const client = bench.client("backend");
  const answer = await tokenAs(bench, client, { grant_type: "client_credentials", scope: scope ?? systemScope(client) });
  must(answer.status === 200, `the token endpoint answered ${answer.status}`, answer.text);
  return answer.body;
}

function asked(bench, changes = {}) {
  const client = bench.client("backend");
  const proof = assertion({ client: client.client_id, jwk: client.private_jwk, audience: bench.smart.token_endpoint });
  return post(bench.smart.token_endpoint, {
    grant_type: "client_credentials",
    scope: systemScope(client),
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: proof,
    ...changes,
  });
}

export const rows = [
  ...discoveryRows("3.1"),
  tlsRow("3.2.01 smart_backend_services_tls", ({ smart }) => smart.token_endpoint),
  {
    id: "3.2.02 smart_backend_services_invalid_grant_type",
    requirement: "an unknown grant_type is 400",
    async run(bench) {
      oauthError(await asked(bench, { grant_type: "not_a_grant_type" }), [400], ["unsupported_grant_type"]);
    },
  },
  {
    id: "3.2.03 smart_backend_services_invalid_client_assertion",
    requirement: "an unknown client_assertion_type is 400 or 401",
    async run(bench) {
      oauthError(await asked(bench, { client_assertion_type: "not_an_assertion_type" }), [400, 401]);
    },
  },
  {
    id: "3.2.04 smart_backend_services_invalid_jwt",
    requirement: "a broken JWT is 400 or 401; so is one with a changed signature",
    async run(bench) {
      const client = bench.client("backend");
      oauthError(await asked(bench, { client_assertion_type: "not_an_assertion_type", client_assertion: "not.a.jwt" }), [400, 401]);
      oauthError(await asked(bench, { client_assertion: "not_a_jwt" }), [400, 401], ["invalid_client"]);
      const good = assertion({ client: client.client_id, jwk: client.private_jwk, audience: bench.smart.token_endpoint });
      const [head, claims, signature] = good.split(".");
      const changed = `${head}.${claims}.${signature[0] === "A" ? "B" : "A"}${signature.slice(1)}`;
      oauthError(await asked(bench, { client_assertion: changed }), [400, 401], ["invalid_client"]);
    },
  },
  {
    id: "3.2.05 smart_backend_services_auth_request_success",
    requirement: "a signed assertion gives a token",
    async run(bench) {
      const answer = await asked(bench);
      must([200, 201].includes(answer.status), `status ${answer.status}`, answer.text);
      seen.answer = answer;
    },
  },
  {
    id: "3.2.06 smart_backend_services_auth_response_body",
    requirement: "access_token, token_type, expires_in of at most 300 and scope; no refresh token",
    async run() {
      const { body, headers } = need(seen.answer, "3.2.05");
      goodBody(body);
      goodHeaders(headers);
      must(body.expires_in <= LONGEST, "expires_in", body.expires_in);
      must(body.refresh_token === undefined, "a refresh token for a backend service");
    },
  },
  {
    id: "3.x.1 the token reads",
    requirement: "the token opens what its scopes name, and nothing else",
    async run(bench) {
      const { access_token: token, scope } = need(seen.answer, "3.2.05").body;
      must(/system\/(\*|Patient)\.\w*s/.test(scope), "the backend client of demo.json may search no patients", scope);
      const answer = await get(`${bench.target.fhir}/Patient`, token);
      must(answer.status === 200 && answer.body.entry?.length > 1, "GET Patient", answer.text);
    },
  },
  {
    id: "3.x.2 scopes beyond the registration",
    requirement: "scopes that were not pre-authorised are not granted; where none is left, invalid_scope",
    async run(bench) {
      oauthError(await asked(bench, { scope: "system/Claim.cruds" }), [400], ["invalid_scope"]);
      oauthError(await asked(bench, { scope: "patient/Patient.rs" }), [400], ["invalid_scope"]);
    },
  },
];
