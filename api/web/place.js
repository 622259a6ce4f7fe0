// A member's place joined with the network: it sends what the person meant until
// there is an answer, hears what changes, and looks now and then all the same.
import {Refusal, api, now, reached, session, setClock} from "./base.js";
import {begin, reduce} from "./member-state.js";
import {openStream} from "./stream.js";

// An intent that a reload interrupted goes on, unless it is older than this.
const stale = 10 * 60_000;
const keep = (key, value) => {
  try {
    if (value === undefined) return JSON.parse(sessionStorage.getItem(key));
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    /* a browser that keeps nothing: then for this page */
  }
  return null;
};
export {keep};

const sleep = (ms, woken) =>
  new Promise(done => {
    const timer = setTimeout(end, ms);
    function end() {
      clearTimeout(timer);
      removeEventListener("online", end);
      done();
    }
    addEventListener("online", end);
    woken(end);
  });
const jitter = ms => ms * (0.8 + Math.random() * 0.4);

/** Place is one campaign as this member sees it. changed is called after each
 * change with the new state, the old one and the event. */
export class Place {
  constructor(id, changed, {campaign = null, streaming = true, led = false} = {}) {
    this.id = id;
    this.changed = changed;
    this.path = `/v1/campaigns/${id}`;
    this.state = reduce({...begin(id), campaign}, {type: "member", name: session.name});
    this.live = false;
    this.streaming = streaming;
    this.led = led; // the page looks for it, as long as it has no stream
    this.ended = false;
    this.fails = 0;
    this.wake = () => {};
    this.come = () => {
      this.dispatch({type: "member", name: session.name});
      this.stream?.restart();
      this.resume();
      this.beat();
    };
    this.go = () => {
      this.dispatch({type: "member", name: ""});
      this.stream?.restart();
    };
    this.see = () => {
      if (!document.hidden) this.soon(200);
    };
    addEventListener("fc-signed-in", this.come);
    addEventListener("fc-signed-out", this.go);
    addEventListener("online", this.see);
    document.addEventListener("visibilitychange", this.see);
  }

  /** open begins: with what a reload interrupted, if anything. */
  open() {
    this.resume();
    this.beat();
    if (this.state.campaign && this.streaming) this.listen();
    return this;
  }

  close() {
    this.ended = true;
    clearTimeout(this.timer);
    this.stream?.close();
    removeEventListener("fc-signed-in", this.come);
    removeEventListener("fc-signed-out", this.go);
    removeEventListener("online", this.see);
    document.removeEventListener("visibilitychange", this.see);
  }

  dispatch(event) {
    const before = this.state;
    this.state = reduce(before, event);
    if (this.state === before || this.ended) return;
    if (before.sending && !this.state.sending) {
      if (event.type !== "member") keep("fc-intent:" + this.id, null);
      this.wake();
    }
    this.changed(this.state, before, event);
  }

  /** tap is the person's own: "claim" or "cancel". */
  tap(kind, body) {
    const at = now();
    this.dispatch({type: "tap", kind, body, at});
    if (!this.state.sending) return;
    keep("fc-intent:" + this.id, {name: session.name, kind, body, at});
    this.run();
  }

  /** resume goes on with what was not answered when the page went. */
  resume() {
    const intent = keep("fc-intent:" + this.id);
    if (!intent || intent.name !== session.name) return;
    if (now() - intent.at > stale) return void keep("fc-intent:" + this.id, null);
    if (intent.kind === "claim") this.dispatch({type: "tap", ...intent});
    this.run(intent);
  }

  // run sends until the state says that there is an answer. Only one runs.
  async run(interrupted) {
    if (this.running) return;
    this.running = true;
    while (interrupted && !this.ended) {
      if (await this.wonder(interrupted)) break;
    }
    for (let s; !this.ended && (s = this.state.sending);) {
      const wait = await this.attempt(s);
      if (wait >= 0 && this.state.sending)
        await sleep(wait, end => {
          this.wake = end;
        });
    }
    this.running = false;
  }

  // wonder asks what became of an interrupted intent: false when nobody answered.
  async wonder({kind, body, at}) {
    try {
      const {data} = await api("GET", this.path + "/claims/me", {timeout: 5000});
      const over = Date.parse(data.claimed_at ?? 0) > at - 3000 && data.state === "cancelled"; // claimed and cancelled meanwhile
      this.dispatch({type: "claim", claim: data});
      if (over || (kind === "cancel" && data.state === "cancelled")) this.dispatch({type: "settled", claim: data});
      else if (kind === "cancel") this.dispatch({type: "tap", kind, body, at});
      if (!this.state.sending) keep("fc-intent:" + this.id, null);
    } catch (err) {
      const answered = err instanceof Refusal && !patient(err);
      if (answered) return true;
      this.lost(err);
      await sleep(this.delay(err), end => {
        this.wake = end;
      });
      return false;
    }
    return true;
  }

  // attempt sends once; the answer is how long to wait before the next.
  async attempt(s) {
    try {
      const r =
        s.kind === "cancel"
          ? await api("DELETE", this.path + "/claims/me")
          : await api("POST", this.path + "/claims", {body: s.body, keepalive: true});
      if (r.status !== 202) return (this.dispatch({type: "settled", claim: r.data}), -1);
      const wait = jitter(1000 * (Number(r.headers.get("Retry-After")) || 1));
      this.dispatch({type: "trouble", trouble: "deciding", until: now() + wait});
      return wait;
    } catch (err) {
      if (err.code === "not-open-yet") setClock(3); // ours was wrong
      if (err instanceof Refusal && !patient(err)) {
        this.dispatch({type: "refused", code: err.code, problem: err.problem});
        this.soon(300);
        return -1;
      }
      return this.lost(err);
    }
  }

  lost(err) {
    const wait = this.delay(err),
      busy = err instanceof Refusal;
    if (!busy) reached(false);
    this.dispatch({type: "trouble", trouble: busy ? "busy" : "lost", until: now() + wait});
    return wait;
  }

  delay(err) {
    if (err.code === "not-open-yet") return Math.max(0, Date.parse(err.problem.opens_at) - now() - 200);
    if (err instanceof Refusal) return jitter(Math.max(err.wait, 700));
    return jitter(Math.min(300 * 2 ** (this.state.sending?.tries ?? 2), 4000));
  }

  // beat looks at everything: often without a stream, now and then with one.
  async beat() {
    clearTimeout(this.timer);
    if (this.ended || (this.led && !this.stream)) return;
    if (!this.looking) {
      this.looking = true;
      await Promise.all([this.readCampaign(), this.readClaim()]).then(
        () => {
          this.fails = 0;
        },
        err => {
          this.fails++;
          if (!(err instanceof Refusal)) reached(false);
        },
      );
      this.looking = false;
      this.looked = performance.now();
    }
    if (!this.ended) this.soon(this.pace());
  }
  soon(ms) {
    clearTimeout(this.timer);
    if (!this.ended) this.timer = setTimeout(() => this.beat(), ms);
  }
  pace() {
    const {campaign, claim, missing} = this.state;
    if (this.fails) return jitter(Math.min(700 * 2 ** this.fails, 8000));
    if (missing || !campaign) return jitter(5000);
    if (this.live) return 30_000 + Math.random() * 30_000;
    const own = claim?.state === "waitlisted" ? claim.poll_after_ms : Infinity;
    return jitter(Math.min(campaign.poll_after_ms ?? 5000, own ?? Infinity) * (document.hidden ? 5 : 1));
  }

  async readCampaign() {
    try {
      const {data} = await api("GET", this.path);
      this.dispatch({type: "campaign", campaign: data});
      if (this.streaming) this.listen();
      this.check(data.position);
    } catch (err) {
      if (err.code !== "not-found") throw err;
      this.dispatch({type: "missing"});
    }
  }
  async readClaim() {
    if (!session.name) return;
    const who = session.name;
    try {
      const {data} = await api("GET", this.path + "/claims/me");
      if (session.name === who) this.dispatch({type: "claim", claim: data});
    } catch (err) {
      if (err.status !== 404 && err.status !== 401) throw err;
    }
  }

  // check finds a stream that is open and silent although the campaign went on.
  check(position) {
    const n = p => Number(p.slice(p.lastIndexOf("-") + 1));
    if (!this.stream || !this.live || n(position) <= n(this.stream.position)) return;
    setTimeout(() => {
      if (this.live && n(this.stream.position) < n(position)) this.stream.restart();
    }, 4000);
  }

  /** listen opens the stream, or lets it go where others need it more. */
  listen(yes = this.streaming) {
    this.streaming = yes;
    if (!yes) {
      this.stream?.close();
      this.stream = null;
      this.live = false;
      return;
    }
    if (this.stream || this.ended || !this.state.campaign) return;
    if (this.led) this.soon(this.pace());
    this.stream = openStream(this.id, this.state.campaign.position, {
      frame: (kind, data, id) => this.dispatch({type: "frame", kind, data, id}),
      claim: data => {
        this.dispatch({type: "claim", claim: data});
        const {claim, campaign} = this.state;
        if (campaign.form?.length && !claim?.answers && (claim?.state === "granted" || claim?.state === "waitlisted"))
          this.readClaim().catch(() => {});
      },
      reset: async () => {
        await this.readCampaign().catch(() => {});
        this.stream?.restart(this.state.campaign?.position);
      },
      live: yes => {
        if (yes === this.live) return;
        this.live = yes;
        if (!yes) this.soon(jitter(1500));
        else if (!this.looking) this.soon(performance.now() - this.looked > 5000 ? 100 : this.pace()); // what happened while nothing was heard
      },
    });
  }
}

// patient: the same request may succeed by itself, so it is repeated.
const patient = err =>
  err.status === 503 ||
  err.status === 429 ||
  err.status >= 500 ||
  err.status === 408 ||
  (err.code === "not-open-yet" && Date.parse(err.problem.opens_at) - now() < 1500);
