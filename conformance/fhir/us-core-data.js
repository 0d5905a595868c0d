// The searches US Core asks, type by type (section 3.3 to 3.5 of the requirement), and how a kit would first find resources.

const COMPARED = ["gt", "lt", "ge", "le"];

/** Types whose table in OpenEMR has no time of the last change, so that meta.lastUpdated (SHOULD) would be a guess. */
export const UNTIMED = ["Coverage"];

/** `by`: the parameters together; `compare`: the date among them takes prefixes; `or`: one that takes a list. */
export const TYPES = {
  Patient: {
    revinclude: true,
    searches: [
      { by: ["_id"] },
      { by: ["identifier"] },
      { by: ["name"] },
      { by: ["birthdate", "name"] },
      { by: ["gender", "name"] },
      { by: ["birthdate", "family"], should: true },
      { by: ["family", "gender"], should: true },
      { by: ["death-date", "family"], should: true },
    ],
  },
  DocumentReference: {
    revinclude: true,
    searches: [
      { by: ["patient"] },
      { by: ["_id"] },
      { by: ["patient", "type"] },
      { by: ["patient", "category"] },
      { by: ["patient", "category", "date"], compare: COMPARED },
      { by: ["patient", "status"], or: "status", should: true },
      { by: ["patient", "type", "period"], compare: COMPARED, should: true },
    ],
  },
  Encounter: {
    revinclude: true,
    searches: [
      { by: ["patient"] },
      { by: ["_id"] },
      { by: ["date", "patient"], compare: COMPARED },
      { by: ["identifier"], should: true },
      { by: ["patient", "type"], should: true },
      { by: ["class", "patient"], should: true },
      { by: ["patient", "status"], should: true },
      { by: ["location", "patient"], should: true },
      { by: ["discharge-disposition", "patient"], should: true },
      { by: ["_lastUpdated", "patient"], compare: COMPARED, should: true },
    ],
  },
  RelatedPerson: {
    revinclude: true,
    searches: [{ by: ["_id"] }, { by: ["patient"], should: true }, { by: ["name"], should: true }, { by: ["name", "patient"], should: true }],
  },
  Coverage: { searches: [{ by: ["patient"] }] },
  Practitioner: { searches: [{ by: ["name"] }, { by: ["identifier"] }, { by: ["_id"], should: true }] },
  PractitionerRole: { searches: [{ by: ["specialty"] }, { by: ["practitioner"] }] },
  Organization: { searches: [{ by: ["name"] }, { by: ["address"] }] },
  Location: {
    searches: [{ by: ["name"] }, { by: ["address"] }, { by: ["address-city"], should: true }, { by: ["address-state"], should: true }, { by: ["address-postalcode"], should: true }],
  },
  Provenance: { searches: [] },
};

/** Types whose resources are found through a patient. */
export const CLINICAL = ["Encounter", "DocumentReference", "RelatedPerson", "Coverage"];
