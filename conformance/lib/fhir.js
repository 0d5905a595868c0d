// Reading FHIR over fetch.

const PAGES = 200;

/** GET with a token. Answers `{ status, headers, text, body }`; `body` is parsed if it is JSON. */
export async function get(url, accessToken, headers = {}) {
  const response = await fetch(url, {
    headers: { accept: "application/fhir+json", ...(accessToken && { authorization: `Bearer ${accessToken}` }), ...headers },
  });
  const text = await response.text();
  const json = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
  return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
}

/** Every page of a search, by the server's own `next` links. Throws on any answer but a searchset. */
export async function allPages(url, accessToken) {
  const bundles = [];
  for (let next = url; next; ) {
    const { status, body, text } = await get(next, accessToken);
    if (status !== 200 || body?.type !== "searchset") throw new Error(`${next} answered ${status}: ${text.slice(0, 300)}`);
    bundles.push(body);
    if (bundles.length > PAGES) throw new Error(`${url} has more than ${PAGES} pages`);
    next = body.link?.find((link) => link.relation === "next")?.url;
  }
  return bundles;
}

/** The matches of the bundles of one search. */
export function matches(bundles) {
  return bundles.flatMap((bundle) => bundle.entry ?? []).filter((entry) => entry.search?.mode !== "outcome").map((entry) => entry.resource);
}

/** What is wrong with an answer that should be an OperationOutcome, or an empty list. */
export function outcomeProblems({ headers, body }) {
  const problems = [];
  if (!(headers.get("content-type") ?? "").startsWith("application/fhir+json")) problems.push(`content-type ${headers.get("content-type")}`);
  if (body?.resourceType !== "OperationOutcome") problems.push(`resourceType ${body?.resourceType}`);
  if (!(body?.issue?.length > 0)) problems.push("no issue");
  for (const issue of body?.issue ?? []) {
    if (!issue.severity || !issue.code) problems.push(`issue without severity or code: ${JSON.stringify(issue)}`);
  }
  return problems;
}
