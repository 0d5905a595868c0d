// Groups 1.3 and 2.3 of the kit: the id_token.
import { createPublicKey } from "node:crypto";
import { get } from "../lib/fhir.js";
import { decoded, isSignedBy } from "../lib/jwt.js";
import { allowed } from "./discovery.js";
import { userUrl } from "./response.js";
import { must, need, only, scopes } from "./row.js";

const FIELDS = ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"];
const LEEWAY = 60;

/** The eight rows, for the token response that `seen` holds. */
export function openidRows(number, seen) {
  const from = () => need(seen.token, `${number}.01`);
  const configuration = () => need(seen.configuration, `${number}.02`);
  const rsaKeys = () => need(seen.keys, `${number}.04`);
  const rows = [
    [
      "smart_openid_decode_id_token",
      "the id_token is a JWT",
      () => {
        const { id_token: text } = need(seen.body, "the token exchange");
        need(text, "a granted openid scope");
        seen.token = { text, ...decoded(text) };
      },
    ],
    [
      "smart_openid_retrieve_configuration",
      "openid-configuration is found under the issuer of the id_token",
      async () => {
        const issuer = from().claims.iss;
        const { status, headers, body } = await get(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, undefined, { accept: "application/json" });
        must(status === 200, "status", status);
        must(headers.get("content-type")?.startsWith("application/json"), "Content-Type", headers.get("content-type"));
        seen.configuration = body;
      },
    ],
    [
      "smart_openid_required_configuration_fields",
      "it has every required member and RS256",
      () => {
        const found = configuration();
        for (const name of FIELDS) must(found[name]?.length > 0, name, found[name]);
        must(found.id_token_signing_alg_values_supported.includes("RS256"), "RS256", found.id_token_signing_alg_values_supported);
      },
    ],
    [
      "smart_openid_retrieve_jwks",
      "jwks_uri has RSA keys, and each can be imported",
      async () => {
        const { status, body } = await get(configuration().jwks_uri, undefined, { accept: "application/json" });
        must(status === 200 && Array.isArray(body?.keys), "jwks_uri", status);
        const keys = body.keys.filter((key) => key.kty === "RSA");
        must(keys.length > 0, "no RSA key");
        for (const { n, e } of keys) createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
        must(body.keys.every((key) => key.d === undefined), "a private key is published");
        seen.keys = keys;
      },
    ],
    [
      "smart_openid_token_header",
      "alg is RS256, and kid names one of the keys",
      () => {
        const { header } = from();
        must(header.alg === "RS256", "alg", header);
        const keys = rsaKeys();
        if (keys.length > 1 || header.kid !== undefined) must(keys.filter((key) => key.kid === header.kid).length === 1, "kid", header);
      },
    ],
    [
      "smart_openid_token_payload",
      "iss, sub, aud, exp and iat are there and right, and the signature holds",
      () => {
        const { claims, header, text } = from();
        const now = Date.now() / 1000;
        for (const name of ["iss", "sub", "aud", "exp", "iat"]) must(claims[name] !== undefined, name, claims);
        must(claims.iss === configuration().issuer, "iss is not the issuer", claims.iss);
        must([claims.aud].flat().includes(seen.client.client_id), "aud", claims.aud);
        must(claims.sub.trim() !== "" && claims.sub.length < 256, "sub", claims.sub);
        must(claims.exp > now - LEEWAY, "exp is past", claims.exp);
        must(claims.iat < now + LEEWAY, "iat is to come", claims.iat);
        const key = rsaKeys().find((one) => header.kid === undefined || one.kid === header.kid);
        must(isSignedBy(text, key), "the signature does not hold");
      },
    ],
    [
      "smart_openid_fhir_user_claim",
      "fhirUser is a Patient, Practitioner, RelatedPerson or Person that the token may read",
      async (bench) => {
        const { fhirUser } = from().claims;
        only(scopes(seen.requested).has("fhirUser"), "fhirUser was not requested");
        must(fhirUser, "no fhirUser", from().claims);
        const url = userUrl(bench, fhirUser);
        const answer = await get(url, seen.body.access_token);
        must(answer.status === 200, `${url} answers ${answer.status}`, answer.text);
        must(url.includes(`/${answer.body.resourceType}/`), "another type", answer.body.resourceType);
        seen.user = url;
      },
    ],
    [
      "smart_cors_openid_fhir_user_claim",
      "that read is open to the origin of the app",
      async ({ origin }) => {
        const { headers } = await get(need(seen.user, `${number}.07`), seen.body.access_token, { origin });
        allowed(headers, origin);
      },
    ],
  ];
  return rows.map(([name, requirement, run], index) => ({ id: `${number}.0${index + 1} ${name}`, requirement, run }));
}
