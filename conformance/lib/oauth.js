// The SMART standalone launch by hand: the steps of RFC 6749 and RFC 7636, nothing of any library.
import { createHash, randomBytes } from "node:crypto";
import { Agent } from "./agent.js";
import { patience } from "./patience.js";

/** What a patient app would ask for: who, which patient, offline, and the four kinds of record. */
export const SCOPE =
  "launch/patient openid fhirUser offline_access patient/Patient.rs patient/Appointment.rs patient/Communication.rs patient/DocumentReference.rs patient/Binary.r";

/** The server's own SMART discovery document. */
export async function smartConfiguration(target) {
  const response = await fetch(`${target.fhir}/.well-known/smart-configuration`);
  if (response.status !== 200) throw new Error(`smart-configuration answered ${response.status}`);
  return response.json();
}

/** The parameters of one authorization request, with the verifier that belongs to it. */
export function authorizationRequest(target, client, scope = SCOPE) {
  const verifier = randomBytes(48).toString("base64url");
  const parameters = {
    response_type: "code",
    client_id: client.client_id,
    redirect_uri: client.redirect_uris[0],
    scope,
    state: randomBytes(16).toString("hex"),
    aud: target.fhir,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  };
  return { verifier, parameters };
}

/** Opens the authorization endpoint with `parameters`. Answers as `Agent.open` does. */
export async function openAuthorize(target, agent, parameters) {
  const { authorization_endpoint } = await smartConfiguration(target);
  const url = new URL(authorization_endpoint);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return agent.open(url);
}

/** Fills the login form of `page`, if `page` is one, as `patient`; again where the server says to wait. */
export async function login(agent, page, patient, password = patient.password) {
  if (!page.root?.querySelector("input[name=password]")) return page;
  const values = { username: patient.username, password };
  if (page.root.querySelector("input[name=email]")) values.email = patient.email;
  const answer = await agent.submit(page, "input[name=password]", values);
  if (!(await patience(answer.status, answer.headers?.get("retry-after")))) return answer;
  return agent.submit(answer, "input[name=password]", values);
}

/** Decides on the consent page: every scope ticked but those of `without`. */
export async function consent(agent, page, decision, without = []) {
  if (page.stopped) return page;
  const boxes = page.root.querySelectorAll("input[type=checkbox][name=scope]").map((box) => box.getAttribute("value"));
  const scope = boxes.filter((value) => !without.includes(value));
  return agent.submit(page, `button[name=decision][value=${decision}]`, { scope }, { name: "decision", value: decision });
}

/** Posts to the token endpoint. Answers `{ status, headers, body }`, the body parsed. */
export async function token(target, form, headers = {}) {
  const { token_endpoint } = await smartConfiguration(target);
  const response = await fetch(token_endpoint, { method: "POST", body: new URLSearchParams(form), headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** The form that trades `code` for tokens. */
export function codeForm({ parameters, verifier }, code) {
  return {
    grant_type: "authorization_code",
    code,
    redirect_uri: parameters.redirect_uri,
    client_id: parameters.client_id,
    code_verifier: verifier,
  };
}

/** A whole launch of a public client by `patient`: the token response, the redirect and the browser. */
export async function launch(target, client, patient, { scope = SCOPE, agent = new Agent({ stop: client.redirect_uris[0] }) } = {}) {
  const request = authorizationRequest(target, client, scope);
  let page = await openAuthorize(target, agent, request.parameters);
  if (!page.stopped) page = await login(agent, page, patient);
  page = await consent(agent, page, "approve");
  if (!page.stopped) throw new Error(`the launch of ${patient.username} ended on a page (${page.status}): ${words(page)}`);
  const code = page.stopped.searchParams.get("code");
  if (!code) throw new Error(`the launch of ${patient.username} came back with ${page.stopped.search}`);
  const answer = await token(target, codeForm(request, code));
  if (answer.status !== 200) throw new Error(`the token endpoint answered ${answer.status} ${JSON.stringify(answer.body)}`);
  return { ...answer, request, code, redirect: page.stopped, agent };
}

/** The visible words of a page. */
export function words(page) {
  return (page.root.querySelector("main") ?? page.root.querySelector("body") ?? page.root).text.replace(/\s+/g, " ").trim();
}
