// The server's time, told from a handful of questions. Pure: no network, no page.

/** A sample is one question and its answer: asked and back on the monotonic
 * clock of the page (ms), and what the server said in between (Unix ms). */
export const sample = (asked, back, said) => ({at: (asked + back) / 2, trip: back - asked, offset: said - (asked + back) / 2});

// Quartz runs wrong by at most about this much; an older sample is worth less by it.
const drifts = 50e-6;
// Two good samples this far apart tell how fast the clocks part.
const apart = 120_000;
const kept = 24;

/** add keeps the newest samples. */
export const add = (samples, s) => [...samples, s].slice(-kept);

/** agreed is the server's time minus the page's, as exactly as the samples tell:
 * the answer that was on its way shortest is believed, older ones less and less,
 * and the drift between two good ones far apart is carried on. error is how far
 * it may be wrong. Without a sample nothing is known. */
export function agreed(samples, now) {
  if (samples.length === 0) return {offset: 0, error: Infinity, drift: 0};
  const doubt = s => s.trip / 2 + Math.abs(now - s.at) * drifts;
  const best = samples.reduce((a, b) => (doubt(b) <= doubt(a) ? b : a));
  const drift = driftOf(samples, best);
  return {offset: best.offset + drift * (now - best.at), error: doubt(best), drift};
}

// driftOf is how many ms the clocks part in one; 0 where the trips hide it.
function driftOf(samples, best) {
  const far = samples.filter(s => Math.abs(s.at - best.at) >= apart).sort((a, b) => a.trip - b.trip)[0];
  if (!far) return 0;
  const drift = (best.offset - far.offset) / (best.at - far.at);
  const unsure = (best.trip + far.trip) / 2 / Math.abs(best.at - far.at);
  return Math.abs(drift) <= 4 * drifts && Math.abs(drift) > unsure ? drift : 0;
}
