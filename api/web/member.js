// One campaign for a member: the countdown, the form, one tap, the answer.
import {
  announce,
  api,
  arrange,
  clock,
  clockTime,
  confirm,
  countdown,
  dateTime,
  explain,
  h,
  num,
  now,
  open,
  put,
  refusalWords,
  say,
  session,
  signInBox,
  t,
  toast,
  when,
} from "./base.js";
import {Form, shown} from "./form.js";
import {look} from "./member-state.js";
import {Place} from "./place.js";
import {claimWord, followNotices, statusBadge} from "./words.js";

const main = document.getElementById("main"),
  id = location.pathname.split("/")[2];
const parts = {},
  notices = h("div", {class: "flow-s", hidden: true});
let form = null,
  drawn = "",
  asked = "",
  editing = false,
  update = () => {};

const heading = (text, ...more) => h("h2", {tabindex: "-1", id: "stage"}, ...more, text);
const at = c => Date.parse(c.opens_at);
const share = c => (c.cap ? Math.max(0, Math.min(1, c.remaining / c.cap)) : 0);

// left is how much there is, as a number that moves and a bar that shrinks.
function left(c) {
  if (c.remaining === undefined) {
    const number = h("strong", {class: "tally", test: "granted"});
    return {box: h("p", null, number, h("span", {class: "unit"}, t("soFar"))), move: c => say(number, num(c.granted))};
  }
  const number = h("strong", {class: "tally", test: "remaining"}),
    unit = h("span", {class: "unit"}),
    bar = h("i"),
    frame = h("div", {class: "left-bar", "aria-hidden": "true"}, bar);
  return {
    box: h("div", {class: "flow-s"}, h("p", null, number, unit), frame),
    move(c) {
      say(number, num(c.remaining));
      say(unit, t("leftOf", c.cap));
      bar.style.width = share(c) * 100 + "%";
      frame.classList.toggle("few", share(c) <= 0.1);
    },
  };
}

// The ticket, by screen. Each returns what it shows and how that moves.
const tickets = {
  early(s) {
    const big = h("strong", {class: "huge", test: "countdown", role: "timer"}),
      fine = h("p", {class: "fine"}),
      fixed = Boolean(s.campaign.opens_at);
    return [
      [
        heading(t(fixed ? "opensIn" : "opensSoon")),
        fixed && big,
        h("p", null, fixed ? dateTime(s.campaign.opens_at) : t("opensLater")),
        fine,
      ],
      s => {
        say(big, countdown(at(s.campaign) - now()));
        const off = Math.abs(now() - Date.now()) / 1000,
          {error} = clock();
        say(fine, !fixed ? "" : t("byServer") + (error < 500 && off > 1.5 ? " " + t("clockOff", Math.round(off)) : ""));
      },
    ];
  },
  open(s) {
    const l = left(s.campaign),
      cancelled = s.claim?.state === "cancelled";
    return [
      [heading(t(s.campaign.cap ? "open" : "openUnlimited")), l.box, cancelled && h("p", {class: "message"}, t("cancelledNote"))],
      s => l.move(s.campaign),
    ];
  },
  full(s) {
    const text = h("p"),
      l = left(s.campaign),
      waits = h("span", {class: "unit"});
    return [
      [heading(t("fullTitle")), l.box, text, waits],
      (s, v) => {
        l.move(s.campaign);
        say(text, t({open: "fullOpen", full: "fullFull", none: "fullNone"}[v.list]));
        say(waits, s.campaign.waitlist_cap ? t("waitingN", s.campaign.waiting) : "");
      },
    ];
  },
  paused(s) {
    const l = left(s.campaign);
    return [[heading(t("paused")), l.box, h("p", null, t("pausedText"))], s => l.move(s.campaign)];
  },
  closed: () => [[heading(t("closed")), h("p", {class: "dim"}, t("closedText"))]],
  left: () => [[heading(t("leftTitle")), h("p", {class: "dim"}, t("leftText"))]],
  deciding() {
    const head = heading(""),
      text = h("p", {class: "dim"}),
      again = h("p", {class: "fine figure"});
    return [
      h(
        "div",
        {class: "flow late calm-in", test: "deciding"},
        h("div", {class: "wait-ring", role: "presentation"}),
        head,
        text,
        again,
      ),
      s => {
        const {trouble, tries, until} = s.sending,
          wait = Math.ceil((until - now()) / 1000);
        say(head, t(trouble === "deciding" ? "deciding" : "decidingSend"));
        say(
          text,
          t(
            {busy: "decidingBusy", lost: "decidingLost", deciding: tries > 2 ? "decidingLong" : "decidingText"}[trouble] ??
              "decidingText",
          ),
        );
        say(again, trouble && trouble !== "deciding" && wait > 1 && wait < 100 ? t("retryIn", wait) : "");
      },
    ];
  },
  granted(s) {
    const {claim, campaign: c} = s,
      booked = h("dd"),
      rest = c.remaining !== undefined && h("dd", {test: "remaining"}),
      ranked = c.kind !== "reaction";
    return [
      [
        heading(
          t({reward: "grantedReward", reaction: "grantedReaction"}[c.kind] ?? "granted"),
          h("span", {class: "check", "aria-hidden": "true"}, "✓"),
        ),
        ranked &&
          h(
            "p",
            {class: "rise"},
            h("strong", {class: "huge", test: "rank"}, t("rank", claim.rank)),
            h("span", {class: "unit"}, t("yourRank")),
          ),
        claim.ticket && h("p", null, t("fromList")),
        claim.points > 0 && h("p", null, h("span", {class: "chip figure"}, t("plusPoints", claim.points))),
        h(
          "dl",
          {class: "pairs figure"},
          h("dt", null, t("claimedAt")),
          h("dd", null, clockTime(claim.claimed_at)),
          claim.grant_id && [h("dt", null, t("ticketNo")), h("dd", null, claim.grant_id)],
          rest && [h("dt", null, t("stillLeft")), rest],
          h("dt", null, t("inBooks")),
          booked,
        ),
      ],
      s => {
        say(booked, t(s.claim.ledger === "booked" ? "booked" : "queued"));
        if (rest) say(rest, num(s.campaign.remaining));
      },
    ];
  },
  waiting(s) {
    const big = h("strong", {class: "huge", test: "waiting-position"}),
      text = h("p", {class: "dim"});
    return [
      [
        heading(t("waiting")),
        h("p", {class: "rise"}, big, h("span", {class: "unit"}, t("place"))),
        text,
        h("dl", {class: "pairs figure"}, h("dt", null, t("ticket")), h("dd", null, num(s.claim.ticket ?? 0))),
      ],
      s => {
        say(big, num(s.claim.position ?? 0));
        say(text, s.claim.position === 1 ? t("nextInLine") + " " + t("waitingText") : t("waitingText"));
      },
    ];
  },
};
const looks = {granted: "won", waiting: "queue", deciding: "calm"};

// What can be done, below the ticket or below the form. The button and the box
// of signing in are made once: whoever is pressing or typing is not disturbed.
function drawAct(s, v) {
  const {screen} = v,
    note = s.note && noteBox(s);
  if (screen === "granted" || screen === "waiting") {
    const c = s.campaign,
      word = screen === "waiting" ? "leave" : c.kind === "reaction" ? "takeBack" : "cancel";
    return [
      note,
      v.cancel &&
        h(
          "button",
          {type: "button", class: "btn btn-calm btn-wide", test: "cancel-button", disabled: v.leaving, onclick: leave},
          t(v.leaving ? "leaving" : word),
        ),
      screen === "granted" &&
        c.cancellable_until &&
        h("p", {class: "fine"}, v.cancel ? t("cancelUntil", dateTime(c.cancellable_until)) : t("cancelOver")),
    ];
  }
  if (["closed", "left", "deciding"].includes(screen)) return [note];
  if (!session.name) return [(parts.sign ??= h("div", {class: "panel"}, signInBox(t("signInTitle"))))];
  parts.sign = null;
  return [note, parts.button, parts.hint];
}

function noteBox(s) {
  const {title, text} = refusalWords(s.note.code, s.note.problem);
  return h("div", {class: "message bad rise", role: "alert", test: "refusal"}, h("strong", null, title), text);
}

function buttonWord(s, v) {
  if (v.screen === "early") return s.campaign.opens_at ? t("opensInShort", countdown(at(s.campaign) - now())) : t("opensSoon");
  if (v.screen === "paused") return t("pausedShort");
  if (v.screen === "full") return t(v.waitlist ? "joinList" : v.list === "full" ? "listFull" : "soldOut");
  return s.claim?.state === "cancelled" ? t("again") : claimWord(s.campaign);
}

/** tap is the one that counts. */
function tap() {
  const v = look(place.state, now());
  if (!v.tap) return;
  if (form && !form.check()) return void announce(t("checkForm"));
  const body = {...(form && {answers: form.answers()}), ...(v.waitlist && {if_full: "waitlist"})};
  announce(t("say.deciding"));
  place.tap("claim", body);
}

async function leave() {
  const waits = place.state.claim.state === "waitlisted",
    over = place.state.campaign.reclaim === "refused";
  if (place.state.campaign.kind === "reaction") return place.tap("cancel");
  const yes = await confirm(
    waits
      ? {title: t("leaveTitle"), text: t("leaveText"), yes: t("leaveYes"), no: t("leaveNo"), bad: true, test: "confirm-cancel"}
      : {
          title: t("cancelTitle"),
          text: t(over ? "cancelTextOver" : "cancelText"),
          yes: t("cancelYes"),
          no: t("cancelNo"),
          bad: true,
          test: "confirm-cancel",
        },
  );
  if (yes) place.tap("cancel");
}

// The body: what it is about, and the form or what was answered in it.
function drawBody(s, v) {
  const c = s.campaign,
    holds = v.screen === "granted" || v.screen === "waiting";
  const kind = JSON.stringify([
    c.version,
    c.description,
    c.form ?? [],
    holds && [s.claim.answers ?? null, editing],
    ["closed", "left"].includes(v.screen),
  ]);
  if (kind === asked) return;
  asked = kind;
  const about =
    c.description && h("section", {class: "flow-s"}, h("h2", null, t("about")), h("p", {class: "prose"}, c.description));
  form = null;
  if (!c.form?.length || v.screen === "closed" || v.screen === "left") return put(parts.body, about);
  if (holds && !editing) return put(parts.body, about, answersBox(s));
  form = new Form(id, c.form, holds ? (s.claim.answers ?? {}) : undefined);
  const box = h(
    "form",
    {
      class: "panel flow",
      novalidate: true,
      test: "form",
      onsubmit: e => {
        e.preventDefault();
        holds ? save() : tap();
      },
    },
    h("div", {class: "side-by-side between"}, h("h2", null, t("form")), !holds && h("span", {class: "fine"}, t("formKept"))),
    form.element,
    holds &&
      h(
        "div",
        {class: "side-by-side"},
        h("button", {class: "btn btn-main", test: "save-answers"}, t("save")),
        h("button", {type: "button", class: "btn btn-calm", onclick: () => edit(false)}, t("leaveIt")),
      ),
  );
  put(parts.body, about, box);
}

function answersBox(s) {
  const {campaign: c, claim} = s;
  if (!claim.answers) return null;
  return h(
    "section",
    {class: "panel flow"},
    h(
      "div",
      {class: "side-by-side between"},
      h("h2", null, t("answers")),
      !["closed", "archived"].includes(c.status) &&
        h("button", {type: "button", class: "btn btn-calm", test: "edit-answers", onclick: () => edit(true)}, t("change")),
    ),
    h(
      "dl",
      {class: "flow"},
      c.form.map(q =>
        h(
          "div",
          null,
          h("dt", {class: "fine"}, q.label),
          h("dd", {class: "prose", "data-answer": q.id}, shown(q, claim.answers[q.id])),
        ),
      ),
    ),
  );
}
function edit(yes) {
  editing = yes;
  draw(place.state);
  if (yes) form.entries[0].inputs[0].focus();
  else parts.body.querySelector("[data-test=edit-answers]")?.focus();
}
async function save() {
  if (!form.check()) return;
  form.freeze(true);
  try {
    const {data} = await api("PATCH", place.path + "/claims/me", {body: {answers: form.answers(true)}});
    if (data.state !== "deciding") place.dispatch({type: "claim", claim: data});
    toast(t("saved"));
    edit(false);
  } catch (err) {
    form?.freeze(false);
    if (err.code === "invalid-answers") form?.refuse(err.problem.errors ?? []);
    else toast(explain(err).title);
  }
}

function drawHead(s) {
  const c = s.campaign,
    times = [
      c.opens_at && now() < at(c) && t("opensAt", when(c.opens_at)),
      c.closes_at && !["closed", "archived"].includes(c.status) && t("closesAt", when(c.closes_at)),
      c.cap && t("places", c.cap),
      c.points > 0 && t("eachPoints", c.points),
    ];
  document.title = (s.claim?.state === "granted" ? "✓ " : "") + c.title + " · firstcome";
  put(
    parts.head,
    h("div", {class: "side-by-side"}, statusBadge(c, s.claim)),
    h("h1", null, c.title),
    h(
      "p",
      {class: "facts-line"},
      times.filter(Boolean).map(x => h("span", null, x)),
    ),
  );
}

function build() {
  parts.head = h("header", {class: "visit-head"});
  parts.body = h("div", {class: "visit-body"});
  parts.ticket = h("section", {class: "panel ticket", "aria-labelledby": "stage"});
  parts.act = h("div", {class: "act"});
  parts.button = h("button", {type: "button", class: "btn btn-main btn-big figure", test: "claim-button", onclick: tap});
  parts.hint = h("p", {class: "fine"});
  parts.visit = h("article", {class: "visit"}, parts.head, parts.body, h("aside", null, parts.ticket, parts.act));
  put(main, h("div", {class: "flow-l"}, notices, parts.visit));
}

function draw(s) {
  const v = look(s, now());
  if (v.screen === "loading") return;
  if (v.screen === "missing") return drawMissing();
  if (!parts.visit?.isConnected) {
    build();
    drawn = asked = "";
  }
  const key = JSON.stringify([
    v.screen,
    v.list,
    v.cancel,
    v.leaving,
    session.name,
    s.note,
    s.claim?.claimed_at,
    s.claim?.state === "cancelled",
    s.campaign.version,
    s.campaign.status,
  ]);
  const moved = key !== drawn,
    focused = moved && parts.act.contains(document.activeElement);
  drawBody(s, v);
  if (moved) {
    const before = drawn ? JSON.parse(drawn)[0] : "";
    drawn = key;
    drawHead(s);
    const [what, move] = tickets[v.screen](s);
    update = move ?? (() => {});
    put(parts.ticket, what);
    parts.ticket.className = "panel ticket " + (looks[v.screen] ?? "");
    arrange(parts.act, drawAct(s, v));
    parts.visit.classList.toggle("act-first", !form || !session.name || ["granted", "waiting"].includes(v.screen));
    arrive(before, v, s, focused);
  }
  update(s, v);
  parts.button.disabled = !v.tap;
  say(parts.button, buttonWord(s, v));
  say(parts.hint, v.screen !== "early" ? "" : t(form ? "fillNow" : "readyNow"));
  parts.hint.hidden = v.screen !== "early";
  form?.freeze(v.screen === "deciding");
}

// arrive brings eyes, ears and keyboard to what has just come.
function arrive(before, v, s, focused) {
  if (!before || before === v.screen) {
    if (focused)
      (parts.act.querySelector("button:not(:disabled)") ?? document.getElementById("stage")).focus({preventScroll: true});
    return;
  }
  if (focused || before === "deciding") document.getElementById("stage")?.focus({preventScroll: true});
  if (["granted", "waiting", "deciding"].includes(v.screen) && parts.ticket.getBoundingClientRect().top < 60)
    scrollTo({top: 0, behavior: "smooth"});
  const said = {
    open: before === "early" && t("say.open"),
    granted: t("say.granted", s.claim?.rank),
    waiting: t("say.waiting", s.claim?.position),
    full: t("say.full"),
  }[v.screen];
  if (said) announce(said);
}

function drawMissing() {
  if (parts.missing?.isConnected) return;
  parts.visit = null;
  parts.missing = h(
    "div",
    {class: "panel flow calm"},
    h("h1", null, t("missing")),
    h("p", {class: "dim"}, t("missingText")),
    h("a", {class: "btn", href: "/"}, t("toCampaigns")),
  );
  put(main, parts.missing);
}

function changed(s, before, event) {
  if (event.type === "settled" && s.claim?.state === "cancelled") {
    toast(t(before.claim?.state === "waitlisted" ? "left" : "cancelled"));
    announce(t("say.cancelled"));
  }
  if (s.claim?.state !== before.claim?.state) editing = false;
  draw(s);
  if (event.type === "refused" && event.code === "invalid-answers") form?.refuse(event.problem?.errors ?? []);
}

// The clock moves the page: ten times a second where seconds count.
let calledOut = 0;
function tick() {
  const s = place.state,
    c = s.campaign;
  if (c && !document.hidden) draw(s);
  const rest = c?.status === "scheduled" && c.opens_at ? at(c) - now() : Infinity;
  for (const mark of [300, 60, 10]) {
    if (rest > 0 && rest <= mark * 1000 && rest > mark * 1000 - 1500 && calledOut !== mark) {
      calledOut = mark;
      announce(mark >= 60 ? t("say.minutes", mark / 60) : t("say.seconds", mark));
    }
  }
  setTimeout(tick, rest < 5000 ? 40 : 200);
}

open();
const place = new Place(id, changed).open();
addEventListener("fc-signed-in", () => draw(place.state));
addEventListener("fc-signed-out", () => draw(place.state));
tick();
followNotices(notices);
