// The words to everybody that stand on all pages.
import {
  api,
  ask,
  badge,
  dateTime,
  every,
  fault,
  field,
  h,
  learn,
  localTime,
  may,
  now,
  Problem,
  put,
  t,
  tell,
  why,
  zoneName,
} from "./admin-kit.js";

await learn("more");
await learn("form");

const due = n => (!n.from || Date.parse(n.from) <= now()) && (!n.until || now() < Date.parse(n.until));
const over = n => n.until && now() >= Date.parse(n.until);
const tag = n => `"v${n.version}"`;

/** notices lists them all, those that are shown now first. */
export function notices(main, {signal}) {
  const list = h("div", {class: "flow", test: "notices"}),
    trouble = h("div");
  let before = "";

  async function load() {
    try {
      const {data} = await api("GET", "/notices?limit=200", {signal});
      put(trouble);
      const shape = JSON.stringify(data.items.map(n => [n, due(n)]));
      if (shape === before) return;
      before = shape;
      const order = n => (due(n) ? 0 : over(n) ? 2 : 1);
      put(
        list,
        data.items.length
          ? [...data.items].sort((a, b) => order(a) - order(b)).map(card)
          : h("p", {class: "empty"}, t("noNotices")),
      );
    } catch (err) {
      if (!signal.aborted) put(trouble, why(err));
    }
  }

  function card(n) {
    return h(
      "article",
      {class: "panel flow-s", test: "notice"},
      h(
        "div",
        {class: "row spread"},
        h("h2", null, n.title),
        h(
          "div",
          {class: "row"},
          badge(
            due(n) ? "open" : over(n) ? "closed" : "scheduled",
            t(due(n) ? "shownNow" : over(n) ? "shownNoMore" : "shownLater"),
          ),
          n.level === "warning" && badge("paused", t("level.warning")),
        ),
      ),
      n.body && h("p", {class: "prose"}, n.body),
      h(
        "p",
        {class: "fine"},
        n.from ? dateTime(n.from) : t("atOnce"),
        " – ",
        n.until ? dateTime(n.until) : t("noEnd"),
        " · ",
        t("changedBy", n.changed_by, dateTime(n.changed_at)),
      ),
      may("operator") &&
        h(
          "div",
          {class: "row"},
          h("button", {type: "button", class: "btn small", test: "edit-notice", onclick: () => write(n)}, t("edit")),
          h("button", {type: "button", class: "btn small", test: "remove-notice", onclick: () => remove(n)}, t("remove")),
        ),
    );
  }

  /** write opens the form of a new notice, or of one that there is. */
  async function write(n) {
    const input = (type, value) => h("input", {type, value: value ?? "", autocomplete: "off"}),
      at = i => (i.value ? new Date(i.value).toISOString() : null);
    const title = input("text", n?.title),
      body = h("textarea", {rows: 4, maxlength: 2000, value: n?.body ?? ""}),
      level = h(
        "select",
        null,
        ["info", "warning"].map(l => h("option", {value: l, selected: l === n?.level}, t("level." + l))),
      );
    const from = input("datetime-local", localTime(n?.from)),
      until = input("datetime-local", localTime(n?.until));
    title.autofocus = true;
    const fields = {
      "/title": field(t("f.title"), title, {test: "notice-title"}),
      "/body": field(t("text"), body, {test: "notice-body"}),
      "/level": field(t("level"), level),
      "/from": field(t("shownFrom"), from, {hint: t("atOnceHint")}),
      "/until": field(t("shownUntil"), until, {hint: t("noEndHint")}),
    };
    const done = await ask({
      title: t(n ? "editNotice" : "newNotice"),
      test: "notice-form",
      wide: true,
      confirm: t("save"),
      body: [
        Object.values(fields).slice(0, 3),
        h("div", {class: "row"}, fields["/from"], fields["/until"]),
        h("p", {class: "fine"}, t("timesIn", zoneName())),
      ],
      act: async () => {
        for (const f of Object.values(fields)) f.complain("");
        const said = {title: title.value.trim(), body: body.value, level: level.value, from: at(from), until: at(until)};
        try {
          await (n ? api("PUT", "/notices/" + n.id, {body: said, match: tag(n)}) : api("POST", "/notices", {body: said}));
        } catch (err) {
          if (!(err instanceof Problem) || err.status !== 422) throw err;
          const rest = err.fields.filter(f => !fields[f.pointer]?.complain(fault(f.detail)) && !fields[f.pointer]);
          if (rest.length) throw err;
          return false;
        }
        tell(t("saved"));
        return true;
      },
    });
    if (done) load();
  }

  async function remove(n) {
    const done = await ask({
      title: t("remove") + ": " + n.title,
      test: "notice-remove",
      tone: "btn-bad",
      confirm: t("remove"),
      body: h("p", null, t("removeNotice")),
      act: async () => {
        await api("DELETE", "/notices/" + n.id, {match: tag(n)});
        tell(t("removed"));
        return true;
      },
    });
    if (done) load();
  }

  put(
    main,
    h(
      "div",
      {class: "title"},
      h("h1", {tabindex: "-1"}, t("notices")),
      may("operator") &&
        h("button", {type: "button", class: "btn btn-main", test: "new-notice", onclick: () => write()}, "+ " + t("newNotice")),
    ),
    h("p", {class: "fine"}, t("noticesWhy")),
    trouble,
    list,
  );
  every(10_000, signal, load);
}
