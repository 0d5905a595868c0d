// Staff at their desk and at the picker: find a patient, start a registered app.

const FOUND = (id) => `button[name=patient][value="${id}"]`;

/** Types what is known of the patient into the search of this page, and presses the patient's own button. */
export async function pickPatient(traveller, patient) {
  await traveller.page.$eval("input[name=search]", (input) => { input.value = ""; });
  await traveller.page.type("input[name=search]", patient.name.split(" ").at(-1));
  await traveller.press("form:has(input[name=search]) button[type=submit]");
  if (!(await traveller.page.$(FOUND(patient.id)))) throw new Error(`${patient.name} is not among those found: ${(await traveller.words()).slice(0, 400)}`);
  await traveller.press(FOUND(patient.id));
}

/** Starts `client` for `patient`, about the first visit on offer, in the browser of `traveller`. Answers the URL at which the app is opened. */
export async function startApp(target, traveller, { who, client, patient }) {
  await traveller.open(`${target.base}/staff/launch`);
  if ((await traveller.where()) === "login") await traveller.logIn(who);
  const choice = `input[name=client_id][value="${client.client_id}"]`;
  if (!(await traveller.page.$(choice))) throw new Error(`${client.client_id} cannot be started from the desk: ${(await traveller.words()).slice(0, 400)}`);
  await traveller.page.$eval(choice, (radio) => radio.click());
  await pickPatient(traveller, patient);
  const visit = "input[name=encounter]:not([value=''])";
  if (await traveller.page.$(visit)) await traveller.page.$eval(visit, (radio) => radio.click());
  await traveller.press("form[action$='/launch'] button[type=submit]");
  const opened = traveller.arrived ?? new URL(traveller.page.url());
  if (opened.origin === new URL(target.base).origin) throw new Error(`the desk opened no app: ${(await traveller.words()).slice(0, 400)}`);
  return opened;
}

/** A portal administrator lets in an app that registered itself and waits. */
export async function letIn(target, traveller, { who, client }) {
  await traveller.open(`${target.base}/staff/apps`);
  if ((await traveller.where()) === "login") await traveller.logIn(who);
  const form = `form:has(input[name=client_id][value="${client.client_id}"])`;
  const button = `${form} button[name=decision][value=approve]`;
  if (!(await traveller.page.$(button))) throw new Error(`${client.client_id} does not wait on the page of apps: ${(await traveller.words()).slice(0, 400)}`);
  await traveller.press(button);
}
