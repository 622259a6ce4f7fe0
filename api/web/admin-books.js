// The proof and the machine room: books, the ledger's throttle, nodes, notices.
import {api, ask, dateTime, every, field, h, learn, may, num, put, say, span, t, tell, why} from "./admin-kit.js";

await learn("more");

/** books holds log, gate and ledger of a campaign side by side. */
export function books(main, {signal, id}) {
  const verdict = h("p", {class: "verdict", role: "status", test: "books-equal"}),
    body = h("tbody"),
    differ = h("ul", {class: "differences"}),
    trouble = h("div"),
    behind = h("p", {class: "fine"});
  const rows = ["granted", "waiting", "seq", "offset", "digest"];
  function draw(b) {
    say(verdict, t(b.equal ? "booksEqual" : "booksDiffer"));
    verdict.className = "verdict " + (b.equal ? "good" : "bad");
    put(
      body,
      rows.map(k =>
        h(
          "tr",
          null,
          h("th", {scope: "row"}, t("book." + k)),
          h("td", null, k === "digest" ? h("code", null, b.log[k]) : num(b.log[k])),
          h(
            "td",
            null,
            k === "granted" ? (b.gate.reachable ? t("gateCounts", num(b.gate.count), num(b.gate.leased)) : t("health.away")) : "",
          ),
          h("td", null, b.ledger ? (k === "digest" ? h("code", null, b.ledger[k]) : num(b.ledger[k])) : t("health.away")),
        ),
      ),
    );
    put(
      differ,
      b.differences.map(d => h("li", null, d)),
    );
    say(behind, b.ledger ? t("booksBehind", num(b.ledger.backlog_rows), span(b.ledger.drain_seconds)) : "");
  }
  put(
    main,
    trouble,
    verdict,
    differ,
    h(
      "div",
      {class: "scroll", tabindex: "0", role: "region", "aria-label": t("books")},
      h(
        "table",
        {class: "plain numbers"},
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("td"),
            ["log", "gate", "ledger"].map(k => h("th", {scope: "col"}, t("book." + k))),
          ),
        ),
        body,
      ),
    ),
    behind,
    h("p", {class: "fine"}, t("booksWhy")),
  );
  every(2000, signal, async () => {
    try {
      draw((await api("GET", `/campaigns/${id}/books`, {signal})).data);
      put(trouble);
    } catch (err) {
      if (!signal.aborted) put(trouble, why(err));
    }
  });
}

/** system is what all campaigns share: the throttle, the nodes, the full audit. */
export function system(main, {signal}) {
  put(main, h("h1", {tabindex: "-1"}, t("system")), throttle(signal), audit(signal), nodes(signal));
}

function throttle(signal) {
  const facts = h("dl", {class: "facts wide", test: "throttle"}),
    trouble = h("div"),
    effect = h("p", {class: "fine", role: "status"});
  const rate = h("input", {type: "number", min: 1, max: 1e7, step: 1, inputmode: "numeric", required: true}),
    box = field(t("rowsPerSecond"), rate, {test: "throttle-rate"});
  let status = null,
    serial = 0,
    timer;
  const look = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++serial;
      if (!rate.value) return say(effect, "");
      try {
        const {data} = await api("PUT", "/ledger/throttle?dry_run=true", {
          body: {rows_per_second: Math.trunc(+rate.value)},
          signal,
        });
        if (mine === serial) {
          box.complain("");
          say(effect, t("throttleWould", num(data.backlog_rows), span(data.drain_seconds)));
        }
      } catch (err) {
        if (mine === serial) box.complain(err.fields?.[0]?.detail ?? String(err.message));
      }
    }, 250);
  };
  const factor = f =>
    h(
      "button",
      {
        type: "button",
        class: "btn",
        onclick: () => {
          rate.value = Math.max(1, Math.round((+rate.value || 1) * f));
          look();
        },
      },
      f < 1 ? "÷ 2" : "× 2",
    );
  const form = h(
    "form",
    {
      class: "flow",
      novalidate: true,
      onsubmit: async e => {
        e.preventDefault();
        const rows = Math.trunc(+rate.value);
        const done = await ask({
          title: t("throttleSet"),
          test: "throttle-change",
          confirm: t("throttleSet"),
          body: h("p", null, t("throttleMeans", num(status?.rows_per_second), num(rows))),
          act: async () => {
            draw((await api("PUT", "/ledger/throttle", {body: {rows_per_second: rows}})).data);
            return true;
          },
        });
        if (done) tell(t("throttleDone", num(rows)));
      },
    },
    h(
      "div",
      {class: "row end"},
      box,
      h("div", {class: "group"}, factor(0.5), factor(2)),
      h("button", {class: "btn btn-main", test: "throttle-set"}, t("throttleSet")),
    ),
    h("p", {class: "fine"}, t("throttleHint")),
    effect,
  );
  rate.addEventListener("input", look);
  function draw(s) {
    if (!status) rate.value = s.rows_per_second;
    status = s;
    put(
      facts,
      [
        ["rowsPerSecond", num(s.rows_per_second)],
        ["rowsWaiting", num(s.backlog_rows)],
        ["drainTime", span(s.drain_seconds)],
        ["rowsTotal", num(s.rows_total)],
      ].map(([k, v]) => h("div", null, h("dt", null, t(k)), h("dd", null, v))),
    );
  }
  every(2000, signal, async () => {
    try {
      draw((await api("GET", "/ledger/throttle", {signal})).data);
      put(trouble);
    } catch (err) {
      if (!signal.aborted) put(trouble, why(err));
    }
  });
  return h(
    "section",
    {class: "panel"},
    h("h2", null, t("throttle")),
    h("p", {class: "fine"}, t("throttleWhy")),
    trouble,
    facts,
    may("owner") ? form : h("p", {class: "message"}, t("ownerOnly")),
  );
}

function audit(signal) {
  const out = h("div", {role: "status"});
  const button = h(
    "button",
    {
      type: "button",
      class: "btn",
      test: "run-audit",
      onclick: async () => {
        button.disabled = true;
        put(out, h("p", {class: "fine"}, t("auditRuns")));
        try {
          const {data} = await fetchAudit(signal);
          put(
            out,
            h(
              "p",
              {class: "verdict " + (data.clean ? "good" : "bad")},
              t(
                data.clean ? "auditClean" : "auditDirty",
                num(data.campaigns),
                num(data.places),
                num(data.records),
                span(data.seconds),
              ),
            ),
            h(
              "ul",
              {class: "differences"},
              data.violations.map(v => h("li", null, h("b", null, v.rule), " ", v.campaign ?? "", " ", v.detail)),
            ),
          );
        } catch (err) {
          if (!signal.aborted) put(out, why(err));
        }
        button.disabled = false;
      },
    },
    t("runAudit"),
  );
  return h(
    "section",
    {class: "panel"},
    h("h2", null, t("fullAudit")),
    h("p", {class: "fine"}, t("fullAuditWhy")),
    may("owner") ? button : h("p", {class: "message"}, t("ownerOnly")),
    out,
  );
}
// It may take minutes.
const fetchAudit = async signal => ({data: await (await api("POST", "/audit", {whole: true, signal})).json()});

function nodes(signal) {
  const body = h("div", {class: "nodes-list", test: "nodes"}),
    trouble = h("div"),
    other = h("p", {class: "fine"});
  let before = "";
  function draw({items, complete}) {
    say(other, complete ? "" : t("othersUnknown"));
    const shape = JSON.stringify(
      items.map(n => [
        n.node,
        n.ready,
        n.reason,
        Math.round((n.age_seconds ?? 0) / 5),
        n.partitions?.map(p => [p.state, p.end - p.next, p.reason]),
      ]),
    );
    if (shape === before) return;
    before = shape;
    put(
      body,
      items.map(n => {
        const ok = n.this ? n.ready : (n.age_seconds ?? 0) <= 10,
          bad = (n.partitions ?? []).filter(p => p.state !== "following" || p.reason || p.ledger);
        return h(
          "article",
          {class: "node"},
          h(
            "h3",
            null,
            h("i", {class: "lamp " + (ok ? "ok" : "away"), "aria-hidden": true}),
            n.address ?? n.node.slice(0, 8),
            n.this && h("small", null, t("thisNode")),
          ),
          h(
            "dl",
            {class: "facts"},
            [
              ["roles", n.roles.join(" · ")],
              ["build", n.build],
              ["rules", n.rules],
              ["startedAt", dateTime(n.started_at)],
              ["spokeAgo", n.this ? null : span(n.age_seconds)],
              ["why", n.reason],
            ]
              .filter(([, v]) => v)
              .map(([k, v]) => [h("dt", null, t(k)), h("dd", null, v)]),
          ),
          n.partitions && h("p", {class: "fine"}, bad.length ? "" : t("partitionsWell", n.partitions.length)),
          bad.length > 0 &&
            h(
              "ul",
              {class: "differences"},
              bad.map(p =>
                h(
                  "li",
                  null,
                  t("partition", p.partition, p.state),
                  " ",
                  p.reason ?? p.ledger ?? t("recordsBehind", num(p.end - p.next)),
                ),
              ),
            ),
        );
      }),
    );
  }
  every(3000, signal, async () => {
    try {
      draw((await api("GET", "/nodes", {signal})).data);
      put(trouble);
    } catch (err) {
      if (!signal.aborted) put(trouble, why(err));
    }
  });
  return h("section", {class: "panel"}, h("h2", null, t("nodes")), trouble, body, other);
}
