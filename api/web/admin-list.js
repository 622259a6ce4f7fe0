// The list of campaigns, and the calendar of their openings.
import {api, brief, dateTime, every, fill, h, hourTime, lang, may, num, pill, put, t, why, zoneName, kept} from "./admin-kit.js";

const statuses = ["open", "scheduled", "paused", "draft", "closed", "archived"];
const most = 2000; // campaigns that are looked at: older ones are found by their address
const shownAtFirst = 60;

/** all reads every page of the list. */
export async function all(signal) {
  const items = [];
  for (let cursor = ""; items.length < most;) {
    const {data} = await api("GET", "/campaigns?limit=200" + (cursor && "&cursor=" + cursor), {signal});
    items.push(...data.items);
    if (!(cursor = data.next_cursor)) break;
  }
  return items;
}

const address = (c, tab = "") => `#/c/${c.id}${tab}`;
const opens = c => (c.opens_at ? Date.parse(c.opens_at) : 0);
const order = {open: 0, paused: 0, scheduled: 1, draft: 2, closed: 3, archived: 4};
// What runs comes first, then what comes next, then the newest of the past.
const sorted = list =>
  [...list].sort(
    (a, b) =>
      order[a.status] - order[b.status] ||
      (a.status === "scheduled" ? opens(a) - opens(b) : opens(b) - opens(a)) ||
      (a.title < b.title ? -1 : 1),
  );

function line(c) {
  return h(
    "tr",
    null,
    h(
      "th",
      {scope: "row"},
      h("a", {href: address(c, c.status === "draft" ? "/edit" : ""), test: "campaign-link", "data-id": c.id}, c.title),
      h("small", null, c.id),
    ),
    h("td", {"data-label": t("status")}, pill(c.status)),
    h("td", {"data-label": t("opens")}, dateTime(c.opens_at)),
    h(
      "td",
      {"data-label": t("granted")},
      h(
        "span",
        {class: "gauge"},
        h("span", null, num(c.granted), h("small", null, " / " + (c.cap === undefined ? "∞" : num(c.cap)))),
        c.cap !== undefined && fill(c.granted, c.cap),
      ),
    ),
    h("td", {"data-label": t("waiting"), class: "number"}, num(c.waiting)),
  );
}

export function list(main, {signal}) {
  let items = null,
    limit = shownAtFirst;
  const wanted = {q: "", status: kept("fc-status") || ""};
  const rows = h("tbody"),
    count = h("p", {class: "fine", role: "status"}),
    more = h(
      "button",
      {
        class: "btn",
        hidden: true,
        onclick: () => {
          limit += 200;
          draw();
        },
      },
      t("more"),
    );
  const trouble = h("div"),
    empty = h("div", {class: "empty", hidden: true});
  const search = h("input", {
    type: "search",
    id: "search",
    placeholder: t("searchCampaigns"),
    "aria-label": t("searchCampaigns"),
    test: "search",
    oninput: e => {
      wanted.q = e.target.value.trim().toLowerCase();
      limit = shownAtFirst;
      draw();
    },
  });
  const chips = ["", ...statuses].map(s =>
    h(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-pressed": String(wanted.status === s),
        test: "filter-" + (s || "all"),
        onclick: () => {
          wanted.status = s;
          kept("fc-status", s);
          for (const c of chips) c.setAttribute("aria-pressed", String(c.dataset.status === s));
          draw();
        },
        "data-status": s,
      },
      h("span", null, s ? t("status." + s) : t("all")),
      h("b"),
    ),
  );
  const table = h(
    "table",
    {class: "cards"},
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        ["campaign", "status", "opens", "granted", "waiting"].map(k =>
          h("th", {scope: "col", class: k === "waiting" && "number"}, t(k)),
        ),
      ),
    ),
    rows,
  );

  function draw() {
    if (!items) return;
    for (const c of chips)
      c.lastChild.textContent = brief(items.filter(i => !c.dataset.status || i.status === c.dataset.status).length);
    const found = sorted(
      items.filter(
        c =>
          (!wanted.status || c.status === wanted.status) &&
          (!wanted.q || c.title.toLowerCase().includes(wanted.q) || c.id.includes(wanted.q)),
      ),
    );
    const focused = document.activeElement?.dataset?.id;
    put(rows, found.slice(0, limit).map(line));
    if (focused) rows.querySelector(`[data-id="${focused}"]`)?.focus();
    more.hidden = found.length <= limit;
    table.hidden = !found.length;
    empty.hidden = found.length > 0;
    put(
      empty,
      h("p", null, items.length ? t("noneFound") : t("noneYet")),
      !items.length && may("operator") && h("a", {class: "btn btn-main", href: "#/new"}, t("new")),
    );
    count.textContent = t("campaignsFound", found.length);
  }

  put(
    main,
    h(
      "div",
      {class: "title"},
      h("h1", {tabindex: "-1"}, t("campaigns")),
      may("operator") && h("a", {class: "btn btn-main", href: "#/new", test: "new-campaign"}, "+ " + t("new")),
    ),
    h("div", {class: "filters"}, search, h("div", {class: "chips", role: "group", "aria-label": t("status")}, chips)),
    trouble,
    table,
    empty,
    more,
    count,
  );
  every(5000, signal, async () => {
    try {
      const fresh = await all(signal);
      put(trouble);
      if (JSON.stringify(fresh) !== JSON.stringify(items)) {
        items = fresh;
        draw();
      }
    } catch (err) {
      if (!signal.aborted) put(trouble, why(err));
    }
  });
}

const day = 86_400_000;
const start = d => new Date(d.getFullYear(), d.getMonth(), d.getDate());
const plus = (d, n) => new Date(d.getFullYear(), d.getMonth(), d.getDate() + n);
const key = d => `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
const firstDay = (() => {
  const l = new Intl.Locale(navigator.language || lang);
  return (l.getWeekInfo?.() ?? l.weekInfo ?? {firstDay: 7}).firstDay % 7;
})();
const weekStart = d => plus(d, -((d.getDay() - firstDay + 7) % 7));
const named = options => d => new Intl.DateTimeFormat(lang, options).format(d);
const monthName = named({year: "numeric", month: "long"}),
  dayName = named({weekday: "short"}),
  fullDay = named({weekday: "long", month: "long", day: "numeric"});

/** entry is one opening in the calendar. */
const entry = c =>
  h(
    "a",
    {class: "opening " + c.status, href: address(c), title: `${c.title} · ${t("status." + c.status)}`},
    h("time", {datetime: c.opens_at}, hourTime(c.opens_at)),
    " ",
    h("span", null, c.title),
    h("span", {class: "unseen"}, ", " + t("status." + c.status)),
  );

/** calendar shows the openings of a month or a week. */
export function calendar(main, {signal, query}) {
  const at = /^\d{4}-\d\d-\d\d$/.test(query.get("at") ?? "") ? new Date(query.get("at") + "T00:00:00") : start(new Date());
  const week = query.get("by") === "week",
    body = h("div"),
    trouble = h("div");
  const from = week ? weekStart(at) : weekStart(new Date(at.getFullYear(), at.getMonth(), 1));
  const days = week ? 7 : Math.ceil(Math.round((new Date(at.getFullYear(), at.getMonth() + 1, 1) - from) / day) / 7) * 7;
  const go = (d, by = week ? "week" : "month") => `#/calendar?by=${by}&at=${key(d)}`;
  const step = n => (week ? plus(at, 7 * n) : new Date(at.getFullYear(), at.getMonth() + n, 1));
  const today = key(new Date());

  function draw(items) {
    const by = new Map();
    for (const c of items)
      if (c.opens_at && c.status !== "archived") {
        const k = key(new Date(c.opens_at));
        by.set(
          k,
          [...(by.get(k) ?? []), c].sort((a, b) => opens(a) - opens(b)),
        );
      }
    const cells = Array.from({length: days}, (_, i) => plus(from, i));
    const cell = d => {
      const found = by.get(key(d)) ?? [],
        room = week ? 50 : 3;
      return h(
        "td",
        {class: [key(d) === today && "today", !week && d.getMonth() !== at.getMonth() && "outside"].filter(Boolean).join(" ")},
        h(
          "div",
          {class: "day"},
          h("span", {"aria-hidden": true}, d.getDate()),
          h("span", {class: "unseen"}, fullDay(d) + (key(d) === today ? ", " + t("today") : "")),
          may("operator") &&
            key(d) >= today &&
            h("a", {class: "add", href: "#/new?on=" + key(d), "aria-label": t("newOn", fullDay(d))}, "+"),
        ),
        h(
          "div",
          {class: "openings"},
          found.slice(0, room).map(entry),
          found.length > room && h("a", {class: "fine", href: go(d, "week")}, t("andMore", found.length - room)),
        ),
        found.length > 0 &&
          h(
            "span",
            {class: "dots", "aria-hidden": true},
            found.slice(0, 3).map(c => h("i", {class: c.status})),
          ),
      );
    };
    const weeks = [];
    for (let i = 0; i < days; i += 7) weeks.push(h("tr", null, cells.slice(i, i + 7).map(cell)));
    const agenda = cells.filter(d => by.has(key(d)) && (week || d.getMonth() === at.getMonth()));
    put(
      body,
      h(
        "table",
        {class: "calendar" + (week ? " week" : "")},
        h("caption", {class: "unseen"}, monthName(at)),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            cells.slice(0, 7).map(d => h("th", {scope: "col"}, dayName(d))),
          ),
        ),
        h("tbody", null, weeks),
      ),
      h(
        "div",
        {class: "agenda"},
        agenda.length
          ? agenda.map(d => h("section", null, h("h2", null, fullDay(d)), by.get(key(d)).map(entry)))
          : h("p", {class: "fine"}, t("noOpenings")),
      ),
    );
  }

  put(
    main,
    h(
      "div",
      {class: "title"},
      h("h1", {tabindex: "-1"}, week ? t("weekOf", fullDay(weekStart(at))) : monthName(at)),
      h(
        "div",
        {class: "group"},
        h("a", {class: "btn", href: go(step(-1)), "aria-label": t("before"), test: "calendar-before"}, "‹"),
        h("a", {class: "btn", href: go(new Date())}, t("today")),
        h("a", {class: "btn", href: go(step(1)), "aria-label": t("after"), test: "calendar-after"}, "›"),
      ),
      h(
        "div",
        {class: "group", role: "group", "aria-label": t("calendar")},
        ["month", "week"].map(by =>
          h(
            "a",
            {
              class: "btn" + ((by === "week") === week ? " on" : ""),
              "aria-current": (by === "week") === week && "true",
              href: go(at, by),
              test: "by-" + by,
            },
            t(by),
          ),
        ),
      ),
    ),
    h("p", {class: "fine"}, t("timesIn", zoneName())),
    trouble,
    body,
  );
  draw([]);
  every(15_000, signal, async () => {
    try {
      draw(await all(signal));
      put(trouble);
    } catch (err) {
      if (!signal.aborted) put(trouble, why(err));
    }
  });
}
