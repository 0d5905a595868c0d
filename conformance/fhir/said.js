// What is asserted of answers everywhere.
import { outcomeProblems } from "../lib/fhir.js";
import { Skip, must } from "../smart/row.js";

/** The status is one of these. */
export function status(answer, ...allowed) {
  must(allowed.includes(answer.status), `${short(answer)} answered ${answer.status}, not ${allowed.join(" or ")}`, answer.text);
  return answer;
}

/** A refusal of one of these statuses, with an OperationOutcome that says why. */
export function refused(answer, ...allowed) {
  status(answer, ...allowed);
  const problems = outcomeProblems(answer);
  must(problems.length === 0, `${short(answer)} is refused without a good OperationOutcome (${problems.join(", ")})`, answer.text);
  return answer;
}

/** 200 and a Bundle of that type. */
export function bundle(answer, type = "searchset") {
  status(answer, 200);
  must(answer.body?.resourceType === "Bundle" && answer.body.type === type, `${short(answer)} is no Bundle of type ${type}`, answer.text);
  return answer.body;
}

/** The version of an answer's ETag, bare. */
export function version(answer) {
  const found = /^W\/"(.+)"$/.exec(answer.headers.get("etag") ?? "");
  must(found, `${short(answer)} has no weak ETag`, String(answer.headers.get("etag")));
  return found[1];
}

/** The words of an OperationOutcome. */
export function sentences(outcome) {
  return (outcome?.issue ?? []).map((one) => `${one.details?.text ?? ""} ${one.diagnostics ?? ""} ${(one.expression ?? []).join(" ")}`).join(" ");
}

/** The issues' codes. */
export function codes(outcome) {
  return (outcome?.issue ?? []).map((one) => one.code);
}

function short({ url }) {
  return url.replace(/^https?:\/\/[^/]+/, "").slice(0, 160);
}

/** The resources of a type that were found; a skip where the type is not served, a failure where it is and there are none. */
export function some({ types }, type, found) {
  const resources = found.get(type) ?? [];
  if (resources.length > 0) return resources;
  if (!types.has(type)) throw new Skip(`${type} is not served`);
  throw new Error(`no ${type} was found`);
}
