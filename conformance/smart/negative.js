// What SMART, OAuth and RFC 9700 forbid and no test of the kit tries (section 2.1 of the requirements): requests and codes.
import { setTimeout as sleep } from "node:timers/promises";
import { get } from "../lib/fhir.js";
import { authorization, authorizeUrl, basic, challenge, codeOf, launched, post, redirected, refresh, tokenAs, trade } from "./app.js";
import { backendToken } from "./backend.js";
import { introspect } from "./introspection.js";
import { ownLaunch } from "./g10-more.js";
import { oauthError } from "./response.js";
import { must, only } from "./row.js";
import { STANDALONE } from "./standalone.js";

const SHORT = 42;
const LONG = 129;

// The authorization endpoint without a browser: these requests must end before any person is asked.
async function ask(url, init) {
  const response = await fetch(url, { redirect: "manual", ...init });
  const location = response.headers.get("location");
  return { status: response.status, text: await response.text(), to: location ? new URL(location, url) : undefined };
}

function page(answer, what) {
  must(answer.status === 400 && !answer.to, `${what}: ${answer.status}, not a page with 400`, String(answer.to ?? answer.text));
}

function sentBack(answer, parameters, codes, what) {
  must([302, 303].includes(answer.status) && answer.to?.href.startsWith(parameters.redirect_uri), `${what}: not sent back to the app but ${answer.status}`, String(answer.to ?? answer.text));
  const query = answer.to.searchParams;
  must(codes.includes(query.get("error")), `${what}: error`, answer.to.search);
  must(!query.has("code"), `${what}: a code`, answer.to.search);
  must(!parameters.state || query.get("state") === parameters.state, `${what}: state`, answer.to.search);
}

function request(bench, more = {}) {
  return authorization(bench, bench.client("public"), STANDALONE, more).parameters;
}

async function codeFor(bench, verifier) {
  const client = bench.client("public");
  const built = authorization(bench, client, STANDALONE);
  const asked = verifier ? { verifier, parameters: { ...built.parameters, code_challenge: challenge(verifier) } } : built;
  const redirect = await redirected(bench, await bench.traveller("patient"), asked, { who: bench.patients[0] });
  return { client, asked, code: codeOf(redirect) };
}

function row(number, name, requirement, run) {
  return { id: `neg.${number} ${name}`, requirement, run };
}

export const rows = [
  row("01", "no state", "a request without state is refused", async (bench) => {
    const parameters = request(bench, { state: undefined });
    const answer = await ask(authorizeUrl(bench, parameters));
    if (answer.to) sentBack(answer, parameters, ["invalid_request"], "no state");
    else page(answer, "no state");
  }),
  row("02", "redirect_uri off by one character", "an almost right redirect is a page with 400", async (bench) => {
    const { redirect_uri: right } = request(bench);
    for (const wrong of [`${right}/`, right.slice(0, -1), `${right}?`, right.replace(/.$/, (last) => last.toUpperCase()), `${right}%2f`, right.replace("//", "//x@")]) {
      page(await ask(authorizeUrl(bench, request(bench, { redirect_uri: wrong }))), wrong);
    }
  }),
  row("03", "redirect_uri with a fragment", "a redirect with a fragment is a page with 400", async (bench) => {
    const { redirect_uri: right } = request(bench);
    page(await ask(authorizeUrl(bench, request(bench, { redirect_uri: `${right}#here` }))), "fragment");
  }),
  row("04", "code used twice", "the second use is invalid_grant and ends the tokens of the first", async (bench) => {
    const { client, asked, code } = await codeFor(bench);
    const first = await trade(bench, client, asked, code);
    must(first.status === 200, `status ${first.status}`, first.text);
    const url = `${bench.target.fhir}/Patient/${bench.patients[0].id}`;
    must((await get(url, first.body.access_token)).status === 200, "the first token does not read");
    oauthError(await trade(bench, client, asked, code), [400], ["invalid_grant"]);
    must((await get(url, first.body.access_token)).status === 401, "the first access token still reads");
    oauthError(await refresh(bench, client, first.body.refresh_token), [400], ["invalid_grant"]);
  }),
  row("05", "code of another client", "a code works only for the client it was given to", async (bench) => {
    const { asked, code } = await codeFor(bench);
    const other = bench.client("confidential");
    oauthError(await trade(bench, other, asked, code), [400], ["invalid_grant"]);
  }),
  row("06", "redirect_uri of the trade", "the trade must name the redirect of the request", async (bench) => {
    const { client, asked, code } = await codeFor(bench);
    oauthError(await trade(bench, client, asked, code, { redirect_uri: `${client.redirect_uris[0]}/` }), [400], ["invalid_grant", "invalid_request"]);
  }),
  row("07", "code_verifier of 42 characters", "a verifier that is too short is refused, although its hash fits", (bench) => lengthOf(bench, SHORT)),
  row("08", "code_verifier of 129 characters", "a verifier that is too long is refused, although its hash fits", (bench) => lengthOf(bench, LONG)),
  row("09", "code_challenge_method", "plain, none and S512 are invalid_request", async (bench) => {
    for (const method of ["plain", undefined, "S512"]) {
      const parameters = request(bench, { code_challenge_method: method });
      sentBack(await ask(authorizeUrl(bench, parameters)), parameters, ["invalid_request"], String(method));
    }
  }),
  row("10", "code_challenge", "none, too short and not base64url are invalid_request", async (bench) => {
    for (const value of [undefined, "a".repeat(SHORT), "a".repeat(LONG), `${"a".repeat(SHORT)}+`]) {
      const parameters = request(bench, { code_challenge: value });
      sentBack(await ask(authorizeUrl(bench, parameters)), parameters, ["invalid_request"], String(value));
    }
  }),
  row("11", "parameters in query and body", "a POST that repeats in its body what its query says is refused", async (bench) => {
    const parameters = request(bench);
    const twice = await ask(authorizeUrl(bench, parameters), { method: "POST", body: new URLSearchParams(parameters) });
    must(twice.status === 400 || twice.to?.searchParams.get("error") === "invalid_request" || (await onlyBody(bench, parameters)), `status ${twice.status}`, String(twice.to ?? ""));
  }),
  row("12", "repeated parameters", "client_id or redirect_uri twice is a page, anything else invalid_request", async (bench) => {
    for (const name of ["client_id", "redirect_uri", "scope", "state", "code_challenge", "aud", "response_type"]) {
      const parameters = request(bench);
      const url = authorizeUrl(bench, parameters);
      url.searchParams.append(name, name === "redirect_uri" ? "https://evil.example/" : parameters[name]);
      const answer = await ask(url);
      if (["client_id", "redirect_uri"].includes(name)) page(answer, name);
      else sentBack(answer, name === "state" ? { ...parameters, state: undefined } : parameters, ["invalid_request"], name);
    }
  }),
  row("13", "repeated parameters at the token endpoint", "code twice is invalid_request", async (bench) => {
    const form = new URLSearchParams({ grant_type: "authorization_code", code: "one", client_id: bench.client("public").client_id, redirect_uri: bench.client("public").redirect_uris[0], code_verifier: "v".repeat(43) });
    form.append("code", "two");
    oauthError(await post(bench.smart.token_endpoint, form), [400], ["invalid_request"]);
  }),
  row("14", "refresh by another client", "a refresh token works only for its own client, and lives on", async (bench) => {
    const { body } = await ownLaunch(bench);
    oauthError(await refresh(bench, bench.client("confidential"), body.refresh_token), [400], ["invalid_grant"]);
    const own = await refresh(bench, bench.client("public"), body.refresh_token);
    must(own.status === 200, `the real owner gets ${own.status} after that`, own.text);
  }),
  row("15", "more scopes on refresh", "a refresh for more than was granted is invalid_scope", async (bench) => {
    const { body } = await ownLaunch(bench, "launch/patient offline_access patient/Patient.rs");
    oauthError(await refresh(bench, bench.client("public"), body.refresh_token, { scope: `${body.scope} patient/DocumentReference.rs` }), [400], ["invalid_scope"]);
  }),
  row("16", "reuse of a refresh token", "an old refresh token ends the whole family once its successor was used", async (bench) => {
    const client = bench.client("public");
    const { body } = await ownLaunch(bench);
    const second = await refresh(bench, client, body.refresh_token);
    const third = await refresh(bench, client, second.body.refresh_token);
    must(third.status === 200, `status ${third.status}`, third.text);
    oauthError(await refresh(bench, client, body.refresh_token), [400], ["invalid_grant"]);
    oauthError(await refresh(bench, client, third.body.refresh_token), [400], ["invalid_grant"]);
    must((await get(`${bench.target.fhir}/Patient/${bench.patients[0].id}`, third.body.access_token)).status === 401, "the newest access token still reads");
  }),
  row("17", "wrong client secret", "a wrong secret is 401 invalid_client with WWW-Authenticate: Basic, and so is none", async (bench) => {
    const { client_id: id } = bench.client("confidential");
    const form = { grant_type: "refresh_token", refresh_token: "made-up" };
    const wrong = await post(bench.smart.token_endpoint, form, { authorization: basic(id, "wrong") });
    oauthError(wrong, [401], ["invalid_client"]);
    must(/^Basic/.test(wrong.headers.get("www-authenticate") ?? ""), "WWW-Authenticate", String(wrong.headers.get("www-authenticate")));
    oauthError(await post(bench.smart.token_endpoint, { ...form, client_id: id }), [400, 401], ["invalid_client"]);
  }),
  row("18", "secret in the body", "client_secret_post works too; Basic and body at once do not", async (bench) => {
    const { client_id, client_secret } = bench.client("confidential");
    const form = { grant_type: "refresh_token", refresh_token: "made-up", client_id, client_secret };
    oauthError(await post(bench.smart.token_endpoint, form), [400], ["invalid_grant"]);
    oauthError(await post(bench.smart.token_endpoint, form, { authorization: basic(client_id, client_secret) }), [400, 401], ["invalid_request", "invalid_client"]);
  }),
  row("19", "introspection without authorization", "an introspection by nobody is refused", async (bench) => {
    const answer = await introspect(bench, "anything", {});
    oauthError(answer, [400, 401, 403]);
  }),
  row("20", "expired access token", "an access token is 401 after its time", async (bench) => {
    only(process.env.ANTEROOM_SMART_WAIT, "takes five minutes: set ANTEROOM_SMART_WAIT=1");
    const body = await backendToken(bench);
    const url = `${bench.target.fhir}/Patient?_count=1`;
    must((await get(url, body.access_token)).status === 200, "the token does not read while it lives");
    await sleep((body.expires_in + 2) * 1000);
    const late = await get(url, body.access_token);
    must(late.status === 401, `status ${late.status}`);
    must(/invalid_token/.test(late.headers.get("www-authenticate") ?? ""), "WWW-Authenticate", String(late.headers.get("www-authenticate")));
  }),
  row("21", "token of one patient on another", "the record of somebody else is 403 or 404, in every way to ask", async (bench) => {
    const { body } = await ownLaunch(bench);
    const [, other] = bench.patients;
    for (const path of [`Patient/${other.id}`, `Patient?_id=${other.id}`, `Appointment?patient=${other.id}`, `DocumentReference?patient=Patient/${other.id}`, `Communication?subject=${other.id}`]) {
      const answer = await get(`${bench.target.fhir}/${path}`, body.access_token);
      const nothing = answer.status === 200 && (answer.body.entry ?? []).filter((one) => one.search?.mode === "match").length === 0;
      must([403, 404].includes(answer.status) || nothing, `${path} answers ${answer.status}`, answer.text);
    }
  }),
  row("22", "bearer in lower case", "the word Bearer is read without regard to case", async (bench) => {
    const { body } = await ownLaunch(bench);
    const answer = await get(`${bench.target.fhir}/Patient/${body.patient}`, undefined, { authorization: `bearer ${body.access_token}` });
    must(answer.status === 200, `status ${answer.status}`);
  }),
  row("23", "token in the query", "a token in the URL opens nothing", async (bench) => {
    const { body } = await ownLaunch(bench);
    const answer = await get(`${bench.target.fhir}/Patient/${body.patient}?access_token=${body.access_token}`);
    must([400, 401].includes(answer.status), `status ${answer.status}`);
  }),
  row("24", "revocation", "a client ends its own refresh token and its access tokens; an unknown token is 200; another client's is not ended", async (bench) => {
    const client = bench.client("public");
    const { body } = await ownLaunch(bench);
    const url = bench.smart.revocation_endpoint;
    must(url, "no revocation_endpoint");
    const reads = async () => (await get(`${bench.target.fhir}/Patient/${body.patient}`, body.access_token)).status;
    const { client_id: id, client_secret: secret } = bench.client("confidential");
    await post(url, { token: body.refresh_token }, { authorization: basic(id, secret) });
    must((await reads()) === 200, "another client could end the token");
    must((await post(url, { token: "made-up", client_id: client.client_id })).status === 200, "an unknown token is not 200");
    must((await post(url, { token: body.refresh_token, token_type_hint: "access_token", client_id: client.client_id })).status === 200, "the revocation is not 200");
    must((await reads()) === 401, "the access token still reads");
    oauthError(await refresh(bench, client, body.refresh_token), [400], ["invalid_grant"]);
  }),
  row("25", "client_credentials of an app that is no backend service", "public and confidential apps get no system token", async (bench) => {
    for (const kind of ["public", "confidential"]) {
      oauthError(await tokenAs(bench, bench.client(kind), { grant_type: "client_credentials", scope: "system/Patient.rs" }), [400, 401, 403], ["unauthorized_client", "invalid_client", "invalid_scope"]);
    }
  }),
  row("26", "system scopes by a person", "system/ scopes are never given through a login", async (bench) => {
    const parameters = request(bench, { scope: `${STANDALONE} system/*.rs` });
    const answer = await ask(authorizeUrl(bench, parameters));
    if (answer.to?.searchParams.has("error")) return;
    const { body } = await launched(bench, { client: bench.client("public"), scope: `${STANDALONE} system/*.rs`, traveller: await bench.traveller("patient"), who: bench.patients[0] });
    must(!body.scope.includes("system/"), "a system scope was granted", body.scope);
  }),
];

async function lengthOf(bench, length) {
  const { client, asked, code } = await codeFor(bench, "v".repeat(length));
  oauthError(await trade(bench, client, asked, code), [400], ["invalid_grant", "invalid_request"]);
}

// A server may also read the body alone (RFC 6749, 3.1 says nothing of both): then the query must be without any effect.
async function onlyBody(bench, parameters) {
  const url = authorizeUrl(bench, { ...parameters, state: "of the query" });
  const answer = await ask(url, { method: "POST", body: new URLSearchParams({ ...parameters, response_type: "none" }) });
  return answer.to?.searchParams.get("error") === "unsupported_response_type" && answer.to.searchParams.get("state") === parameters.state;
}
