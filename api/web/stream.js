// A campaign's events: in order, without a hole, whatever the network does.
import {api, session} from "./base.js";

const kinds = ["count", "status", "cap"];
const numberOf = id => Number(id.slice(id.lastIndexOf("-") + 1));
const epochOf = id => id.slice(0, id.lastIndexOf("-"));

// How long a stream that was refused is left alone; it doubles up to the most.
const first = 2000,
  most = 60_000;
// A hidden page lets its stream go after a while: the battery and the server are
// glad, and the position brings everything back.
const hiddenFor = 20_000;

/** openStream follows a campaign from a position on and calls the handlers:
 * frame(kind, data, id) for each event, claim(data) for the member's own,
 * reset() when everything must be read anew, live(yes) when the stream begins
 * or ceases to be heard. While it is not live, the caller polls. */
export function openStream(campaign, position, {frame, claim, reset, live, keepHidden}) {
  let source = null,
    at = position,
    wait = first,
    timer = 0,
    hiding = 0,
    closed = false,
    filling = null,
    waiting = [];
  const base = `/v1/campaigns/${campaign}/events`;

  const apply = (kind, data, id) => {
    if (epochOf(id) !== epochOf(at) || data.to <= numberOf(at)) return; // heard before
    at = id;
    frame(kind, data, id);
  };
  const heard = (kind, data, id) => {
    if (filling) return void waiting.push([kind, data, id]);
    if (epochOf(id) === epochOf(at) && data.from > numberOf(at) + 1) {
      waiting.push([kind, data, id]);
      filling = fill();
      return;
    }
    apply(kind, data, id);
  };
  // fill asks for exactly what is missing before the frames that wait.
  const fill = async () => {
    try {
      for (let more = true; more && !closed;) {
        const {data} = await api("GET", `${base}?after=${encodeURIComponent(at)}&limit=200`);
        for (const i of data.items) apply(i.event, i.data, i.id);
        more = data.items.length === 200;
      }
    } catch {
      again(first);
    }
    const rest = waiting;
    filling = null;
    waiting = [];
    if (source) for (const f of rest) heard(...f);
  };

  const hear = () => {
    clearTimeout(timer);
    if (closed || source || (document.hidden && !keepHidden)) return;
    source = new EventSource(`${base}?last_event_id=${encodeURIComponent(at)}`);
    const here = source,
      mine = f => e => {
        if (source === here) f(e);
      };
    for (const kind of kinds)
      source.addEventListener(
        kind,
        mine(e => heard(kind, JSON.parse(e.data), e.lastEventId)),
      );
    source.addEventListener(
      "claim",
      mine(e => session.name && claim?.(JSON.parse(e.data))),
    );
    source.addEventListener(
      "reset",
      mine(() => {
        drop();
        reset();
      }),
    );
    source.onopen = mine(() => {
      wait = first;
      live(true);
    });
    source.onerror = mine(() => {
      live(false);
      if (source.readyState === EventSource.CLOSED) again(wait); // refused: it does not come back by itself
    });
  };
  const drop = () => {
    source?.close();
    source = null;
    live(false);
  };
  const again = ms => {
    drop();
    clearTimeout(timer);
    if (closed) return;
    wait = Math.min(wait * 2, most);
    timer = setTimeout(hear, ms * (0.75 + Math.random() / 2));
  };
  const seen = () => {
    clearTimeout(hiding);
    if (!document.hidden) hear();
    else if (!keepHidden)
      hiding = setTimeout(() => {
        if (document.hidden) drop();
      }, hiddenFor);
  };
  const online = () => {
    wait = first;
    drop();
    hear();
  };
  document.addEventListener("visibilitychange", seen);
  addEventListener("online", online);
  hear();
  return {
    get position() {
      return at;
    },
    /** restart begins anew at a position: after a reset, another member, or when
     * the stream says nothing although the campaign went on. */
    restart(position) {
      if (position) at = position;
      wait = first;
      drop();
      hear();
    },
    close() {
      closed = true;
      drop();
      clearTimeout(timer);
      clearTimeout(hiding);
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("online", online);
    },
  };
}
