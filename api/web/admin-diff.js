// What differs between two versions of a campaign, and who decides then.
import {api, ask, dateTime, exact, h, t} from "./admin-kit.js";

/** differences names what differs between two versions of a campaign. */
export function differences(a, b) {
  const live = new Set(["granted", "waiting", "remaining", "sold_out", "position", "poll_after_ms", "version", "etag"]);
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
    k => !live.has(k) && JSON.stringify(a[k]) !== JSON.stringify(b[k]),
  );
}
export const shown = (name, v) =>
  v === undefined || v === null
    ? "–"
    : name.endsWith("_at") || name === "cancellable_until"
      ? dateTime(v)
      : typeof v === "object"
        ? JSON.stringify(v)
        : String(v);

/**
 * settle handles a 412: somebody changed the campaign meanwhile. It shows what,
 * by whom, and lets the admin decide. true: go on with the new version.
 */
export async function settle(mine, id, signal) {
  const [{data: theirs, etag}, audit] = await Promise.all([
    api("GET", "/campaigns/" + id, {signal}),
    api("GET", `/campaigns/${id}/audit?limit=200`, {signal}).catch(() => null),
  ]);
  const since = (audit?.data.items ?? []).filter(d => d.version > mine.version);
  const changes = differences(mine, theirs);
  const sure = await ask({
    title: t("changedMeanwhile"),
    test: "conflict",
    confirm: t("goOnAnyway"),
    act: () => true,
    body: [
      h("p", null, t("changedMeanwhileWhy", mine.version, theirs.version)),
      since.length > 0 &&
        h(
          "ul",
          null,
          since.map(d =>
            h(
              "li",
              null,
              h("strong", null, d.actor),
              " ",
              t("did." + d.action),
              " · ",
              exact(d.at),
              d.reason && ` · “${d.reason}”`,
            ),
          ),
        ),
      changes.length > 0 &&
        h(
          "table",
          {class: "plain"},
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              ["field", "youSaw", "itIsNow"].map(k => h("th", {scope: "col"}, t(k))),
            ),
          ),
          h(
            "tbody",
            null,
            changes.map(k =>
              h(
                "tr",
                null,
                h("th", {scope: "row"}, t("f." + k)),
                h("td", null, shown(k, mine[k])),
                h("td", null, shown(k, theirs[k])),
              ),
            ),
          ),
        ),
    ],
  });
  return {sure: !!sure, theirs, etag};
}
