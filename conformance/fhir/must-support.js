// Which elements a profile of US Core marks as must-support, and whether a resource fills one: read from the package.

const USCDI = "http://hl7.org/fhir/us/core/StructureDefinition/uscdi-requirement";
const ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/** Elements of which a server fills one or the other (US Core, "must support choices"). */
const CHOICES = [
  ["DocumentReference.content.attachment.url", "DocumentReference.content.attachment.data"],
  ["Encounter.reasonCode", "Encounter.reasonReference"],
  ["Encounter.location.location", "Encounter.serviceProvider"],
  ["PractitionerRole.telecom", "PractitionerRole.endpoint"],
  ["PractitionerRole.telecom.system", "PractitionerRole.endpoint"],
  ["PractitionerRole.telecom.value", "PractitionerRole.endpoint"],
  ["Coverage.identifier:memberid", "Coverage.subscriberId"],
  // Practitioner's address is asked only of a server without PractitionerRole.
  ...["address", "address.line", "address.city", "address.state", "address.postalCode", "address.country"].map((one) => [`Practitioner.${one}`, "PractitionerRole"]),
];

/**
 * The must-support elements of a profile: `[{ id, fills(resource), targets }]`. `targets` are the types a reference may
 * lead to. `others` are the package's definitions, for extensions and value sets of slices.
 */
export function mustSupport(profile, others) {
  const elements = new Map(profile.snapshot.element.map((one) => [one.id, one]));
  return [...elements.values()]
    .filter((one) => one.id.includes(".") && (one.mustSupport || (one.extension ?? []).some((e) => e.url === USCDI && e.valueBoolean)))
    .filter((one) => !/\.(id|extension)$/.test(one.id))
    .map((one) => ({
      id: one.id,
      fills: (resource) => real(at(resource, one.id.split(".").slice(1), one.id.split(".")[0], { elements, others })),
      values: (resource) => at(resource, one.id.split(".").slice(1), one.id.split(".")[0], { elements, others }),
      targets: (one.type ?? []).filter((t) => t.code === "Reference").flatMap((t) => t.targetProfile ?? []).map((url) => typeOf(url, others)),
    }));
}

/** The elements that may stand in for this one, itself among them. */
export function choicesOf(id) {
  return CHOICES.find((group) => group.includes(id)) ?? [id];
}

function typeOf(url, others) {
  return others.find((one) => one.resourceType === "StructureDefinition" && one.url === url.split("|")[0])?.type ?? url.split("/").at(-1);
}

// Every value at the end of a path of element ids, such as `extension:race` or `agent:ProvenanceAuthor`, `type`.
function at(value, segments, path, scene) {
  if (segments.length === 0) return [value];
  const [segment, ...rest] = segments;
  const [name, slice] = segment.split(":");
  const id = `${path}.${segment}`;
  const found = childrenOf(value, name).filter((one) => !slice || isSlice(one, id, scene));
  return found.flatMap((one) => at(one, rest, id, scene));
}

function childrenOf(value, name) {
  if (typeof value !== "object" || value === null) return [];
  if (name.endsWith("[x]")) {
    const stem = name.slice(0, -3);
    return Object.entries(value).filter(([key]) => new RegExp(`^${stem}[A-Z]`).test(key)).flatMap(([, one]) => [one].flat());
  }
  return value[name] === undefined ? [] : [value[name]].flat();
}

// A slice is known by an extension's URL, by patterns on itself or on its parts, or by the systems of a required binding.
function isSlice(value, id, { elements, others }) {
  const element = elements.get(id);
  const profile = element?.type?.[0]?.profile?.[0];
  if (element?.type?.[0]?.code === "Extension" && profile) return value.url === profile.split("|")[0];
  const marks = [...elements.values()].filter((one) => one.id === id || one.id.startsWith(`${id}.`)).filter((one) => patternOf(one) !== undefined && (one.min !== 0 || one.id === id));
  if (marks.length > 0) {
    return marks.every((one) => {
      const rest = one.id.slice(id.length).split(".").filter(Boolean).map((part) => part.split(":")[0]);
      return rest.reduce((all, part) => all.flatMap((v) => childrenOf(v, part)), [value]).some((v) => holds(v, patternOf(one)));
    });
  }
  const bound = [...elements.values()].find((one) => (one.id === id || one.id.startsWith(`${id}.`)) && one.binding?.strength === "required");
  const systems = others.find((one) => one.resourceType === "ValueSet" && one.url === bound?.binding.valueSet?.split("|")[0])?.compose?.include?.map((one) => one.system);
  if (systems) return [value.coding ?? value].flat().some((one) => systems.includes(one.system));
  // A slice by type of value: `effective[x]:effectiveDateTime`.
  return true;
}

function patternOf(element) {
  const key = Object.keys(element).find((one) => /^(pattern|fixed)[A-Z]/.test(one));
  return key && element[key];
}

// A pattern fits what has at least its members (R4, ElementDefinition.pattern[x]).
function holds(value, pattern) {
  if (Array.isArray(pattern)) return pattern.every((one) => [value].flat().some((v) => holds(v, one)));
  if (typeof pattern === "object") return typeof value === "object" && value !== null && Object.entries(pattern).every(([key, one]) => value[key] !== undefined && holds(value[key], one));
  return value === pattern;
}

// Something is said, and not only that it is not known.
function real(values) {
  return values.some((one) => {
    if (typeof one !== "object") return one !== "" && one !== undefined;
    const said = Object.keys(one).filter((key) => key !== "id" && !(key === "extension" && one.extension.every((e) => e.url === ABSENT)));
    return said.length > 0 && !(one.coding ?? []).some((c) => /data-absent-reason/.test(c.system ?? ""));
  });
}
