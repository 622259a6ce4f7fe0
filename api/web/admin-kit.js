// What all views of the admin's app stand on: elements, words, requests, dialogs.

const kept = (key, value) => {
  try {
    if (value === undefined) return localStorage.getItem(key);
    localStorage.setItem(key, value);
  } catch {
    /* a browser that keeps nothing: then for this visit */
  }
};
export {kept};

// The server has drawn the page in the reader's language.
export const lang = document.documentElement.lang === "ko" ? "ko" : "en";
const words = {...(await import(`./text.admin.${lang}.js`)).default};

/** t is a text; functions take their values, {0} is filled in order. */
export function t(key, ...values) {
  const w = words[key];
  if (typeof w === "function") return w(...values);
  return (w ?? key).replace(/\{(\d)\}/g, (_, i) => values[i]);
}
/** learn fetches the words of a view that not every visit needs. */
export const learn = async part => {
  Object.assign(words, (await import(`./text.admin-${part}.${lang}.js`)).default);
};

/** speak goes to the same place in another language; the server keeps the choice. */
export const speak = next => location.assign("/?lang=" + next + location.hash);

const properties = new Set([
  "value",
  "checked",
  "disabled",
  "selected",
  "hidden",
  "htmlFor",
  "className",
  "open",
  "indeterminate",
  "returnValue",
]);

/** h makes an element. Texts stay texts: nothing is ever parsed as markup. */
export function h(tag, props, ...kids) {
  const e = document.createElement(tag);
  for (const [name, v] of Object.entries(props ?? {})) {
    if (v === undefined || v === null || v === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), v);
    else if (name === "test") e.dataset.test = v;
    else if (properties.has(name)) e[name] = v;
    else e.setAttribute(name, v === true ? "" : v);
  }
  e.append(...kids.flat(3).filter(k => k !== undefined && k !== null && k !== false));
  return e;
}

/** put replaces what is in an element. */
export const put = (e, ...kids) => e.replaceChildren(...kids.flat(3).filter(k => k !== undefined && k !== null && k !== false));

/** say writes a text only where it differs: a screen reader and the layout stay calm. */
export const say = (e, text) => {
  if (e.textContent !== text) e.textContent = text;
};

let ids = 0;
export const fresh = () => "i" + ++ids;

// Numbers and times, as the reader's language writes them.
const whole = new Intl.NumberFormat(lang),
  short = new Intl.NumberFormat(lang, {notation: "compact", maximumFractionDigits: 1});
export const num = n => (n === null || n === undefined ? "–" : whole.format(n));
export const brief = n =>
  n === null || n === undefined ? "–" : Math.abs(n) < 10_000 ? whole.format(Math.round(n)) : short.format(n);
export const millis = v =>
  v === undefined || v === null
    ? "–"
    : v >= 1000
      ? t("seconds", (v / 1000).toFixed(1))
      : v >= 100
        ? v.toFixed(0) + " ms"
        : v >= 10
          ? v.toFixed(1) + " ms"
          : +v.toPrecision(2) + " ms";
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const zoneName = () => {
  const part = new Intl.DateTimeFormat("en", {timeZoneName: "longOffset"})
    .formatToParts(new Date())
    .find(p => p.type === "timeZoneName");
  return `${zone} (${(part?.value ?? "").replace("GMT", "UTC") || "UTC"})`;
};
const dates = options => at => (at ? new Intl.DateTimeFormat(lang, options).format(new Date(at)) : "–");
export const dateTime = dates({
  year: "numeric",
  month: "short",
  day: "numeric",
  weekday: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
export const exact = dates({
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});
export const clockTime = dates({hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"});
export const hourTime = dates({hour: "2-digit", minute: "2-digit", hourCycle: "h23"});

/** span is a length of time in words that fit in a tile. */
export function span(seconds) {
  if (seconds === undefined || seconds === null) return "–";
  if (seconds < 1) return t("underSecond");
  if (seconds < 100) return t("seconds", Math.round(seconds));
  if (seconds < 5400) return t("minutes", Math.round(seconds / 60));
  return t("hours", (seconds / 3600).toFixed(1));
}

/** countdown is 1:02:03, and days where there are some. */
export function countdown(ms) {
  const s = Math.max(0, Math.ceil(ms / 1000)),
    two = n => String(n).padStart(2, "0");
  const clock = `${two(Math.floor(s / 3600) % 24)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s >= 86400 ? t("days", Math.floor(s / 86400), clock) : clock;
}

// The agreed time. The offset with the shortest way there and back is believed.
let offset = 0,
  way = Infinity;
export const now = () => Date.now() + offset;
export function agree(at, asked) {
  const trip = performance.now() - asked;
  if (trip > way * 1.5 + 5) return;
  way = Math.min(way, trip);
  offset = Date.parse(at) + trip / 2 - Date.now();
}

/** Problem is a refusal as the server words it (RFC 9457). */
export class Problem extends Error {
  constructor(body, status) {
    super(body.detail ?? body.title ?? "");
    Object.assign(this, {body, status, code: body.code ?? "", fields: body.errors ?? []});
  }
}

export const session = {name: "", role: "", trial: false};
const ranks = ["viewer", "operator", "owner"];
/** may reports whether the role allows something, as far as it is known. */
export const may = role => !session.role || ranks.indexOf(session.role) >= ranks.indexOf(role);

let seen = null; // the newest change of ours: another node must know it before it answers
const patience = 10_000;

/** send asks the server for something and returns its answer. */
export async function send(method, path, {body, match, accept, signal, whole: raw} = {}) {
  const headers = {Accept: accept ?? "application/json", "Accept-Language": lang};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (match) headers["If-Match"] = match;
  if (seen && performance.now() - seen.at < patience && path.includes("/" + seen.id)) headers["X-Log-Offset"] = seen.offset;
  const asked = performance.now(),
    limits = [AbortSignal.timeout(raw ? 600_000 : patience)];
  if (signal) limits.push(signal);
  const r = await fetch(path, {
    method,
    headers,
    signal: AbortSignal.any(limits),
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!r.ok) {
    const p = new Problem(await r.json().catch(() => ({title: t("unreadable"), detail: String(r.status)})), r.status);
    if (r.status === 401) dispatchEvent(new CustomEvent("signed-out"));
    throw p;
  }
  const id = /\/campaigns\/([^/?]+)/.exec(path)?.[1];
  if (method !== "GET" && id && r.headers.has("X-Log-Offset"))
    seen = {id, offset: r.headers.get("X-Log-Offset"), at: performance.now()};
  if (raw) return r;
  const data = r.status === 204 ? null : await r.json();
  if (method === "GET" && (data?.at ?? data?.now)) agree(data.at ?? data.now, asked);
  return {data, etag: r.headers.get("ETag"), asked};
}
export const api = (method, path, options) => send(method, "/v1/admin" + path, options);

/** why tells a person what went wrong. */
export function why(err) {
  if (err instanceof Problem) {
    if (err.status === 403)
      return h(
        "div",
        {class: "message bad", role: "alert"},
        h("strong", null, t("forbidden")),
        " ",
        session.role ? t("forbiddenRole", t("role." + session.role)) : t("forbiddenToken"),
      );
    const rest = err.fields.map(f => h("li", null, h("code", null, f.pointer), " ", fault(f.detail)));
    return h(
      "div",
      {class: "message bad", role: "alert"},
      h("strong", null, err.body.title ?? ""),
      " ",
      err.body.detail ?? "",
      rest.length > 0 && h("ul", null, rest),
    );
  }
  const text = err.name === "TimeoutError" ? t("tooLate") : err instanceof TypeError ? t("offline") : String(err.message ?? err);
  return h("div", {class: "message bad", role: "alert"}, h("strong", null, t("failed")), " ", text);
}

/** fault words the server's sentence about a field in the reader's language. */
export function fault(detail) {
  for (const [pattern, text] of words.faults ?? []) {
    const m = pattern.exec(detail);
    if (m) return text.replace(/\$(\d)/g, (_, i) => m[i]);
  }
  return detail;
}

/** tell says something that passes: for eyes and for screen readers. */
export function tell(text, tone = "good") {
  const box = document.getElementById("toasts"),
    line = h("p", {class: "rise " + tone}, text);
  box.append(line);
  setTimeout(() => line.remove(), 6000);
}

/** ask opens a dialog. act is done when its button is pressed; what it throws
 * is shown there. It resolves to what act returned, or undefined. */
export function ask({title, body, confirm, tone = "", act, test, wide}) {
  return new Promise(resolve => {
    let result,
      busy = false;
    const trouble = h("div", {}),
      head = fresh();
    const yes = confirm && h("button", {type: "submit", class: "btn btn-main " + tone, test: test && test + "-confirm"}, confirm);
    const no = h(
      "button",
      {type: "button", class: "btn", test: "dialog-close", onclick: () => d.close()},
      confirm ? t("leaveIt") : t("close"),
    );
    const form = h(
      "form",
      {
        method: "dialog",
        novalidate: true,
        onsubmit: async e => {
          e.preventDefault();
          if (busy || yes?.disabled) return;
          busy = true;
          d.setAttribute("aria-busy", "true");
          put(trouble);
          try {
            result = await act();
            if (result !== false) d.close();
          } catch (err) {
            put(trouble, why(err));
            trouble.firstChild.scrollIntoView({block: "nearest"});
          }
          busy = false;
          d.removeAttribute("aria-busy");
        },
      },
      h("h2", {id: head}, title),
      h("div", {class: "flow"}, body),
      trouble,
      h("div", {class: "answers"}, no, yes),
    );
    const d = h(
      "dialog",
      {
        class: "sheet" + (wide ? " wide" : ""),
        "aria-labelledby": head,
        test,
        onclose: () => {
          d.remove();
          resolve(result || undefined);
        },
      },
      form,
    );
    d.addEventListener("click", e => {
      if (e.target === d) d.close();
    });
    document.body.append(d);
    d.showModal();
    const first = d.querySelector("[autofocus]") ?? yes ?? no;
    first.focus();
    d.button = yes;
    ask.open = d;
  });
}

/** field is a labelled input with its hint and its error. */
export function field(label, input, {hint, pointer, test} = {}) {
  const id = input.id || fresh(),
    help = fresh(),
    bad = fresh();
  input.id = id;
  if (test) input.dataset.test = test;
  input.setAttribute("aria-describedby", [hint && help, bad].filter(Boolean).join(" "));
  const error = h("p", {id: bad, class: "wrong", hidden: true});
  const box = h(
    "div",
    {class: "entry"},
    h("label", {htmlFor: id}, label),
    input,
    hint && h("p", {id: help, class: "fine"}, hint),
    error,
  );
  box.dataset.pointer = pointer ?? "";
  box.complain = text => {
    say(error, text ?? "");
    error.hidden = !text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  return box;
}

/** every calls f now and then every ms until the signal ends; one call at a time. */
export function every(ms, signal, f) {
  let timer;
  const turn = async () => {
    await f();
    if (!signal.aborted) timer = setTimeout(turn, typeof ms === "function" ? ms() : ms);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  turn();
}

const hues = {open: "now live", scheduled: "soon", paused: "hold", granted: "now", waitlisted: "wait"};
/** badge is a state with its colour. */
export const badge = (state, text, test) => h("span", {class: "badge " + (hues[state] ?? ""), test}, text);
export const pill = status => badge(status, t("status." + status), "status");

/** fill is a bar of how much is gone; the text beside it says the same. */
export function fill(granted, cap) {
  const share = cap ? Math.min(1, granted / cap) : 0;
  const bar = h("span", {class: "fill" + (share >= 1 ? " full" : ""), "aria-hidden": true}, h("i"));
  bar.firstChild.style.inlineSize = share * 100 + "%";
  return bar;
}

/** localTime is a time as an input of the reader's zone takes it. */
export function localTime(iso) {
  if (!iso) return "";
  const d = new Date(iso),
    two = n => String(n).padStart(2, "0"),
    seconds = d.getSeconds() ? ":" + two(d.getSeconds()) : "";
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}${seconds}`;
}
