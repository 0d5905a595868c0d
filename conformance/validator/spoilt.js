// Resources with one fault each: what the validator, set up as it is here, must still find.

const US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/";
const CODES = "https://anteroom.dev/fhir/CodeSystem/";
const OURS = "https://anteroom.dev/fhir/StructureDefinition/";

const PATIENT = {
  resourceType: "Patient",
  id: "spoilt",
  meta: { profile: [`${US_CORE}us-core-patient`] },
  identifier: [{ system: "urn:example:record", value: "1" }],
  name: [{ family: "Mercer", given: ["Ada"] }],
  gender: "female",
};

const APPOINTMENT = {
  resourceType: "Appointment",
  id: "spoilt",
  status: "booked",
  start: "2026-01-05T09:00:00Z",
  end: "2026-01-05T09:30:00Z",
  participant: [{ actor: { reference: "Patient/spoilt" }, status: "accepted" }],
};

/** `[{ name, element, resource }]`: an error must name `element`. */
export function spoilt() {
  const coding = (system, code) => [{ coding: [{ system, code }] }];
  return [
    ["an element FHIR does not have", "nonsense", { ...PATIENT, nonsense: true }],
    ["base R4 wants a status", "Appointment.status", { ...APPOINTMENT, status: undefined }],
    ["a code outside a required value set of R4", "Appointment.status", { ...APPOINTMENT, status: "perhaps" }],
    ["an invariant of R4", "app-3", { ...APPOINTMENT, start: undefined, end: undefined }],
    ["a date that is none", "Patient.birthDate", { ...PATIENT, birthDate: "1980-13-41" }],
    ["US Core wants a name", "Patient.name", { ...PATIENT, name: undefined }],
    ["a profile nobody has", "us-core-nonsense", { ...PATIENT, meta: { profile: [`${US_CORE}us-core-nonsense`] } }],
    ["an extension nobody has", `${OURS}nonsense`, { ...PATIENT, extension: [{ url: `${OURS}nonsense`, valueString: "x" }] }],
    ["our extension with a value of another type", `${OURS}emr-status`, { ...APPOINTMENT, extension: [{ url: `${OURS}emr-status`, valueBoolean: true }] }],
    ["a code HL7's terminology does not have", "NONSENSE", { ...PATIENT, maritalStatus: coding("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "NONSENSE")[0] }],
    ["a code our own code system does not have", "nonsense", { ...APPOINTMENT, reasonCode: coding(`${CODES}task-code`, "nonsense") }],
    [
      "a code US Core's own code system does not have",
      "nonsense",
      {
        resourceType: "DocumentReference",
        id: "spoilt",
        meta: { profile: [`${US_CORE}us-core-documentreference`] },
        status: "current",
        type: { coding: [{ system: "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", code: "UNK" }] },
        category: coding("http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "nonsense"),
        subject: { reference: "Patient/spoilt" },
        content: [{ attachment: { contentType: "text/plain", data: "eA==" } }],
      },
    ],
  ].map(([name, element, resource]) => ({ name, element, resource }));
}
