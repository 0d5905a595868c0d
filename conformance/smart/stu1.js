// What the kit's suite for SMART 1 asks beyond that for SMART 2: the CapabilityStatement names the endpoints.
import { get } from "../lib/fhir.js";
import { must, need } from "./row.js";

const OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";
const PAIRS = {
  authorize: "authorization_endpoint",
  token: "token_endpoint",
  introspect: "introspection_endpoint",
  manage: "management_endpoint",
  register: "registration_endpoint",
  revoke: "revocation_endpoint",
};
const seen = {};

export const rows = [
  {
    id: "stu1.Test03 oauth-uris",
    requirement: "rest.security says SMART-on-FHIR and has authorize and token",
    async run({ target }) {
      const { body } = await get(`${target.fhir}/metadata`);
      const { security } = body.rest[0];
      must((security.service ?? []).some((one) => (one.coding ?? []).some((coding) => coding.code === "SMART-on-FHIR")), "no SMART-on-FHIR", security.service);
      const found = (security.extension ?? []).find((one) => one.url === OAUTH_URIS)?.extension ?? [];
      seen.uris = Object.fromEntries(found.map((one) => [one.url, one.valueUri]));
      for (const name of ["authorize", "token"]) must(seen.uris[name], name, seen.uris);
    },
  },
  {
    id: "stu1.Test04 the same URLs",
    requirement: "the six URLs of oauth-uris are those of smart-configuration, or absent in both",
    run({ smart }) {
      const uris = need(seen.uris, "stu1.Test03");
      for (const [legacy, name] of Object.entries(PAIRS)) must(uris[legacy] === smart[name], `${legacy} ${uris[legacy]} is not ${name} ${smart[name]}`);
    },
  },
  {
    id: "stu1 well_known_capabilities",
    requirement: "smart-configuration has authorization_endpoint, token_endpoint and capabilities",
    run({ smart }) {
      must(smart.authorization_endpoint && smart.token_endpoint && smart.capabilities.length > 0, "a member is missing", smart);
    },
  },
];
