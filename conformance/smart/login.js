// OpenID Connect and RFC 9207 beyond what the kit asks: nonce, at_hash, auth_time, prompt, max_age, iss, loopback ports, online_access, narrowing.
import { createHash } from "node:crypto";
import { get } from "../lib/fhir.js";
import { decoded } from "../lib/jwt.js";
import { authorization, authorizeUrl, codeOf, launched, redirected, refresh, trade } from "./app.js";
import { must, scopes } from "./row.js";
import { STANDALONE } from "./standalone.js";

const CLOSE = 120;

async function here(bench, name = "patient") {
  return { client: bench.client("public"), scope: STANDALONE, traveller: await bench.traveller(name), who: bench.patients[0] };
}

// The first page, or the redirect, of a request with these parameters.
async function first(bench, name, more, client = bench.client("public"), scope = STANDALONE) {
  const traveller = await bench.traveller(name);
  const { parameters } = authorization(bench, client, scope, more);
  await traveller.open(authorizeUrl(bench, parameters).href);
  return { where: await traveller.where(), query: traveller.arrived?.searchParams, state: parameters.state, traveller };
}

function row(number, name, requirement, run) {
  return { id: `login.${number} ${name}`, requirement, run };
}

export const rows = [
  row("01", "nonce, at_hash, auth_time", "the id_token echoes nonce, has at_hash of the access token, and says when the person logged in", async (bench) => {
    const { body } = await launched(bench, { ...(await here(bench)), more: { nonce: "n-0S6_WzA2Mj", max_age: "3600" } });
    const { claims } = decoded(body.id_token);
    must(claims.nonce === "n-0S6_WzA2Mj", "nonce", claims);
    const half = createHash("sha256").update(body.access_token).digest().subarray(0, 16).toString("base64url");
    must(claims.at_hash === half, "at_hash", claims);
    must(Number.isInteger(claims.auth_time) && claims.auth_time <= claims.iat + 1, "auth_time", claims);
  }),
  row("02", "iss of the answer", "code and error come with iss, the issuer (RFC 9207)", async (bench) => {
    const way = await here(bench);
    const url = await redirected(bench, way.traveller, authorization(bench, way.client, way.scope), way);
    must(url.searchParams.get("iss") === bench.smart.issuer, "iss", url.search);
    const { query } = await first(bench, "patient", { response_type: "token" });
    must(query?.get("iss") === bench.smart.issuer, "iss of the error", String(query));
  }),
  row("03", "prompt=none without a session", "login_required, and no page", async (bench) => {
    const { where, query, state } = await first(bench, "nobody", { prompt: "none" });
    must(where === "app" && query.get("error") === "login_required" && query.get("state") === state, `at ${where}`, String(query));
  }),
  row("04", "prompt=none with a session, without consent", "consent_required or a code that was allowed before, never a page", async (bench) => {
    // Logged in, and never asked about this app.
    const { where, query } = await first(bench, "patient", { prompt: "none" }, bench.client("asymmetric"), "launch/patient openid online_access patient/Communication.rs");
    must(where === "app", `at ${where}`);
    must(["consent_required", "interaction_required"].includes(query.get("error")), "no consent_required", String(query));
  }),
  row("05", "prompt=login", "somebody with a session logs in again, and auth_time is new", async (bench) => {
    const way = await here(bench);
    const { where, traveller } = await first(bench, "patient", { prompt: "login" });
    must(where === "login", `at ${where}`);
    const { body } = await launched(bench, { ...way, traveller, more: { prompt: "login" } });
    must(Date.now() / 1000 - decoded(body.id_token).claims.auth_time < CLOSE, "auth_time", decoded(body.id_token).claims);
  }),
  row("06", "max_age=0", "somebody with a session logs in again", async (bench) => {
    const { where } = await first(bench, "patient", { max_age: "0" });
    must(where === "login", `at ${where}`);
  }),
  row("07", "login_hint", "the hint stands in the form and lets nobody in", async (bench) => {
    const { where, traveller } = await first(bench, "hinted", { login_hint: bench.patients[1].username });
    must(where === "login", `at ${where}`);
    must((await traveller.page.$eval("input[name=username]", (input) => input.value)) === bench.patients[1].username, "the form is empty");
  }),
  row("08", "request and request_uri", "request objects are refused by name, and no address is fetched", async (bench) => {
    for (const [name, error] of [["request", "request_not_supported"], ["request_uri", "request_uri_not_supported"]]) {
      const { where, query } = await first(bench, "nobody", { [name]: "http://127.0.0.1:9/object" });
      must(where === "app" && query.get("error") === error, `${name}: at ${where}`, String(query));
    }
  }),
  row("09", "another loopback port", "a native app may listen at any port of the registered loopback address (RFC 8252)", async (bench) => {
    const way = await here(bench);
    const redirect_uri = way.client.redirect_uris[0].replace(/:\d+\//, ":51004/");
    const request = authorization(bench, way.client, way.scope, { redirect_uri });
    const code = codeOf(await redirected(bench, way.traveller, request, way));
    const answer = await trade(bench, way.client, request, code);
    must(answer.status === 200, `status ${answer.status}`, answer.text);
  }),
  row("10", "online_access", "gives a refresh token that works while the person is logged in", async (bench) => {
    const client = bench.client("confidential");
    const { body } = await launched(bench, { ...(await here(bench)), client, scope: "launch/patient online_access patient/Patient.rs" });
    must(body.refresh_token, "no refresh token", body);
    must(scopes(body.scope).has("online_access"), "scope", body.scope);
    const answer = await refresh(bench, client, body.refresh_token);
    must(answer.status === 200, `status ${answer.status}`, answer.text);
  }),
  row("11", "no offline_access", "without offline_access or online_access there is no refresh token", async (bench) => {
    const { body } = await launched(bench, { ...(await here(bench)), scope: "launch/patient patient/Patient.rs" });
    must(body.refresh_token === undefined, "a refresh token");
    must(body.id_token === undefined, "an id_token without openid");
  }),
  row("12", "a narrowed grant", "what the patient unticks on the management page ends at once, and does not come back by a refresh", async (bench) => {
    const client = bench.client("public");
    const traveller = await bench.traveller("third patient");
    const who = bench.patients[2] ?? bench.patients[1];
    const { body } = await launched(bench, { client, scope: "launch/patient offline_access patient/Patient.rs patient/Appointment.rs", traveller, who });
    const status = async (token, type) => (await get(`${bench.target.fhir}/${type}`, token)).status;
    must((await status(body.access_token, "Appointment")) === 200, "the app cannot read appointments to begin with");
    await traveller.open(bench.smart.management_endpoint);
    const box = "input[name=scope][value='patient/Appointment.rs']";
    must(await traveller.page.$(box), "the page does not offer the scope", await traveller.words());
    await traveller.page.$eval("details", (fold) => { fold.open = true; });
    await traveller.page.$eval(box, (input) => input.click());
    await traveller.press("button[name=decision][value=narrow]");
    // The old access token may end as a whole (401): a refresh gives the app what is left.
    const old = await status(body.access_token, "Appointment");
    must([401, 403].includes(old), `appointments still answer ${old}`);
    const next = await refresh(bench, client, body.refresh_token);
    must(next.status === 200 && !next.body.scope.includes("Appointment"), `the refresh answers ${next.status}`, next.text);
    must((await status(next.body.access_token, "Patient")) === 200, "what was left ticked is gone as well");
    must((await status(next.body.access_token, "Appointment")) === 403, "the refreshed token reads appointments");
  }),
];
