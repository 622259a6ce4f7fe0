// The form of a campaign: drawn from its questions, kept while it is filled in,
// checked before it is sent.
import {fresh, h, say, t} from "./base.js";
import {keep} from "./place.js";

const phone = /^\+?[0-9][0-9 ()./-]{4,30}$/,
  email = /^[^\s@<>]+@[^\s@<>]+$/,
  marks = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const bytesMost = 4096,
  lengthMost = 1000;

// The server's sentence about an answer, in the reader's language.
const said = [
  [/^is required|^is needed/, "required"],
  [/must be true/, "tick"],
  [/at least one choice/, "one"],
  [/e-mail/, "email"],
  [/telephone/, "phone"],
  [/must be a number/, "number"],
  [/at least ([\d.e+-]+)/, "min"],
  [/at most (\d+) characters/, "long"],
  [/at most \d+ bytes/, "size"],
  [/at most ([\d.e+-]+)/, "max"],
  [/must not contain/, "marks"],
];
const worded = detail => {
  for (const [pattern, key] of said) {
    const m = pattern.exec(detail);
    if (m) return t("fault." + key, m[1]);
  }
  return t("fault.other");
};

/** Form is the questions of a campaign on the page. first are answers to begin with. */
export class Form {
  constructor(id, questions, first) {
    this.key = "fc-form:" + id;
    const kept = first ?? keep(this.key) ?? {};
    this.keeps = !first;
    this.entries = questions.map(q => this.entry(q, kept[q.id]));
    this.trouble = h("p", {class: "wrong", role: "alert"});
    this.element = h(
      "div",
      {class: "flow", oninput: e => this.changed(e.target), onfocusout: e => this.left(e.target)},
      this.entries.map(e => e.box),
      h("div", {class: "entry"}, this.trouble),
    );
  }

  entry(q, value) {
    const id = fresh(),
      bad = id + "-bad",
      common = {name: q.id, test: "answer", "aria-describedby": bad};
    const wrong = h("p", {id: bad, class: "wrong", hidden: true}),
      label = [q.label, q.required && h("span", {class: "must"}, t("required"))];
    const e = {q, wrong, inputs: [], touched: false};
    if (q.type === "multi_choice") {
      e.inputs = q.choices.map(c => h("input", {...common, type: "checkbox", value: c, checked: value?.includes?.(c)}));
      e.box = h(
        "fieldset",
        {class: "entry"},
        h("legend", null, label),
        h(
          "div",
          null,
          e.inputs.map((i, n) => h("label", {class: "tick"}, i, h("span", null, q.choices[n]))),
        ),
        wrong,
      );
    } else if (q.type === "boolean") {
      e.inputs = [h("input", {...common, id, type: "checkbox", checked: value === true})];
      e.box = h("div", {class: "entry"}, h("label", {class: "tick"}, e.inputs[0], h("span", null, label)), wrong);
    } else {
      e.inputs = [this.input(q, {...common, id, "aria-required": q.required && "true"}, value)];
      e.box = h("div", {class: "entry"}, h("label", {htmlFor: id}, label), e.inputs[0], wrong);
    }
    return e;
  }

  input(q, props, value) {
    if (q.type === "choice")
      return h(
        "select",
        props,
        h("option", {value: ""}, t("choose")),
        q.choices.map(c => h("option", {value: c, selected: c === value}, c)),
      );
    if (q.type === "long_text") return h("textarea", {...props, rows: 3, value: value ?? ""});
    const type = {email: "email", phone: "tel", number: "text"}[q.type] ?? "text",
      auto = {email: "email", phone: "tel"}[q.type] ?? (q.id === "name" ? "name" : null);
    return h("input", {
      ...props,
      type,
      inputmode: {number: "decimal", phone: "tel"}[q.type],
      autocomplete: auto,
      value: value === undefined || value === null ? "" : String(value),
    });
  }

  value(e) {
    const [i] = e.inputs;
    if (e.q.type === "multi_choice") return e.inputs.filter(i => i.checked).map(i => i.value);
    if (e.q.type === "boolean") return i.checked;
    return i.value;
  }

  /** values are all of them as they stand. */
  values() {
    return Object.fromEntries(this.entries.map(e => [e.q.id, this.value(e)]));
  }

  /** answers are what is sent; empty ones are left out, or null to clear them. */
  answers(clear) {
    const all = {};
    for (const e of this.entries) {
      const v = this.value(e),
        none = v === "" || (v === false && !e.q.required) || (Array.isArray(v) && v.length === 0);
      if (none) {
        if (clear) all[e.q.id] = null;
      } else all[e.q.id] = e.q.type === "number" ? Number(v.trim().replace(",", ".")) : v;
    }
    return all;
  }

  fault(e) {
    const {q} = e,
      v = this.value(e);
    if (q.type === "boolean") return q.required && !v ? t("fault.tick") : "";
    if (Array.isArray(v)) return q.required && v.length === 0 ? t("fault.one") : "";
    if (v.trim() === "") return q.required ? t("fault.required") : "";
    if (q.type === "number") {
      const n = Number(v.trim().replace(",", "."));
      if (!Number.isFinite(n)) return t("fault.number");
      return n < q.min ? t("fault.min", q.min) : n > q.max ? t("fault.max", q.max) : "";
    }
    const most = q.max_length || lengthMost;
    if (q.type !== "choice" && [...v].length > most) return t("fault.long", most);
    if (marks.test(v)) return t("fault.marks");
    return q.type === "email" && !email.test(v) ? t("fault.email") : q.type === "phone" && !phone.test(v) ? t("fault.phone") : "";
  }

  show(e, text) {
    say(e.wrong, text);
    e.wrong.hidden = !text;
    for (const i of e.inputs)
      if (text) i.setAttribute("aria-invalid", "true");
      else i.removeAttribute("aria-invalid");
  }

  of(input) {
    return this.entries.find(e => e.inputs.includes(input));
  }
  changed(input) {
    const e = this.of(input);
    if (this.keeps) keep(this.key, this.values());
    if (e?.touched) this.show(e, this.fault(e));
    say(this.trouble, "");
  }
  left(input) {
    const e = this.of(input);
    if (!e || (this.value(e) === "" && !e.touched)) return; // nobody is scolded for walking past
    e.touched = true;
    this.show(e, this.fault(e));
  }

  /** check marks what is wrong and goes to the first of it; true when all is fine. */
  check() {
    let first = null;
    for (const e of this.entries) {
      e.touched = true;
      const text = this.fault(e);
      this.show(e, text);
      if (text) first ??= e;
    }
    const long = new TextEncoder().encode(JSON.stringify(this.answers())).length > bytesMost - 200;
    say(this.trouble, long ? t("fault.size") : "");
    first?.inputs[0].focus();
    return !first && !long;
  }

  /** refuse shows what the server found. */
  refuse(errors) {
    let first = null;
    for (const {pointer, detail} of errors) {
      const id = /^\/answers\/(.+)$/.exec(pointer)?.[1],
        e = this.entries.find(e => e.q.id === id);
      if (e) {
        e.touched = true;
        this.show(e, worded(detail));
        first ??= e;
      } else say(this.trouble, worded(detail));
    }
    first?.inputs[0].focus();
  }

  freeze(yes) {
    for (const e of this.entries) for (const i of e.inputs) i.disabled = yes;
  }
}

/** shown is an answer as a reader sees it. */
export function shown(q, v) {
  if (v === undefined || v === null || v === "") return "–";
  if (Array.isArray(v)) return v.join(", ");
  return typeof v === "boolean" ? t(v ? "yes" : "no") : String(v);
}
