// Reads an event stream with npm's eventsource and prints what it understood, a
// line of JSON for each event: node eventsource.mjs <url> <token> <last id to wait for>
import { createRequire } from "node:module";

const { EventSource } = createRequire(process.env.NODE_PATH + "/")("eventsource");
const [url, token, until] = process.argv.slice(2);

const source = new EventSource(url, {
  fetch: (to, init) => fetch(to, { ...init, headers: { ...init.headers, ...(token && { Authorization: `Bearer ${token}` }) } }),
});
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const tell = (e) => {
  say({ id: e.lastEventId, event: e.type, data: e.data });
  if (until && e.lastEventId === until) source.close();
};
for (const type of ["message", "count", "status", "cap", "claim", "reset"]) source.addEventListener(type, tell);
source.onopen = () => say({ event: "(open)" });
source.onerror = (e) => {
  say({ event: source.readyState === EventSource.CLOSED ? "(closed)" : "(again)", status: e.code ?? 0 });
};
