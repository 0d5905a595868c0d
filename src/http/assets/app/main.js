// The sample app: a SMART app like any other, served from the same place only to be at hand.

import { lookUp, read } from "./fhir.js";
import { LaunchError, comeBack, connect, current, endSession, forget, refresh } from "./launch.js";
import { documents, mail } from "./mail.js";
import { teach } from "./teaching.js";
import { visits } from "./visits.js";
import { alertBox, concept, el, personName, wall } from "./words.js";

const at = (id) => document.getElementById(id);
const GREETING = { title: at("title").textContent, lead: at("lead").textContent };

at("connect").addEventListener("click", start);
at("disconnect").addEventListener("click", disconnect);
at("refresh").addEventListener("click", renew);
document.addEventListener("anteroom-step", teach);
at("connect").disabled = false;
begin();

async function begin() {
  try {
    await comeBack();
  } catch (error) {
    leave(error.message, error.code === "access_denied");
    return;
  }
  teach();
  if (current()) {
    await open();
  }
}

async function start() {
  at("connect").disabled = true;
  try {
    await connect();
  } catch (error) {
    at("connect").disabled = false;
    at("notice").replaceChildren(alertBox(error.message));
  }
}

async function open() {
  const { patient } = current();
  if (!patient) {
    leave("The practice did not say whose record this is. Connect again.");
    return;
  }
  at("welcome").hidden = true;
  at("record").hidden = false;
  at("disconnect").hidden = false;
  at("notice").replaceChildren();
  at("title").textContent = "Opening your record";
  await Promise.all([
    person(patient),
    visits(at("visits"), patient, stop),
    mail(at("mail"), patient, stop),
    documents(at("documents"), patient, stop),
  ]);
}

async function person(id) {
  try {
    const patient = await read(`Patient/${id}`);
    at("title").textContent = personName(patient.name) || "Your record";
    document.title = document.title.replace(/^[^·]*/, "Your record ");
    const practice = patient.managingOrganization;
    const name = practice?.display || (practice?.reference ? (await lookUp(practice.reference))?.name : "");
    at("lead").textContent = name ? `Your record at ${name}` : "Your record";
    const facts = [["Born", wall(patient.birthDate, { dateStyle: "long" })]];
    for (const identifier of patient.identifier ?? []) {
      facts.push([concept(identifier.type) || "Number", identifier.value]);
    }
    const items = facts.filter((fact) => fact[1]).map(([name, value]) => el("li", "", `${name} `, el("b", "", value)));
    at("identity").replaceChildren(...items);
    at("identity").hidden = items.length === 0;
  } catch (error) {
    if (!stop(error)) {
      at("title").textContent = "Your record";
      at("notice").replaceChildren(alertBox(error.message));
    }
  }
}

/** True when the error ends the session: the page then goes back to its start. */
function stop(error) {
  if (!(error instanceof LaunchError)) {
    return false;
  }
  if (current()) {
    leave(error.message);
  }
  return true;
}

async function renew() {
  at("refresh").disabled = true;
  try {
    await refresh();
    teach();
  } catch (error) {
    leave(error.message);
  }
}

function disconnect() {
  forget();
  leave("You are disconnected. This app has forgotten your record.");
}

function leave(sentence, calm = true) {
  endSession();
  at("record").hidden = true;
  at("disconnect").hidden = true;
  at("identity").hidden = true;
  // Nothing of the record stays in the page, not even unseen.
  document.querySelectorAll("#record .body, #identity").forEach((part) => part.replaceChildren());
  at("welcome").hidden = false;
  at("connect").disabled = false;
  at("title").textContent = GREETING.title;
  at("lead").textContent = GREETING.lead;
  at("notice").replaceChildren(calm ? el("p", "note", sentence) : alertBox(sentence));
  teach();
}
