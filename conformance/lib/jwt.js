// JSON Web Tokens and keys with nothing but node:crypto, also the wrong ones that no library would make.
import { constants, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";

/** What SMART App Launch 2.2 calls an assertion of a client. */
export const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const LIFE = 300;

/** RS384 or ES384, by the key. */
export function algorithmOf(jwk) {
  return jwk.alg ?? (jwk.kty === "EC" ? "ES384" : "RS384");
}

/** A new private key as a JWK for RS384 or ES384. */
export function newKey(algorithm, kid = randomBytes(8).toString("hex")) {
  const { privateKey } =
    algorithm === "ES384" ? generateKeyPairSync("ec", { namedCurve: "P-384" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid, alg: algorithm, use: "sig" };
}

/** The public half, as a client registers it. */
export function publicHalf(jwk) {
  const { kid, alg, use } = jwk;
  return { ...createPublicKey(createPrivateKey({ key: jwk, format: "jwk" })).export({ format: "jwk" }), kid, ...(alg && { alg }), ...(use && { use }) };
}

/** A compact JWT. `der` writes an elliptic signature as ASN.1, which RFC 7518, 3.4 forbids. */
export function signed(header, claims, jwk, { der = false } = {}) {
  const input = `${part(header)}.${part(claims)}`;
  if (header.alg === "none") return `${input}.`;
  const bits = header.alg.slice(2);
  if (header.alg.startsWith("HS")) {
    const secret = createPublicKey(createPrivateKey({ key: jwk, format: "jwk" })).export({ format: "pem", type: "spki" });
    return `${input}.${createHmac(`sha${bits}`, secret).update(input).digest("base64url")}`;
  }
  const key = { key: createPrivateKey({ key: jwk, format: "jwk" }), dsaEncoding: der ? "der" : "ieee-p1363", padding: jwk.kty === "RSA" ? constants.RSA_PKCS1_PADDING : undefined };
  return `${input}.${sign(`sha${bits}`, Buffer.from(input), key).toString("base64url")}`;
}

/** A client's assertion as the kit writes it: 5 minutes, 32 random bytes. `claims` and `header` replace members; undefined leaves one out. */
export function assertion({ client, jwk, audience, claims = {}, header = {}, der }) {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: client, sub: client, aud: audience, exp: now + LIFE, jti: randomBytes(32).toString("hex"), ...claims };
  return signed({ alg: algorithmOf(jwk), kid: jwk.kid, typ: "JWT", ...header }, all, jwk, { der });
}

/** `{ header, claims }` of a JWT, its signature not looked at. Throws where it is none. */
export function decoded(token) {
  const parts = token.split(".");
  if (parts.length !== 3) throw new Error(`a JWT has three parts, not ${parts.length}`);
  const [header, claims] = parts.slice(0, 2).map((one) => JSON.parse(Buffer.from(one, "base64url")));
  return { header, claims };
}

/** Whether an RS256 JWT is signed by this public RSA key. */
export function isSignedBy(token, { n, e }) {
  const [header, claims, signature] = token.split(".");
  const key = createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
  return verify("sha256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"));
}

function part(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
