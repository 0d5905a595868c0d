// The kit's suite smart_access_brands: the bundle that tells a patient's app where the practice is.
import * as medplum from "../lib/medplum.js";
import { get } from "../lib/fhir.js";
import { allowed } from "./discovery.js";
import { must, need } from "./row.js";

const PORTAL = "http://hl7.org/fhir/StructureDefinition/organization-portal";
const seen = {};

function resources(type) {
  return (need(seen.bundle, "brands.01").entry ?? []).map((entry) => entry.resource).filter((one) => one?.resourceType === type);
}

function referred(organization) {
  const portals = (organization.extension ?? []).filter((one) => one.url === PORTAL).flatMap((one) => one.extension ?? []).filter((one) => one.url === "portalEndpoint");
  return { own: (organization.endpoint ?? []).map((one) => one.reference), portals: portals.map((one) => one.valueReference?.reference) };
}

function names(reference, resource) {
  return reference === `${resource.resourceType}/${resource.id}` || need(seen.bundle, "brands.01").entry.some((entry) => entry.fullUrl === reference && entry.resource === resource);
}

function none(problems) {
  must(problems.length === 0, `${problems.length} problems`, problems);
}

// The profiles of SMART App Launch are in no package here: base R4, then the rules of section 1.12 by hand.
function base(resource) {
  medplum.loadBase();
  return medplum.problems(resource);
}

export const rows = [
  {
    id: "brands.01 smart_access_brands_retrieve_bundle",
    requirement: "the bundle that smart-configuration names is public, open to any origin, and has a weak ETag",
    async run(bench) {
      const url = bench.smart.user_access_brand_bundle;
      must(url, "smart-configuration names no user_access_brand_bundle");
      const answer = await get(url, undefined, { origin: bench.origin });
      must(answer.status === 200, `status ${answer.status}`, answer.text);
      allowed(answer.headers, bench.origin);
      must(answer.headers.get("etag")?.startsWith("W/"), "no weak ETag", String(answer.headers.get("etag")));
      seen.bundle = answer.body;
    },
  },
  {
    id: "brands.02 smart_access_brands_valid_bundle",
    requirement: "a collection with a timestamp and entries, valid R4; the identifier of smart-configuration is that of one brand",
    run({ smart }) {
      const bundle = need(seen.bundle, "brands.01");
      must(bundle.resourceType === "Bundle" && bundle.type === "collection", "type", bundle.type);
      must(bundle.timestamp, "no timestamp");
      must(bundle.entry?.length > 0, "no entry");
      none(base(bundle));
      const wanted = smart.user_access_brand_identifier;
      const same = (one) => one.value === wanted.value && one.system === wanted.system;
      if (wanted) must(resources("Organization").filter((one) => (one.identifier ?? []).some(same)).length === 1, "user_access_brand_identifier", wanted);
      else must(resources("Organization").length < 2, "several brands and no user_access_brand_identifier");
    },
  },
  {
    id: "brands.03 smart_access_brands_valid_brands",
    requirement: "every brand has a name and refers to endpoints of the bundle; a portal's endpoint is one of its own",
    run() {
      const brands = resources("Organization");
      must(brands.length > 0, "no Organization");
      const endpoints = resources("Endpoint");
      const problems = brands.flatMap((brand) => {
        const { own, portals } = referred(brand);
        const lost = own.filter((reference) => !endpoints.some((one) => names(reference, one)));
        return [
          ...base(brand),
          ...(brand.name ? [] : [`${brand.id} has no name`]),
          ...lost.map((reference) => `${reference} is not in the bundle`),
          ...portals.filter((one) => !own.includes(one)).map((one) => `portalEndpoint ${one} is not an endpoint of ${brand.id}`),
        ];
      });
      none(problems);
    },
  },
  {
    id: "brands.04 smart_access_brands_valid_endpoints",
    requirement: "every endpoint is valid R4 and some brand refers to it",
    run() {
      const brands = resources("Organization");
      const endpoints = resources("Endpoint");
      must(endpoints.length > 0, "no Endpoint");
      const alone = endpoints.filter((one) => !brands.some((brand) => referred(brand).own.some((reference) => names(reference, one))));
      none([...endpoints.flatMap(base), ...alone.map((one) => `no brand refers to Endpoint/${one.id}`)]);
    },
  },
  {
    id: "brands.05 smart_access_brands_valid_endpoint_urls",
    requirement: "every address is a URL whose metadata is a CapabilityStatement",
    async run() {
      for (const { address } of resources("Endpoint")) {
        must(/^https?:/.test(address) && URL.canParse(address), "address", address);
        const { status, body } = await get(`${address.replace(/\/$/, "")}/metadata`);
        must(status === 200 && body?.resourceType === "CapabilityStatement", `${address}/metadata answers ${status}`);
      }
    },
  },
];
