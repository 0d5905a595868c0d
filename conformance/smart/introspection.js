// Group 4 of the kit: a fresh standalone launch, then what the introspection endpoint says of its token.
import { decoded } from "../lib/jwt.js";
import { basic, post } from "./app.js";
import { backendToken } from "./backend.js";
import { discoveryRows } from "./discovery.js";
import { launchRows } from "./launch.js";
import { openidRows } from "./openid.js";
import { must, need, only, scopes } from "./row.js";
import { byPatient } from "./standalone.js";

const CONTEXT = ["patient", "encounter", "intent", "tenant", "smart_style_url"];
const PAST = 600;
const seen = {};
const answers = {};

/** Asks about a token; with the confidential client's Basic where `headers` does not say otherwise. */
export async function introspect(bench, token, headers) {
  const url = bench.smart.introspection_endpoint;
  must(url, "smart-configuration names no introspection_endpoint");
  const { client_id: id, client_secret: secret } = headers ? {} : bench.client("confidential");
  return post(url, { token }, headers ?? { authorization: basic(id, secret) });
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
    id: "4.x.1 introspection by a bearer token",
    requirement: "a backend service with the right scope may ask about the token of any app",
    async run(bench) {
      const body = need(seen.body, "4.1.2.05");
      const { access_token: bearer } = await backendToken(bench);
      const answer = await introspect(bench, body.access_token, { authorization: `Bearer ${bearer}` });
      must(answer.status === 200, `status ${answer.status}`, answer.text);
      goodActive(answer.body, body, seen.client);
    },
  },
  {
    id: "4.x.2 introspection without authorization",
    requirement: "nobody is told anything without saying who asks, nor by a patient's token",
    async run(bench) {
      const token = need(seen.body, "4.1.2.05").access_token;
      for (const headers of [{}, { authorization: "Bearer nonsense" }, { authorization: basic("nobody", "nothing") }, { authorization: `Bearer ${token}` }]) {
        const answer = await introspect(bench, token, headers);
        only(!(Object.keys(headers).length === 0 && answer.status === 200 && answer.body?.active), "this server answers everybody");
        must([400, 401, 403].includes(answer.status), `status ${answer.status} with ${JSON.stringify(headers).slice(0, 40)}`, answer.text);
      }
    },
  },
];
