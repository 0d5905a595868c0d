// Group 1 of the kit: a standalone launch, OpenID Connect, two refreshes.
import { discoveryRows } from "./discovery.js";
import { launchRows } from "./launch.js";
import { openidRows } from "./openid.js";
import { refreshRows } from "./refresh.js";

/** What the kit asks for where nothing else is said. */
export const STANDALONE = "launch/patient openid fhirUser offline_access patient/*.rs";

/** How the first active patient launches an app of this kind. */
export function byPatient(kind, scope = STANDALONE, more = {}) {
  return async (bench) => ({ client: bench.client(kind), scope, traveller: await bench.traveller("patient"), who: bench.patients[0], ...more });
}

const seen = {};

export const rows = [
  ...discoveryRows("1.1"),
  ...launchRows("1.2", seen, byPatient("public")),
  ...openidRows("1.3", seen),
  ...refreshRows("1.4", seen, { withScopes: false }),
  ...refreshRows("1.5", seen, { withScopes: true }),
];
