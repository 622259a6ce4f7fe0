// Words about campaigns that several pages share.
import {api, h, put, t} from "./base.js";

/** claimWord is what the button says. */
export const claimWord = c =>
  c.kind === "reaction"
    ? t("claimReaction")
    : c.points > 0
      ? t("claimPoints", c.points)
      : t(c.kind === "reward" ? "claimReward" : "claim");

/** statusBadge is the state of a campaign, or of the member's place in it. */
export function statusBadge(c, claim) {
  if (claim?.state === "granted") return h("span", {class: "badge now", test: "status"}, t("place.granted"));
  if (claim?.state === "waitlisted") return h("span", {class: "badge wait", test: "status"}, t("place.waitlisted"));
  if (c.status === "open" && c.sold_out) return h("span", {class: "badge hold", test: "status"}, t("soldOut"));
  return h(
    "span",
    {class: "badge " + ({open: "now live", scheduled: "soon", paused: "hold"}[c.status] ?? ""), test: "status"},
    t("status." + c.status),
  );
}

/** drawNotices shows what the organisers say to everybody. */
export function drawNotices(box, items) {
  const key = JSON.stringify(items.map(n => [n.id, n.version]));
  if (box.dataset.shown === key) return;
  box.dataset.shown = key;
  box.hidden = !items.length;
  put(
    box,
    items
      .slice(0, 5)
      .map(n =>
        h(
          "aside",
          {class: "message" + (n.level === "warning" ? " warn" : ""), test: "notice", "aria-label": t("notice")},
          h("strong", null, n.title),
          n.body && h("p", {class: "prose"}, n.body),
        ),
      ),
  );
}

/** followNotices keeps them fresh on a page that asks for nothing else. */
export async function followNotices(box) {
  try {
    if (!document.hidden) drawNotices(box, (await api("GET", "/v1/notices?limit=5")).data.items);
  } catch {
    /* the next look tells */
  }
  setTimeout(followNotices, 60_000 + Math.random() * 30_000, box);
}
