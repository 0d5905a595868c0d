// One token for each kind of caller, with writing where the server lets an app have it.
import { Agent } from "../lib/agent.js";
import { authorizationRequest, codeForm, consent, launch, login, openAuthorize, token, words } from "../lib/oauth.js";
import { CALLBACK, staffOf } from "../lib/target.js";
import { basic } from "../smart/app.js";
import { backendToken } from "../smart/backend.js";
import { register } from "../smart/bench.js";
import { Skip } from "../smart/row.js";

/** How each caller comes to a token response. */
export const TOKENS = {
  patient: (bench) => ofPatient(bench, bench.patients[0]),
  other: (bench) => ofPatient(bench, bench.patients[1]),
  staff: ofStaff,
  system: (bench) => backendToken(bench),
};

/** A token of the backend service with these scopes only. */
export async function narrowToken(bench, scope) {
  return (await backendToken(bench, scope)).access_token;
}

const creates = (scope, level) => new RegExp(`(^|\\s)${level}/\\*\\.c\\w*s`).test(scope);

async function ofPatient(bench, patient) {
  const client = await patientsApp(bench);
  const scope = ["launch/patient", "openid", "fhirUser", ...client.scope.split(" ").filter((one) => one.startsWith("patient/"))].join(" ");
  return (await launch(bench.target, client, patient, { scope })).body;
}

function patientsApp(bench) {
  return bench.once("the patients' app", async () => {
    const client = bench.client("public");
    if (creates(client.scope, "patient")) return client;
    const scope = "launch/patient openid fhirUser patient/*.cruds";
    try {
      const made = await register(bench, { token_endpoint_auth_method: "none", grant_types: ["authorization_code"], scope });
      return creates(made.scope, "patient") ? made : client;
    } catch (problem) {
      console.log(`no app of a patient may create: ${problem.message.slice(0, 200)}`);
      return client;
    }
  });
}

async function ofStaff(bench) {
  const { agent, client } = await staffsApp(bench);
  const scope = ["openid", "fhirUser", ...client.scope.split(" ").filter((one) => one.startsWith("user/"))].join(" ");
  const asked = authorizationRequest(bench.target, client, scope);
  const page = await login(agent, await openAuthorize(bench.target, agent, asked.parameters), staffOf(bench.target, "portal-admin"));
  const back = await consent(agent, page, "approve");
  const code = back.stopped?.searchParams.get("code");
  if (!code) throw new Error(`the launch by staff ended at ${back.stopped?.search ?? words(back)}`);
  const form = codeForm(asked, code);
  const headers = {};
  if (client.client_secret) {
    delete form.client_id;
    headers.authorization = basic(client.client_id, client.client_secret);
  }
  const answer = await token(bench.target, form, headers);
  if (answer.status !== 200) throw new Error(`the token endpoint answered ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

// The app of demo.json that staff use, or, where that one only reads, one that registers and is let in at the desk.
async function staffsApp(bench) {
  const agent = new Agent({ stop: CALLBACK });
  const ready = bench.target.demo.clients.find((one) => one.kind === "public" && one.redirect_uris.includes(CALLBACK) && /(^|\s)user\//.test(one.scope));
  if (ready && creates(ready.scope, "user")) return { agent, client: ready };
  try {
    const scope = "openid fhirUser user/*.cruds";
    const client = await register(bench, { token_endpoint_auth_method: "client_secret_basic", grant_types: ["authorization_code"], scope });
    const desk = await login(agent, await agent.open(`${bench.target.base}/staff/apps`), staffOf(bench.target, "portal-admin"));
    const apps = desk.root.querySelector("form") && /apps/.test(desk.url.pathname) ? desk : await agent.open(`${bench.target.base}/staff/apps`);
    await agent.submit(apps, `input[name=client_id][value="${client.client_id}"]`, {}, { name: "decision", value: "approve" });
    if (creates(client.scope, "user")) return { agent, client };
  } catch (problem) {
    console.log(`no app of staff may create: ${problem.message.slice(0, 200)}`);
  }
  if (!ready) throw new Skip("demo.json has no public client with user/ scopes");
  return { agent, client: ready };
}
