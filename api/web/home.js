// All campaigns for a member: what is open, what opens next, what is theirs.
import {Refusal, api, countdown, explain, h, num, now, open, put, reached, say, session, signInBox, t, when} from "./base.js";
import {drawNotices, statusBadge} from "./words.js";

const main = document.getElementById("main");
const all = new Map(),
  titles = new Map(); // campaigns by id
let mine = null,
  points = null,
  cursor = null,
  older = [],
  listed = false,
  showPast = false,
  drawn = "",
  clocks = [];

const parts = {
  open: h("section"),
  next: h("section"),
  mine: h("section"),
  past: h("section"),
  hero: h("div", {class: "hero"}),
  notices: h("div", {class: "flow-s"}),
  sign: null,
};
const startsAt = c => (c.opens_at ? Date.parse(c.opens_at) : Infinity);
const page = id => "/c/" + id;

// Each look is one call for everything but the history; a part that is late comes
// with the next one.
async function look() {
  const {data: view} = await api("GET", "/v1/view");
  if (view.campaigns) {
    if (!older.length) cursor = view.campaigns.next_cursor;
    all.clear();
    for (const c of [...view.campaigns.items, ...older]) if (!all.has(c.id)) all.set(c.id, c);
    listed = true;
  }
  if (view.notices) drawNotices(parts.notices, view.notices.items);
  if (session.name && view.points) points = view.points.total;
  if (session.name && view.late.some(l => l.reason === "unauthenticated")) dispatchEvent(new CustomEvent("fc-signed-out"));
  if (listed) draw();
  if (!session.name) return;
  const {data} = await api("GET", "/v1/me/claims?limit=50");
  mine = data.items;
  await Promise.all(
    mine
      .filter(c => !all.has(c.campaign) && !titles.has(c.campaign))
      .slice(0, 20)
      .map(name),
  );
  if (listed) draw();
}

// name reads the title of a campaign that is not listed any more.
async function name({campaign}) {
  try {
    titles.set(campaign, (await api("GET", "/v1/campaigns/" + campaign)).data.title);
  } catch {
    titles.set(campaign, campaign);
  }
}

async function more() {
  const {data} = await api("GET", `/v1/campaigns?cursor=${encodeURIComponent(cursor)}`);
  older = [...older, ...data.items];
  cursor = data.next_cursor;
  for (const c of data.items) if (!all.has(c.id)) all.set(c.id, c);
  draw();
}

function tile(c) {
  const claim = mine?.find(m => m.campaign === c.id),
    soon = c.status === "scheduled",
    share = c.cap ? c.remaining / c.cap : 0;
  const clock = soon && c.opens_at && h("strong", {class: "tally", test: "countdown"}),
    bar = h("i");
  if (clock) clocks.push([clock, c]);
  bar.style.width = share * 100 + "%";
  return h(
    "li",
    null,
    h(
      "a",
      {class: "panel tile", href: page(c.id), test: "campaign", "data-id": c.id},
      h(
        "div",
        {class: "flow-s"},
        h(
          "div",
          {class: "side-by-side between"},
          statusBadge(c, claim),
          c.points > 0 && h("span", {class: "fine figure"}, t("eachPoints", c.points)),
        ),
        h("h3", null, c.title),
        c.description && h("p", {class: "clip"}, c.description),
      ),
      soon
        ? h("div", null, clock, h("p", {class: "fine"}, c.opens_at ? t("opensAt", when(c.opens_at)) : t("opensLater")))
        : h(
            "div",
            {class: "flow-s"},
            c.remaining !== undefined && [
              h("div", {class: "left-bar" + (share <= 0.1 ? " few" : ""), "aria-hidden": "true"}, bar),
              h("p", {class: "fine figure"}, c.waiting ? t("waitingN", c.waiting) : t("leftShort", c.remaining, c.cap)),
            ],
            c.remaining === undefined && h("p", {class: "fine figure"}, t("taken", c.granted)),
          ),
    ),
  );
}

function section(e, key, list, empty) {
  if (!list.length && !empty) return put(e);
  put(
    e,
    h("div", {class: "section-head"}, h("h2", null, t(key)), list.length > 0 && h("span", null, num(list.length))),
    list.length ? h("ul", {class: "cards"}, list.map(tile)) : h("p", {class: "dim"}, empty),
  );
}

function row(claim) {
  const c = all.get(claim.campaign),
    badge = {granted: "now", waitlisted: "wait"}[claim.state] ?? "";
  const right =
    claim.state === "granted"
      ? [
          claim.points > 0 && h("span", {class: "fine"}, t("plusPoints", claim.points)),
          h("span", {class: "badge now"}, claim.rank ? t("rank", claim.rank) : t("place.granted")),
        ]
      : h(
          "span",
          {class: "badge " + badge},
          claim.state === "waitlisted" && claim.position
            ? `${t("place.waitlisted")} ${num(claim.position)}`
            : t("place." + claim.state),
        );
  return h(
    "li",
    null,
    h(
      "a",
      {href: page(claim.campaign), test: "my-claim"},
      h("b", null, c?.title ?? titles.get(claim.campaign) ?? claim.campaign),
      h("span", null, right),
    ),
  );
}

function drawMine() {
  if (!session.name) return put(parts.mine, (parts.sign ??= h("div", {class: "panel narrow"}, signInBox(t("signInMine")))));
  parts.sign = null;
  put(
    parts.mine,
    h("div", {class: "section-head"}, h("h2", null, t("mine"))),
    h(
      "div",
      {class: "flow"},
      points > 0 && h("p", {class: "purse"}, h("strong", {class: "tally", test: "points"}, t("pointsTotal", points))),
      mine === null
        ? h("p", {class: "dim"}, t("loading"))
        : mine.length
          ? h("ul", {class: "rows", test: "history"}, mine.map(row))
          : h("p", {class: "dim"}, t("nothingMine")),
    ),
  );
}

function draw() {
  const list = [...all.values()],
    key = JSON.stringify([list, mine, points, showPast, cursor, session.name, titles.size]);
  if (key === drawn) return;
  drawn = key;
  const here = document.activeElement?.closest?.("[data-id]")?.dataset.id,
    typing = parts.sign?.contains(document.activeElement);
  if (!parts.hero.isConnected)
    put(main, h("div", {class: "flow-l"}, parts.notices, parts.hero, parts.open, parts.next, parts.mine, parts.past));
  put(parts.hero, h("h1", null, t("homeTitle")), h("p", {class: "lead"}, t("homeText")));
  clocks = [];
  const past = list.filter(c => c.status === "closed"),
    next = list.filter(c => c.status === "scheduled").sort((a, b) => startsAt(a) - startsAt(b));
  section(
    parts.open,
    "openNow",
    list
      .filter(c => c.status === "open" || c.status === "paused")
      .sort((a, b) => (a.status === "paused") - (b.status === "paused") || a.sold_out - b.sold_out),
    list.length ? t("noneOpen") : t("noneAtAll"),
  );
  section(parts.next, "opensNext", next);
  if (!typing) drawMine();
  if (showPast || !past.length) section(parts.past, "past", showPast ? past : []);
  else
    put(
      parts.past,
      h(
        "button",
        {
          type: "button",
          class: "btn btn-calm",
          test: "show-past",
          onclick: () => {
            showPast = true;
            draw();
            parts.past.querySelector("a")?.focus();
          },
        },
        `${t("showPast")} (${num(past.length)})`,
      ),
    );
  if (cursor && (showPast || !past.length))
    parts.past.append(
      h(
        "p",
        null,
        h(
          "button",
          {
            type: "button",
            class: "btn",
            test: "more",
            onclick: e => {
              e.target.disabled = true;
              more().catch(() => {
                e.target.disabled = false;
              });
            },
          },
          t("more"),
        ),
      ),
    );
  if (here) main.querySelector(`[data-id="${CSS.escape(here)}"]`)?.focus({preventScroll: true});
  tick();
}

function tick() {
  for (const [e, c] of clocks) say(e, c.opens_at ? countdown(startsAt(c) - now()) : "");
}

let timer = 0,
  fails = 0,
  looking = false;
async function turn() {
  clearTimeout(timer);
  if (looking) return;
  looking = true;
  try {
    await look();
    fails = 0;
  } catch (err) {
    if (err.status !== 401) fails++;
    if (!(err instanceof Refusal)) reached(false);
    if (!listed)
      put(main, h("div", {class: "message warn", role: "alert"}, h("strong", null, explain(err).title), explain(err).text));
  }
  looking = false;
  // soon after an opening, else now and then
  const next = Math.min(
    ...[...all.values()]
      .filter(c => c.status === "scheduled")
      .map(c => Math.max(startsAt(c) - now(), 0) + 300 + Math.random() * 700),
  );
  const pace = fails ? Math.min(1000 * 2 ** fails, 15_000) : Math.min(Math.max(next, 1500), 5000 + Math.random() * 1500);
  timer = setTimeout(turn, document.hidden ? 30_000 : pace);
}

open();
turn();
setInterval(tick, 250);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) turn();
});
for (const e of ["fc-signed-in", "fc-signed-out"])
  addEventListener(e, () => {
    mine = points = null;
    if (e === "fc-signed-in") turn();
    draw();
  });
