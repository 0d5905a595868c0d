// What the kit asserts of token responses, wherever they come from.
import { must, scopes } from "./row.js";

const TYPES = /^(Patient|Practitioner|RelatedPerson|Person)$/;
const KIND = /^[A-Z][A-Za-z]+$/;

/** `smart_token_response_body_stu2_2`. */
export function goodBody(body) {
  must(body && typeof body === "object", "no JSON object", body);
  for (const name of ["access_token", "token_type", "scope"]) must(typeof body[name] === "string" && body[name].trim() !== "", name, body[name]);
  must(typeof body.expires_in === "number", "expires_in is no number", body.expires_in);
  must(body.token_type.toLowerCase() === "bearer", "token_type", body.token_type);
  for (const name of ["refresh_token", "id_token", "patient", "encounter", "smart_style_url", "intent", "tenant"]) {
    must(body[name] === undefined || typeof body[name] === "string", `${name} is no string`, body[name]);
  }
  for (const name of ["patient", "encounter"]) must(!body[name]?.includes("/"), `${name} is a reference and no id`, body[name]);
  must(body.need_patient_banner === undefined || typeof body.need_patient_banner === "boolean", "need_patient_banner", body.need_patient_banner);
  if (body.fhirContext !== undefined) goodContext(body.fhirContext);
}

// SMART 2.1 and later: objects. A Patient or Encounter only with a role that is not "launch".
function goodContext(context) {
  must(Array.isArray(context), "fhirContext is no array", context);
  for (const one of context) {
    must(typeof one === "object" && (one.reference || one.canonical || one.identifier), "a fhirContext without what it refers to", one);
    if (one.reference) must(/^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.test(one.reference), "reference", one);
    if (one.canonical) must(/^http/.test(one.canonical), "canonical", one);
    if (one.identifier) must(typeof one.identifier === "object", "identifier", one);
    if (one.type) must(KIND.test(one.type), "type", one);
    if (one.role !== undefined) must(URL.canParse(one.role) || one.role === "launch", "role", one);
    if (/^(Patient|Encounter)\//.test(one.reference ?? "")) must(one.role && one.role !== "launch", "the patient or encounter of the launch again", one);
  }
}

/** `smart_token_refresh_body`: `before` is what the scopes may not go beyond. */
export function goodRefresh(body, before) {
  goodBody(body);
  const allowed = scopes(before);
  const more = [...scopes(body.scope)].filter((scope) => !allowed.has(scope));
  must(more.length === 0, "more scopes than before", more);
}

/** `smart_token_response_headers`. */
export function goodHeaders(headers) {
  must(/no-store/i.test(headers.get("cache-control") ?? ""), "Cache-Control", String(headers.get("cache-control")));
  must(/no-cache/i.test(headers.get("pragma") ?? ""), "Pragma", String(headers.get("pragma")));
}

/** An error of RFC 6749, 5.2. */
export function oauthError(answer, statuses, codes) {
  must(statuses.includes(answer.status), `status ${answer.status}, not ${statuses.join(" or ")}`, answer.text);
  must(/^application\/json/.test(answer.headers.get("content-type") ?? ""), "Content-Type", String(answer.headers.get("content-type")));
  must(typeof answer.body?.error === "string", "no error code", answer.text);
  if (codes) must(codes.includes(answer.body.error), `error ${answer.body.error}, not ${codes.join(" or ")}`, answer.text);
  must(answer.body.resourceType === undefined, "an OperationOutcome where OAuth says JSON of RFC 6749", answer.text);
}

/** The absolute URL of `fhirUser`, its type checked. */
export function userUrl(bench, fhirUser) {
  const url = new URL(fhirUser, `${bench.target.fhir}/`);
  must(TYPES.test(url.pathname.split("/").at(-2)), "the type of fhirUser", fhirUser);
  must(url.href.startsWith(`${bench.target.fhir}/`), "fhirUser is of another server", fhirUser);
  return url.href;
}
