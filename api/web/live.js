// A show: its campaigns one after another, each with its button, without reloading.
import {
  Refusal,
  announce,
  api,
  countdown,
  explain,
  h,
  num,
  now,
  open,
  put,
  reached,
  refusalWords,
  say,
  session,
  signInBox,
  t,
  toast,
} from "./base.js";
import {look} from "./member-state.js";
import {Place} from "./place.js";
import {claimWord, followNotices, statusBadge} from "./words.js";

// A member may have four streams; one is left for a page in another window.
const streams = 3;
// So many campaigns are shown; the oldest that are over go first.
const shown = 60;

const main = document.getElementById("main"),
  prefix = new URLSearchParams(location.search).get("prefix") ?? "";
const lots = new Map(); // id -> Lot
const list = h("ul", {class: "show", test: "show"}),
  empty = h("p", {class: "panel dim"}, t("liveEmpty"));
const total = h("strong", {test: "points-total"}, "0"),
  purse = h("p", {class: "total"}, h("span", null, t("total")), total);
const door = h("div"),
  notices = h("div", {class: "flow-s", hidden: true});
let sum = 0,
  turns = 0;

/** Lot is one campaign of the show. */
class Lot {
  constructor(campaign) {
    this.id = campaign.id;
    this.born = performance.now();
    this.button = h("button", {
      type: "button",
      class: "btn btn-main btn-big figure",
      test: "claim-button",
      onclick: () => this.tap(),
    });
    this.link = h("a", {class: "btn btn-main btn-big", href: "/c/" + this.id, test: "fill-first"}, t("fillFirst"));
    this.number = h("strong", {class: "tally", test: "remaining"});
    this.unit = h("span", {class: "dim"});
    this.bar = h("i");
    this.frame = h("div", {class: "left-bar", "aria-hidden": "true"}, this.bar);
    this.line = h("div", {class: "side-by-side between figure", role: "status"});
    this.head = h("div", {class: "flow-s"});
    this.act = h("div");
    this.card = h(
      "article",
      {class: "panel lot"},
      this.head,
      h("div", {class: "flow-s"}, h("p", {class: "amount"}, this.number, this.unit), this.frame),
      this.line,
      this.act,
    );
    this.element = h("li", {class: "rise", test: "campaign", "data-id": this.id}, this.card);
    this.place = new Place(this.id, (s, before, event) => this.changed(s, before, event), {
      campaign,
      streaming: false,
      led: true,
    }).open();
    this.draw();
  }
  get campaign() {
    return this.place.state.campaign;
  }
  get held() {
    return ["granted", "waitlisted"].includes(this.place.state.claim?.state);
  }

  tap() {
    const v = look(this.place.state, now());
    if (v.tap) this.place.tap("claim", v.waitlist ? {if_full: "waitlist"} : {});
  }

  changed(s, before) {
    if (s.claim?.state === "granted" && before.claim?.state !== "granted") {
      if (before.sending || before.claim?.state === "waitlisted") this.celebrate(s.claim);
      if (before.sending || before.claim) earn(s.claim.points ?? 0);
    } else if (before.claim?.state === "granted" && s.claim?.state === "cancelled") earn(-(before.claim.points ?? 0));
    if (s.claim?.state === "waitlisted" && before.claim?.state !== "waitlisted" && before.sending)
      announce(t("say.waiting", s.claim.position));
    this.draw();
  }

  celebrate(claim) {
    announce(t("say.granted", claim.rank));
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const from = this.card.getBoundingClientRect();
    for (let i = 0; i < 22; i++) {
      const spark = h("i", {class: "spark"}),
        angle = Math.random() * 2 * Math.PI,
        far = 60 + Math.random() * 130;
      spark.style.left = from.width / 2 + "px";
      spark.style.top = from.height * 0.65 + "px";
      spark.style.background = `hsl(${[228, 158, 42, 340][i % 4]} 85% 58%)`;
      spark.style.setProperty("--x", Math.cos(angle) * far + "px");
      spark.style.setProperty("--y", Math.sin(angle) * far * 0.7 - 40 + "px");
      this.card.append(spark);
      spark.addEventListener("animationend", () => spark.remove());
    }
  }

  draw() {
    const s = this.place.state,
      c = s.campaign;
    if (!c) return;
    const v = look(s, now()),
      left = c.remaining !== undefined,
      share = c.cap ? c.remaining / c.cap : 0;
    const key = JSON.stringify([c.version, c.status, c.sold_out, s.claim?.state]);
    if (key !== this.headKey) {
      this.headKey = key;
      put(
        this.head,
        h(
          "div",
          {class: "side-by-side between"},
          statusBadge(c, s.claim),
          c.points > 0 && s.claim?.state !== "granted" && h("span", {class: "prize figure"}, t("plusPoints", c.points)),
        ),
        h("h2", null, c.title),
      );
    }
    say(
      this.number,
      v.screen === "early" && c.opens_at ? countdown(Date.parse(c.opens_at) - now()) : num(left ? c.remaining : c.granted),
    );
    say(this.unit, v.screen === "early" && c.opens_at ? t("toGo") : left ? t("leftOf", c.cap) : t("soFar"));
    this.frame.hidden = !left || v.screen === "early";
    this.bar.style.width = share * 100 + "%";
    this.frame.classList.toggle("few", share <= 0.1);
    this.card.classList.toggle("mine", v.screen === "granted");
    this.drawLine(s, v);
    this.drawAct(s, v);
  }

  drawLine(s, v) {
    const trouble =
      s.sending && t({busy: "decidingBusy", lost: "decidingLost", deciding: "deciding"}[s.sending.trouble] ?? "decidingSend");
    const key = JSON.stringify([v.screen, v.list, trouble, s.note, s.claim?.position, s.claim?.rank]);
    if (key === this.lineKey) return;
    this.lineKey = key;
    const note = s.note && refusalWords(s.note.code, s.note.problem);
    put(
      this.line,
      v.screen === "granted"
        ? [
            h(
              "strong",
              {class: "got", test: "rank"},
              s.claim.rank && s.campaign.kind !== "reaction" ? t("rank", s.claim.rank) : "✓",
            ),
            s.claim.points > 0 && h("strong", {class: "got rise", test: "got"}, t("gotPoints", s.claim.points)),
          ]
        : v.screen === "waiting"
          ? [h("span", null, t("place")), h("strong", {class: "got", test: "waiting-position"}, num(s.claim.position ?? 0))]
          : v.screen === "deciding"
            ? h("p", {class: "fine", test: "deciding"}, trouble)
            : note
              ? h("p", {class: "message bad", test: "refusal"}, h("strong", null, note.title), note.text)
              : null,
    );
    this.line.hidden = !this.line.childNodes.length;
  }

  drawAct(s, v) {
    const c = s.campaign,
      asks = c.form?.some(q => q.required),
      ends = ["granted", "waiting", "closed", "left"].includes(v.screen);
    const want = !session.name
      ? null
      : asks && !ends
        ? this.link
        : v.screen === "closed" || v.screen === "left"
          ? null
          : ends
            ? (this.seeMore ??= h("a", {class: "btn btn-calm btn-wide", href: "/c/" + this.id}, t("details")))
            : this.button;
    if (this.act.firstChild !== want) put(this.act, want);
    this.act.hidden = !want;
    this.button.disabled = !v.tap;
    this.button.setAttribute("aria-busy", v.screen === "deciding");
    say(
      this.button,
      v.screen === "early" && c.opens_at
        ? t("opensInShort", countdown(Date.parse(c.opens_at) - now()))
        : v.screen === "early"
          ? t("opensSoon")
          : v.screen === "paused"
            ? t("pausedShort")
            : v.screen === "full"
              ? t(v.waitlist ? "joinList" : v.list === "full" ? "listFull" : "soldOut")
              : v.screen === "deciding"
                ? t("leaving")
                : claimWord(c),
    );
  }

  close() {
    this.place.close();
    this.element.remove();
  }
}

// The sum counts up: small steps, soon there.
let frame = 0,
  face = 0;
function earn(points) {
  if (!points) return;
  sum += points;
  if (points > 0) {
    purse.classList.remove("up");
    void purse.offsetWidth;
    purse.classList.add("up");
    setTimeout(() => purse.classList.remove("up"), 1500);
  }
  countUp();
}
function countUp() {
  cancelAnimationFrame(frame);
  const from = face,
    begin = performance.now(),
    still = matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden;
  const step = at => {
    const x = still ? 1 : Math.min(1, (at - begin) / 600);
    face = Math.round(from + (sum - from) * (1 - (1 - x) ** 3));
    say(total, num(face));
    if (x < 1) frame = requestAnimationFrame(step);
  };
  step(begin);
}
// readMine is what is mine in all campaigns, in two calls.
async function readMine() {
  if (!session.name) return;
  const sending = () => [...lots.values()].some(l => l.place.state.sending);
  if (sending()) return;
  const [claims, points] = await Promise.all([api("GET", "/v1/me/claims?limit=200"), api("GET", "/v1/me/points")]);
  for (const claim of claims.data.items) lots.get(claim.campaign)?.place.dispatch({type: "claim", claim});
  if (sending() || points.data.total === sum) return;
  sum = points.data.total;
  countUp();
}

// What the order is: what can be claimed, what comes, what is over; newest first.
const order = l => {
  const s = look(l.place.state, now()).screen;
  return {open: 0, deciding: 0, full: 1, waiting: 1, paused: 1, early: 2, granted: 3, left: 4, closed: 5}[s] ?? 5;
};

let ordered = "";
function arrange() {
  const all = [...lots.values()];
  // A card keeps its place while somebody may be tapping: only new ones, and what is over, move.
  const by = l => (l.rank ??= order(l));
  all.sort((a, b) => by(a) - by(b) || b.at - a.at);
  const key = all.map(l => l.id).join();
  if (key === ordered) return;
  ordered = key;
  const here = document.activeElement;
  all.forEach((l, i) => {
    if (list.children[i] !== l.element) list.insertBefore(l.element, list.children[i] ?? null);
  });
  if (here !== document.activeElement && here?.isConnected) here.focus({preventScroll: true});
  empty.hidden = all.length > 0;
  share();
}

// share gives the streams to the campaigns where most happens; the others poll.
function share() {
  const weight = l =>
    (inView(l.element) ? 0 : 10) +
    {open: l.held ? 4 : 0, scheduled: 2, paused: 3}[l.campaign?.status] +
    (l.place.stream ? -0.5 : 0);
  const live = [...lots.values()]
    .filter(l => ["open", "scheduled", "paused"].includes(l.campaign?.status))
    .sort((a, b) => weight(a) - weight(b))
    .slice(0, streams);
  for (const l of lots.values()) if (!live.includes(l) && l.place.stream) l.place.listen(false);
  for (const l of live) if (!l.place.stream) l.place.listen(true);
}
const inView = e => {
  const r = e.getBoundingClientRect();
  return r.bottom > 0 && r.top < innerHeight;
};

// Every few seconds: which campaigns there are.
let known = false;
async function turn() {
  try {
    const {data} = await api("GET", "/v1/campaigns?limit=100");
    const items = data.items
      .filter(c => c.id.startsWith(prefix) && c.status !== "archived")
      .filter((c, i) => i < shown && (c.status !== "closed" || lots.has(c.id)));
    items.forEach((c, i) => {
      let l = lots.get(c.id);
      if (!l) {
        lots.set(c.id, (l = new Lot(c)));
        if (known) toast(t("newOne", c.title));
      } else l.place.dispatch({type: "campaign", campaign: c});
      l.at = -i;
      const now = order(l);
      if (now !== l.rank && (now > 2 || l.rank > 2 || l.rank === undefined)) l.rank = now;
      else if (l.rank === 2 && now < 2) l.rank = now;
    });
    for (const [id, l] of lots)
      if (!items.some(c => c.id === id)) {
        l.close();
        lots.delete(id);
      }
    known = true;
    if (!list.isConnected)
      put(
        main,
        h(
          "div",
          {class: "flow"},
          notices,
          h("div", null, h("h1", null, t("live")), h("p", {class: "dim"}, t("liveText"))),
          purse,
          door,
          empty,
          list,
        ),
      );
    arrange();
    empty.hidden = lots.size > 0;
    if (turns++ % 3 === 0) await readMine();
  } catch (err) {
    if (!(err instanceof Refusal)) reached(false);
    if (!known)
      put(main, h("div", {class: "message warn", role: "alert"}, h("strong", null, explain(err).title), explain(err).text));
  }
  setTimeout(turn, (document.hidden ? 15_000 : 3000) * (0.85 + Math.random() * 0.3));
}

function drawDoor() {
  purse.hidden = !session.name;
  if (session.name) return put(door);
  if (!door.firstChild) put(door, h("div", {class: "panel"}, signInBox(t("signInTitle"))));
}

open();
drawDoor();
turn();
followNotices(notices);
setInterval(() => {
  if (!document.hidden) for (const l of lots.values()) l.draw();
}, 200);
let scrolled = 0;
addEventListener(
  "scroll",
  () => {
    clearTimeout(scrolled);
    scrolled = setTimeout(share, 400);
  },
  {passive: true},
);
for (const e of ["fc-signed-in", "fc-signed-out"])
  addEventListener(e, () => {
    sum = face = 0;
    say(total, "0");
    drawDoor();
    readMine().catch(() => {});
  });
