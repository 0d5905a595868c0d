// Assertions of clients that must be refused (section 1.4 of the requirements, RFC 7523), each beside one that is right.
import { createServer } from "node:http";
import { ASSERTION_TYPE, assertion, newKey, publicHalf } from "../lib/jwt.js";
import { post } from "./app.js";
import { register, signingApp } from "./bench.js";
import { systemScope } from "./backend.js";
import { oauthError } from "./response.js";
import { must, only } from "./row.js";

const MINUTE = 60;

function now() {
  return Math.floor(Date.now() / 1000);
}

// The backend service of demo.json asks for a token with this proof.
function present(bench, proof, more = {}) {
  const client = bench.client("backend");
  return post(bench.smart.token_endpoint, { grant_type: "client_credentials", scope: systemScope(client), client_assertion_type: ASSERTION_TYPE, client_assertion: proof, ...more });
}

function made(bench, changes = {}) {
  const client = bench.client("backend");
  return assertion({ client: client.client_id, jwk: client.private_jwk, audience: bench.smart.token_endpoint, ...changes });
}

function refused(number, name, changes) {
  return {
    id: `jwt.${number} ${name}`,
    requirement: "such an assertion is invalid_client, 400 or 401",
    async run(bench) {
      const proof = made(bench, typeof changes === "function" ? changes(bench) : changes);
      oauthError(await present(bench, proof), [400, 401], ["invalid_client"]);
    },
  };
}

// Whether the registered app is known by this proof: only the made-up refresh token is wrong then.
async function knows(bench, client, proof) {
  const form = { grant_type: "refresh_token", refresh_token: "made-up", client_assertion_type: ASSERTION_TYPE, client_assertion: proof };
  const { status, body } = await post(bench.smart.token_endpoint, form);
  must([400, 401].includes(status) && ["invalid_grant", "invalid_client"].includes(body?.error), `an unexpected answer ${status}`, body);
  return body.error === "invalid_grant";
}

function proofOf(bench, client, jwk, more = {}) {
  return assertion({ client: client.client_id, jwk, audience: bench.smart.token_endpoint, ...more });
}

export const rows = [
  refused("01", "exp more than five minutes ahead", () => ({ claims: { exp: now() + 10 * MINUTE } })),
  refused("02", "exp past", () => ({ claims: { exp: now() - 5 * MINUTE } })),
  refused("03", "no exp", { claims: { exp: undefined } }),
  refused("04", "aud of another server", { audience: "https://other.example/token" }),
  refused("05", "iss is not sub", { claims: { iss: "somebody-else" } }),
  refused("06", "sub is not iss", { claims: { sub: "somebody-else" } }),
  refused("07", "an unknown client", { claims: { iss: "nobody", sub: "nobody" } }),
  refused("08", "no kid", { header: { kid: undefined } }),
  refused("09", "an unknown kid", { header: { kid: "another" } }),
  refused("10", "no jti", { claims: { jti: undefined } }),
  refused("11", "alg none", { header: { alg: "none" } }),
  refused("12", "HS384 with the public key", { header: { alg: "HS384" } }),
  refused("13", "HS256 with the public key", { header: { alg: "HS256" } }),
  refused("14", "nbf to come", () => ({ claims: { nbf: now() + 5 * MINUTE } })),
  refused("15", "jku of somebody else", { header: { jku: "https://evil.example/jwks.json" } }),
  refused("16", "the key of somebody else under the right kid", (bench) => {
    const { private_jwk: right } = bench.client("backend");
    return { jwk: newKey(right.kty === "EC" ? "ES384" : "RS384", right.kid) };
  }),
  {
    id: "jwt.17 jti twice",
    requirement: "an assertion works once",
    async run(bench) {
      const proof = made(bench);
      const first = await present(bench, proof);
      must(first.status === 200, `the first use answers ${first.status}`, first.text);
      oauthError(await present(bench, proof), [400, 401], ["invalid_client"]);
    },
  },
  {
    id: "jwt.18 a client_id that disagrees",
    requirement: "client_id in the body must be that of the assertion",
    async run(bench) {
      oauthError(await present(bench, made(bench), { client_id: bench.client("public").client_id }), [400, 401], ["invalid_client", "invalid_request"]);
      const same = await present(bench, made(bench), { client_id: bench.client("backend").client_id });
      must(same.status === 200, `the right client_id beside the assertion answers ${same.status}`, same.text);
    },
  },
  {
    id: "jwt.19 aud as an array",
    requirement: "an array that holds the token endpoint is as good",
    async run(bench) {
      const answer = await present(bench, made(bench, { audience: [bench.smart.token_endpoint] }));
      must(answer.status === 200, `status ${answer.status}`, answer.text);
    },
  },
  {
    id: "jwt.20 ES384 in DER",
    requirement: "an elliptic signature as ASN.1 is refused, the same as r and s is not",
    async run(bench) {
      const client = await signingApp(bench);
      const { ES384: key } = client.keys;
      must(await knows(bench, client, proofOf(bench, client, key)), "the right form is refused");
      must(!(await knows(bench, client, proofOf(bench, client, key, { der: true }))), "the wrong form is accepted");
    },
  },
  {
    id: "jwt.21 two keys with one kid",
    requirement: "a set in which two keys fit is refused, at the registration or when it is used",
    async run(bench) {
      const keys = [newKey("ES384", "same"), newKey("ES384", "same")];
      const client = await register(bench, { token_endpoint_auth_method: "private_key_jwt", scope: "launch/patient patient/Patient.rs", jwks: { keys: keys.map(publicHalf) } }).catch((problem) => {
        if (/answered 400/.test(problem.message)) return undefined;
        throw problem;
      });
      if (client) for (const key of keys) must(!(await knows(bench, client, proofOf(bench, client, key))), "one of the two was taken");
    },
  },
  {
    id: "jwt.22 jwks_uri",
    requirement: "the keys of a jwks_uri are fetched; jku may name that URL and no other",
    async run(bench) {
      const key = newKey("RS384");
      const visits = [];
      const server = createServer((request, response) => {
        visits.push(request.url);
        response.writeHead(200, { "content-type": "application/json", "cache-control": "max-age=60" }).end(JSON.stringify({ keys: [publicHalf(key)] }));
      });
      await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
      try {
        const url = `http://127.0.0.1:${server.address().port}/jwks.json`;
        const asked = register(bench, { token_endpoint_auth_method: "private_key_jwt", scope: "launch/patient patient/Patient.rs", jwks_uri: url });
        const client = await asked.catch((problem) => {
          only(!/invalid_client_metadata.*jwks_uri.*https/.test(problem.message), "outside a sandbox the server fetches keys by https only, as it should: no key server of this suite can be asked");
          throw problem;
        });
        must(await knows(bench, client, proofOf(bench, client, key)), "the key of the jwks_uri is refused");
        must(visits.length === 1 && visits[0] === "/jwks.json", "visits", visits);
        must(await knows(bench, client, proofOf(bench, client, key, { header: { jku: url } })), "the registered URL as jku is refused");
        must(!(await knows(bench, client, proofOf(bench, client, key, { header: { jku: `${url}?other` } }))), "another jku is taken");
        must(visits.length === 1, "the set was fetched again within its max-age, or the foreign jku was fetched", visits);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    },
  },
];
