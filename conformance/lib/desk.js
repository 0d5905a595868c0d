// Staff at their desk: start a registered app for a patient.

/** Placeholder until the desk's page is known. */
export async function startApp() {
  throw new Error("no desk");
}
