// Search parameters as a client understands them: where their values stand, and when a resource fits one.

const DAY = 86_400_000;

/** Kind of a parameter and the values it has in a resource. */
export const PARAMETERS = {
  "*": {
    _id: ["token", (one) => [one.id]],
    _lastUpdated: ["date", (one) => list(one.meta?.lastUpdated)],
    identifier: ["token", (one) => list(one.identifier)],
    name: ["string", (one) => list(one.name).flatMap(words)],
    patient: ["reference", (one) => [...list(one.subject), ...list(one.patient), ...list(one.beneficiary)]],
    status: ["token", (one) => list(one.status)],
    type: ["token", (one) => list(one.type)],
    category: ["token", (one) => list(one.category)],
    date: ["date", (one) => list(one.date ?? one.period)],
    address: ["string", (one) => list(one.address).flatMap(words)],
    "address-city": ["string", (one) => list(one.address).flatMap((a) => list(a.city))],
    "address-state": ["string", (one) => list(one.address).flatMap((a) => list(a.state))],
    "address-postalcode": ["string", (one) => list(one.address).flatMap((a) => list(a.postalCode))],
    gender: ["token", (one) => list(one.gender)],
    birthdate: ["date", (one) => list(one.birthDate)],
    family: ["string", (one) => list(one.name).flatMap((n) => list(n.family))],
    given: ["string", (one) => list(one.name).flatMap((n) => list(n.given))],
    "death-date": ["date", (one) => list(one.deceasedDateTime)],
    telecom: ["token", (one) => list(one.telecom).flatMap((t) => list(t.value))],
    email: ["token", (one) => list(one.telecom).filter((t) => t.system === "email").flatMap((t) => list(t.value))],
    phone: ["token", (one) => list(one.telecom).filter((t) => t.system === "phone").flatMap((t) => list(t.value))],
    specialty: ["token", (one) => list(one.specialty)],
    practitioner: ["reference", (one) => [...list(one.practitioner), ...actors(one, "Practitioner")]],
    organization: ["reference", (one) => [...list(one.organization), ...list(one.managingOrganization)]],
    location: ["reference", (one) => [...list(one.location).map((l) => l.location ?? l), ...actors(one, "Location")]],
    class: ["token", (one) => list(one.class)],
    "discharge-disposition": ["token", (one) => list(one.hospitalization?.dischargeDisposition)],
    period: ["date", (one) => list(one.context?.period ?? one.period)],
    relationship: ["token", (one) => list(one.relationship)],
  },
  Appointment: {
    date: ["date", (one) => list(one.start)],
    patient: ["reference", (one) => actors(one, "Patient")],
    actor: ["reference", (one) => list(one.participant).flatMap((p) => list(p.actor))],
    "part-status": ["token", (one) => list(one.participant).flatMap((p) => list(p.status))],
    "appointment-type": ["token", (one) => list(one.appointmentType)],
    "service-type": ["token", (one) => list(one.serviceType)],
    "service-category": ["token", (one) => list(one.serviceCategory)],
    "reason-code": ["token", (one) => list(one.reasonCode)],
  },
  AuditEvent: {
    date: ["date", (one) => list(one.recorded)],
    agent: ["reference", (one) => list(one.agent).flatMap((a) => list(a.who))],
    patient: ["reference", (one) => [...list(one.agent).map((a) => a.who), ...list(one.entity).map((e) => e.what)].filter((r) => /Patient\//.test(r?.reference ?? ""))],
    entity: ["reference", (one) => list(one.entity).flatMap((e) => list(e.what))],
    action: ["token", (one) => list(one.action)],
    outcome: ["token", (one) => list(one.outcome)],
    type: ["token", (one) => list(one.type)],
    subtype: ["token", (one) => list(one.subtype)],
  },
  Communication: {
    sent: ["date", (one) => list(one.sent)],
    received: ["date", (one) => list(one.received)],
    sender: ["reference", (one) => list(one.sender)],
    recipient: ["reference", (one) => list(one.recipient)],
    subject: ["reference", (one) => list(one.subject)],
    "part-of": ["reference", (one) => list(one.partOf)],
    medium: ["token", (one) => list(one.medium)],
  },
  Coverage: {
    beneficiary: ["reference", (one) => list(one.beneficiary)],
    subscriber: ["reference", (one) => list(one.subscriber)],
    payor: ["reference", (one) => list(one.payor)],
  },
  DocumentReference: {
    author: ["reference", (one) => list(one.author)],
    subject: ["reference", (one) => list(one.subject)],
    custodian: ["reference", (one) => list(one.custodian)],
    encounter: ["reference", (one) => list(one.context?.encounter)],
    contenttype: ["token", (one) => list(one.content).flatMap((c) => list(c.attachment?.contentType))],
    format: ["token", (one) => list(one.content).flatMap((c) => list(c.format))],
    description: ["string", (one) => list(one.description)],
    period: ["date", (one) => list(one.context?.period)],
  },
  Group: {
    member: ["reference", (one) => list(one.member).flatMap((m) => list(m.entity))],
    code: ["token", (one) => list(one.code)],
    actual: ["token", (one) => [String(one.actual)]],
  },
  Encounter: {
    participant: ["reference", (one) => list(one.participant).flatMap((p) => list(p.individual))],
    practitioner: ["reference", (one) => list(one.participant).flatMap((p) => list(p.individual))],
    "service-provider": ["reference", (one) => list(one.serviceProvider)],
    subject: ["reference", (one) => list(one.subject)],
  },
  PractitionerRole: {
    role: ["token", (one) => list(one.code)],
    endpoint: ["reference", (one) => list(one.endpoint)],
    active: ["token", (one) => [String(one.active)]],
  },
  Provenance: {
    target: ["reference", (one) => list(one.target)],
    agent: ["reference", (one) => list(one.agent).flatMap((a) => list(a.who))],
    recorded: ["date", (one) => list(one.recorded)],
    patient: ["reference", (one) => list(one.target).filter((r) => /Patient\//.test(r.reference ?? ""))],
  },
  Schedule: {
    actor: ["reference", (one) => list(one.actor)],
    active: ["token", (one) => [String(one.active)]],
    date: ["date", (one) => list(one.planningHorizon)],
    "service-type": ["token", (one) => list(one.serviceType)],
  },
  Slot: {
    schedule: ["reference", (one) => list(one.schedule)],
    start: ["date", (one) => list(one.start)],
    "service-type": ["token", (one) => list(one.serviceType)],
    "appointment-type": ["token", (one) => list(one.appointmentType)],
  },
  Task: {
    patient: ["reference", (one) => list(one.for)],
    subject: ["reference", (one) => list(one.for)],
    code: ["token", (one) => list(one.code)],
    owner: ["reference", (one) => list(one.owner)],
    requester: ["reference", (one) => list(one.requester)],
    focus: ["reference", (one) => list(one.focus)],
    "authored-on": ["date", (one) => list(one.authoredOn)],
    modified: ["date", (one) => list(one.lastModified)],
    intent: ["token", (one) => list(one.intent)],
    priority: ["token", (one) => list(one.priority)],
  },
  Questionnaire: {
    title: ["string", (one) => list(one.title)],
  },
  Patient: {
    active: ["token", (one) => [String(one.active)]],
    deceased: ["token", (one) => [String(Boolean(one.deceasedDateTime ?? one.deceasedBoolean))]],
    language: ["token", (one) => list(one.communication).flatMap((c) => list(c.language))],
    "general-practitioner": ["reference", (one) => list(one.generalPractitioner)],
  },
  ValueSet: { url: ["uri", (one) => list(one.url)], version: ["token", (one) => list(one.version)], title: ["string", (one) => list(one.title)] },
  CodeSystem: { url: ["uri", (one) => list(one.url)], version: ["token", (one) => list(one.version)], title: ["string", (one) => list(one.title)], system: ["uri", (one) => list(one.url)], code: ["token", (one) => list(one.concept).map((c) => c.code)] },
};

/** `[kind, values(resource)]` of a parameter, or undefined for one that is not known here. */
export function parameter(type, name) {
  return PARAMETERS[type]?.[name] ?? PARAMETERS["*"][name];
}

/**
 * The text with which a resource is searched by a parameter, `full` with a token's system; undefined where it has no value.
 * A period is searched as Inferno does, by what is after a day before its start; `bare` is the start itself.
 */
export function searchable(type, name, resource, { full = false, bare = false } = {}) {
  const [kind, of] = parameter(type, name) ?? [];
  const found = (of?.(resource) ?? []).filter((one) => one !== undefined && !isAbsent(one));
  if (kind === "token") return found.flatMap(tokens).filter((one) => one.code && (!full || one.system)).map((one) => (full ? `${one.system}|${escaped(one.code)}` : escaped(one.code)))[0];
  if (kind === "reference") return found.map((one) => one.reference).filter(Boolean).map((one) => one.split("/").slice(-2).join("/"))[0];
  if (kind === "date") return found.map((one) => (typeof one === "string" || bare ? (one.start ?? one.end ?? one) : around(one))).filter((one) => typeof one === "string")[0];
  return found.map(escaped)[0];
}

/** Whether `resource` fits one parameter as it was sent (comma list, prefix and all). */
export function fits(type, name, resource, sent) {
  const [kind, of] = parameter(type, name);
  const found = of(resource).filter((one) => one !== undefined);
  return split(sent).some((one) => found.some((value) => FITS[kind](value, one)));
}

const FITS = {
  token(value, sent) {
    const [system, code] = sent.includes("|") ? sent.split("|") : [undefined, sent];
    return tokens(value).some((one) => (code === "" || one.code?.toLowerCase() === code.toLowerCase()) && (system === undefined || (one.system ?? "") === system));
  },
  string: (value, sent) => folded(value).startsWith(folded(sent)) || folded(value).split(/\s+/).some((word) => word.startsWith(folded(sent))),
  reference: (value, sent) => (value.reference ?? "").split("/").at(-1) === sent.split("/").at(-1),
  uri: (value, sent) => value === sent,
  date(value, sent) {
    const [, prefix, text] = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.+)$/.exec(sent);
    const wanted = range(text);
    const has = span(value);
    return { gt: has[1] > wanted[1], lt: has[0] < wanted[0], ge: has[1] >= wanted[0], le: has[0] <= wanted[1], ne: !within(has, wanted) }[prefix] ?? within(has, wanted);
  },
};

/** A date or dateTime moved by days, as searched. */
export function moved(text, days) {
  if (text.length <= 10) return new Date(Date.parse(`${text.padEnd(10, "-01").slice(0, 10)}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);
  return new Date(Date.parse(text) + days * DAY).toISOString().replace(/\.\d+Z$/, "Z");
}

/** A value as it goes into a query: separators escaped (R4, 3.1.1.4.13). */
export function escaped(text) {
  return String(text).replace(/[\\,|$]/g, (sign) => `\\${sign}`);
}

/** Letters without marks and case, as strings are compared. */
export function folded(text) {
  return String(text).normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

export function list(value) {
  return value === undefined || value === null ? [] : [value].flat();
}

function around({ start, end }) {
  if (start) return `gt${moved(start, -1)}`;
  return end && `lt${moved(end, 1)}`;
}

function split(sent) {
  return sent.split(/(?<!\\),/).map((one) => one.replace(/\\([\\,$])/g, "$1").replace(/\\\|/g, "|"));
}

function words(value) {
  if (typeof value === "string") return [value];
  return Object.entries(value).filter(([key]) => !["use", "period", "type", "id"].includes(key)).flatMap(([, one]) => list(one)).filter((one) => typeof one === "string");
}

function tokens(value) {
  if (typeof value !== "object") return [{ code: String(value) }];
  if (value.coding) return value.coding;
  return [{ system: value.system, code: value.code ?? value.value }];
}

function actors(one, type) {
  return list(one.participant).flatMap((p) => list(p.actor)).filter((r) => r.reference?.includes(`${type}/`));
}

function isAbsent(value) {
  return typeof value === "object" && list(value.coding).some((one) => /data-absent-reason/.test(one.system ?? ""));
}

// A day is asked without a zone, so the server's own counts: a day's room on both sides keeps the judgement fair.
function range(text) {
  if (text.length > 10) return [Date.parse(text), Date.parse(text) + (/T\d\d:\d\d:\d\d\./.test(text) ? 0 : 999)];
  const start = Date.parse(`${`${text}-01-01`.slice(0, 10)}T00:00:00Z`);
  const length = { 4: 366, 7: 31, 10: 1 }[text.length] * DAY;
  return [start - 14 * 3_600_000, start + length + 14 * 3_600_000];
}

function span(value) {
  if (typeof value === "string") return [range(value)[0] + (value.length > 10 ? 0 : 14 * 3_600_000), range(value)[1] - (value.length > 10 ? 0 : 14 * 3_600_000)];
  return [value.start ? span(value.start)[0] : -Infinity, value.end ? span(value.end)[1] : Infinity];
}

function within(has, wanted) {
  return has[0] >= wanted[0] && has[1] <= wanted[1];
}
