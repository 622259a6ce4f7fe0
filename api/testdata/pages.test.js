import assert from "node:assert/strict";
import {test} from "node:test";
import {add, agreed, sample} from "./clock.js";
import {begin, counted, early, listOf, look, newerClaim, reduce, screens} from "./member-state.js";

const noon = Date.parse("2026-03-02T03:00:00Z");
const campaign = (more = {}) => ({id: "noon", title: "Noon", status: "open", cap: 3, granted: 1, waiting: 0, remaining: 2, waitlist_cap: 5, sold_out: false, version: 2, position: "e-5", ...more});
const claim = (state, more = {}) => ({campaign: "noon", state, claimed_at: "2026-03-02T03:00:00.010Z", ...more});
const play = (...events) => events.reduce(reduce, reduce(begin("noon"), {type: "member", name: "alice"}));
const tap = {type: "tap", kind: "claim", at: noon};

test("each state shows one screen", () => {
  const c = more => [{type: "campaign", campaign: campaign(more)}];
  for (const [screen, events] of [
    ["loading", []], ["missing", [{type: "missing"}]], ["open", c()], ["closed", c({status: "closed"})], ["closed", c({status: "archived"})], ["paused", c({status: "paused"})],
    ["full", c({sold_out: true, remaining: 0})], ["early", c({status: "scheduled", opens_at: "2026-03-02T03:00:10Z"})], ["early", c({status: "scheduled"})],
    ["deciding", [...c(), tap]], ["granted", [...c(), {type: "claim", claim: claim("granted")}]], ["granted", [...c({status: "closed"}), {type: "claim", claim: claim("granted")}]],
    ["waiting", [...c(), {type: "claim", claim: claim("waitlisted", {position: 2})}]], ["open", [...c(), {type: "claim", claim: claim("cancelled")}]],
    ["left", [...c({reclaim: "refused"}), {type: "claim", claim: claim("cancelled")}]],
  ]) {
    assert.equal(look(play(...events), noon).screen, screen);
    assert.ok(screens.includes(screen));
  }
});

test("the button works from a little before the opening on, not earlier", () => {
  const s = play({type: "campaign", campaign: campaign({status: "scheduled", opens_at: "2026-03-02T03:00:00Z"})});
  assert.equal(look(s, noon - early - 1).tap, false);
  assert.equal(look(s, noon - early).tap, true);
  assert.ok(early < 500, "the server parks the last 500 ms");
});

test("a second tap is the same intent", () => {
  const once = play({type: "campaign", campaign: campaign()}, tap);
  assert.equal(reduce(once, tap), once);
  assert.equal(reduce(once, {type: "tap", kind: "cancel"}), once);
});

test("nobody taps who is not there, or who has a place", () => {
  const s = reduce(begin("noon"), {type: "campaign", campaign: campaign()});
  assert.equal(reduce(s, tap), s);
  const held = play({type: "campaign", campaign: campaign()}, {type: "claim", claim: claim("granted")});
  assert.equal(reduce(held, tap), held);
});

test("no answer is no end: the intent stays through every trouble", () => {
  let s = play({type: "campaign", campaign: campaign()}, tap);
  for (const trouble of ["lost", "busy", "deciding"]) s = reduce(s, {type: "trouble", trouble, until: noon});
  assert.equal(look(s, noon).screen, "deciding");
  assert.equal(s.sending.tries, 3);
  s = reduce(s, {type: "settled", claim: claim("granted", {rank: 2})});
  assert.equal(look(s, noon).screen, "granted");
  assert.equal(s.sending, null);
});

test("news that come by themselves end the doubt, too", () => {
  const s = play({type: "campaign", campaign: campaign()}, tap, {type: "claim", claim: claim("waitlisted", {position: 1})});
  assert.equal(s.sending, null);
  assert.equal(look(s, noon).screen, "waiting");
  const none = play({type: "campaign", campaign: campaign()}, tap, {type: "claim", claim: {state: "none"}});
  assert.equal(look(none, noon).screen, "deciding");
});

test("an older answer never replaces a newer one, in any order", () => {
  const life = [{state: "none"}, claim("waitlisted"), claim("granted"), claim("cancelled"), claim("granted", {claimed_at: "2026-03-02T03:05:00.000Z"})];
  for (let n = 0; n < 500; n++) {
    const order = life.map(c => [Math.random(), c]).sort((a, b) => a[0] - b[0]).map(x => x[1]);
    const last = order.reduce((kept, c) => newerClaim(kept, c) ? c : kept, null);
    assert.equal(last, life[4]);
  }
  const s = play({type: "campaign", campaign: campaign()}, {type: "campaign", campaign: campaign({position: "e-4", remaining: 3})});
  assert.equal(s.campaign.remaining, 2);
});

test("refusals teach the state what they know", () => {
  const after = (code, problem) => play({type: "campaign", campaign: campaign()}, tap, {type: "refused", code, problem});
  assert.deepEqual([look(after("sold-out", {waitlist: "open"}), noon)].map(v => [v.screen, v.tap, v.waitlist])[0], ["full", true, true]);
  assert.equal(look(after("sold-out", {waitlist: "none"}), noon).tap, false);
  assert.equal(look(after("sold-out", {waitlist: "full"}), noon).list, "full");
  assert.equal(look(after("campaign-paused"), noon).screen, "paused");
  assert.equal(look(after("campaign-closed"), noon).screen, "closed");
  assert.equal(look(after("not-found"), noon).screen, "open"); // it was there: the next look tells
  assert.equal(look(after("not-open-yet", {opens_at: "2026-03-02T03:00:05Z"}), noon).screen, "early");
  const s = after("not-eligible", {rule: "campus"});
  assert.deepEqual([look(s, noon).screen, s.note.code], ["open", "not-eligible"]);
  assert.equal(reduce(s, tap).note, null);
  const full = after("sold-out", {waitlist: "full"});
  const free = reduce(full, {type: "frame", kind: "count", data: {from: 6, to: 7, granted: 2, waiting: 0}, id: "e-7"});
  assert.equal(look(free, noon).screen, "open");
});

test("frames move the numbers", () => {
  const c = counted(campaign(), "count", {granted: 3, waiting: 1}, "e-9");
  assert.deepEqual([c.remaining, c.sold_out, c.position, listOf(c)], [0, true, "e-9", "open"]);
  assert.equal(counted(c, "cap", {cap: 9}, "e-10").remaining, 6);
  assert.equal(counted(c, "status", {status: "paused"}, "e-10").status, "paused");
  assert.equal(counted(campaign({cap: undefined, remaining: undefined}), "count", {granted: 9, waiting: 0}, "e-6").sold_out, false);
});

test("news without answers do not lose them", () => {
  const s = play({type: "campaign", campaign: campaign()}, {type: "claim", claim: claim("granted", {answers: {name: "Kim"}})}, {type: "claim", claim: claim("granted", {ledger: "booked"})});
  assert.deepEqual([s.claim.answers.name, s.claim.ledger], ["Kim", "booked"]);
});

test("another member begins anew", () => {
  const s = reduce(play({type: "campaign", campaign: campaign()}, {type: "claim", claim: claim("granted")}), {type: "member", name: "bora"});
  assert.deepEqual([s.claim, s.sending, s.campaign.id], [null, null, "noon"]);
});

test("thousands of random days end on one screen, and never without an answer", () => {
  const pick = a => a[Math.floor(Math.random() * a.length)];
  for (let day = 0; day < 3000; day++) {
    let s = play({type: "campaign", campaign: campaign({status: pick(["scheduled", "open", "paused"]), opens_at: "2026-03-02T03:00:00Z"})});
    for (let i = 0; i < 25; i++) {
      const before = s, e = pick([tap, {type: "tap", kind: "cancel"}, {type: "trouble", trouble: "lost", until: 0}, {type: "settled", claim: claim(pick(["granted", "waitlisted", "cancelled"]))}, {type: "refused", code: pick(["sold-out", "superseded", "campaign-closed"])},
        {type: "claim", claim: claim(pick(["waitlisted", "granted", "cancelled"]))}, {type: "frame", kind: "count", data: {granted: 2, waiting: 0}, id: "e-" + (6 + i)}, {type: "nonsense"}]);
      s = reduce(s, e);
      assert.ok(screens.includes(look(s, noon).screen));
      if (before.sending && !s.sending) assert.ok(["settled", "refused", "claim"].includes(e.type), "only an answer ends an intent");
      assert.ok(!(look(s, noon).tap && s.sending), "who has tapped is not asked to tap");
    }
  }
});

test("the clock believes the quickest answer and carries the drift on", () => {
  const server = t => noon + t * (1 + 40e-6); // the server's clock runs 40 ppm fast
  let samples = [];
  for (let t = 0; t < 600_000; t += 30_000) {
    const there = 5 + (t * 7 % 11) * 9, back = 5 + (t * 3 % 7) * 13;
    samples = add(samples, sample(t, t + there + back, server(t + there)));
  }
  samples = add(samples, sample(600_000, 600_004, server(600_002)));
  samples = add(samples, sample(605_000, 605_900, server(605_850))); // slow and askew
  const at = 660_000, {offset, error} = agreed(samples, at);
  assert.ok(Math.abs(at + offset - server(at)) < 12, `off by ${at + offset - server(at)} ms`);
  assert.ok(error < 20);
  assert.equal(agreed([], 0).error, Infinity);
});
