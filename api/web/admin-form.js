// Create and edit a campaign, with what members will see beside it.
import {
  api,
  brief,
  dateTime,
  fault,
  field,
  fresh,
  h,
  learn,
  localTime,
  num,
  Problem,
  put,
  t,
  tell,
  why,
  zoneName,
} from "./admin-kit.js";
import {settle} from "./admin-diff.js";

await learn("form");

const types = ["text", "long_text", "email", "phone", "number", "boolean", "choice", "multi_choice"];
const textTypes = new Set(["text", "long_text", "email", "phone"]),
  choiceTypes = new Set(["choice", "multi_choice"]);
// What the engine does not let an admin change any more.
const locked = {draft: [], scheduled: ["kind", "cap_mode"]};
const lockedLater = ["kind", "cap_mode", "counting", "points", "opens_at", "cap"];

const whole = v => (v === "" ? null : Math.trunc(+v));
const slug = (text, taken) => {
  const base =
    text
      .toLowerCase()
      .normalize("NFKD")
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 40) || "q";
  let id = base === "q" ? "q1" : base;
  for (let n = 2; taken.includes(id); n++) id = base + (base === "q" ? "" : "-") + n;
  return id;
};

/** create is an empty form. */
export const create = (main, {signal, query}) => {
  const on = query.get("on"),
    c = {kind: "event", form: [], eligibility: []};
  if (/^\d{4}-\d\d-\d\d$/.test(on ?? "")) c.opens_at = new Date(on + "T12:00").toISOString();
  put(main, h("div", {class: "title"}, h("h1", {tabindex: "-1"}, t("newCampaign"))));
  main.append(
    sheet(c, {
      signal,
      save: async made => {
        const {data} = await api("POST", "/campaigns", {body: made});
        tell(t("drafted"));
        location.hash = "#/c/" + data.id;
      },
      check: made => api("POST", "/campaigns?dry_run=true", {body: made, signal}),
      button: t("saveDraft"),
    }),
  );
};

/** edit is the form of a campaign that there is. */
export function edit(main, {signal, id, campaign: seen, reload}) {
  const before = structuredClone(seen),
    patch = made => {
      const out = {};
      for (const [k, v] of Object.entries(made))
        if (JSON.stringify(v ?? null) !== JSON.stringify(before[k] ?? null) && !(Array.isArray(v) && !v.length && !before[k]))
          out[k] = v;
      delete out.id;
      return out;
    };
  let etag = seen.etag;
  put(
    main,
    sheet(structuredClone(before), {
      signal,
      status: before.status,
      check: made => api("PATCH", `/campaigns/${id}?dry_run=true`, {body: patch(made), match: etag, signal}),
      button: t("save"),
      save: async made => {
        const change = patch(made);
        if (!Object.keys(change).length) return tell(t("nothingChanged"), "plain");
        try {
          await api("PATCH", "/campaigns/" + id, {body: change, match: etag});
        } catch (err) {
          if (!(err instanceof Problem) || err.status !== 412) throw err;
          const answer = await settle(before, id, signal);
          if (!answer.sure) {
            await reload();
            return edit(main, {signal, id, campaign: {...answer.theirs, etag: answer.etag}, reload});
          }
          etag = answer.etag;
          await api("PATCH", "/campaigns/" + id, {body: change, match: etag});
        }
        tell(t("saved"));
        edit(main, {signal, id, campaign: await reload(), reload});
      },
    }),
  );
}

/** sheet is the form and its preview. c is the form's own to change. */
function sheet(c, {signal, status = "draft", save, check, button}) {
  const no = new Set(locked[status] ?? lockedLater),
    fields = new Map(),
    touched = new Set();
  let attempted = false,
    timer,
    serial = 0;
  c.form ??= [];
  c.eligibility ??= [];

  const changed = pointer => {
    if (pointer) touched.add(pointer);
    draw();
    clearTimeout(timer);
    timer = setTimeout(look, 400);
  };
  const note = (pointer, box) => {
    fields.set(pointer, box);
    box.dataset.pointer = pointer;
    return box;
  };
  /** simple is a field of the campaign itself. */
  const simple = (name, input, read, {hint} = {}) => {
    if (no.has(name)) {
      input.disabled = true;
      hint = t(name === "cap" ? "lockedCap" : "locked");
    }
    input.addEventListener("input", () => {
      c[name] = read(input);
      changed("/" + name);
    });
    return note("/" + name, field(t("f." + name), input, {hint, test: "field-" + name}));
  };
  const text = (name, props, options) =>
    simple(name, h("input", {type: "text", value: c[name] ?? "", autocomplete: "off", ...props}), i => i.value, options);
  const number = (name, props, options) =>
    simple(
      name,
      h("input", {type: "number", inputmode: "numeric", min: 0, step: 1, value: c[name] ?? "", ...props}),
      i => whole(i.value),
      options,
    );
  const pick = (name, of, options) =>
    simple(
      name,
      h(
        "select",
        null,
        of.map(v => h("option", {value: v, selected: c[name] === v}, t(`${name}.${v}`))),
      ),
      i => i.value,
      options,
    );
  const time = (name, options) => {
    const input = h("input", {
      type: "datetime-local",
      value: localTime(c[name]),
      step: new Date(c[name] ?? 0).getSeconds() ? 1 : 60,
    });
    return simple(name, input, i => (i.value ? new Date(i.value).toISOString() : null), options);
  };

  // The questions.
  const questions = h("div", {class: "flow"}),
    rules = h("div", {class: "flow"});
  function drawQuestions(focus) {
    for (const k of [...fields.keys()]) if (k.startsWith("/form/")) fields.delete(k);
    put(questions, c.form.map(question));
    add.disabled = c.form.length >= 20;
    if (focus !== undefined) questions.children[focus]?.querySelector("input")?.focus();
  }
  function question(q, i) {
    const at = `/form/${i}`,
      move = n => {
        c.form.splice(i + n, 0, ...c.form.splice(i, 1));
        drawQuestions(i + n);
        changed();
      };
    const part = (name, label, input, read, options) => {
      input.addEventListener("input", () => {
        const v = read(input);
        if (v === null) delete q[name];
        else q[name] = v;
        changed(`${at}/${name}`);
      });
      return note(`${at}/${name}`, field(label, input, options));
    };
    const label = h("input", {type: "text", value: q.label ?? "", maxlength: 500}),
      id = h("input", {type: "text", value: q.id ?? "", spellcheck: "false", autocomplete: "off"});
    label.addEventListener("input", () => {
      if (q.fresh) {
        q.id = slug(
          label.value,
          c.form.filter(o => o !== q).map(o => o.id),
        );
        id.value = q.id;
      }
    });
    id.addEventListener("input", () => {
      delete q.fresh;
    });
    const kind = h(
      "select",
      null,
      types.map(v => h("option", {value: v, selected: q.type === v}, t("type." + v))),
    );
    kind.addEventListener("change", () => {
      q.type = kind.value;
      if (!choiceTypes.has(q.type)) delete q.choices;
      if (!textTypes.has(q.type)) delete q.max_length;
      if (q.type !== "number") {
        delete q.min;
        delete q.max;
      }
      drawQuestions();
      questions.children[i].querySelector("select").focus();
      changed();
    });
    const must = h("input", {type: "checkbox", checked: q.required});
    must.addEventListener("input", () => {
      q.required = must.checked;
      changed();
    });
    const float = input => (input.value === "" ? null : +input.value);
    return h(
      "fieldset",
      {class: "part", test: "question"},
      h("legend", null, t("question", i + 1)),
      part("label", t("q.label"), label, e => e.value),
      h(
        "div",
        {class: "row"},
        field(t("q.type"), kind),
        part("id", t("q.id"), id, e => e.value, {hint: t("q.idHint")}),
      ),
      textTypes.has(q.type) &&
        part("max_length", t("q.max_length"), h("input", {type: "number", min: 0, max: 4096, value: q.max_length ?? ""}), e =>
          whole(e.value),
        ),
      q.type === "number" &&
        h(
          "div",
          {class: "row"},
          part("min", t("q.min"), h("input", {type: "number", step: "any", value: q.min ?? ""}), float),
          part("max", t("q.max"), h("input", {type: "number", step: "any", value: q.max ?? ""}), float),
        ),
      choiceTypes.has(q.type) &&
        part(
          "choices",
          t("q.choices"),
          h("textarea", {rows: 3, value: (q.choices ?? []).join("\n")}),
          e =>
            e.value
              .split("\n")
              .map(s => s.trim())
              .filter(Boolean),
          {hint: t("q.choicesHint")},
        ),
      h(
        "div",
        {class: "row spread"},
        h("label", {class: "check"}, must, t("q.required")),
        h(
          "div",
          {class: "group"},
          h(
            "button",
            {type: "button", class: "btn small", disabled: i === 0, "aria-label": t("moveUp", i + 1), onclick: () => move(-1)},
            "↑",
          ),
          h(
            "button",
            {
              type: "button",
              class: "btn small",
              disabled: i === c.form.length - 1,
              "aria-label": t("moveDown", i + 1),
              onclick: () => move(1),
            },
            "↓",
          ),
          h(
            "button",
            {
              type: "button",
              class: "btn small",
              test: "remove-question",
              onclick: () => {
                c.form.splice(i, 1);
                drawQuestions(Math.min(i, c.form.length - 1));
                changed();
              },
            },
            t("remove"),
          ),
        ),
      ),
    );
  }
  const add = h(
    "button",
    {
      type: "button",
      class: "btn",
      test: "add-question",
      onclick: () => {
        c.form.push({
          id: slug(
            "",
            c.form.map(q => q.id),
          ),
          label: "",
          type: "text",
          required: false,
          fresh: true,
        });
        drawQuestions(c.form.length - 1);
        changed();
      },
    },
    "+ " + t("addQuestion"),
  );

  // Who may claim.
  function drawRules(focus) {
    for (const k of [...fields.keys()]) if (k.startsWith("/eligibility/")) fields.delete(k);
    put(
      rules,
      c.eligibility.map((r, i) => {
        const claim = h("input", {type: "text", value: r.claim, autocomplete: "off", spellcheck: "false"}),
          values = h("input", {type: "text", value: r.in.join(", "), autocomplete: "off", spellcheck: "false"});
        claim.addEventListener("input", () => {
          r.claim = claim.value.trim();
          changed(`/eligibility/${i}/claim`);
        });
        values.addEventListener("input", () => {
          r.in = values.value
            .split(",")
            .map(s => s.trim())
            .filter(Boolean);
          changed(`/eligibility/${i}/in`);
        });
        return h(
          "fieldset",
          {class: "part"},
          h("legend", null, t("rule", i + 1)),
          h(
            "div",
            {class: "row"},
            note(`/eligibility/${i}/claim`, field(t("r.claim"), claim, {hint: t("r.claimHint")})),
            note(`/eligibility/${i}/in`, field(t("r.in"), values, {hint: t("r.inHint")})),
          ),
          h(
            "button",
            {
              type: "button",
              class: "btn small",
              onclick: () => {
                c.eligibility.splice(i, 1);
                drawRules();
                changed();
              },
            },
            t("remove"),
          ),
        );
      }),
    );
    addRule.disabled = c.eligibility.length >= 10;
    if (focus !== undefined) rules.children[focus]?.querySelector("input")?.focus();
  }
  const addRule = h(
    "button",
    {
      type: "button",
      class: "btn",
      test: "add-rule",
      onclick: () => {
        c.eligibility.push({claim: "", in: []});
        drawRules(c.eligibility.length - 1);
        changed();
      },
    },
    "+ " + t("addRule"),
  );

  /** made is the campaign as the server takes it. */
  const made = () => {
    const out = {};
    for (const k of [
      "id",
      "title",
      "description",
      "kind",
      "cap",
      "cap_mode",
      "counting",
      "points",
      "waitlist_cap",
      "reclaim",
      "end_promotion",
      "opens_at",
      "closes_at",
      "cancellable_until",
    ])
      if ((c[k] !== undefined && c[k] !== "") || k === "title" || (k === "description" && c[k] !== undefined))
        out[k] = c[k] ?? (k === "title" ? "" : c[k]);
    if (out.cap === null || out.cap === undefined) {
      if (out.cap_mode === "hard") delete out.cap_mode;
    }
    out.form = c.form.map(({fresh: _, ...q}) => q);
    out.eligibility = c.eligibility;
    return out;
  };

  async function look() {
    const mine = ++serial;
    try {
      await check(made());
      if (mine === serial) complain([]);
    } catch (err) {
      if (mine === serial && err instanceof Problem && err.status === 422) complain(err.fields);
      else if (mine === serial && err.status === 409) put(trouble, why(err));
    }
  }

  /** complain puts each error at its field; what has none is said below. */
  function complain(list) {
    const rest = [],
      at = new Map();
    for (const f of list) {
      let p = f.pointer;
      while (p && !fields.has(p)) p = p.slice(0, p.lastIndexOf("/"));
      if (p) at.set(p, [...(at.get(p) ?? []), f]);
      else rest.push(f);
    }
    for (const [p, box] of fields) {
      const wrong = (attempted || touched.has(p)) && at.get(p);
      box.complain(wrong ? wrong.map(f => fault(f.detail)).join(" ") : "");
    }
    put(
      trouble,
      attempted && rest.map(f => h("p", {class: "message bad", role: "alert"}, h("code", null, f.pointer), " ", fault(f.detail))),
    );
  }

  const preview = h("aside", {class: "preview panel", "aria-label": t("preview"), test: "preview"}),
    trouble = h("div"),
    submit = h("button", {class: "btn btn-main btn-wide", form: "definition", test: "save"}, button);
  const draw = () => put(preview, shownToMembers(c));
  const id = status === "draft" && !c.version && text("id", {spellcheck: "false", placeholder: t("idAuto")}, {hint: t("idHint")});
  const promotion = h("input", {type: "checkbox", checked: c.end_promotion});
  promotion.addEventListener("input", () => {
    c.end_promotion = promotion.checked;
    changed();
  });
  const form = h(
    "form",
    {
      id: "definition",
      class: "sheet-form",
      novalidate: true,
      onsubmit: async e => {
        e.preventDefault();
        if (submit.disabled) return;
        attempted = true;
        clearTimeout(timer);
        serial++;
        submit.disabled = true;
        put(trouble);
        try {
          await save(made());
        } catch (err) {
          if (err instanceof Problem && err.status === 422) {
            complain(err.fields);
            form.querySelector("[aria-invalid]")?.focus();
          } else if (!signal.aborted) put(trouble, why(err));
        }
        submit.disabled = false;
      },
    },
    h(
      "section",
      {class: "panel flow"},
      h("h2", null, t("what")),
      text("title", {maxlength: 200, required: true, autofocus: true}),
      simple("description", h("textarea", {rows: 5, maxlength: 10000, value: c.description ?? ""}), i => i.value),
      pick("kind", ["event", "reward", "reaction"]),
      id,
    ),
    h(
      "section",
      {class: "panel flow"},
      h("h2", null, t("when")),
      h("p", {class: "fine"}, t("timesIn", zoneName())),
      h("div", {class: "row"}, time("opens_at"), time("closes_at")),
      time("cancellable_until", {hint: t("cancellableHint")}),
    ),
    h(
      "section",
      {class: "panel flow"},
      h("h2", null, t("howMany")),
      h(
        "div",
        {class: "row"},
        number("cap", {placeholder: t("noCap")}, {hint: t("capHint")}),
        number("waitlist_cap", {placeholder: "0"}, {hint: t("waitlistHint")}),
      ),
      number("points", {placeholder: "0"}),
      h(
        "details",
        null,
        h("summary", null, t("finer")),
        h(
          "div",
          {class: "flow"},
          pick("cap_mode", ["hard", "soft"], {hint: t("capModeHint")}),
          pick("counting", ["direct", "batched"], {hint: t("countingHint")}),
          pick("reclaim", ["allowed", "refused"]),
          h("label", {class: "check"}, promotion, t("f.end_promotion")),
        ),
      ),
    ),
    h("section", {class: "panel flow"}, h("h2", null, t("f.form")), h("p", {class: "fine"}, t("formHint")), questions, add),
    h(
      "section",
      {class: "panel flow"},
      h("h2", null, t("f.eligibility")),
      h("p", {class: "fine"}, t("rulesHint")),
      rules,
      addRule,
    ),
  );
  drawQuestions();
  drawRules();
  draw();
  return h("div", {class: "beside"}, form, h("div", {class: "aside"}, preview, trouble, submit));
}

/** shownToMembers is the campaign as its page will show it. */
function shownToMembers(c) {
  const asks = q => {
    const off = {disabled: true},
      id = fresh();
    const input =
      q.type === "long_text"
        ? h("textarea", {...off, rows: 2, id})
        : q.type === "boolean"
          ? h("label", {class: "check"}, h("input", {type: "checkbox", ...off}), t("yes"))
          : q.type === "choice"
            ? h(
                "select",
                {...off, id},
                (q.choices ?? []).map(v => h("option", null, v)),
              )
            : q.type === "multi_choice"
              ? h(
                  "div",
                  {class: "flow"},
                  (q.choices ?? []).map(v => h("label", {class: "check"}, h("input", {type: "checkbox", ...off}), v)),
                )
              : h("input", {...off, id, type: q.type === "number" ? "number" : "text"});
    return h(
      "div",
      {class: "entry"},
      h(
        input.id ? "label" : "span",
        input.id ? {htmlFor: id} : {class: "label"},
        q.label || t("untitled"),
        q.required && h("span", {class: "must"}, " *"),
      ),
      input,
    );
  };
  const facts = [
    [t("opens"), c.opens_at ? dateTime(c.opens_at) : t("byHand")],
    c.closes_at && [t("closes"), dateTime(c.closes_at)],
    [
      t("places"),
      c.cap === undefined || c.cap === null
        ? t("noCap")
        : num(c.cap) + (c.waitlist_cap ? " + " + t("waitN", num(c.waitlist_cap)) : ""),
    ],
    c.points > 0 && [t("f.points"), brief(c.points)],
    c.cancellable_until && [t("f.cancellable_until"), dateTime(c.cancellable_until)],
    c.eligibility.some(r => r.claim && r.in.length) && [
      t("onlyFor"),
      c.eligibility
        .filter(r => r.claim && r.in.length)
        .map(r => `${r.claim}: ${r.in.join(" / ")}`)
        .join("; "),
    ],
  ].filter(Boolean);
  return [
    h("p", {class: "fine"}, t("previewOf")),
    h("h2", null, c.title || t("untitled")),
    (c.description ?? "")
      .split(/\n{2,}/)
      .filter(Boolean)
      .map(p => h("p", {class: "prose"}, p)),
    h(
      "dl",
      {class: "facts"},
      facts.map(([k, v]) => [h("dt", null, k), h("dd", null, v)]),
    ),
    c.form.map(asks),
    h("p", {class: "btn btn-main btn-wide", "aria-hidden": true}, t("claim." + c.kind)),
  ];
}
