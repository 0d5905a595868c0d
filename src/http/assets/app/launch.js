// The SMART standalone launch of a public client, step by step, with nothing but the browser.
// SMART App Launch 2.2 with PKCE (RFC 7636); tokens live in this tab's sessionStorage only.

const ORIGIN = window.location.origin;
export const FHIR = `${ORIGIN}/fhir`;
const CLIENT = "anteroom-sample-app";
const REDIRECT = `${ORIGIN}/app`;
const SCOPE = [
  "openid", "fhirUser", "launch/patient", "offline_access",
  "patient/Patient.rs", "patient/Appointment.rus", "patient/Communication.rs",
  "patient/DocumentReference.rs", "patient/Binary.r", "patient/Practitioner.rs",
  "patient/Organization.rs", "patient/Location.rs",
].join(" ");

const PENDING = "anteroom.pending";
const SESSION = "anteroom.session";
const STEPS = "anteroom.steps";

/** A failure with a sentence for the person. `code` is the OAuth error code, where there is one. */
export class LaunchError extends Error {
  constructor(sentence, code = "") {
    super(sentence);
    this.code = code;
  }
}

/** Sends the browser to the practice's login. */
export async function connect() {
  if (!window.crypto.subtle) {
    throw new LaunchError("Your browser allows this only on a secure address. Open this page with https, or on 127.0.0.1.");
  }
  sessionStorage.removeItem(STEPS);
  const discovery = await discover();
  const verifier = random(48);
  const state = random(16);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const challenge = base64url(new Uint8Array(hash));
  note("Made a secret and its hash (PKCE, S256)", `code_challenge=${challenge}`);
  const pending = { state, verifier, tokenEndpoint: discovery.token_endpoint };
  write(PENDING, pending);
  const query = new URLSearchParams({
    response_type: "code", client_id: CLIENT, redirect_uri: REDIRECT, scope: SCOPE, state, aud: FHIR,
    code_challenge: challenge, code_challenge_method: "S256",
  });
  note("Sent you to the practice to log in", discovery.authorization_endpoint);
  window.location.assign(`${discovery.authorization_endpoint}?${query}`);
}

/** Takes the practice's answer out of the address, if there is one, and exchanges the code. */
export async function comeBack() {
  const answer = new URLSearchParams(window.location.search);
  if (!answer.has("code") && !answer.has("error")) {
    return;
  }
  window.history.replaceState(null, "", window.location.pathname);
  const pending = read(PENDING);
  sessionStorage.removeItem(PENDING);
  if (!pending || answer.get("state") !== pending.state) {
    throw new LaunchError("This answer does not belong to a request from this tab, so it was thrown away. Connect again.");
  }
  if (answer.has("error")) {
    const code = answer.get("error");
    note("The practice sent you back without access", code);
    const sentence = code === "access_denied"
      ? "You did not allow access, so nothing was read. You can connect again at any time."
      : answer.get("error_description") || "The practice could not finish the request. Connect again.";
    throw new LaunchError(sentence, code);
  }
  note("Came back with a code; the state matches", `code=${short(answer.get("code"))}`);
  const fields = {
    grant_type: "authorization_code", code: answer.get("code"), redirect_uri: REDIRECT,
    client_id: CLIENT, code_verifier: pending.verifier,
  };
  const response = await askForToken(pending.tokenEndpoint, fields);
  keep(response, pending.tokenEndpoint, "");
  note("Exchanged the code for tokens", `scope=${response.scope ?? ""}`);
}

/** Gets new tokens with the refresh token; the old one is spent. */
export async function refresh() {
  const session = current();
  if (!session?.refreshToken) {
    throw new LaunchError("There is no refresh token. Connect again.", "invalid_grant");
  }
  const fields = { grant_type: "refresh_token", refresh_token: session.refreshToken, client_id: CLIENT };
  const response = await askForToken(session.tokenEndpoint, fields);
  keep({ ...session.response, ...response }, session.tokenEndpoint, session.refreshToken);
  note("Used the refresh token; both tokens are new", `expires_in=${response.expires_in ?? ""}`);
}

/** The session of this tab: accessToken, refreshToken, patient, scope, response; null when not connected. */
export function current() {
  return read(SESSION);
}

/** The launch steps so far: { at, what, detail }. */
export function steps() {
  return read(STEPS) ?? [];
}

/** Adds a step to the list and tells the page. */
export function note(what, detail = "") {
  write(STEPS, [...steps(), { at: Date.now(), what, detail }].slice(-60));
  document.dispatchEvent(new Event("anteroom-step"));
}

/** Forgets everything this app has kept. */
export function forget() {
  [PENDING, SESSION, STEPS].forEach((key) => sessionStorage.removeItem(key));
}

/** Forgets the tokens but keeps the steps, so that one can read what went wrong. */
export function endSession() {
  sessionStorage.removeItem(SESSION);
}

/** The first characters of a secret, enough to tell two apart. */
export function short(secret) {
  return secret ? `${secret.slice(0, 6)}… (${secret.length} characters)` : "";
}

async function discover() {
  const url = `${FHIR}/.well-known/smart-configuration`;
  const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
  const discovery = answer?.ok ? await answer.json().catch(() => null) : null;
  if (!discovery?.authorization_endpoint || !discovery?.token_endpoint) {
    throw new LaunchError("The practice's server does not answer. Try again in a minute.");
  }
  note("Read where to log in", url);
  return discovery;
}

async function askForToken(endpoint, fields) {
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(fields),
  }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (!answer?.ok || !body?.access_token) {
    note("The token request was refused", body?.error ?? "no answer");
    const sentence = body?.error === "invalid_grant"
      ? "Your connection has ended. Connect again."
      : body?.error_description || "The practice's server did not give access. Connect again.";
    throw new LaunchError(sentence, body?.error);
  }
  return body;
}

function keep(response, tokenEndpoint, oldRefreshToken) {
  const { access_token: accessToken, refresh_token: refreshToken, ...rest } = response;
  write(SESSION, {
    accessToken, refreshToken: refreshToken || oldRefreshToken, tokenEndpoint,
    patient: response.patient, scope: response.scope ?? "", response: rest,
  });
}

function random(bytes) {
  return base64url(crypto.getRandomValues(new Uint8Array(bytes)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function read(key) {
  return JSON.parse(sessionStorage.getItem(key) ?? "null");
}

function write(key, value) {
  sessionStorage.setItem(key, JSON.stringify(value));
}
