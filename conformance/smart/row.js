// What every row of the table uses: the reason not to run, and what an earlier row left.

/** A row that cannot run here, with the reason. */
export class Skip extends Error {}

/** `value`, or a skip that names the row which should have given it. */
export function need(value, row) {
  if (value === undefined || value === null) throw new Skip(`needs what ${row} gives`);
  return value;
}

/** Skips unless `condition`. */
export function only(condition, reason) {
  if (!condition) throw new Skip(reason);
}

/** Fails with `text`, and with `seen` as JSON where it is given. */
export function must(condition, text, seen) {
  if (condition) return;
  throw new Error(seen === undefined ? text : `${text}: ${(typeof seen === "string" ? seen : JSON.stringify(seen)).slice(0, 600)}`);
}

/** A scope list as a set. */
export function scopes(text) {
  return new Set((text ?? "").split(" ").filter(Boolean));
}
