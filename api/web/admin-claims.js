// Who has a place, and who did what: the list of claims and the audit trail.
import {api, ask, badge, exact, field, h, learn, may, num, put, send, t, tell, why} from "./admin-kit.js";
import {shown} from "./admin-diff.js";

await learn("more");

const states = ["", "granted", "waitlisted", "cancelled"];
const limit = 50;

const answer = v => (typeof v === "boolean" ? t(v ? "yes" : "no") : Array.isArray(v) ? v.join(", ") : String(v ?? "–"));

/** pager keeps the way back: the interface only knows the way on. */
function pager(load) {
  let cursors = [""];
  const back = h(
    "button",
    {
      type: "button",
      class: "btn",
      test: "page-back",
      onclick: () => {
        cursors.pop();
        load(cursors.at(-1));
      },
    },
    "‹ " + t("before"),
  );
  const on = h("button", {type: "button", class: "btn", test: "page-on"}, t("after") + " ›"),
    where = h("span", {class: "fine"});
  const bar = h("div", {class: "row center"}, back, where, on);
  bar.to = next => {
    back.disabled = cursors.length < 2;
    on.disabled = !next;
    on.onclick = () => {
      cursors.push(next);
      load(next);
    };
    bar.hidden = cursors.length < 2 && !next;
    where.textContent = t("page", cursors.length);
  };
  bar.first = () => {
    cursors = [""];
  };
  return bar;
}

/** claims lists the places of a campaign. */
export function claims(main, {signal, id, campaign}) {
  const wanted = {q: "", state: ""},
    rows = h("tbody"),
    trouble = h("div"),
    note = h("p", {class: "fine", role: "status"});
  let serial = 0,
    timer;
  const pages = pager(load),
    form = campaign.form ?? [];
  const search = h("input", {
    type: "search",
    id: "search",
    placeholder: t("searchMembers"),
    "aria-label": t("searchMembers"),
    test: "claims-search",
    oninput: () => {
      wanted.q = search.value.trim();
      clearTimeout(timer);
      timer = setTimeout(anew, 250);
    },
  });
  const chips = states.map(s =>
    h(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-pressed": String(!s),
        test: "state-" + (s || "all"),
        onclick: () => {
          wanted.state = s;
          chips.forEach((c, i) => c.setAttribute("aria-pressed", String(states[i] === s)));
          anew();
        },
      },
      s ? t("state." + s) : t("all"),
    ),
  );
  const csv = h("button", {type: "button", class: "btn", test: "csv", onclick: () => download(csv)}, t("csv"));
  const table = h(
    "table",
    {class: "cards", tabindex: "-1"},
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        ["member", "state", "rank", "claimedAt", "ledger"].map(k => h("th", {scope: "col"}, t(k))),
        h("th", null, h("span", {class: "unseen"}, t("actions"))),
      ),
    ),
    rows,
  );

  const query = () => new URLSearchParams(Object.entries(wanted).filter(([, v]) => v));
  const anew = () => {
    pages.first();
    load("");
  };

  async function load(cursor) {
    const mine = ++serial,
      q = query();
    q.set("limit", limit);
    if (cursor) q.set("cursor", cursor);
    table.setAttribute("aria-busy", "true");
    try {
      const {data} = await api("GET", `/campaigns/${id}/claims?${q}`, {signal});
      if (mine !== serial) return;
      put(trouble);
      put(rows, data.items.map(line));
      table.hidden = !data.items.length;
      note.textContent = data.items.length ? "" : wanted.q || wanted.state ? t("noneFound") : t("nobodyYet");
      pages.to(data.next_cursor);
    } catch (err) {
      if (!signal.aborted && mine === serial) put(trouble, why(err));
    }
    table.removeAttribute("aria-busy");
  }

  function line(c) {
    const given = form.filter(q => c.answers && q.id in c.answers);
    return h(
      "tr",
      {test: "claim-row"},
      h(
        "th",
        {scope: "row"},
        c.member ? h("bdi", null, c.member) : h("em", null, t("erased")),
        given.length > 3
          ? h(
              "details",
              null,
              h("summary", null, t("answers")),
              h(
                "dl",
                {class: "facts"},
                given.map(q => [h("dt", null, q.label), h("dd", null, answer(c.answers[q.id]))]),
              ),
            )
          : given.length > 0 &&
              h(
                "small",
                null,
                given.map((q, i) => [i > 0 && " · ", h("span", null, q.label + ": "), h("b", null, answer(c.answers[q.id]))]),
              ),
      ),
      h("td", {"data-label": t("state")}, badge(c.state, t("state." + c.state))),
      h(
        "td",
        {"data-label": t("rank")},
        c.state === "waitlisted" ? t("waitsAs", num(c.position)) : c.rank ? "#" + num(c.rank) : "–",
      ),
      h(
        "td",
        {"data-label": t("claimedAt"), class: "at"},
        exact(c.claimed_at),
        c.ended_at && h("small", null, t("endedAt", exact(c.ended_at))),
      ),
      h("td", {"data-label": t("ledger")}, h("span", {class: "fine"}, t("ledger." + c.ledger))),
      h(
        "td",
        null,
        c.member &&
          may("operator") &&
          (c.state === "granted" || c.state === "waitlisted") &&
          h(
            "button",
            {
              type: "button",
              class: "btn small",
              test: "cancel-member",
              "aria-label": t("cancelFor", c.member),
              onclick: () => cancel(c),
            },
            t("cancel"),
          ),
      ),
    );
  }

  /** cancel takes a place away, with a reason that everybody may read. */
  async function cancel(c) {
    const reason = h("input", {type: "text", maxlength: 500, required: true, autofocus: true, autocomplete: "off"});
    const given = field(t("reason"), reason, {hint: t("reasonWhy"), test: "cancel-reason"}),
      effect = h(
        "p",
        {role: "status"},
        t(c.state === "granted" ? (campaign.waitlist_cap ? "cancelMovesUp" : "cancelFrees") : "cancelLeaves"),
      );
    const done = await ask({
      title: t("cancelFor", c.member),
      test: "cancel",
      confirm: t("cancelIt"),
      tone: "btn-bad",
      body: [effect, given],
      act: async () => {
        if (!reason.value.trim()) {
          given.complain(t("reasonNeeded"));
          reason.focus();
          return false;
        }
        await api("POST", `/campaigns/${id}/cancellations`, {body: {member: c.member, reason: reason.value.trim()}});
        tell(t("cancelled", c.member));
        return true;
      },
    });
    if (done) {
      anew();
      table.focus();
    }
  }

  async function download(button) {
    button.disabled = true;
    try {
      const q = query(),
        r = await send("GET", `/v1/admin/campaigns/${id}/claims${q.size ? "?" + q : ""}`, {
          accept: "text/csv",
          whole: true,
          signal,
        });
      const url = URL.createObjectURL(await r.blob()),
        a = h("a", {href: url, download: id + ".csv"});
      a.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
      tell(t("csvDone"));
    } catch (err) {
      put(trouble, why(err));
    }
    button.disabled = false;
  }

  put(
    main,
    h("div", {class: "filters"}, search, h("div", {class: "chips", role: "group", "aria-label": t("state")}, chips), csv),
    trouble,
    table,
    note,
    pages,
  );
  load("");
}

/** changes words what an audit line changed. */
function changes(change) {
  return Object.entries(change ?? {}).map(([name, v]) => {
    const label = t("f." + name).replace(/^f\./, "");
    if (v && typeof v === "object" && ("from" in v || "to" in v))
      return h(
        "li",
        null,
        h("span", null, label),
        ": ",
        h("s", null, shown(name, v.from)),
        " → ",
        h("b", null, shown(name, v.to)),
      );
    return h("li", null, h("span", null, label), ": ", shown(name, v));
  });
}

/** trail is everything that was done to the campaign, the newest last as it happened. */
export function trail(main, {signal, id}) {
  const list = h("ol", {class: "trail", test: "audit"}),
    trouble = h("div"),
    pages = pager(load);
  async function load(cursor) {
    try {
      const {data} = await api("GET", `/campaigns/${id}/audit?limit=100${cursor && "&cursor=" + cursor}`, {signal});
      put(trouble);
      put(
        list,
        data.items.map(d =>
          h(
            "li",
            {class: "did " + d.action},
            h("time", {datetime: d.at}, exact(d.at)),
            h(
              "div",
              null,
              h("strong", null, h("bdi", null, d.actor)),
              " ",
              t("did." + d.action),
              " ",
              h("small", null, "v" + d.version),
              d.reason && h("blockquote", null, d.reason),
              d.change && h("ul", null, changes(d.change)),
            ),
          ),
        ),
      );
      pages.to(data.next_cursor);
    } catch (err) {
      if (!signal.aborted) put(trouble, why(err));
    }
  }
  put(main, h("p", {class: "fine"}, t("auditWhy")), trouble, list, pages);
  load("");
}
