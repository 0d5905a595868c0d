// R4's rules for search (section 5.3): bundles, result parameters, modifiers, chains, lists.
import { must, only } from "../smart/row.js";
import { included, matched } from "./bench.js";
import { bundle, refused, sentences, status } from "./said.js";
import { folded } from "./values.js";

const STRICT = { prefer: "handling=strict" };
const LENIENT = { prefer: "handling=lenient" };
const SUBSETTED = "SUBSETTED";

const ids = (resources) => resources.map((one) => one.id).sort();
const same = (a, b) => JSON.stringify(ids(a)) === JSON.stringify(ids(b));
const row = (id, requirement, run) => ({ id: `REST-SEARCH-${id}`, requirement, run });
const listed = (bench, type, list, name) => only((bench.types.get(type)?.[list] ?? []).some((one) => (one.name ?? one) === name), `${type}: ${name} is not listed`);

// A patient's own visits, documents and messages are what every sandbox has several of.
const visits = (bench) => bench.all("Appointment", "patient");
const find = async (bench, path, as = "patient", headers = STRICT) => matched(bundle(await bench.ask(path, { as, headers })));

const bundles = [
  row("BUNDLE-1", "searchset with self, absolute; fullUrl absolute, unique, without version; mode of each entry", async (bench) => {
    const body = bundle(await bench.ask("Appointment?_count=5", { as: "patient" }));
    const self = body.link.find((one) => one.relation === "self")?.url;
    must(self?.startsWith(`${bench.target.fhir}/Appointment`), "self", body.link);
    const urls = body.entry.map((one) => one.fullUrl);
    must(urls.every((one) => /^https?:.*\/[A-Z]\w+\/[A-Za-z0-9.-]+$/.test(one)) && new Set(urls).size === urls.length, "fullUrl", urls);
    must(body.entry.every((one) => ["match", "include", "outcome"].includes(one.search?.mode) && !one.request && !one.response), "mode", body.entry.map((one) => one.search));
  }),
  row("BUNDLE-2", "no hit is 200 and total 0, without an empty entry array", async (bench) => {
    const body = bundle(await bench.ask("Appointment?date=ge2190-01-01", { as: "patient" }));
    must(body.total === 0 && matched(body).length === 0, "total", body.total);
    must(body.entry === undefined || body.entry.length > 0, "an empty array is no JSON of FHIR", body);
  }),
  row("BUNDLE-3", "self says what was processed: an ignored parameter is not in it", async (bench) => {
    const body = bundle(await bench.ask("Appointment?nonsense=1&_count=2", { as: "patient", headers: LENIENT }));
    const self = body.link.find((one) => one.relation === "self").url;
    must(!self.includes("nonsense") && self.includes("_count"), "self", self);
  }),
  row("BUNDLE-4", "self answers the same search again", async (bench) => {
    const body = bundle(await bench.ask("Appointment?_count=100&status=booked", { as: "patient" }));
    const again = bundle(await bench.ask(body.link.find((one) => one.relation === "self").url, { as: "patient" }));
    must(same(matched(body), matched(again)), "another answer", ids(matched(again)));
  }),
  row("PAGE-1", "next links give each match once, in the same order as one page", async (bench) => {
    const whole = (await bench.pages("Appointment?_count=100", "patient")).flatMap(matched).map((one) => one.id);
    const pages = await bench.pages("Appointment?_count=2", "patient");
    must(JSON.stringify(pages.flatMap(matched).map((one) => one.id)) === JSON.stringify(whole), "pages differ from the whole");
    must(pages.every((one) => matched(one).length <= 2), "more than asked");
    must(pages.every((one) => one.link.some((l) => l.relation === "self")), "a page without self");
  }),
  row("PAGE-2", "a next link is not another token's, and not one that was changed", async (bench) => {
    const body = bundle(await bench.ask("Appointment?_count=1", { as: "patient" }));
    const next = body.link.find((one) => one.relation === "next")?.url;
    only(next, "one page only");
    refused(await bench.ask(next, { as: "other" }), 400, 403, 404, 410);
    const changed = next.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    const answer = await bench.ask(changed, { as: "patient" });
    if (answer.status === 200) must(matched(answer.body).every((one) => JSON.stringify(one).includes(bench.patients[0].id)), "somebody else's");
    else refused(answer, 400, 403, 404, 410);
  }),
  row("PAGE-3", "_count=0 is a count; a _count that is none is 400; a large one is capped, not refused", async (bench) => {
    const all = await visits(bench);
    const none = bundle(await bench.ask("Appointment?_count=0", { as: "patient" }));
    must(matched(none).length === 0 && none.total === all.length, "total", none.total);
    refused(await bench.ask("Appointment?_count=many", { as: "patient" }), 400);
    refused(await bench.ask("Appointment?_count=-1", { as: "patient" }), 400);
    bundle(await bench.ask("Appointment?_count=1000000", { as: "patient" }));
  }),
  row("TOTAL-1", "_total=accurate counts the matches, _total=none gives no total; another value is 400", async (bench) => {
    const all = await visits(bench);
    must(bundle(await bench.ask("Appointment?_count=1&_total=accurate", { as: "patient" })).total === all.length, "accurate");
    must(bundle(await bench.ask("Appointment?_count=1&_total=none", { as: "patient" })).total === undefined, "none");
    bundle(await bench.ask("Appointment?_count=1&_total=estimate", { as: "patient" }));
    refused(await bench.ask("Appointment?_total=perhaps", { as: "patient", headers: STRICT }), 400);
  }),
  row("SUMMARY-1", "_summary=count is a total and no entry", async (bench) => {
    const body = bundle(await bench.ask("Appointment?_summary=count", { as: "patient" }));
    must(body.total === (await visits(bench)).length && matched(body).length === 0, "count", body);
  }),
  row("SUMMARY-2", "_summary=true and text mark what is left SUBSETTED; data has no text; false is everything", async (bench) => {
    for (const value of ["true", "text"]) must((await find(bench, `Appointment?_count=2&_summary=${value}`)).every((one) => one.meta.tag?.some((t) => t.code === SUBSETTED)), value);
    must((await find(bench, "Appointment?_count=2&_summary=data")).every((one) => !one.text && one.participant), "data");
    must(JSON.stringify(await find(bench, "Appointment?_count=2&_summary=false")) === JSON.stringify(await find(bench, "Appointment?_count=2")), "false");
    refused(await bench.ask("Appointment?_summary=some", { as: "patient" }), 400);
  }),
  row("ELEMENTS-1", "_elements: those asked, the mandatory ones, nothing else; SUBSETTED", async (bench) => {
    for (const one of await find(bench, "Appointment?_count=3&_elements=start")) {
      must(one.start && one.status && one.participant && one.id, "a mandatory element is missing", one);
      must(!one.serviceType && !one.created && !one.minutesDuration, "more than asked", Object.keys(one));
      must(one.meta.tag?.some((t) => t.code === SUBSETTED), "SUBSETTED", one.meta);
    }
  }),
  row("SORT-1", "_sort=date and -date", async (bench) => {
    const times = async (sort) => (await bench.pages(`Appointment?_count=50&_sort=${sort}`, "patient")).flatMap(matched).map((one) => Date.parse(one.start));
    const up = await times("date");
    const down = await times("-date");
    must(up.length > 1 && up.every((one, index) => index === 0 || up[index - 1] <= one), "date", up);
    must(down.every((one, index) => index === 0 || down[index - 1] >= one), "-date", down);
  }),
  row("SORT-2", "_sort by two keys; pages keep the order", async (bench) => {
    const found = (await bench.pages("Appointment?_count=2&_sort=status,-date", "patient")).flatMap(matched);
    must(found.length === (await visits(bench)).length, "all of them", found.length);
    const keys = found.map((one) => [one.status, -Date.parse(one.start)]);
    must(keys.every((one, index) => index === 0 || keys[index - 1][0] < one[0] || (keys[index - 1][0] === one[0] && keys[index - 1][1] <= one[1])), "order", keys);
  }),
  row("SORT-3", "_sort by an unknown key is 400 under strict", async (bench) => {
    refused(await bench.ask("Appointment?_sort=nonsense", { as: "patient", headers: STRICT }), 400);
  }),
];

const handling = [
  row("STRICT-1", "an unknown parameter: 400 under strict, named", async (bench) => {
    const answer = refused(await bench.ask("Appointment?nonsense=1", { as: "patient", headers: STRICT }), 400);
    must(/nonsense/.test(sentences(answer.body)), "the parameter is not named", answer.text);
  }),
  row("STRICT-2", "lenient: 200, with a warning entry that names it", async (bench) => {
    const body = bundle(await bench.ask("Appointment?nonsense=1", { as: "patient", headers: LENIENT }));
    const outcome = body.entry.find((one) => one.search.mode === "outcome")?.resource;
    must(outcome?.issue.every((one) => ["warning", "information"].includes(one.severity)) && /nonsense/.test(sentences(outcome)), "no warning", outcome);
  }),
  row("STRICT-3", "Prefer in a list and beside other preferences", async (bench) => {
    refused(await bench.ask("Appointment?nonsense=1", { as: "patient", headers: { prefer: "return=representation, handling=strict" } }), 400);
    refused(await bench.ask("Appointment?nonsense=1", { as: "patient", headers: { prefer: 'return=minimal; foo="a,b", handling="strict"' } }), 400);
  }),
  row("MOD-1", "an unknown modifier is 400, always", async (bench) => {
    for (const headers of [STRICT, LENIENT, {}]) refused(await bench.ask("Patient?name:nonsense=x", { headers }), 400);
  }),
  row("MOD-2", "a modifier of another type of parameter is 400", async (bench) => {
    refused(await bench.ask("Appointment?date:exact=2026-01-01", { as: "patient" }), 400);
    refused(await bench.ask("Patient?name:not=x"), 400);
  }),
  row("VALUE-1", "a bad date, a bad prefix and an impossible day are 400", async (bench) => {
    for (const value of ["yesterday", "zz2026-01-01", "2026-02-30", "2026-13", "ge"]) refused(await bench.ask(`Appointment?date=${value}`, { as: "patient" }), 400);
  }),
  row("POST-1", "POST _search: parameters of URL and body together", async (bench) => {
    const both = matched(bundle(await bench.ask("Appointment/_search?status=booked", { as: "patient", form: { _count: "100" } })));
    must(same(both, await find(bench, "Appointment?status=booked&_count=100")), "another answer", ids(both));
  }),
  row("POST-2", "POST _search of another content type is 415", async (bench) => {
    refused(await bench.ask("Appointment/_search", { as: "patient", json: { status: "booked" } }), 415);
  }),
];

const matching = [
  row("DATE-1", "date by day, month, year and prefixes agree with the list of all", async (bench) => {
    const all = await visits(bench);
    const year = (one) => Number(one.start.slice(0, 4));
    for (const wanted of new Set(all.map(year))) must(same(await find(bench, `Appointment?_count=100&date=${wanted}`), all.filter((one) => year(one) === wanted)), `date=${wanted}`);
    for (const day of new Set(all.slice(0, 4).map((one) => one.start.slice(0, 10)))) {
      must(same(await find(bench, `Appointment?_count=100&date=${day}`), all.filter((one) => one.start.startsWith(day))), `date=${day}`);
      must(same(await find(bench, `Appointment?_count=100&date=ge${day}`), all.filter((one) => one.start.slice(0, 10) >= day)), `date=ge${day}`);
      must(same(await find(bench, `Appointment?_count=100&date=sa${day}`), all.filter((one) => one.start.slice(0, 10) > day)), `date=sa${day}`);
      must(same(await find(bench, `Appointment?_count=100&date=eb${day}`), all.filter((one) => one.start.slice(0, 10) < day)), `date=eb${day}`);
      must(same(await find(bench, `Appointment?_count=100&date=ne${day}`), all.filter((one) => !one.start.startsWith(day))), `date=ne${day}`);
    }
  }),
  row("DATE-2", "an exact instant; + in its zone arriving as a space is taken", async (bench) => {
    const [one] = await visits(bench);
    must((await find(bench, `Appointment?_count=100&date=${encodeURIComponent(one.start)}`)).some((found) => found.id === one.id), one.start);
    const east = new Date(Date.parse(one.start) + 3_600_000).toISOString().slice(0, 19);
    must((await find(bench, `Appointment?_count=100&date=${east}+01:00`)).some((found) => found.id === one.id), `${east}+01:00`);
  }),
  row("AND-1", "a repeated parameter is AND", async (bench) => {
    const all = await visits(bench);
    const days = all.map((one) => one.start.slice(0, 10)).sort();
    const middle = days[Math.floor(days.length / 2)];
    const found = await find(bench, `Appointment?_count=100&date=ge${days[0]}&date=lt${middle}`);
    must(same(found, all.filter((one) => one.start.slice(0, 10) < middle)), "range", ids(found));
  }),
  row("OR-1", "a comma list is OR", async (bench) => {
    const all = await visits(bench);
    must(same(await find(bench, "Appointment?_count=100&status=booked,cancelled"), all.filter((one) => ["booked", "cancelled"].includes(one.status))), "status");
    const two = all.slice(0, 2).map((one) => one.id);
    must((await find(bench, `Appointment?_id=${two.join(",")}`)).length === 2, "_id", two);
  }),
  row("STRING-1", "a string begins with, whatever case and accents", async (bench) => {
    const { body } = await bench.ask(`Patient/${bench.patients[0].id}`);
    const family = body.name[0].family;
    for (const text of [family.slice(0, 3), family.toUpperCase(), folded(family)]) must((await find(bench, `Patient?family=${encodeURIComponent(text)}`, "system")).some((one) => one.id === body.id), text);
    const given = body.name[0].given[0];
    must((await find(bench, `Patient?given=${encodeURIComponent(folded(given))}`, "system")).some((one) => one.id === body.id), folded(given));
  }),
  row("STRING-2", ":exact knows case and accents and the whole; :contains finds inside", async (bench) => {
    const { body } = await bench.ask(`Patient/${bench.patients[0].id}`);
    const family = body.name[0].family;
    const has = async (query) => (await find(bench, `Patient?${query}`, "system")).some((one) => one.id === body.id);
    must(await has(`family:exact=${encodeURIComponent(family)}`), "family:exact");
    must(!(await has(`family:exact=${encodeURIComponent(family.toLowerCase())}`)), "another case is not exact");
    must(!(await has(`family:exact=${encodeURIComponent(family.slice(0, 3))}`)), "a beginning is not exact");
    must(await has(`family:contains=${encodeURIComponent(family.slice(2, 5).toLowerCase())}`), "family:contains");
  }),
  row("STRING-3", "an escaped comma is part of the value", async (bench) => {
    must((await find(bench, "Patient?family=No%5C,Body", "system")).length === 0, "found");
  }),
  row("TOKEN-1", "code, system|code, |code", async (bench) => {
    const { body } = await bench.ask(`Patient/${bench.patients[0].id}`);
    const [{ system, value }] = body.identifier;
    const has = async (text) => (await find(bench, `Patient?identifier=${encodeURIComponent(text)}`, "system")).some((one) => one.id === body.id);
    must(await has(value), value);
    must(await has(`${system}|${value}`), `${system}|${value}`);
    must(!(await has(`|${value}`)), "|value means without a system");
    must(!(await has(`http://example.org|${value}`)), "another system");
  }),
  row("TOKEN-2", ":not is everything else", async (bench) => {
    const all = await visits(bench);
    must(same(await find(bench, "Appointment?_count=100&status:not=booked"), all.filter((one) => one.status !== "booked")), "status:not");
  }),
  row("MISSING-1", ":missing=true and false divide the whole", async (bench) => {
    const all = await visits(bench);
    const without = await find(bench, "Appointment?_count=100&location:missing=true");
    const having = await find(bench, "Appointment?_count=100&location:missing=false");
    must(without.length + having.length === all.length, `${without.length} + ${having.length} of ${all.length}`);
    must(having.every((one) => one.participant.some((p) => /Location\//.test(p.actor?.reference ?? ""))), "one without a location");
    refused(await bench.ask("Appointment?location:missing=perhaps", { as: "patient" }), 400);
  }),
  row("REF-1", "reference as id, Type/id, absolute URL, and with the type as modifier", async (bench) => {
    const all = await visits(bench);
    const actor = all.flatMap((one) => one.participant).find((one) => /Practitioner\//.test(one.actor?.reference ?? "")).actor.reference;
    const id = actor.split("/").at(-1);
    const wanted = all.filter((one) => one.participant.some((p) => p.actor?.reference === actor));
    for (const query of [`practitioner=${id}`, `practitioner=${actor}`, `practitioner=${bench.target.fhir}/${actor}`, `practitioner:Practitioner=${id}`]) must(same(await find(bench, `Appointment?_count=100&${query}`), wanted), query);
    must((await find(bench, `Appointment?practitioner=http://elsewhere.example.org/${actor}`)).length === 0, "a foreign server's");
  }),
  row("REF-2", ":identifier finds by the target's identifier", async (bench) => {
    const [one] = await bench.all(`Encounter?patient=${bench.patients[0].id}`);
    const { body: patient } = await bench.ask(`Patient/${bench.patients[0].id}`);
    const [{ system, value }] = patient.identifier;
    const answer = await bench.ask(`Encounter?patient:identifier=${encodeURIComponent(`${system}|${value}`)}`, { headers: STRICT });
    // R4: it is the identifier in the reference itself; a server without those finds nothing, or looks at the target.
    must(matched(bundle(answer)).every((found) => found.subject.reference === one.subject.reference), "another patient's");
  }),
  row("UPDATED-1", "_lastUpdated with prefixes", async (bench) => {
    const all = await visits(bench);
    const [one] = all;
    const found = await find(bench, `Appointment?_count=100&_lastUpdated=ge${encodeURIComponent(one.meta.lastUpdated)}`);
    must(same(found, all.filter((other) => Date.parse(other.meta.lastUpdated) >= Date.parse(one.meta.lastUpdated))), "ge", ids(found));
    must((await find(bench, "Appointment?_lastUpdated=gt2190-01-01")).length === 0, "gt2190");
  }),
];

const joins = [
  row("CHAIN-1", "a chain: Appointment?patient.name=, Encounter?patient.family=", async (bench) => {
    const { body } = await bench.ask(`Patient/${bench.patients[0].id}`);
    const family = encodeURIComponent(body.name[0].family);
    const found = await find(bench, `Encounter?patient.family=${family}&_count=100`, "system");
    must(found.length > 0 && found.every((one) => one.subject.reference === `Patient/${body.id}`), "chain", ids(found));
  }),
  row("CHAIN-2", "a chain with a type, and one by identifier", async (bench) => {
    const { body } = await bench.ask(`Patient/${bench.patients[0].id}`);
    const [{ system, value }] = body.identifier;
    for (const query of ["patient:Patient.identifier", "patient.identifier"]) {
      const found = await find(bench, `Encounter?${query}=${encodeURIComponent(`${system}|${value}`)}&_count=100`, "system");
      must(found.length > 0 && found.every((one) => one.subject.reference === `Patient/${body.id}`), query, ids(found));
    }
  }),
  row("CHAIN-3", "an unknown parameter or type in a chain is 400", async (bench) => {
    refused(await bench.ask("Encounter?patient.nonsense=1", { headers: STRICT }), 400);
    refused(await bench.ask("Encounter?patient:Nonsense.name=1", { headers: STRICT }), 400);
  }),
  row("CHAIN-4", "a chain tells a patient nothing about others", async (bench) => {
    const { body } = await bench.ask(`Patient/${bench.patients[1].id}`);
    const answer = await bench.ask(`Appointment?patient.family=${encodeURIComponent(body.name[0].family)}`, { as: "patient" });
    if (answer.status === 200) must(matched(answer.body).every((one) => JSON.stringify(one.participant).includes(bench.patients[0].id)), "somebody else's");
    else refused(answer, 400, 403);
  }),
  row("HAS-1", "_has: Practitioners who have a role", async (bench) => {
    const found = await find(bench, "Patient?_has:Encounter:patient:status=finished&_count=100", "system");
    const one = (await bench.all(`Encounter?patient=${bench.patients[0].id}`)).some((visit) => visit.status === "finished");
    must(found.some((patient) => patient.id === bench.patients[0].id) === one, "_has", ids(found));
  }),
  row("HAS-2", "an unknown type, reference or parameter in _has is 400", async (bench) => {
    for (const query of ["_has:Nonsense:patient:status=x", "_has:Encounter:nonsense:status=x", "_has:Encounter:patient:nonsense=x"]) refused(await bench.ask(`Patient?${query}`, { headers: STRICT }), 400);
  }),
  row("INCLUDE-1", "_include brings what is referred to, once, as include", async (bench) => {
    const body = bundle(await bench.ask("Appointment?_count=50&_include=Appointment:practitioner&_include=Appointment:location", { as: "patient", headers: STRICT }));
    const wanted = new Set(matched(body).flatMap((one) => one.participant).map((one) => one.actor?.reference).filter((one) => /^(Practitioner|Location)\//.test(one ?? "")));
    const got = included(body).map((one) => `${one.resourceType}/${one.id}`);
    must([...wanted].every((one) => got.includes(one)) && wanted.size > 0, "missing", [...wanted].filter((one) => !got.includes(one)));
    must(new Set(got).size === got.length && got.every((one) => wanted.has(one)), "more than asked, or twice", got);
  }),
  row("INCLUDE-2", "_include with a target type; total counts matches alone", async (bench) => {
    const body = bundle(await bench.ask("Appointment?_count=100&_include=Appointment:actor:Practitioner", { as: "patient", headers: STRICT }));
    must(included(body).length > 0 && included(body).every((one) => one.resourceType === "Practitioner"), "types", included(body).map((one) => one.resourceType));
    must(body.total === undefined || body.total === matched(body).length, "total", body.total);
  }),
  row("INCLUDE-3", "_include of an unknown type or parameter is 400 under strict", async (bench) => {
    for (const value of ["Nonsense:x", "Appointment:nonsense", "Appointment"]) refused(await bench.ask(`Appointment?_include=${value}`, { as: "patient", headers: STRICT }), 400);
  }),
  row("REVINCLUDE-1", "_revinclude=Provenance:target", async (bench) => {
    listed(bench, "Appointment", "searchRevInclude", "Provenance:target");
    const body = bundle(await bench.ask("Appointment?_count=5&_revinclude=Provenance:target", { as: "patient", headers: STRICT }));
    const targets = included(body).flatMap((one) => one.target ?? []).map((one) => one.reference);
    must(included(body).every((one) => one.resourceType === "Provenance"), "types");
    must(targets.length > 0 && targets.every((one) => matched(body).some((match) => one === `Appointment/${match.id}`)), "targets", targets);
  }),
  row("REVINCLUDE-2", "an include reveals nobody else", async (bench) => {
    const body = bundle(await bench.ask("Appointment?_count=50&_include=Appointment:patient&_revinclude=Provenance:target", { as: "patient" }));
    must(included(body).every((one) => one.resourceType !== "Patient" || one.id === bench.patients[0].id), "another patient", ids(included(body)));
  }),
  row("SCOPE-1", "a search for another patient with a patient's token finds nothing or is refused", async (bench) => {
    for (const type of ["Appointment", "Encounter", "DocumentReference", "Communication"]) {
      const answer = status(await bench.ask(`${type}?patient=${bench.patients[1].id}`, { as: "patient" }), 200, 403);
      if (answer.status === 200) must(matched(answer.body).length === 0, type);
    }
  }),
];

export const rows = [...bundles, ...handling, ...matching, ...joins];
