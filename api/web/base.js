// What all pages stand on: words, elements, requests, the server's clock, and
// who is here.
import {add, agreed, sample} from "./clock.js";

export const lang = document.documentElement.lang === "ko" ? "ko" : "en";
const words = (await import(`./text.${lang}.js`)).default;

/** t is a text in the reader's language; functions take their values. */
export function t(key, ...values) {
  const w = words[key];
  return typeof w === "function" ? w(...values) : (w ?? key);
}
export const knows = key => key in words;

const properties = new Set(["value", "checked", "disabled", "selected", "hidden", "htmlFor", "className", "textContent"]);

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
  e.append(...real(kids));
  return e;
}
const real = kids => kids.flat(3).filter(k => k !== undefined && k !== null && k !== false && k !== "");

/** put replaces what is in an element. */
export const put = (e, ...kids) => e.replaceChildren(...real(kids));

/** arrange is put for what stays where it is: a button that is being pressed is
 * never taken away and set again. */
export function arrange(e, ...kids) {
  const wanted = real(kids);
  for (const k of [...e.childNodes]) if (!wanted.includes(k)) k.remove();
  wanted.forEach((k, i) => {
    if (e.childNodes[i] !== k) e.insertBefore(k, e.childNodes[i] ?? null);
  });
}

/** say writes a text only where it differs, so that screen readers stay calm. */
export const say = (e, text) => {
  if (e && e.textContent !== String(text)) e.textContent = text;
};

let ids = 0;
export const fresh = () => "f" + ++ids;

// Numbers and times as the reader's language writes them.
const whole = new Intl.NumberFormat(lang);
export const num = n => whole.format(n);
const dates = options => {
  const f = new Intl.DateTimeFormat(lang, options);
  return at => f.format(new Date(at));
};
export const dateTime = dates({
  month: "short",
  day: "numeric",
  weekday: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
export const clockTime = dates({hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"});
export const hourTime = dates({hour: "2-digit", minute: "2-digit", hourCycle: "h23"});
const day = dates({year: "numeric", month: "numeric", day: "numeric"});

/** when is a time as one says it: the hour today, else the day, too. */
export const when = at => (day(at) === day(now()) ? hourTime(at) : dateTime(at));

/** countdown is 04:59, 1:02:03, or the days before it. */
export function countdown(ms) {
  const s = Math.max(0, Math.ceil(ms / 1000)),
    two = n => String(n).padStart(2, "0"),
    hours = Math.floor(s / 3600) % 24;
  const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s >= 86400 ? t("days", Math.floor(s / 86400), `${two(hours)}:${rest}`) : hours ? `${hours}:${rest}` : rest;
}

// The server's clock. It hangs on the page's monotonic clock, so that nobody who
// sets the time of the machine moves it.
let samples = [];
export const clock = () => agreed(samples, performance.now());
export const now = () => (samples.length ? performance.now() + clock().offset : Date.now());

async function askTime() {
  const asked = performance.now();
  const r = await fetch("/v1/time", {cache: "no-store", signal: AbortSignal.timeout(4000)});
  const back = performance.now();
  const {unix_ms: said} = await r.json();
  if (Number.isFinite(said)) samples = add(samples, sample(asked, back, said + 0.5)); // cut to ms: half of one is lost on average
}
const pause = ms => new Promise(done => setTimeout(done, ms));

/** setClock asks the time a few times: the first answer counts at once. */
export async function setClock(times = 4) {
  for (let i = 0; i < times; i++) {
    if (i) await pause(120 + Math.random() * 160);
    await askTime().catch(() => {});
  }
}
setInterval(() => document.hidden || askTime().catch(() => {}), 30_000);
addEventListener("pageshow", e => {
  if (e.persisted) {
    samples = [];
    setClock();
  }
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) setClock(2);
});

/** Refusal is an answer that is no success, as the server words it (RFC 9457). */
export class Refusal extends Error {
  constructor(status, problem, wait) {
    super(problem.detail ?? problem.title ?? String(status));
    Object.assign(this, {status, problem, code: problem.code ?? "", wait, retryable: problem.retryable ?? status >= 500});
  }
}

const seen = new Map(); // campaign -> the newest record that we were told of: no answer may be older
const campaignOf = path => /^\/v1\/campaigns\/([^/?]+)/.exec(path)?.[1];

/** api asks the server and returns {status, data, headers}. It throws a Refusal,
 * or a TypeError or DOMException when no answer came. */
export async function api(method, path, {body, timeout = 8000, accept = "application/json", keepalive} = {}) {
  const headers = {Accept: accept, "Accept-Language": lang},
    id = campaignOf(path);
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (seen.has(id)) headers["X-Log-Offset"] = seen.get(id);
  const r = await fetch(path, {
    method,
    headers,
    keepalive,
    cache: method === "GET" ? "no-cache" : "no-store",
    signal: AbortSignal.timeout(timeout),
    body: body && JSON.stringify(body),
  });
  if (method !== "GET" && id && r.headers.has("X-Log-Offset")) seen.set(id, r.headers.get("X-Log-Offset"));
  reached(true);
  const text = await r.text();
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    if (r.ok) throw new TypeError("the answer cannot be read");
  }
  if (r.ok) return {status: r.status, data, headers: r.headers};
  const after = Number(r.headers.get("Retry-After"));
  if (r.status === 401) dispatchEvent(new CustomEvent("fc-signed-out"));
  throw new Refusal(r.status, data ?? {}, after > 0 ? after * 1000 : 0);
}

/** explain words a refusal, or the lack of an answer, for a person. */
export function explain(err) {
  if (!(err instanceof Refusal)) return {title: t("noAnswer"), text: t("noAnswerText")};
  return refusalWords(err.code, err.problem);
}
export function refusalWords(code, problem = {}) {
  if (knows("problem." + code)) return {title: t("problem." + code), text: t("problem." + code + ".text", problem)};
  return {title: problem.title ?? t("problem.internal"), text: problem.detail ?? ""};
}

// Whether we reach the server. The browser's word alone is not enough: it says
// "online" in any network, also in one that leads nowhere.
let strip = null,
  failing = 0;
export function reached(yes) {
  failing = yes ? 0 : failing + 1;
  showStrip();
}
function showStrip() {
  if (!strip) return;
  const off = !navigator.onLine || failing >= 3;
  strip.hidden = !off;
  say(strip, off ? t(navigator.onLine ? "unreachable" : "offline") : "");
}
addEventListener("online", () => {
  failing = 0;
  showStrip();
  setClock(2);
});
addEventListener("offline", showStrip);

/** announce says something to screen readers alone. */
export function announce(text) {
  const e = document.getElementById("announce");
  if (e) {
    e.textContent = "";
    requestAnimationFrame(() => {
      e.textContent = text;
    });
  }
}

/** toast says something that passes. */
export function toast(text) {
  const line = h("p", {class: "rise"}, text);
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), 6000);
}

/** confirm asks a question with two answers; the browser keeps the focus in it. */
export function confirm({title, text, yes, no, bad, test}) {
  return new Promise(resolve => {
    let answer = false;
    const head = fresh(),
      body = fresh();
    const stay = h("button", {type: "button", class: "btn btn-wide", test: "dialog-close", onclick: () => d.close()}, no);
    const d = h(
      "dialog",
      {
        class: "pop",
        "aria-labelledby": head,
        "aria-describedby": body,
        onclose: () => {
          d.remove();
          resolve(answer);
        },
      },
      h("div", {class: "flow-s"}, h("h2", {id: head}, title), h("p", {id: body, class: "dim"}, text)),
      h(
        "div",
        {class: "answers-row"},
        h(
          "button",
          {
            type: "button",
            class: "btn btn-wide " + (bad ? "btn-bad" : "btn-main"),
            test,
            onclick: () => {
              answer = true;
              d.close();
            },
          },
          yes,
        ),
        stay,
      ),
    );
    d.addEventListener("click", e => {
      if (e.target === d) d.close();
    });
    document.body.append(d);
    d.showModal();
    stay.focus();
  });
}

// Who is here. The token is in a cookie that no script can read.
const meta = name => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
export const session = {name: meta("fc-member"), trial: meta("fc-trial") === "true"};
const told = "BroadcastChannel" in window ? new BroadcastChannel("fc-session") : null;
if (told) told.onmessage = () => location.reload(); // another window signed in or out

/** signIn keeps a name, or a token where the program does not make its own. */
export async function signIn(who) {
  const body = session.trial ? {name: who} : {token: who};
  let {data} = await api("POST", "/session", {body});
  const kept = (await api("GET", "/session")).data;
  if (!kept.name && session.trial) {
    // a browser that keeps no secure cookie without TLS
    ({data} = await api("POST", "/session", {body: {...body, plain: true}}));
  } else if (!kept.name) {
    throw new Refusal(0, {code: "no-cookie"}, 0);
  }
  session.name = data.name;
  told?.postMessage("in");
  drawBar();
  dispatchEvent(new CustomEvent("fc-signed-in"));
}

export async function signOut() {
  await api("DELETE", "/session");
  told?.postMessage("out");
  try {
    sessionStorage.clear();
  } catch {
    /* nothing was kept */
  }
  location.reload();
}
addEventListener("fc-signed-out", () => {
  if (!session.name) return;
  session.name = "";
  api("DELETE", "/session").catch(() => {});
  drawBar();
});

/** signInBox is the form that asks who is here. */
export function signInBox(title) {
  const id = fresh(),
    hint = fresh(),
    trial = session.trial;
  const input = h(trial ? "input" : "textarea", {
    id,
    type: trial && "text",
    name: trial ? "username" : "token",
    maxlength: trial ? 60 : 3800,
    required: true,
    rows: trial ? null : 3,
    autocomplete: trial ? "username" : "off",
    spellcheck: "false",
    autocapitalize: "none",
    test: trial ? "sign-in-name" : "sign-in-token",
    "aria-describedby": hint,
  });
  const wrong = h("p", {class: "wrong", role: "alert"}),
    button = h("button", {class: "btn btn-main btn-wide", test: "sign-in-submit"}, t("signIn"));
  return h(
    "form",
    {
      class: "flow",
      novalidate: true,
      onsubmit: async e => {
        e.preventDefault();
        if (!input.value.trim()) {
          say(wrong, t("signInEmpty"));
          return input.focus();
        }
        button.disabled = true;
        say(wrong, "");
        try {
          await signIn(input.value.trim());
        } catch (err) {
          const {title, text} = explain(err);
          say(wrong, err.code === "unauthenticated" ? t("badToken") : title + " " + text);
        }
        button.disabled = false;
      },
    },
    title && h("h2", null, title),
    h(
      "div",
      {class: "entry"},
      h("label", {htmlFor: id}, t(trial ? "name" : "token")),
      input,
      h("p", {id: hint, class: "fine"}, t(trial ? "nameHint" : "tokenHint")),
      wrong,
    ),
    button,
  );
}

/** drawBar is the head of the page: where one can go and who is here. */
export function drawBar() {
  const at = location.pathname,
    other = lang === "ko" ? "en" : "ko",
    q = new URLSearchParams(location.search);
  q.set("lang", other);
  const link = (href, key, on) => h("a", {class: "bar-link", href, "aria-current": on && "page"}, t(key));
  put(
    document.getElementById("bar"),
    h(
      "div",
      null,
      h(
        "a",
        {class: "home", href: "/"},
        h("img", {src: "/assets/icon.svg", alt: "", width: 28, height: 28}),
        h("span", null, "firstcome"),
      ),
      h("nav", {"aria-label": t("menu")}, link("/", "campaigns", at === "/"), link("/live", "liveNav", at === "/live")),
      h(
        "div",
        {class: "bar-ends"},
        h(
          "a",
          {class: "bar-link", href: `${at}?${q}`, hreflang: other, lang: other, test: "language"},
          other === "ko" ? "한국어" : "English",
        ),
        session.name &&
          h(
            "button",
            {type: "button", class: "bar-link bar-who", test: "who", "aria-haspopup": "dialog", onclick: account},
            h("span", null, session.name),
          ),
      ),
    ),
  );
}
async function account() {
  const out = await confirm({
    title: session.name,
    text: t(session.trial ? "trialText" : "signedInText"),
    yes: t("signOut"),
    no: t("close"),
    test: "sign-out",
  });
  if (out) signOut().catch(err => toast(explain(err).title));
}

/** open draws what every page has around its content. */
export function open() {
  drawBar();
  strip = document.getElementById("strip");
  showStrip();
  setClock();
}
