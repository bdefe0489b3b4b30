// The document's React hook with real React and axios, in a jsdom page of another origin: preflights included.
import { JSDOM } from "jsdom";
import { BASE_URL, TOKEN, load, useAsTheDocumentSays } from "./expectations.mjs";

const { window } = new JSDOM("<!doctype html>", { url: "http://localhost:3000/", pretendToBeVisual: true });
for (const name of ["window", "document", "navigator", "XMLHttpRequest", "HTMLElement", "Node"])
  Object.defineProperty(globalThis, name, { value: window[name] ?? window, configurable: true, writable: true });

const { useState } = await import("react");
const { renderHook, act } = await import("@testing-library/react");
const { default: axios } = await import("axios");
const api = axios.create({ baseURL: BASE_URL, adapter: "xhr", headers: { Authorization: `Bearer ${TOKEN}` } });

const { useCandidateInterviews } = await load(
  "react-hook.ts",
  { useState, api },
  "\nexport { useCandidateInterviews };",
);
const { result } = renderHook(() => useCandidateInterviews());
await useAsTheDocumentSays({
  read: () => result.current,
  fetchInterviews: (options) => act(() => result.current.fetchInterviews(options)),
  confirmInterview: (id) => act(() => result.current.confirmInterview(id)),
});
process.exit(0);
