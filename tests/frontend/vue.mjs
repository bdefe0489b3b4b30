// The document's Vue composable with real Vue and ofetch.
import { ofetch } from "ofetch";
import { ref } from "vue";
import { BASE_URL, TOKEN, load, useAsTheDocumentSays } from "./expectations.mjs";

const $fetch = ofetch.create({ baseURL: BASE_URL, headers: { Authorization: `Bearer ${TOKEN}` } });
const { useCandidateInterviews } = await load("vue-composable.ts", { ref, $fetch });
const { interviews, loading, fetchInterviews, confirmInterview } = useCandidateInterviews();
await useAsTheDocumentSays({
  read: () => ({ interviews: interviews.value, loading: loading.value }),
  fetchInterviews,
  confirmInterview,
});
