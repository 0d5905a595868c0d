// Small words: dates in the practice's own time, names, and the pieces of a page.

const MONTHS = { month: "short" };

/**
 * An instant as the clock on the practice's wall shows it. FHIR instants carry the practice's offset,
 * so the part before the offset is the wall time, wherever the reader is.
 */
export function wall(instant, options) {
  const match = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?(?:T(\d{2}):(\d{2}))?/.exec(instant ?? "");
  if (!match) {
    return "";
  }
  const [year, month, day, hour, minute] = match.slice(1).map((part) => Number(part ?? 0));
  const date = new Date(Date.UTC(year, Math.max(month, 1) - 1, Math.max(day, 1), hour, minute));
  return new Intl.DateTimeFormat("en-US", { ...options, timeZone: "UTC" }).format(date);
}

export const day = (instant) => wall(instant, { weekday: "long", month: "long", day: "numeric", year: "numeric" });
export const shortDay = (instant) => wall(instant, { month: "short", day: "numeric", year: "numeric" });
export const time = (instant) => (instant?.includes("T") ? wall(instant, { hour: "numeric", minute: "2-digit" }) : "");
export const month = (instant) => wall(instant, MONTHS);
export const dayNumber = (instant) => wall(instant, { day: "numeric" });

/** The name to call a person by. */
export function personName(names = []) {
  const name = names.find((one) => one.use === "official") ?? names.find((one) => one.use === "usual") ?? names[0] ?? {};
  return name.text || [...(name.prefix ?? []), ...(name.given ?? []), name.family, ...(name.suffix ?? [])].filter(Boolean).join(" ");
}

/** The first readable text of a CodeableConcept. */
export function concept(value) {
  return value?.text || value?.coding?.find((coding) => coding.display)?.display || "";
}

/** An element with a class, and text or elements inside. */
export function el(name, className, ...inside) {
  const element = document.createElement(name);
  if (className) {
    element.className = className;
  }
  element.append(...inside.filter((part) => part !== null && part !== undefined && part !== ""));
  return element;
}

/** A `time` element. */
export function timeElement(instant, text) {
  const element = el("time", "", text);
  element.dateTime = instant;
  return element;
}

/** Puts a section into one of its states. */
export function show(section, ...parts) {
  const body = section.querySelector(".body");
  body.replaceChildren(...parts);
  body.setAttribute("aria-busy", "false");
}

export function loading(section, text) {
  show(section, el("div", "loading", el("span", "", text), el("i"), el("i"), el("i")));
  section.querySelector(".body").setAttribute("aria-busy", "true");
}

export function empty(section, text) {
  show(section, el("div", "card empty", el("p", "", text)));
}

/** The error state: the server's sentence and a way to try again. */
export function failed(section, error, again) {
  const button = el("button", "quiet small", "Try again");
  button.type = "button";
  button.addEventListener("click", again);
  show(section, el("div", "card", alertBox(error.message), button));
}

export function alertBox(text) {
  const box = el("div", "alert", el("p", "", text));
  box.setAttribute("role", "alert");
  return box;
}
