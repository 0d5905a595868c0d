// Groups 1.4, 1.5, 2.4 and 2.5 of the kit: the refresh, first without and then with the scopes.
import { refresh } from "./app.js";
import { goodHeaders, goodRefresh } from "./response.js";
import { must, need } from "./row.js";

/** The three rows of a refresh of what `seen` holds. `withScopes` sends the received scope list back. */
export function refreshRows(number, seen, { withScopes }) {
  const here = {};
  const rows = [
    [
      "smart_token_refresh_stu2",
      `a refresh ${withScopes ? "with" : "without"} scope gives 200 and JSON`,
      async (bench) => {
        need(seen.body, "the token exchange");
        const scope = seen.body.scope;
        const answer = await refresh(bench, seen.client, need(seen.body.refresh_token, "a granted offline_access scope"), withScopes ? { scope } : {});
        must(answer.status === 200, `status ${answer.status}`, answer.text);
        must(answer.body !== undefined, "no JSON", answer.text);
        Object.assign(here, answer, { before: scope });
        // The next refresh uses the newest token.
        seen.body = { ...seen.body, ...answer.body };
      },
    ],
    ["smart_token_refresh_body", "access_token, token_type, expires_in and scope, and no more scopes than before", () => goodRefresh(need(here.body, `${number}.01`), here.before)],
    ["smart_token_response_headers", "Cache-Control: no-store and Pragma: no-cache", () => goodHeaders(need(here.headers, `${number}.01`))],
  ];
  return rows.map(([name, requirement, run], index) => ({ id: `${number}.0${index + 1} ${name}`, requirement, run }));
}
