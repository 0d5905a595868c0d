// Groups 1.1, 2.1, 3.1 and 4.1 of the kit: SMART discovery.
import { get } from "../lib/fhir.js";
import { must, need } from "./row.js";

/** The four rows under a number, such as 1.1. */
export function discoveryRows(number) {
  const seen = {};
  return [
    {
      id: `${number}.01 well_known_endpoint`,
      requirement: "the smart-configuration under the FHIR base is JSON, without a token",
      async run({ target }) {
        const { status, headers, body } = await get(`${target.fhir}/.well-known/smart-configuration`, undefined, { accept: "application/json" });
        must(status === 200, "status", status);
        must(headers.get("content-type")?.startsWith("application/json"), "Content-Type", headers.get("content-type"));
        must(typeof body === "object" && !Array.isArray(body), "no JSON object", body);
        seen.body = body;
      },
    },
    {
      id: `${number}.02 well_known_capabilities_stu2`,
      requirement: "every member that SMART 2 asks for, typed, S256 and not plain, issuer and jwks_uri with sso-openid-connect",
      run() {
        const body = need(seen.body, `${number}.01`);
        for (const name of ["authorization_endpoint", "token_endpoint"]) must(typeof body[name] === "string" && body[name] !== "", name, body[name]);
        for (const name of ["capabilities", "grant_types_supported", "code_challenge_methods_supported"]) {
          must(Array.isArray(body[name]) && body[name].length > 0 && body[name].every((one) => typeof one === "string"), name, body[name]);
        }
        must(body.grant_types_supported.includes("authorization_code"), "grant_types_supported", body.grant_types_supported);
        must(body.code_challenge_methods_supported.includes("S256"), "S256", body.code_challenge_methods_supported);
        must(!body.code_challenge_methods_supported.includes("plain"), "plain", body.code_challenge_methods_supported);
        const openid = body.capabilities.includes("sso-openid-connect");
        for (const name of ["issuer", "jwks_uri"]) must(!openid || typeof body[name] === "string", name, body[name]);
        must(openid || body.issuer === undefined, "an issuer without sso-openid-connect", body.issuer);
      },
    },
    corsRow(`${number}.03 smart_cors_well_known_endpoint`, "/.well-known/smart-configuration"),
    corsRow(`${number}.04 smart_cors_metadata_request`, "/metadata"),
  ];
}

function corsRow(id, path) {
  return {
    id,
    requirement: `${path} is open to the origin of an app`,
    async run({ target, origin }) {
      const { status, headers } = await get(`${target.fhir}${path}`, undefined, { origin });
      must(status === 200, "status", status);
      allowed(headers, origin);
    },
  };
}

/** Fails unless the answer lets a page of `origin` read it. */
export function allowed(headers, origin) {
  const got = headers.get("access-control-allow-origin");
  must(got === "*" || got === origin, "Access-Control-Allow-Origin", String(got));
}
