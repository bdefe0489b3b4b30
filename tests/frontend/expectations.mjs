// What both front ends go through: list, filter, page, confirm, list again, and a refused second confirm.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const { BASE_URL, TOKEN, PENDING_ID } = process.env;

// The document's code, unchanged; what its framework provides is global, as Nuxt's auto-imports do it.
export function load(file, provided, suffix = "") {
  Object.assign(globalThis, provided);
  const source = readFileSync(new URL(file, import.meta.url), "utf8") + suffix;
  return import(`data:text/javascript,${encodeURIComponent(source)}`);
}

// `read()` gives {interviews, loading} as they are now; `fetchInterviews` and `confirmInterview` resolve when done.
export async function useAsTheDocumentSays({ read, fetchInterviews, confirmInterview }) {
  await fetchInterviews();
  assert.equal(read().loading, false);
  let data = read().interviews;
  assert.equal(data.total, 4);
  assert.equal(data.interviews.length, 4);
  assert.deepEqual([data.pendingCount, data.upcomingCount, data.completedCount], [1, 1, 1]);
  assert.equal(data.interviews.find((one) => one.interviewId === PENDING_ID).status, "en_attente");

  await fetchInterviews({ status: "confirmed" });
  data = read().interviews;
  assert.equal(data.total, 1);
  assert.deepEqual(data.interviews.map((one) => one.status), ["confirmed"]);

  await fetchInterviews({ limit: 1, skip: 2 });
  data = read().interviews;
  assert.equal(data.total, 4);
  assert.equal(data.interviews.length, 1);

  await confirmInterview(PENDING_ID);
  await fetchInterviews();
  data = read().interviews;
  const confirmed = data.interviews.find((one) => one.interviewId === PENDING_ID);
  assert.equal(confirmed.status, "confirmed");
  assert.match(confirmed.confirmedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual([data.pendingCount, data.upcomingCount], [0, 2]);

  console.error = () => {}; // the document's code logs what it then throws
  await assert.rejects(async () => await confirmInterview(PENDING_ID), (error) => {
    const body = error.response?._data ?? error.response?.data;
    assert.equal(body.statusCode, 400);
    assert.equal(body.message, "Interview is no longer pending confirmation");
    return true;
  });
  console.log("as documented");
}
