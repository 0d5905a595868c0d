// What a portal is for, from end to end: a visit asked for and called off, a change that waits and is taken over or withdrawn.
import { must, only } from "../smart/row.js";
import { lists, matched } from "./bench.js";
import { bundle, refused, status } from "./said.js";

const PATCH = "application/json-patch+json";
const row = (number, requirement, run) => ({ id: `REST-FLOW-${number}`, requirement, run });
const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const change = (bench, path, json, as = "patient") => bench.ask(path, { as, method: "PATCH", type: PATCH, json });
const free = async (bench) => matched(bundle(await bench.ask(`Slot?start=ge${day(7)}&start=lt${day(40)}&status=free&_count=20`, { as: "patient" })));

// The body with which a patient asks for a slot, as a kind of visit they had before.
async function request(bench, slot) {
  const length = (one) => Date.parse(one.end) - Date.parse(one.start);
  const [before] = (await bench.all("Appointment", "patient")).filter((one) => one.appointmentType && one.status === "booked").sort((a, b) => length(a) - length(b));
  const { actor } = status(await bench.ask(slot.schedule.reference, { as: "patient" }), 200).body;
  const people = actor.map(({ reference }) => ({ actor: { reference }, status: "needs-action" }));
  const me = { actor: { reference: `Patient/${bench.patients[0].id}` }, status: "accepted" };
  return { resourceType: "Appointment", status: "proposed", appointmentType: before.appointmentType, start: slot.start, end: new Date(Date.parse(slot.start) + length(before)).toISOString(), participant: [me, ...people] };
}

// The Task of a change that waits.
async function waiting(bench, answer) {
  status(answer, 202);
  const location = answer.headers.get("location") ?? "";
  must(/\/Task\/[A-Za-z0-9.-]+/.test(location), "Location", location);
  const task = status(await bench.ask(location.replace(/\/_history.*/, ""), { as: "patient" }), 200);
  must(task.body.resourceType === "Task" && task.body.status === "requested" && task.body.for.reference === `Patient/${bench.patients[0].id}`, "the Task", task.text);
  return task.body;
}

async function newPhone(bench) {
  const { body } = await bench.ask(`Patient/${bench.patients[0].id}`, { as: "patient" });
  const at = body.telecom.findIndex((one) => one.system === "phone");
  const value = `(978) 555-01${String(Math.floor(Math.random() * 90) + 10)}`;
  return { path: `Patient/${body.id}`, value, ask: [{ op: "replace", path: `/telecom/${at}/value`, value }] };
}

const has = async (bench, { path, value }) => (await bench.ask(path, { as: "patient" })).body.telecom.some((one) => one.value === value);

export const rows = [
  row(1, "a free slot is asked for, is no longer free, is not had twice, and the visit is called off", async (bench) => {
    only(lists(bench, "Appointment", "create"), "Appointment.create is not listed");
    const [slot] = await free(bench);
    must(slot, "no free slot");
    const body = await request(bench, slot);
    const made = status(await bench.ask("Appointment", { as: "patient", json: body }), 201);
    must(["pending", "proposed", "booked"].includes(made.body.status) && Date.parse(made.body.start) === Date.parse(slot.start), "the visit", made.body);
    must(!(await free(bench)).some((one) => one.id === slot.id), "the slot is still free");
    refused(await bench.ask("Appointment", { as: "patient", json: body }), 409, 422);
    const off = status(await change(bench, `Appointment/${made.body.id}`, [{ op: "replace", path: "/status", value: "cancelled" }]), 200);
    // Whether that frees the time is the practice's to say: OpenEMR's own search for a time may count a cancelled visit.
    must(off.body.status === "cancelled", "status", off.body.status);
  }),
  row(2, "a visit outside the office hours, one of somebody else, and one in the past are refused", async (bench) => {
    only(lists(bench, "Appointment", "create"), "Appointment.create is not listed");
    const [slot] = await free(bench);
    must(slot, "no free slot");
    const body = await request(bench, slot);
    const send = (more) => bench.ask("Appointment", { as: "patient", json: { ...body, ...more } });
    refused(await send({ start: `${day(10)}T03:00:00Z`, end: `${day(10)}T03:15:00Z` }), 409, 422);
    refused(await send({ start: `${day(-10)}T15:00:00Z`, end: `${day(-10)}T15:15:00Z` }), 409, 422);
    const other = { actor: { reference: `Patient/${bench.patients[1].id}` }, status: "accepted" };
    refused(await send({ participant: [other, ...body.participant.slice(1)] }), 403, 404, 422);
  }),
  row(3, "a change of the patient waits; staff complete its Task; then it is there", async (bench) => {
    only(lists(bench, "Patient", "patch"), "Patient.patch is not listed");
    const phone = await newPhone(bench);
    const task = await waiting(bench, await change(bench, phone.path, phone.ask));
    must(!(await has(bench, phone)), "changed without review");
    status(await change(bench, `Task/${task.id}`, [{ op: "replace", path: "/status", value: "completed" }], "staff"), 200);
    must(await has(bench, phone), "not taken over");
    must((await bench.ask(`Task/${task.id}`, { as: "patient" })).body.status === "completed", "the Task is not completed");
  }),
  row(4, "a patient withdraws what waits, but does not complete it", async (bench) => {
    only(lists(bench, "Task", "patch"), "Task.patch is not listed");
    const phone = await newPhone(bench);
    const task = await waiting(bench, await change(bench, phone.path, phone.ask));
    refused(await change(bench, `Task/${task.id}`, [{ op: "replace", path: "/status", value: "completed" }]), 403, 422);
    const done = status(await change(bench, `Task/${task.id}`, [{ op: "replace", path: "/status", value: "cancelled" }]), 200);
    must(done.body.status === "cancelled" && !(await has(bench, phone)), "withdrawn", done.text);
  }),
  row(5, "an insurance of the patient waits for review", async (bench) => {
    only(lists(bench, "Coverage", "create"), "Coverage.create is not listed");
    const known = await bench.all("Coverage", "patient");
    const payor = known.flatMap((one) => one.payor).find((one) => one.reference);
    only(payor, "no insurance names its insurer by reference");
    const me = { reference: `Patient/${bench.patients[0].id}` };
    const relationship = { coding: [{ system: "http://terminology.hl7.org/CodeSystem/subscriber-relationship", code: "self" }] };
    const order = [1, 2, 3].find((one) => !known.some((other) => other.order === one)) ?? 3;
    const json = { resourceType: "Coverage", status: "active", beneficiary: me, subscriber: me, subscriberId: "SUITE-1", relationship, payor: [{ reference: payor.reference }], period: { start: day(0) }, order };
    const task = await waiting(bench, await bench.ask("Coverage", { as: "patient", json }));
    status(await change(bench, `Task/${task.id}`, [{ op: "replace", path: "/status", value: "cancelled" }]), 200);
  }),
];
