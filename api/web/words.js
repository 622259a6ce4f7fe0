// Words about campaigns that several pages share.
import {h, t} from "./base.js";

/** claimWord is what the button says. */
export const claimWord = c => c.kind === "reaction" ? t("claimReaction") : c.points > 0 ? t("claimPoints", c.points) : t(c.kind === "reward" ? "claimReward" : "claim");

/** statusBadge is the state of a campaign, or of the member's place in it. */
export function statusBadge(c, claim) {
  if (claim?.state === "granted") return h("span", {class: "badge now", test: "status"}, t("place.granted"));
  if (claim?.state === "waitlisted") return h("span", {class: "badge wait", test: "status"}, t("place.waitlisted"));
  if (c.status === "open" && c.sold_out) return h("span", {class: "badge hold", test: "status"}, t("soldOut"));
  return h("span", {class: "badge " + ({open: "now live", scheduled: "soon", paused: "hold"}[c.status] ?? ""), test: "status"}, t("status." + c.status));
}
