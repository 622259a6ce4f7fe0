// The board at noon: what is happening, as tiles and moving charts.
import {brief, clockTime, fill, fresh, h, learn, kept, millis, num, put, say, span, t, why} from "./admin-kit.js";
import {chart} from "./admin-chart.js";
import {decisions} from "./admin-feed.js";

await learn("board");

// What a chart can still tell apart: the rarer refusals share a colour.
const bands = [
  ["granted", ["granted"]],
  ["waitlisted", ["waitlisted"]],
  ["repeated", ["repeated"]],
  ["sold-out", ["sold-out"]],
  ["early", ["early"]],
  ["others", ["paused", "late", "ineligible", "refused", "superseded"]],
  ["unsure", ["deciding", "errors"]],
];

const rateOf = names => s => (s.whole === undefined ? undefined : names.reduce((sum, d) => sum + (s.rate[d] ?? 0), 0));
const perSecond = v => (v === undefined ? "–" : v > 0 && v < 10 ? String(+v.toFixed(1)) : brief(v));

/** plot is a chart with its title, legend, a sentence for those who do not see it, and its numbers as a table. */
function plot({name, title, series, options, sentence, test}, tape, signal) {
  const canvas = h("canvas", {role: "img"}),
    rows = h("tbody"),
    caption = fresh();
  const swatches = series.map(s => h("i", {class: "swatch c-" + s.colour, "aria-hidden": true}));
  const table = h(
    "details",
    {test: test + "-table"},
    h("summary", null, t("asTable")),
    h(
      "table",
      {class: "plain numbers"},
      h("caption", {class: "unseen"}, title),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", {scope: "col"}, t("time")),
          series.map(s => h("th", {scope: "col"}, s.name)),
        ),
      ),
      rows,
    ),
  );
  const box = h(
    "figure",
    {class: "plot " + name, "aria-labelledby": caption, test},
    h("figcaption", {id: caption}, title),
    h(
      "ul",
      {class: "legend"},
      series.map((s, i) => h("li", null, swatches[i], s.name)),
    ),
    canvas,
    table,
  );
  const shown = series.map((s, i) => ({...s, swatch: swatches[i]}));
  let told = 0;
  box.update = () => {
    const s = tape.samples.at(-1);
    if (s && Date.now() - told > 5000) {
      told = Date.now();
      canvas.setAttribute("aria-label", `${title}: ${sentence(s)}`);
    }
    if (table.open)
      put(
        rows,
        tape.samples
          .slice(-20)
          .reverse()
          .map(s =>
            h(
              "tr",
              null,
              h("th", {scope: "row"}, clockTime(s.t)),
              series.map(one => h("td", null, one.value(s) === undefined ? "–" : options.format(one.value(s)))),
            ),
          ),
      );
  };
  table.addEventListener("toggle", box.update);
  box.start = () => chart(canvas, tape, shown, options, signal);
  return box;
}

function tile(key, test) {
  const value = h("span", {class: "value", test}),
    note = h("span", {class: "under"});
  const box = h("div", {class: "tile " + key}, h("span", {class: "name"}, t(key)), value, note);
  return Object.assign(box, {value, note});
}

const lamp = (state, text) => [h("i", {class: "lamp " + state, "aria-hidden": true}), text];

/** board is the live view of a campaign. */
export function board(main, {signal, feed, campaign}) {
  const {tape} = feed;
  let seconds = +(kept("fc-span") || 60);
  const tiles = {
    granted: tile("granted", "board-granted"),
    remaining: tile("remaining", "board-remaining"),
    waiting: tile("waiting", "board-waiting"),
    rate: tile("claimsPerSecond", "board-rate"),
    latency: tile("latency", "board-latency"),
    backlog: tile("ledgerBacklog", "board-backlog"),
  };
  const since = h("p", {class: "fine"}, ""),
    trouble = h("div", {role: "status"}),
    table = h("tbody"),
    health = h("div", {class: "health", test: "health"});
  const spans = [60, 300].map(s =>
    h(
      "button",
      {
        type: "button",
        class: "btn small",
        "aria-pressed": String(s === seconds),
        onclick: () => {
          seconds = s;
          kept("fc-span", s);
          spans.forEach((b, i) => b.setAttribute("aria-pressed", String([60, 300][i] === s)));
        },
      },
      t("minutes", s / 60),
    ),
  );
  const shared = {seconds: () => seconds};
  const plots = [
    plot(
      {
        name: "wide",
        test: "chart-decisions",
        title: t("decisionsPerSecond"),
        series: bands.map(([colour, of]) => ({name: t("d." + colour), colour, value: rateOf(of)})),
        options: {...shared, stacked: true, format: perSecond, whole: true},
        sentence: s => t("sayRate", perSecond(s.whole), perSecond(s.rate.granted)),
      },
      tape,
      signal,
    ),
    plot(
      {
        name: "seats",
        test: "chart-places",
        title: t("places"),
        series: [
          {name: t("granted"), colour: "granted", value: s => s.b.granted},
          {name: t("remaining"), colour: "remaining", value: s => s.b.remaining},
          {name: t("waiting"), colour: "waitlisted", value: s => s.b.waiting},
        ],
        options: {...shared, format: brief, whole: true},
        sentence: s => t("sayPlaces", num(s.b.granted), num(s.b.remaining), num(s.b.waiting)),
      },
      tape,
      signal,
    ),
    plot(
      {
        name: "latency",
        test: "chart-latency",
        title: t("latencyTitle"),
        series: ["p50", "p95", "p99"].map(p => ({name: p, colour: p, value: s => s.b.latency_ms[p]})),
        options: {
          ...shared,
          log: true,
          format: v => (v >= 1000 ? v / 1000 + " s" : v >= 1 ? Math.round(v * 10) / 10 + " ms" : +v.toFixed(2) + " ms"),
        },
        sentence: s => `p50 ${millis(s.b.latency_ms.p50)}, p95 ${millis(s.b.latency_ms.p95)}, p99 ${millis(s.b.latency_ms.p99)}`,
      },
      tape,
      signal,
    ),
    plot(
      {
        name: "backlog",
        test: "chart-ledger",
        title: t("ledgerTitle"),
        series: [{name: t("rowsWaiting"), colour: "backlog", value: s => s.b.ledger?.backlog_rows}],
        options: {...shared, format: brief, whole: true},
        sentence: s => t("sayLedger", num(s.b.ledger?.backlog_rows), span(s.b.ledger?.drain_seconds)),
      },
      tape,
      signal,
    ),
  ];

  const cells = new Map(
    decisions.map(d => {
      const band = bands.find(([, of]) => of.includes(d))[0],
        now = h("td"),
        sofar = h("td");
      table.append(
        h(
          "tr",
          {"data-decision": d},
          h("th", {scope: "row"}, h("i", {class: "swatch c-" + band, "aria-hidden": true}), t("d." + d)),
          now,
          sofar,
        ),
      );
      return [d, {now, sofar}];
    }),
  );

  function draw() {
    const b = feed.last,
      s = tape.samples.at(-1);
    if (!b) return;
    say(tiles.granted.value, num(b.granted));
    say(tiles.granted.note, b.cap === undefined ? t("noCap") : t("ofCap", num(b.cap)));
    const bar = tiles.granted.querySelector(".fill");
    if (b.cap !== undefined) {
      const next = fill(b.granted, b.cap);
      if (bar) bar.replaceWith(next);
      else tiles.granted.append(next);
    } else bar?.remove();
    say(tiles.remaining.value, b.remaining === undefined ? "∞" : num(b.remaining));
    say(
      tiles.remaining.note,
      b.cap !== undefined && b.granted > b.cap ? t("overByN", b.granted - b.cap) : b.remaining === 0 ? t("soldOut") : "",
    );
    say(tiles.waiting.value, num(b.waiting));
    say(tiles.waiting.note, campaign?.waitlist_cap ? t("ofCap", num(campaign.waitlist_cap)) : t("noList"));
    say(tiles.rate.value, perSecond(s?.whole));
    say(tiles.rate.note, t("soFar", brief(decisions.reduce((sum, d) => sum + b.decisions[d], 0))));
    say(tiles.latency.value, millis(b.latency_ms.p99));
    say(
      tiles.latency.note,
      b.latency_ms.claims ? `p50 ${millis(b.latency_ms.p50)} · p95 ${millis(b.latency_ms.p95)}` : t("nobodyNow"),
    );
    say(tiles.backlog.value, brief(b.ledger?.backlog_rows));
    say(
      tiles.backlog.note,
      b.ledger ? t("drains", span(b.ledger.drain_seconds), brief(b.ledger.rows_per_second)) : t("unknownYet"),
    );
    for (const [d, {now, sofar}] of cells) {
      say(now, perSecond(s?.rate[d]));
      say(sofar, num(b.decisions[d]));
      now.parentNode.classList.toggle("none", !b.decisions[d]);
    }
    say(since, b.decisions.granted < b.granted ? t("countedSince") : "");
    drawHealth(b);
    for (const p of plots) p.update();
  }

  let healthy = "";
  function drawHealth(b) {
    const shape = JSON.stringify([b.nodes, b.services, b.nodes_complete, b.decisions_whole]);
    if (shape === healthy) return;
    healthy = shape;
    put(
      health,
      h(
        "ul",
        {class: "lamps"},
        ["log", "redis", "postgres"]
          .filter(n => b.services[n])
          .map(n =>
            h(
              "li",
              {test: "service-" + n},
              lamp(b.services[n], [h("b", null, t("service." + n)), " ", t("health." + b.services[n])]),
            ),
          ),
      ),
      b.services.redis === "away" && h("p", {class: "message"}, t("redisAway")),
      b.services.postgres === "away" && h("p", {class: "message"}, t("postgresAway")),
      b.services.log === "away" && h("p", {class: "message bad"}, t("logAway")),
      h(
        "ul",
        {class: "lamps nodes"},
        b.nodes.map(n =>
          h(
            "li",
            null,
            lamp(n.ready ? "ok" : "away", [
              h("b", null, n.address ?? n.name.slice(0, 8)),
              " ",
              h("small", null, n.roles.join(" · "), n.this ? " · " + t("thisNode") : ""),
              n.reason && h("small", {class: "reason"}, n.reason),
            ]),
          ),
        ),
      ),
      !b.nodes_complete && b.nodes.length === 1 && h("p", {class: "fine"}, t("othersUnknown")),
    );
  }

  put(
    main,
    trouble,
    h("div", {class: "tiles", test: "tiles"}, Object.values(tiles)),
    h(
      "div",
      {class: "row spread"},
      h("h2", null, t("live")),
      h("div", {class: "group", role: "group", "aria-label": t("timeShown")}, spans),
    ),
    h(
      "div",
      {class: "plots"},
      plots[0],
      h(
        "section",
        {class: "panel decided", test: "decisions"},
        h("h3", null, t("decisions")),
        h(
          "table",
          {class: "plain numbers"},
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              h("th", {scope: "col"}, t("decision")),
              h("th", {scope: "col"}, t("eachSecond")),
              h("th", {scope: "col"}, t("total")),
            ),
          ),
          table,
        ),
        since,
      ),
      plots.slice(1),
      h("section", {class: "panel"}, h("h3", null, t("healthTitle")), health),
    ),
  );
  for (const p of plots) p.start();
  draw();
  feed.addEventListener(
    "sample",
    () => {
      if (trouble.firstChild) put(trouble);
      draw();
    },
    {signal},
  );
  feed.addEventListener(
    "trouble",
    () =>
      put(
        trouble,
        why(feed.trouble),
        feed.last && h("p", {class: "fine"}, t("lastNumbers", clockTime(Date.parse(feed.last.at)))),
      ),
    {signal},
  );
}
