// What an honest client does when a server says "too many logins".
import { setTimeout as sleep } from "node:timers/promises";

const LONGEST = 90;

/** Waits as long as a 429 asks for. Answers whether it waited; throws where the server names no sensible time. */
export async function patience(status, retryAfter) {
  if (status !== 429) return false;
  const seconds = Number(retryAfter);
  if (!(seconds > 0 && seconds <= LONGEST)) throw new Error(`429 with Retry-After ${retryAfter}`);
  console.log(`too many logins: waiting ${seconds} s, as the server asks`);
  await sleep(seconds * 1000 + 500);
  return true;
}
