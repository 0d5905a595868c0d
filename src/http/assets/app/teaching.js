// The developer's panel: the steps of the launch with their times, and the token response.

import { current, short, steps } from "./launch.js";
import { el } from "./words.js";

/** Draws the panel from what the launch has noted. */
export function teach() {
  const session = current();
  const list = steps();
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
  const lines = list.map(({ at, what, detail }) =>
    el("li", "", el("time", "", clock.format(at)), ` ${what}`, detail ? el("code", "", detail) : null));
  document.getElementById("trace").replaceChildren(...(lines.length ? lines : [el("li", "none", "Nothing yet. Press Connect.")]));
  document.getElementById("refresh").disabled = !session?.refreshToken;
  document.getElementById("token").replaceChildren(session ? fields(session) : el("p", "none", "Not connected."));
}

function fields(session) {
  const rows = {
    access_token: short(session.accessToken),
    refresh_token: short(session.refreshToken),
    ...session.response,
    scope: session.scope,
  };
  if (rows.id_token) {
    rows.id_token = short(rows.id_token);
  }
  const list = el("dl", "facts");
  for (const [name, value] of Object.entries(rows)) {
    if (value === undefined || value === "") {
      continue;
    }
    const shown = name === "scope"
      ? el("ul", "chips", ...value.split(" ").map((scope) => el("li", "", el("code", "", scope))))
      : el("code", "", typeof value === "string" ? value : JSON.stringify(value));
    list.append(el("div", "", el("dt", "", name), el("dd", "", shown)));
  }
  return list;
}
