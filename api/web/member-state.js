// The member's place in one campaign as a small machine. Everything that happens
// is an event; reduce is all that changes the state, and look is all that a page
// shows of it. Both are pure, so that they can be tested without a page.

/** early is how long before the opening the button works: the server lets a claim
 * that comes in its last 500 ms wait for the opening. */
export const early = 300;

/** begin is the state before anything is known. */
export const begin = id => ({id, member: "", campaign: null, missing: false, claim: null, sending: null, note: null});

const numberOf = position => Number(position?.slice(position.lastIndexOf("-") + 1) ?? 0);
const epochOf = position => position?.slice(0, position.lastIndexOf("-")) ?? "";

// An older answer must never replace a newer one, in whatever order they come.
function newerCampaign(a, b) {
  if (!a || epochOf(a.position) !== epochOf(b.position)) return true;
  return numberOf(b.position) >= numberOf(a.position) && (b.version ?? 0) >= (a.version ?? 0);
}

const stage = {none: 0, deciding: 1, waitlisted: 2, granted: 3, cancelled: 4};
/** newerClaim: a place is claimed, waits, is granted and ends, in this order; the
 * next one begins later. "none" tells nothing once there was one. */
export function newerClaim(a, b) {
  if (!a || a.state === "none" || a.state === "deciding") return true;
  if (b.state === "none" || b.state === "deciding") return false;
  const from = Date.parse(a.claimed_at ?? 0),
    to = Date.parse(b.claimed_at ?? 0);
  return to !== from ? to > from : stage[b.state] >= stage[a.state];
}

// News of a claim come without its answers; they are still the same.
const known = (a, b) => (b.answers === undefined && a?.answers && a.claimed_at === b.claimed_at ? {...b, answers: a.answers} : b);

const holds = claim => claim?.state === "granted" || claim?.state === "waitlisted";

/** counted is a campaign after a frame of its stream. */
export function counted(campaign, kind, data, id) {
  const c = {...campaign, position: id, full: undefined};
  if (kind === "status") c.status = data.status;
  if (kind === "cap") c.cap = data.cap ?? undefined;
  if (kind === "count") [c.granted, c.waiting] = [data.granted, data.waiting];
  c.remaining = c.cap === undefined || c.cap === null ? undefined : Math.max(0, c.cap - c.granted);
  c.sold_out = c.remaining !== undefined && (c.granted >= c.cap || c.waiting > 0);
  return c;
}

/** listOf is whether one may wait: "none", "open" or "full". */
export const listOf = c => (!c.waitlist_cap ? "none" : c.waiting < c.waitlist_cap ? "open" : "full");

const handlers = {
  member: (s, e) => (e.name === s.member ? s : {...s, member: e.name, claim: null, sending: null, note: null}),
  campaign: (s, e) => (newerCampaign(s.campaign, e.campaign) ? {...s, campaign: e.campaign, missing: false} : s),
  missing: s => ({...s, missing: true}),
  frame: (s, e) => (s.campaign ? {...s, campaign: counted(s.campaign, e.kind, e.data, e.id)} : s),
  // What came by itself: it also ends a doubt, since a place is a place.
  claim(s, e) {
    if (!s.member || !newerClaim(s.claim, e.claim)) return s;
    const over = s.sending && (s.sending.kind === "claim" ? holds(e.claim) : e.claim.state === "cancelled" && holds(s.claim));
    return {...s, claim: known(s.claim, e.claim), sending: over ? null : s.sending, note: holds(e.claim) ? null : s.note};
  },
  // One intent at a time: a second tap is the same one.
  tap(s, e) {
    if (s.sending || !s.member || (holds(s.claim) && e.kind === "claim") || (!holds(s.claim) && e.kind === "cancel")) return s;
    return {...s, note: null, sending: {kind: e.kind, body: e.body, at: e.at, tries: 0, trouble: "", until: 0}};
  },
  // No answer yet: "deciding" (202), "busy" (503, 429), "lost" (none came).
  trouble: (s, e) =>
    s.sending ? {...s, sending: {...s.sending, tries: s.sending.tries + 1, trouble: e.trouble, until: e.until}} : s,
  again: s => (s.sending ? {...s, sending: {...s.sending, until: 0}} : s),
  settled: (s, e) => ({...s, sending: null, note: null, claim: newerClaim(s.claim, e.claim) ? known(s.claim, e.claim) : s.claim}),
  refused: (s, e) => ({
    ...s,
    sending: null,
    note: {code: e.code, problem: e.problem ?? {}},
    campaign: s.campaign && {...s.campaign, ...learnt[e.code]?.(e.problem ?? {}, s.campaign)},
    missing: s.missing || (e.code === "not-found" && s.sending?.kind !== "cancel"),
  }),
  hush: s => (s.note ? {...s, note: null} : s),
};

// What a refusal tells about the campaign itself, until the next event does.
const learnt = {
  "sold-out": (p, c) => ({
    sold_out: true,
    remaining: 0,
    waiting: p.waitlist === "open" ? Math.min(c.waiting, c.waitlist_cap - 1) : c.waiting,
    full: p.waitlist,
  }),
  "campaign-paused": () => ({status: "paused"}),
  "campaign-closed": () => ({status: "closed"}),
  "not-open-yet": p => (p.opens_at ? {status: "scheduled", opens_at: p.opens_at} : {}),
};

/** reduce returns the state after an event; the same object when nothing changed. */
export const reduce = (state, event) => handlers[event.type]?.(state, event) ?? state;

/** screens are all that there are. */
export const screens = [
  "loading",
  "missing",
  "early",
  "open",
  "full",
  "paused",
  "closed",
  "left",
  "deciding",
  "granted",
  "waiting",
];

/** look is what the page shows at a time: the screen, whether the button can be
 * tapped, and whether it asks for the waiting list. */
export function look(s, now) {
  const is = (screen, more) => ({screen, tap: false, waitlist: false, leaving: s.sending?.kind === "cancel", ...more});
  if (!s.campaign) return is(s.missing ? "missing" : "loading");
  if (s.sending?.kind === "claim") return is("deciding");
  if (s.claim?.state === "granted") return is("granted", {cancel: mayCancel(s, now)});
  if (s.claim?.state === "waitlisted") return is("waiting", {cancel: true});
  const c = s.campaign;
  if (c.status === "closed" || c.status === "archived") return is("closed");
  if (s.claim?.state === "cancelled" && c.reclaim === "refused") return is("left");
  if (c.status === "paused") return is("paused");
  if (c.status !== "open" && !(c.opens_at && now >= Date.parse(c.opens_at) - early)) return is("early");
  if (c.sold_out)
    return is("full", {
      list: c.full ?? listOf(c),
      waitlist: (c.full ?? listOf(c)) === "open",
      tap: (c.full ?? listOf(c)) === "open",
    });
  return is("open", {tap: true});
}

const mayCancel = (s, now) =>
  s.campaign.status !== "archived" && !(s.campaign.cancellable_until && now > Date.parse(s.campaign.cancellable_until));
