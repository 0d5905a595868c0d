// A practice's identity provider, for trying things out: npm `oidc-provider` with accounts of a file or of the caller.
//   node idp/idp.js --port 9000 --accounts idp/accounts.json --anteroom http://127.0.0.1:8080
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** The accounts of the file: by what is typed as login, which is also the `sub`, their claims. Any password is right. */
export const ACCOUNTS = JSON.parse(await readFile(new URL("accounts.json", import.meta.url), "utf8"));

/**
 * Starts one at http://localhost:PORT (0 for any port), whose one client is the Anteroom at `anteroom`.
 * Answers `{ issuer, client, close }`, `client` with the id and secret it knows that server by.
 */
export async function startIdp({ port = 0, anteroom, accounts = ACCOUNTS, client = newClient() }) {
  const server = createServer();
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  // Another host than Anteroom's 127.0.0.1, so that a browser sees another site.
  const issuer = `http://localhost:${server.address().port}`;
  const idp = await provider(issuer, { anteroom, accounts, client });
  idp.on("backchannel.error", (_, error) => console.error(`the logout was not taken: ${error.cause ?? error}`));
  server.on("request", idp.callback());
  return {
    issuer,
    client,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

function newClient() {
  return { id: "anteroom", secret: randomBytes(24).toString("base64url") };
}

async function provider(issuer, { anteroom, accounts, client }) {
  const { default: Provider } = await import("oidc-provider");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), kid: randomBytes(8).toString("hex"), use: "sig", alg: "RS256" };
  return new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [`${anteroom}/login/staff/callback`],
        backchannel_logout_uri: `${anteroom}/login/staff/backchannel`,
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(24).toString("base64url")] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username", "name"] },
    // As Keycloak and Entra do: the claims are in the ID token, which alone Anteroom believes.
    conformIdTokenClaims: false,
    features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
    findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
    // Staff of the practice are not asked whether the practice's own server may know who they are.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
    // The server it calls is on this machine, which it would not ask by itself.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 300, IdToken: 300 },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { port: { type: "string", default: "9000" }, accounts: { type: "string" }, anteroom: { type: "string", default: "http://127.0.0.1:8080" } },
  });
  const accounts = values.accounts ? JSON.parse(values.accounts.startsWith("{") ? values.accounts : await readFile(values.accounts, "utf8")) : ACCOUNTS;
  const { issuer, client } = await startIdp({ port: Number(values.port), anteroom: values.anteroom, accounts });
  console.log(`ANTEROOM_STAFF_IDP_ISSUER=${issuer} ANTEROOM_STAFF_IDP_CLIENT_ID=${client.id} ANTEROOM_STAFF_IDP_CLIENT_SECRET=${client.secret}`);
  console.log(`accounts (any password): ${Object.keys(accounts).join(", ")}`);
}
