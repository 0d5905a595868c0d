// A page as a person sees it, at the width of a phone and of a desk: axe finds nothing, nothing scrolls sideways; and a picture
// of it where pictures are wanted (ANTEROOM_PICTURES=folder).
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const WIDTHS = [390, 1280];
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.env.ANTEROOM_PICTURES;
if (pictures) await mkdir(pictures, { recursive: true });

/** What axe finds on the page as it is, one line each. */
export async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] }), TAGS);
  return found.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${one.help}: ${node.target.join(" ")}: ${node.html.slice(0, 160)}`));
}

/** Looks at the page of `person`, under a name; `fold` names what is opened first. */
export async function seen(person, name, fold = "") {
  if (fold) await person.page.$$eval(fold, (all) => all.forEach((one) => { one.open = true; }));
  for (const width of WIDTHS) {
    await person.page.setViewport({ width, height: 900 });
    await person.page.evaluate(() => document.getAnimations().forEach((one) => one.finish()));
    if (pictures) await person.page.screenshot({ path: join(pictures, `${name}-${width}.png`), fullPage: true });
    assert.deepEqual(await violations(person.page), [], `${name} at ${width} px`);
    const wide = await person.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, `${name} does not scroll sideways at ${width} px`);
  }
  await person.page.setViewport({ width: 1280, height: 900 });
}
