// What a campaign's board said in the last five minutes, second by second.
import {api, every, num, t} from "./admin-kit.js";

const keeps = 330; // samples; older ones are forgotten
export const decisions = [
  "granted",
  "waitlisted",
  "repeated",
  "sold-out",
  "early",
  "paused",
  "late",
  "ineligible",
  "refused",
  "superseded",
  "deciding",
  "errors",
];

/** Tape is what several charts and tables show: the last samples {t, …}. */
export class Tape {
  samples = [];
  marks = []; // {t, text}: something happened
  push(s) {
    this.samples.push(s);
    if (this.samples.length > keeps) this.samples.shift();
  }
  mark(t, text) {
    this.marks.push({t, text});
    if (this.marks.length > 20) this.marks.shift();
  }
}

/** Feed asks for a campaign's board every second and keeps what it said. */
export class Feed extends EventTarget {
  static kept = new Map(); // at most a few: who looks at more begins anew
  static of(id) {
    const old = Feed.kept.get(id);
    if (old) return old;
    if (Feed.kept.size > 7) Feed.kept.delete(Feed.kept.keys().next().value);
    const f = new Feed();
    f.id = id;
    Feed.kept.set(id, f);
    return f;
  }
  tape = new Tape();
  last = null;
  trouble = null;

  run(signal, ms) {
    let misses = 0;
    every(
      () => Math.min(ms() * (1 + misses), 8000),
      signal,
      async () => {
        try {
          const {data} = await api("GET", `/campaigns/${this.id}/board`, {signal});
          misses = 0;
          this.trouble = null;
          this.take(data);
        } catch (err) {
          if (signal.aborted) return;
          misses++;
          this.trouble = err;
          this.dispatchEvent(new Event("trouble"));
        }
      },
    );
  }

  take(b) {
    const at = Date.parse(b.at),
      before = this.last,
      s = {t: Date.now(), b, rate: {}};
    if (before) {
      const took = (at - Date.parse(before.at)) / 1000;
      if (took <= 0) return; // the same one again
      for (const d of decisions) {
        // Counts are late numbers: one that seems to fall stays where it was.
        const was = before.decisions[d];
        if (b.decisions[d] < was && b.decisions[d] > was / 2) b.decisions[d] = was;
        s.rate[d] = Math.max(0, b.decisions[d] - was) / took;
      }
      s.whole = decisions.reduce((sum, d) => sum + s.rate[d], 0);
      if (b.status !== before.status) this.tape.mark(s.t, t("status." + b.status));
      if (b.cap !== before.cap) this.tape.mark(s.t, t("capIs", b.cap === undefined ? "∞" : num(b.cap)));
    }
    this.last = b;
    this.tape.push(s);
    this.dispatchEvent(new Event("sample"));
  }
}
