// The admin's app: who is here, where they are, and the keys that go there.
import {ask, clockTime, field, h, kept, lang, may, now, put, send, session, speak, t, tell, why} from "./admin-kit.js";

const main = document.getElementById("main"),
  bar = document.getElementById("bar");
let view = null; // {at, abort, shown}

// Who is here. The token itself is in a cookie that no script can read.
const remember = who => Object.assign(session, {name: who.name ?? "", role: who.role ?? "", trial: who.trial});

/** signIn asks for a name and a role where the program makes its own tokens, else for a token. */
function signIn() {
  const name = h("input", {type: "text", autocomplete: "username", maxlength: 128, value: session.name}),
    role = h(
      "select",
      null,
      ["viewer", "operator", "owner"].map(r =>
        h("option", {value: r, selected: r === (session.role || "operator")}, t("role." + r)),
      ),
    );
  const token = h("textarea", {rows: 4, spellcheck: "false", autocomplete: "off"}),
    trouble = h("div"),
    asToken = field(t("token"), token, {test: "sign-in-token", hint: t("tokenHint")});
  const mine = session.trial ? h("details", null, h("summary", null, t("haveToken")), asToken) : asToken;
  const form = h(
    "form",
    {
      class: "panel flow door",
      test: "sign-in",
      onsubmit: async e => {
        e.preventDefault();
        put(trouble);
        const given = token.value.trim(),
          body = given ? {token: given} : {name: name.value.trim(), role: role.value};
        try {
          let {data} = await send("POST", "/session", {body});
          // A browser that drops secure cookies of this machine gets a plain one.
          if (!(await send("GET", "/session")).data.name)
            ({data} = await send("POST", "/session", {body: {...body, plain: true}}));
          remember(data);
          start();
        } catch (err) {
          put(
            trouble,
            err.code === "unauthenticated"
              ? h("p", {class: "message bad", role: "alert"}, t("badToken"))
              : err.code === "forbidden"
                ? h("p", {class: "message bad", role: "alert"}, t("nameNotHere"), " ", err.body.detail)
                : why(err),
          );
          if (err.code === "forbidden") mine.open = true;
        }
      },
    },
    h("h1", {tabindex: "-1"}, t("signIn")),
    h("p", {class: "fine"}, t(session.trial ? "signInTrial" : "signInWhy")),
    session.trial && [
      field(t("name"), name, {test: "sign-in-name"}),
      field(t("role"), role, {test: "sign-in-role", hint: t("roleHint")}),
    ],
    mine,
    trouble,
    h("button", {class: "btn btn-main btn-wide", test: "sign-in-submit"}, t("signIn")),
  );
  leave();
  drawBar(false);
  put(main, form);
  document.title = t("signIn") + " · firstcome";
  (session.trial ? name : token).focus();
}

async function signOut() {
  try {
    await send("DELETE", "/session");
  } catch (err) {
    return tell(t("failed") + " " + err.message, "bad");
  }
  remember({trial: session.trial});
  signIn();
}

function drawBar(inside = true) {
  const here = location.hash;
  const link = (href, key, on) => h("a", {class: "bar-link", href, "aria-current": on && "page", test: "nav-" + key}, t(key));
  const clock = h("time", {class: "clock", title: t("agreedTime"), test: "clock"}),
    other = lang === "ko" ? "en" : "ko";
  put(
    bar,
    h(
      "div",
      null,
      h(
        "a",
        {class: "home", href: "#/"},
        h("img", {src: "/assets/icon.svg", alt: "", width: 28, height: 28}),
        h("span", null, "firstcome"),
      ),
      inside &&
        h(
          "nav",
          {"aria-label": t("menu")},
          link("#/", "campaigns", here === "" || here === "#/" || here.startsWith("#/c/") || here.startsWith("#/new")),
          link("#/calendar", "calendar", here.startsWith("#/calendar")),
          link("#/notices", "notices", here.startsWith("#/notices")),
          link("#/system", "system", here.startsWith("#/system")),
        ),
      h(
        "div",
        {class: "bar-ends"},
        inside && clock,
        h(
          "button",
          {type: "button", class: "bar-link", lang: other, test: "language", onclick: () => speak(other)},
          other === "en" ? "English" : "한국어",
        ),
        inside &&
          h(
            "button",
            {type: "button", class: "bar-link keys-button", "aria-label": t("keys"), test: "keys", onclick: showKeys},
            "?",
          ),
        inside &&
          h(
            "button",
            {type: "button", class: "bar-link bar-who", test: "who", onclick: account},
            h("span", null, h("bdi", null, session.name || t("you"))),
            session.role && h("small", null, t("role." + session.role)),
          ),
      ),
    ),
  );
  bar.clock = clock;
}
setInterval(() => {
  if (bar.clock?.isConnected) bar.clock.textContent = clockTime(now());
}, 250);

const account = () =>
  ask({
    title: session.name || t("you"),
    test: "account",
    confirm: t("signOut"),
    body: h("p", null, session.role ? t("may." + session.role) : t("mayToken")),
    act: () => true,
  }).then(out => out && signOut());

// Where one can go. A view is fetched when it is wanted.
const lists = () => import("./admin-list.js");
function route(hash) {
  const [path, query] = hash.replace(/^#/, "").split("?"),
    [first, id, tab = ""] = path.split("/").filter(Boolean),
    q = new URLSearchParams(query);
  if (!first) return {at: "list", draw: async s => (await lists()).list(main, {signal: s})};
  if (first === "calendar")
    return {
      at: "calendar?" + query,
      title: t("calendar"),
      draw: async s => (await lists()).calendar(main, {signal: s, query: q}),
    };
  if (first === "new")
    return {at: "new", title: t("new"), draw: async s => (await import("./admin-form.js")).create(main, {signal: s, query: q})};
  if (first === "notices")
    return {at: "notices", title: t("notices"), draw: async s => (await import("./admin-notices.js")).notices(main, {signal: s})};
  if (first === "system")
    return {at: "system", title: t("system"), draw: async s => (await import("./admin-books.js")).system(main, {signal: s})};
  if (first === "c" && /^[a-z0-9][a-z0-9-]{0,62}$/.test(id ?? ""))
    return {at: "c/" + id, tab, draw: async s => (await import("./admin-campaign.js")).campaign(main, {signal: s, id, tab})};
  return {at: "nowhere", draw: () => put(main, h("h1", {tabindex: "-1"}, t("nowhere")), h("a", {href: "#/"}, t("campaigns")))};
}

function leave() {
  view?.abort.abort();
  view = null;
  for (const d of document.querySelectorAll("dialog")) d.close();
}

async function go() {
  const r = route(location.hash);
  drawBar();
  if (view?.at === r.at && view.shown?.go) return view.shown.go(r.tab);
  leave();
  put(main);
  const abort = new AbortController();
  view = {at: r.at, abort, shown: null};
  document.title = (r.title ?? t("campaigns")) + " · firstcome";
  const drawn = await r.draw(abort.signal);
  if (abort.signal.aborted) return;
  view.shown = drawn;
  scrollTo(0, 0);
  if (went) (main.querySelector("[autofocus]") ?? main.querySelector("h1") ?? main).focus({preventScroll: true});
  went = true;
}
let went = false;

// Keys without a modifier can be switched off: who dictates says letters.
const keys = {
  "/": () => document.getElementById("search")?.focus(),
  n: () => may("operator") && (location.hash = "#/new"),
  c: () => (location.hash = "#/"),
  k: () => (location.hash = "#/calendar"),
  s: () => (location.hash = "#/system"),
  p: () => document.querySelector("[data-test=pause],[data-test=resume]")?.click(),
  "?": () => showKeys(),
};
addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || kept("fc-keys") === "off" || !view) return;
  if (e.target.closest?.("input,textarea,select,dialog,[contenteditable]") || document.querySelector("dialog[open]")) return;
  const key = keys[e.key];
  if (key) {
    e.preventDefault();
    key();
  }
});
function showKeys() {
  const on = h("input", {type: "checkbox", checked: kept("fc-keys") !== "off"});
  on.addEventListener("change", () => kept("fc-keys", on.checked ? "on" : "off"));
  ask({
    title: t("keys"),
    test: "keys-sheet",
    body: [
      h(
        "dl",
        {class: "facts keys"},
        Object.keys(keys).map(k => [h("dt", null, h("kbd", null, k)), h("dd", null, t("key." + k))]),
      ),
      h("label", {class: "check"}, on, t("keysOn")),
    ],
  });
}

addEventListener("hashchange", () => {
  if (view) go();
});
addEventListener("signed-out", () => {
  if (view) signIn();
});

/** start goes where the address says, or asks who is there. */
async function start() {
  try {
    const {data} = await send("GET", "/session");
    remember(data);
    if (!data.name) return signIn();
    send("GET", "/v1/time").catch(() => {}); // else by the board
  } catch (err) {
    return put(main, why(err), h("button", {class: "btn", onclick: start}, t("again")));
  }
  leave();
  went = false;
  go();
}
const skip = document.getElementById("skip");
skip.textContent = t("skip");
skip.addEventListener("click", e => {
  e.preventDefault();
  main.focus();
});
start();
