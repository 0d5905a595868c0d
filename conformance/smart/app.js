// The app of the tests: it proves who it is the way the kit does, and trades codes and refresh tokens.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { ASSERTION_TYPE, assertion } from "../lib/jwt.js";
import { patience } from "../lib/patience.js";
import { must } from "./row.js";

// The kit's verifier has 73 characters.
const VERIFIER = 73;

/** Posts a form. Answers `{ status, headers, text, body }`; `body` is undefined where the text is no JSON. */
export async function post(url, form, headers = {}) {
  const send = () => fetch(url, { method: "POST", redirect: "manual", headers: { accept: "application/json", ...headers }, body: new URLSearchParams(form) });
  let response = await send();
  if (await patience(response.status, response.headers.get("retry-after"))) response = await send();
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return { status: response.status, headers: response.headers, text, body };
}

/** A form for the token endpoint, with the client's own way to say who it is: `{ form, headers }`. */
export function authenticated(bench, client, form) {
  if (client.kind === "public") return { form: { ...form, client_id: client.client_id }, headers: { origin: bench.origin } };
  if (client.kind === "confidential") return { form, headers: { authorization: basic(client.client_id, client.client_secret) } };
  const proof = assertion({ client: client.client_id, jwk: client.private_jwk, audience: bench.smart.token_endpoint });
  return { form: { ...form, client_assertion_type: ASSERTION_TYPE, client_assertion: proof }, headers: {} };
}

/** The kit's Basic: id and secret as they are. */
export function basic(id, secret) {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
}

/** Asks the token endpoint as `client`. */
export function tokenAs(bench, client, form) {
  const asked = authenticated(bench, client, form);
  return post(bench.smart.token_endpoint, asked.form, asked.headers);
}

/** One authorization request and its verifier. */
export function authorization(bench, client, scope, more = {}) {
  const verifier = randomBytes(VERIFIER).toString("base64url").slice(0, VERIFIER);
  return {
    verifier,
    parameters: {
      response_type: "code",
      client_id: client.client_id,
      redirect_uri: client.redirect_uris[0],
      scope,
      state: randomUUID(),
      aud: bench.target.fhir,
      code_challenge: challenge(verifier),
      code_challenge_method: "S256",
      ...more,
    },
  };
}

/** S256 of RFC 7636. */
export function challenge(verifier) {
  return createHash("sha256").update(verifier).digest("base64url");
}

/** The authorization endpoint with these parameters in its query. */
export function authorizeUrl(bench, parameters) {
  const url = new URL(bench.smart.authorization_endpoint);
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

/** Sends `traveller` through an authorization request up to the app's redirect. */
export async function redirected(bench, traveller, { parameters }, { method = "GET", ...way }) {
  if (method === "POST") await traveller.post(bench.smart.authorization_endpoint, parameters);
  else await traveller.open(authorizeUrl(bench, parameters).href);
  const url = await traveller.walk(way);
  must(url.href.startsWith(parameters.redirect_uri), "the way ended somewhere else than at the redirect", url.href);
  must(url.searchParams.get("state") === parameters.state, "the state came back changed", url.search);
  return url;
}

/** The code of a redirect. */
export function codeOf(url) {
  must(!url.searchParams.has("error"), "the redirect carries an error", url.search);
  const code = url.searchParams.get("code");
  must(code, "the redirect has no code", url.search);
  return code;
}

/** Trades a code. */
export function trade(bench, client, { verifier, parameters }, code, more = {}) {
  return tokenAs(bench, client, { grant_type: "authorization_code", code, redirect_uri: parameters.redirect_uri, code_verifier: verifier, ...more });
}

/** A whole launch in one step, for the tests that are about something else. Answers the token response. */
export async function launched(bench, { client, scope, traveller, more, ...way }) {
  const request = authorization(bench, client, scope, more);
  const redirect = await redirected(bench, traveller, request, way);
  const code = codeOf(redirect);
  const answer = await trade(bench, client, request, code);
  must(answer.status === 200, `the token endpoint answered ${answer.status}`, answer.text);
  return { ...answer, request, code };
}

/** Refreshes. */
export function refresh(bench, client, refresh_token, more = {}) {
  return tokenAs(bench, client, { grant_type: "refresh_token", refresh_token, ...more });
}
