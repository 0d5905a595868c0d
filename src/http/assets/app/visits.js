// Appointments as a timeline: what comes next on top, the past folded, a way to cancel.

import { cancel, lookUp, search } from "./fhir.js";
import { concept, day, dayNumber, el, empty, failed, loading, month, personName, show, time, timeElement } from "./words.js";

/** FHIR status, words, colour. */
const STATUSES = {
  proposed: ["Proposed", "warn"],
  pending: ["Waiting for the practice to confirm", "warn"],
  booked: ["Booked", "good"],
  arrived: ["You have arrived", "good"],
  "checked-in": ["Checked in", "good"],
  fulfilled: ["Took place", ""],
  cancelled: ["Cancelled", "bad"],
  noshow: ["Missed", "bad"],
  waitlist: ["On the waiting list", "warn"],
  "entered-in-error": ["Entered by mistake", ""],
};

/** Fills the section with the patient's appointments. `answers` maps an id to what the practice last said. */
export async function visits(section, patient, stop, answers = new Map()) {
  if (answers.size === 0) {
    loading(section, "Reading your visits");
  }
  const again = () => visits(section, patient, stop, answers);
  try {
    const all = await search("Appointment", { patient, _count: "50" });
    const named = await Promise.all(all.filter((visit) => visit.start).map(withNames));
    const now = Date.now();
    // "2026-03-02" names a whole day: it is past only when the day is over.
    const ends = (visit) => new Date(visit.end ?? visit.start).getTime();
    const next = named.filter((visit) => ends(visit.resource) >= now && visit.resource.status !== "entered-in-error");
    const past = named.filter((visit) => ends(visit.resource) < now);
    const start = (visit) => new Date(visit.resource.start).getTime();
    next.sort((one, other) => start(one) - start(other));
    past.sort((one, other) => start(other) - start(one));
    if (named.length === 0) {
      empty(section, "The practice has no visits for you, past or coming.");
      return;
    }
    const parts = [];
    const list = (visits, done) => el("ol", "timeline", ...visits.map((visit) => card(visit, done, answers, again, stop)));
    parts.push(next.length > 0
      ? list(next, false)
      : el("div", "card empty", el("p", "", "No visits are planned.")));
    if (past.length > 0) {
      parts.push(el("details", "fold", el("summary", "", `Past visits (${past.length})`), list(past, true)));
    }
    show(section, ...parts);
  } catch (error) {
    stop(error) || failed(section, error, again);
  }
}

async function withNames(resource) {
  const found = { resource, people: [], places: [] };
  for (const { actor } of resource.participant ?? []) {
    const reference = actor?.reference ?? "";
    const relative = /(?:^|\/)((?:Practitioner|Location)\/[A-Za-z0-9.-]+)$/.exec(reference)?.[1];
    if (relative?.startsWith("Practitioner/")) {
      found.people.push(actor.display || personName((await lookUp(relative))?.name));
    } else if (relative?.startsWith("Location/")) {
      const place = await lookUp(relative);
      const { line = [], city } = place?.address ?? {};
      const name = place?.name || actor.display;
      found.places.push([name, ...line, city].filter(Boolean).join(", "));
    }
  }
  return found;
}

function card({ resource, people, places }, done, answers, again, stop) {
  const [words, colour] = STATUSES[resource.status] ?? [resource.status, ""];
  const date = el("div", "day", el("span", "", month(resource.start)), el("b", "", dayNumber(resource.start)));
  date.setAttribute("aria-hidden", "true");
  const until = time(resource.end);
  const clock = [time(resource.start), until].filter(Boolean).join(" to ");
  const kind = concept(resource.appointmentType) || concept(resource.serviceType?.[0]) || resource.description || "Visit";
  const body = el("div", "",
    el("h3", "", timeElement(resource.start, day(resource.start)), " ", el("span", `mark ${colour}`, words)),
    el("p", "", [clock, kind].filter(Boolean).join(" · ")),
    people.length ? el("p", "what", `With ${people.filter(Boolean).join(" and ")}`) : null,
    places.length ? el("p", "what", places.join("; ")) : null,
  );
  const answer = answers.get(resource.id);
  if (answer) {
    const line = el("p", `answer ${answer.colour}`, answer.text);
    line.id = `answer-${resource.id}`;
    line.tabIndex = -1;
    body.append(line);
  }
  const ahead = new Date(resource.start).getTime() > Date.now();
  if (ahead && ["booked", "pending"].includes(resource.status)) {
    const button = el("button", "quiet small", "Cancel this visit");
    button.type = "button";
    button.setAttribute("aria-label", `Cancel the visit on ${day(resource.start)}`);
    button.addEventListener("click", () => ask(resource, button, answers, again, stop));
    body.append(button);
  }
  const item = el("li", done ? "done" : "", el("div", "card visit", date, body));
  return item;
}

async function ask(resource, button, answers, again, stop) {
  const sentence = `${day(resource.start)} at ${time(resource.start)}. The practice sees at once that you are not coming.`;
  if (!(await confirmed(sentence))) {
    return;
  }
  button.disabled = true;
  button.textContent = "Asking the practice";
  try {
    const { waiting, sentence: said } = await cancel(resource.id);
    answers.set(resource.id, waiting
      ? { colour: "good", text: said || "The practice has your request and will answer." }
      : { colour: "good", text: "The practice has cancelled this visit." });
  } catch (error) {
    if (stop(error)) {
      return;
    }
    answers.set(resource.id, { colour: "bad", text: error.message });
  }
  await again();
  // The button is gone with the redrawing: the answer takes the focus, so that it is also read out.
  document.getElementById(`answer-${resource.id}`)?.focus();
}

function confirmed(sentence) {
  const dialog = document.getElementById("confirm");
  document.getElementById("confirm-text").textContent = sentence;
  return new Promise((resolve) => {
    dialog.returnValue = "";
    document.getElementById("confirm-yes").onclick = () => dialog.close("yes");
    document.getElementById("confirm-no").onclick = () => dialog.close("no");
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
    document.getElementById("confirm-no").focus();
  });
}
