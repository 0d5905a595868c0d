// Bodies that a portal takes: the smallest ones FHIR and the practice's rules leave.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Skip } from "../smart/row.js";
import { status } from "./said.js";

const CATEGORY = { system: "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", code: "clinical-note" };

/** One of the staff who writes to the first patient, or has a visit with them. */
export async function correspondent(bench) {
  return bench.once("a correspondent", async () => {
    const messages = await bench.all("Communication", "patient");
    const named = messages.flatMap((one) => [one.sender, ...(one.recipient ?? [])]).find((one) => /^Practitioner\//.test(one?.reference ?? ""));
    if (!named) throw new Skip("no message names one of the staff");
    return named.reference;
  });
}

/** A message of the patient to one of the staff. */
export async function message(bench, text = `A stranger's message ${randomUUID()}`) {
  return {
    resourceType: "Communication",
    status: "completed",
    subject: { reference: `Patient/${bench.patients[0].id}` },
    topic: { text: "A question" },
    recipient: [{ reference: await correspondent(bench) }],
    payload: [{ contentString: text }],
  };
}

/** A document of the patient, its bytes in it. */
export function paper(bench, text = `A stranger's paper ${randomUUID()}`) {
  return {
    resourceType: "DocumentReference",
    status: "current",
    type: { coding: [{ system: "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", code: "UNK" }] },
    category: [{ coding: [CATEGORY] }],
    subject: { reference: `Patient/${bench.patients[0].id}` },
    content: [{ attachment: { contentType: "text/plain", title: "letter.txt", data: Buffer.from(text).toString("base64") } }],
  };
}

/** A query that finds no document now and will find the next one: what If-None-Exist is for. */
export async function nothingYet({ patients }) {
  // Dates are kept to the second.
  await sleep(1100);
  return `patient=${patients[0].id}&date=ge${new Date().toISOString().slice(0, 19)}Z`;
}

/** Sends a message and answers it as it stands. */
export async function sent(bench, headers = {}) {
  const answer = status(await bench.ask("Communication", { as: "patient", json: await message(bench), headers }), 201);
  return answer;
}

const mark = (one, name) => one.extension?.findIndex(({ url }) => url.endsWith(`/${name}`)) ?? -1;

/** The JSON Patch that puts a message away, or takes it out again. What was read once stays read. */
export function putAway(one) {
  const [read, archived] = [mark(one, "message-read"), mark(one, "message-archived")];
  if (read < 0 || archived < 0) throw new Skip("a message has no mark that could change");
  return [
    { op: "replace", path: `/extension/${read}/valueBoolean`, value: true },
    { op: "replace", path: `/extension/${archived}/valueBoolean`, value: !one.extension[archived].valueBoolean },
  ];
}

/** The same as a body. */
export function turned(one) {
  const changed = structuredClone(one);
  for (const { path, value } of putAway(one)) changed.extension[Number(path.split("/")[2])].valueBoolean = value;
  return changed;
}

/** Whether a message was put away. */
export function isAway(one) {
  return one.extension[mark(one, "message-archived")].valueBoolean;
}

/** Puts the message that was received away, or takes it out again. */
export async function turnOver(bench) {
  const { id } = await bench.once("a message received", () => changedMessage(bench));
  const { body } = status(await bench.ask(`Communication/${id}`, { as: "patient" }), 200);
  return status(await bench.ask(`Communication/${id}`, { as: "patient", method: "PATCH", type: "application/json-patch+json", json: putAway(body) }), 200).body;
}

/** A message that was received by the patient, put away or taken out: another version of it. */
export async function changedMessage(bench) {
  const mine = `Patient/${bench.patients[0].id}`;
  const one = (await bench.all("Communication", "patient")).find((found) => (found.recipient ?? []).some((to) => to.reference === mine));
  if (!one) throw new Skip("no message was received by the patient");
  const answer = await bench.ask(`Communication/${one.id}`, {
    as: "patient",
    method: "PATCH",
    type: "application/json-patch+json",
    json: putAway(one),
  });
  status(answer, 200);
  return answer.body;
}
