// One campaign: its head with the big button, its verbs, and the change of its cap.
import {
  api,
  ask,
  countdown,
  dateTime,
  every,
  field,
  h,
  may,
  now,
  num,
  pill,
  Problem,
  put,
  say,
  session,
  t,
  tell,
  why,
} from "./admin-kit.js";
import {settle} from "./admin-diff.js";
import {Feed} from "./admin-feed.js";

const verbs = {
  publish: "publication",
  open: "opening",
  pause: "pause",
  resume: "resumption",
  close: "closure",
  archive: "archive",
};
const verbsOf = {
  draft: ["publish", "open", "archive"],
  scheduled: ["open", "close"],
  open: ["pause", "close"],
  paused: ["resume", "close"],
  closed: ["archive"],
  archived: [],
};
// Each tab is fetched when it is wanted.
const views = {
  "": async () => (await import("./admin-board.js")).board,
  edit: async () => (await import("./admin-form.js")).edit,
  claims: async () => (await import("./admin-claims.js")).claims,
  audit: async () => (await import("./admin-claims.js")).trail,
  books: async () => (await import("./admin-books.js")).books,
};
const tabs = {"": "board", edit: "edit", claims: "claims", audit: "audit", books: "books"};

/** timeOf says when a campaign opens or closes; nothing where neither is set and it runs. */
function timeOf(c) {
  const opens = Date.parse(c.opens_at ?? ""),
    closes = Date.parse(c.closes_at ?? ""),
    runs = c.status === "open" || c.status === "paused";
  if (c.status === "scheduled" && opens > now()) return t("opensIn", countdown(opens - now()), dateTime(c.opens_at));
  if (c.status === "scheduled" && opens) return t("opensAny");
  if (c.status === "draft" && opens) return t("wouldOpen", dateTime(c.opens_at));
  if (runs && closes > now()) return t("closesIn", countdown(closes - now()), dateTime(c.closes_at));
  if (opens) return t("openedAt", dateTime(c.opens_at));
  return runs ? "" : t("noTimes");
}

/** campaign shows one campaign: its head stays while its tabs change. */
export function campaign(main, {signal, id, tab}) {
  const head = h("div", {class: "title"}),
    strip = h("nav", {class: "tabline", "aria-label": t("campaign")}),
    body = h("div", {class: "view"}),
    deck = h("div", {class: "deck"});
  let known = null,
    inner = null,
    current = null,
    ours = 0; // ours: when this admin did something here
  const feed = Feed.of(id);

  async function reload() {
    const {data, etag} = await api("GET", "/campaigns/" + id, {signal});
    known = Object.assign(data, {etag});
    drawHead();
    return known;
  }

  function drawHead() {
    document.title = `${known.title} · firstcome`;
    const shape = [known.status, known.title, known.version, session.role].join();
    if (head.shape === shape) return drawTime();
    head.shape = shape;
    const when = h("p", {class: "when", test: "when"});
    head.when = when;
    put(
      head,
      h(
        "div",
        null,
        h("p", {class: "crumb"}, h("a", {href: "#/"}, t("campaigns")), " / ", h("code", null, id)),
        h("h1", {tabindex: "-1"}, known.title),
        h("div", {class: "under"}, pill(known.status), when),
      ),
    );
    put(
      strip,
      Object.entries(tabs)
        .filter(([k]) => k !== "edit" || (known.status !== "archived" && may("operator")))
        .map(([k, name]) =>
          h("a", {href: `#/c/${id}${k && "/" + k}`, "aria-current": k === current && "page", test: "tab-" + name}, t(name)),
        ),
    );
    drawDeck();
    drawTime();
  }

  // The one button that matters now is large and lies under the thumb.
  function drawDeck() {
    if (!may("operator")) return put(deck, h("p", {class: "message"}, t("viewerOnly", t("role." + session.role))));
    const all = verbsOf[known.status].filter(v => v !== "publish" || known.opens_at),
      main = all.includes("publish") ? "publish" : all[0];
    put(
      deck,
      main &&
        h(
          "button",
          {class: `btn big ${main}`, test: main, onclick: () => act(main)},
          h("span", {class: "sign " + main, "aria-hidden": true}),
          t("verb." + main),
        ),
      h(
        "div",
        {class: "verbs"},
        all.filter(v => v !== main).map(v => h("button", {class: "btn", test: v, onclick: () => act(v)}, t("verb." + v))),
        known.kind !== "reaction" &&
          known.status !== "archived" &&
          known.status !== "draft" &&
          h("button", {class: "btn", test: "change-cap", onclick: changeCap}, t("changeCap")),
      ),
    );
  }

  function drawTime() {
    say(head.when, timeOf(known));
  }

  /** act does a verb, after saying what it means. */
  async function act(verb) {
    const c = known,
      reason = h("input", {type: "text", maxlength: 500, autocomplete: "off"});
    let etag = c.etag;
    const done = await ask({
      title: t("verb." + verb) + ": " + c.title,
      test: "confirm",
      confirm: t("verb." + verb),
      tone: verb === "close" || verb === "archive" ? "btn-bad" : verb === "pause" ? "warn" : "",
      body: [
        h(
          "p",
          null,
          t("means." + verb, num(c.granted), num(c.waiting), c.cap === undefined ? "∞" : num(c.cap), dateTime(c.opens_at)),
        ),
        field(t("reasonIfAny"), reason, {test: "reason"}),
      ],
      act: async () => {
        try {
          await api("POST", `/campaigns/${id}/${verbs[verb]}`, {
            match: etag,
            body: reason.value.trim() ? {reason: reason.value.trim()} : undefined,
          });
        } catch (err) {
          if (!(err instanceof Problem) || err.status !== 412) throw err;
          const {sure, etag: fresh} = await settle(c, id, signal);
          etag = fresh;
          await reload();
          if (!sure) return true;
          await api("POST", `/campaigns/${id}/${verbs[verb]}`, {
            match: etag,
            body: reason.value.trim() ? {reason: reason.value.trim()} : undefined,
          });
        }
        ours = Date.now();
        tell(t("done." + verb));
        return true;
      },
    });
    if (done) {
      await reload();
      (deck.querySelector(".big.pause,.big.resume") ?? head.querySelector("h1")).focus();
    }
  }

  /** changeCap shows who gains and who waits before anything changes. */
  async function changeCap() {
    let c = await reload(),
      etag = c.etag,
      serial = 0,
      timer;
    const value = h("input", {
        type: "number",
        min: 0,
        max: 1e9,
        step: 1,
        inputmode: "numeric",
        value: c.cap ?? "",
        autofocus: true,
        required: true,
      }),
      none = h("input", {type: "checkbox", checked: c.cap === undefined});
    const reason = h("input", {type: "text", maxlength: 500, required: true, autocomplete: "off"}),
      effect = h("div", {class: "effect", test: "cap-preview", role: "status"});
    const steps = [-10, -1, 1, 10].map(n =>
      h(
        "button",
        {
          type: "button",
          class: "btn",
          onclick: () => {
            value.value = Math.max(0, (+value.value || 0) + n);
            look();
          },
        },
        (n > 0 ? "+" : "−") + Math.abs(n),
      ),
    );
    const wanted = () => (none.checked ? null : value.value === "" ? undefined : Math.trunc(+value.value));
    const reasonField = field(t("reason"), reason, {hint: t("reasonWhy"), test: "cap-reason"}),
      capField = field(t("f.cap"), value, {test: "cap-value"});
    const enough = () => {
      const b = document.querySelector("[data-test=cap-confirm]");
      if (b) b.disabled = wanted() === undefined || wanted() === (c.cap ?? null) || !reason.value.trim();
    };

    function look() {
      value.disabled = none.checked;
      enough();
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const mine = ++serial;
        if (wanted() === undefined) return put(effect);
        try {
          const {data} = await api("PUT", `/campaigns/${id}/cap?dry_run=true`, {match: etag, body: {cap: wanted()}, signal});
          if (mine === serial) {
            put(effect, outcome(data));
            capField.complain("");
          }
        } catch (err) {
          if (mine === serial && err.status === 412) {
            c = await reload();
            etag = c.etag;
            return look();
          }
          if (mine === serial) put(effect, why(err));
        }
      }, 200);
    }
    function outcome(p) {
      const limit = v => (v === null ? t("noCap") : num(v)),
        rest = p.promoted - p.promoted_members.length;
      return [
        h("p", {class: "big-change"}, h("b", null, limit(p.cap.from)), " → ", h("b", null, limit(p.cap.to))),
        h(
          "dl",
          {class: "facts"},
          h("dt", null, t("whoGains")),
          h("dd", {test: "promoted"}, p.promoted ? t("promotedN", p.promoted) : t("promotedNone")),
          h("dt", null, t("whoWaits")),
          h("dd", null, t("waitingLeft", p.waiting - p.promoted)),
          p.over_by > 0 && [h("dt", null, t("overBy")), h("dd", {test: "over-by"}, t("overByN", p.over_by))],
        ),
        p.promoted_members.length > 0 &&
          h(
            "details",
            {open: p.promoted <= 12},
            h("summary", null, t("promotedNames")),
            h(
              "ol",
              {class: "names"},
              p.promoted_members.map(m => h("li", null, m)),
            ),
            rest > 0 && h("p", {class: "fine"}, t("andMore", num(rest))),
          ),
      ];
    }
    for (const e of [value, none]) e.addEventListener("input", look);
    reason.addEventListener("input", enough);
    const finished = ask({
      title: t("changeCap"),
      test: "cap",
      wide: true,
      confirm: t("changeCap"),
      body: [
        h("div", {class: "row end"}, capField, h("div", {class: "group"}, steps)),
        h("label", {class: "check"}, none, t("noCap")),
        effect,
        reasonField,
      ],
      act: async () => {
        try {
          await api("PUT", `/campaigns/${id}/cap`, {match: etag, body: {cap: wanted(), reason: reason.value.trim()}});
        } catch (err) {
          for (const f of err.fields ?? []) if (f.pointer === "/reason") reasonField.complain(f.detail);
          if (err.status !== 412) throw err;
          const answer = await settle(c, id, signal);
          c = await reload();
          etag = c.etag;
          look();
          if (!answer.sure) return false;
          await api("PUT", `/campaigns/${id}/cap`, {match: etag, body: {cap: wanted(), reason: reason.value.trim()}});
        }
        tell(t("capChanged"));
        return true;
      },
    });
    look();
    if (await finished) {
      await reload();
      deck.querySelector("[data-test=change-cap]")?.focus();
    }
  }

  /** go changes the tab without touching the head. */
  async function go(next) {
    inner?.abort();
    inner = new AbortController();
    signal.addEventListener("abort", () => inner.abort(), {once: true});
    current = tabs[next] ? next : "";
    for (const a of strip.children)
      a.setAttribute("aria-current", a.getAttribute("href") === `#/c/${id}${current && "/" + current}` ? "page" : "false");
    put(body);
    deck.hidden = current === "edit";
    const {signal: mine} = inner,
      view = await views[current]();
    if (!mine.aborted) view(body, {id, feed, reload, campaign: known, signal: mine});
  }

  put(main, h("div", {class: "top"}, head, deck), strip, body);
  reload()
    .then(() => {
      go(tab);
      let last = feed.last;
      feed.run(signal, () => (current === "" ? 1000 : 2500));
      feed.addEventListener(
        "sample",
        () => {
          const b = feed.last;
          // What the board tells of the definition is old news by its version alone.
          if (b.version !== known.version || b.status !== known.status) reload().catch(() => {});
          if (last && last.status !== b.status && Date.now() - ours > 4000)
            tell(t("nowStatus", t("status." + b.status)), "plain");
          last = b;
        },
        {signal},
      );
      every(1000, signal, async () => {
        if (known) drawTime();
      });
    })
    .catch(err => {
      if (signal.aborted) return;
      put(
        main,
        h("h1", {tabindex: "-1"}, id),
        err.status === 404 ? h("p", null, t("noSuch")) : why(err),
        h("p", null, h("a", {href: "#/"}, t("campaigns"))),
      );
    });
  return {go};
}
