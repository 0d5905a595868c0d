// Group 2 of the kit: staff start the app from their desk; then as group 1.
import { startApp } from "../lib/desk.js";
import { discoveryRows } from "./discovery.js";
import { launchRows } from "./launch.js";
import { openidRows } from "./openid.js";
import { refreshRows } from "./refresh.js";

/** What the kit asks for where nothing else is said. */
export const FROM_EHR = "launch openid fhirUser offline_access patient/*.rs";

/** The app of demo.json that staff can start. */
export function desksApp(bench) {
  const found = bench.target.demo.clients.find((one) => one.launch_uri);
  if (!found) throw new Error("demo.json has no client with a launch_uri");
  return found;
}

/** How staff launch the app that `choose` answers for the first active patient, with an encounter where there is one. */
export function byStaff(choose = desksApp, scope = FROM_EHR, more = {}) {
  return async (bench) => {
    const client = await choose(bench);
    const who = bench.staff("portal-admin");
    const traveller = await bench.traveller("staff");
    const [patient] = bench.patients;
    return { client, scope, traveller, who, patient, start: () => startApp(bench.target, traveller, { who, client, patient }), ...more };
  };
}

const seen = {};

export const rows = [
  ...discoveryRows("2.1"),
  ...launchRows("2.2", seen, byStaff(desksApp, FROM_EHR, { method: "POST" }), { ehr: true }),
  ...openidRows("2.3", seen),
  ...refreshRows("2.4", seen, { withScopes: false }),
  ...refreshRows("2.5", seen, { withScopes: true }),
];
