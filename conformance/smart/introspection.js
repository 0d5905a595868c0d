// Group 4 of the kit: a fresh standalone launch, then what the introspection endpoint says of its token.
import { decoded } from "../lib/jwt.js";
import { basic, launched, post } from "./app.js";
import { backendToken } from "./backend.js";
import { discoveryRows } from "./discovery.js";
import { launchRows } from "./launch.js";
import { openidRows } from "./openid.js";
import { must, need, scopes } from "./row.js";
import { STANDALONE, byPatient } from "./standalone.js";

const CONTEXT = ["patient", "encounter", "intent", "tenant", "smart_style_url"];
const PAST = 600;
const seen = {};
const answers = {};

/** Asks about a token; as SMART wants it by the bearer token of a backend service, where `headers` does not say otherwise. */
export async function introspect(bench, token, headers) {
  const url = bench.smart.introspection_endpoint;
  must(url, "smart-configuration names no introspection_endpoint");
  return post(url, { token }, headers ?? { authorization: `Bearer ${(await backendToken(bench)).access_token}` });
}

/** What the kit asserts of the answer about an active token of the token response `body`. */
export function goodActive(told, body, client) {
  must(told?.active === true, "active is not true", told);
  const [granted, said] = [scopes(body.scope), scopes(told.scope)];
  must(granted.size === said.size && [...granted].every((one) => said.has(one)), `the scopes are not those of the token response, ${body.scope}`, told);
  must(told.client_id === client.client_id, "client_id", told);
  must(Number.isInteger(told.exp) && told.exp > Date.now() / 1000 - PAST, "exp", told);
  for (const name of CONTEXT) must(body[name] === undefined || told[name] === body[name], name, told);
  if (!body.id_token) return;
  const { claims } = decoded(body.id_token);
  for (const name of ["iss", "sub", "fhirUser"]) must(claims[name] === undefined || told[name] === claims[name], `${name} is not that of the id_token, ${claims[name]}`, told);
}

export const rows = [
  ...discoveryRows("4.1.1"),
  ...launchRows("4.1.2", seen, byPatient("public")),
  ...openidRows("4.1.3", seen),
  {
    id: "4.2.01 smart_token_introspection_request_active",
    requirement: "the introspection endpoint of smart-configuration answers 200 about an active token",
    async run(bench) {
      const answer = await introspect(bench, need(seen.body, "4.1.2.05").access_token);
      must(answer.status === 200, `status ${answer.status}`, answer.text);
      answers.active = answer;
    },
  },
  {
    id: "4.2.02 smart_token_introspection_request_invalid",
    requirement: "and 200 about one that never was",
    async run(bench) {
      const answer = await introspect(bench, "invalid_token_value");
      must(answer.status === 200, `status ${answer.status}`, answer.text);
      answers.invalid = answer;
    },
  },
  {
    id: "4.3.01 smart_token_introspection_response_active",
    requirement: "active, scope, client_id, exp, the launch context, and iss, sub, fhirUser of the id_token",
    run() {
      goodActive(need(answers.active, "4.2.01").body, seen.body, seen.client);
    },
  },
  {
    id: "4.3.02 smart_token_introspection_response_invalid",
    requirement: "active is false, and nothing more is told",
    run() {
      const { body } = need(answers.invalid, "4.2.02");
      must(body?.active === false, "active", body);
      must(Object.keys(body).length === 1, "more than active", body);
    },
  },
  {
    id: "4.x.1 introspection by the app itself",
    requirement: "an app with a secret may ask about its own token by Basic",
    async run(bench) {
      const client = bench.client("confidential");
      const { body } = await launched(bench, { client, scope: STANDALONE, traveller: await bench.traveller("patient"), who: bench.patients[0] });
      const answer = await introspect(bench, body.access_token, { authorization: basic(client.client_id, client.client_secret) });
      must(answer.status === 200, `status ${answer.status}`, answer.text);
      goodActive(answer.body, body, client);
    },
  },
  {
    id: "4.x.2 introspection without authorization",
    requirement: "who does not prove who asks is told nothing, nor is another patient's app",
    async run(bench) {
      const token = need(seen.body, "4.1.2.05").access_token;
      for (const headers of [{}, { authorization: "Bearer nonsense" }, { authorization: basic("nobody", "nothing") }, { authorization: basic(bench.client("confidential").client_id, "wrong") }]) {
        const answer = await introspect(bench, token, headers);
        must([400, 401, 403].includes(answer.status), `status ${answer.status} with ${JSON.stringify(headers).slice(0, 40)}`, answer.text);
      }
      const traveller = await bench.traveller("second patient");
      const { body } = await launched(bench, { client: bench.client("public"), scope: STANDALONE, traveller, who: bench.patients[1] });
      const answer = await introspect(bench, token, { authorization: `Bearer ${body.access_token}` });
      must(answer.status >= 400 || answer.body?.active === false, "another patient's token may ask", answer.text);
    },
  },
];
