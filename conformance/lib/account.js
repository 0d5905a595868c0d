// A patient at the management page: sees the apps that may use the record, and ends them.

const END = "button[name=decision][value=end]";
const MOST = 40;

/** Ends the access of every app of the patient `who`, one press at a time. Answers how many there were. */
export async function endApps(bench, traveller, who) {
  await traveller.open(bench.smart.management_endpoint);
  if ((await traveller.where()) === "login") await traveller.logIn(who);
  let ended = 0;
  while (await traveller.page.$(END)) {
    await traveller.press(END);
    ended += 1;
    if (ended > MOST) throw new Error(`more than ${MOST} apps, or an app that does not end: ${(await traveller.words()).slice(0, 300)}`);
  }
  if (ended === 0) throw new Error(`no app can be ended: ${(await traveller.words()).slice(0, 300)}`);
  return ended;
}
