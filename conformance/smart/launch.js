// Groups 1.2 and 2.2 of the kit: authorization and the trade of the code, row by row.
import { authorization, codeOf, redirected, trade } from "./app.js";
import { allowed } from "./discovery.js";
import { goodBody, goodHeaders } from "./response.js";
import { Skip, must, need, only } from "./row.js";
import { tlsRow } from "./tls.js";

/**
 * The rows of one launch. `plan(bench)` answers who launches what (`client`, `scope`, `traveller`,
 * `method`, and the way through the forms); for a launch from the EHR also `start`, which answers the
 * URL the app was opened at. What the rows find is put into `seen`.
 */
export function launchRows(number, seen, plan, { ehr = false } = {}) {
  const rows = [
    ...(ehr ? ehrRows(seen, plan) : []),
    ["auth_tls", (id) => tlsRow(id, ({ smart }) => smart.authorization_endpoint)],
    [
      "smart_app_redirect_stu2",
      {
        requirement: "a real browser is led from the authorization endpoint back to the app, with the state",
        async run(bench) {
          const way = await plan(bench);
          Object.assign(seen, { client: way.client, requested: way.scope });
          const more = ehr ? { launch: need(seen.launch, `${number}.02`) } : {};
          seen.request = authorization(bench, way.client, way.scope, more);
          seen.redirect = await redirected(bench, way.traveller, seen.request, way);
          seen.asked = way.traveller.asked;
        },
      },
    ],
    [
      "smart_code_received",
      {
        requirement: "the redirect has a code and no error",
        run() {
          seen.code = codeOf(need(seen.redirect, "smart_app_redirect_stu2"));
        },
      },
    ],
    ["token_tls", (id) => tlsRow(id, ({ smart }) => smart.token_endpoint)],
    [
      "smart_token_exchange_stu2_2",
      {
        requirement: "the code and the verifier give 200 and JSON",
        async run(bench) {
          const answer = await trade(bench, seen.client, seen.request, need(seen.code, "smart_code_received"));
          must(answer.status === 200, `status ${answer.status}`, answer.text);
          must(answer.body !== undefined, "no JSON", answer.text);
          seen.answer = answer;
          seen.body = answer.body;
        },
      },
    ],
    [
      "smart_token_response_body_stu2_2",
      {
        requirement: "access_token, token_type Bearer, expires_in as a number, scope; the context of the launch typed as SMART says",
        run() {
          goodBody(need(seen.body, "smart_token_exchange_stu2_2"));
        },
      },
    ],
    [
      "smart_token_response_headers",
      {
        requirement: "Cache-Control: no-store and Pragma: no-cache",
        run() {
          goodHeaders(need(seen.answer, "smart_token_exchange_stu2_2").headers);
        },
      },
    ],
    [
      "smart_cors_token_exchange",
      {
        requirement: "the token endpoint is open to the origin of a public app",
        run({ origin }) {
          const { headers } = need(seen.answer, "smart_token_exchange_stu2_2");
          only(seen.client.kind === "public", "omitted: asked of public clients only, and this one is confidential");
          allowed(headers, origin);
        },
      },
    ],
  ];
  return rows.map(([name, row], index) => {
    const id = `${number}.${String(index + 1).padStart(2, "0")} ${name}`;
    return typeof row === "function" ? row(id) : { id, ...row };
  });
}

function ehrRows(seen, plan) {
  return [
    [
      "smart_app_launch",
      {
        requirement: "staff start the app, and its launch URL is opened with iss equal to the FHIR base",
        async run(bench) {
          const way = await plan(bench);
          if (!way.start) throw new Skip("nobody can start an app here");
          seen.start = await way.start();
          must(seen.start.searchParams.get("iss") === bench.target.fhir, "iss", seen.start.href);
        },
      },
    ],
    [
      "smart_launch_received",
      {
        requirement: "launch is there and not blank",
        run() {
          const launch = need(seen.start, "smart_app_launch").searchParams.get("launch");
          must(launch?.trim(), "launch", seen.start.href);
          seen.launch = launch;
        },
      },
    ],
  ];
}
