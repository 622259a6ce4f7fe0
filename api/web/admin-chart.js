// Moving charts, drawn on canvas. A chart glides: it shows the world as it was one second ago, so that there is
// always a next point to glide to. Who wants no movement gets steps.

const still = matchMedia("(prefers-reduced-motion: reduce)");
const charts = new Set();
let frame = 0;

function tick() {
  frame = 0;
  const at = Date.now();
  for (const c of charts) c.draw(at);
  if (charts.size && !document.hidden) frame = still.matches ? setTimeout(tick, 1000) : requestAnimationFrame(tick);
}
const wake = () => {
  if (!frame && charts.size) frame = requestAnimationFrame(tick);
};
addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    frame = 0;
    wake();
  }
});

/** nice is the next round number for an axis: 1, 2, 2.5 or 5 times a power of ten. */
function nice(v) {
  if (v <= 0) return 1;
  const ten = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 2.5, 5, 10].map(k => k * ten).find(k => k >= v * 0.999);
}

/**
 * chart draws series of a tape into a canvas until the signal ends. series:
 * [{value: sample => number, swatch}], the swatch's colour is the line's.
 * options: stacked, format, log, whole (the axis counts things), seconds: () => how many are shown.
 */
export function chart(canvas, tape, series, {stacked, format, log, whole, seconds, lag = 1000}, signal) {
  const g = canvas.getContext("2d");
  let colours = null,
    size = null,
    top = 0,
    pointer = null;
  const forget = () => {
    colours = null;
    size = null;
    requestAnimationFrame(() => {
      if (charts.has(one)) draw(Date.now());
    });
  };
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", forget, {signal});
  document.documentElement.addEventListener("themechange", forget, {signal});
  const watch = new ResizeObserver(forget);
  watch.observe(canvas);
  canvas.addEventListener(
    "pointermove",
    e => {
      pointer = e.offsetX;
    },
    {signal},
  );
  canvas.addEventListener(
    "pointerleave",
    () => {
      pointer = null;
    },
    {signal},
  );

  function prepare() {
    const style = getComputedStyle(canvas);
    colours = {
      ink: style.color,
      line: style.borderTopColor,
      paper: style.backgroundColor,
      font: `11px ${style.fontFamily}`,
      series: series.map(s => getComputedStyle(s.swatch).backgroundColor),
    };
    const r = devicePixelRatio || 1,
      w = canvas.clientWidth,
      hgt = canvas.clientHeight;
    canvas.width = Math.round(w * r);
    canvas.height = Math.round(hgt * r);
    g.setTransform(r, 0, 0, r, 0, 0);
    size = {w, h: hgt};
  }

  const low = 0.01; // of a logarithmic axis
  function draw(wall) {
    if (!canvas.clientWidth) return;
    if (!size) prepare();
    const {w, h} = size,
      left = log ? 54 : 46,
      bottom = 18,
      right = 4,
      head = 8,
      span = seconds() * 1000,
      end = wall - lag;
    const x = t => left + (w - left - right) * (1 - (end - t) / span);
    const from = end - span - 2000,
      seen = tape.samples.filter(s => s.t >= from);
    let high = 0;
    for (const s of seen) {
      let sum = 0;
      for (const one of series) {
        const v = one.value(s) ?? 0;
        sum = stacked ? sum + v : Math.max(sum, v);
      }
      high = Math.max(high, sum);
    }
    const goal = log ? Math.max(10, 10 ** Math.ceil(Math.log10(Math.max(high, 1)))) : Math.max(nice(high * 1.05), whole ? 4 : 1);
    top = !top || still.matches ? goal : Math.abs(goal - top) < goal * 0.004 ? goal : top + (goal - top) * 0.12;
    const y = log
      ? v => h - bottom - ((h - bottom - head) * Math.log(Math.max(v, low) / low)) / Math.log(top / low)
      : v => h - bottom - ((h - bottom - head) * v) / top;

    g.clearRect(0, 0, w, h);
    g.font = colours.font;
    axis(g, {w, h, left, right, bottom, y, x, end, span, top, goal, log, low, format});
    g.save();
    g.beginPath();
    g.rect(left, 0, w - left - right, h - bottom + 1);
    g.clip();
    if (stacked) bars(seen, x, y, h - bottom);
    else lines(seen, x, y);
    for (const m of tape.marks)
      if (m.t >= from) {
        g.strokeStyle = colours.ink;
        g.setLineDash([3, 3]);
        g.beginPath();
        g.moveTo(x(m.t), head);
        g.lineTo(x(m.t), h - bottom);
        g.stroke();
        g.setLineDash([]);
        g.fillStyle = colours.ink;
        g.fillText(m.text, x(m.t) + 4, head + 9);
      }
    g.restore();
    if (pointer !== null && pointer > left && seen.length) cross(seen, x, y, {h, w, bottom, head});
  }

  function axis(g, {w, h, left, right, bottom, y, x, end, span, goal, log, low, format}) {
    g.lineWidth = 1;
    g.textAlign = "right";
    g.textBaseline = "middle";
    const ticks = log ? [] : [0, goal / 2, goal];
    if (log) for (let v = low; v <= goal * 1.01; v *= 10) ticks.push(v);
    for (const v of ticks) {
      const at = Math.round(y(v)) + 0.5;
      if (at < 0) continue;
      g.strokeStyle = colours.line;
      g.beginPath();
      g.moveTo(left, at);
      g.lineTo(w - right, at);
      g.stroke();
      g.fillStyle = colours.ink;
      g.fillText(format(v), left - 6, Math.max(at, 7));
    }
    g.textAlign = "center";
    g.textBaseline = "alphabetic";
    const every = (span <= 60_000 ? 15 : 60) * 1000;
    for (let t = Math.ceil((end - span) / every) * every; t < end; t += every) {
      const at = x(t);
      if (at < left + 20 || at > w - 24) continue;
      const d = new Date(t),
        two = n => String(n).padStart(2, "0");
      g.fillStyle = colours.ink;
      g.fillText(`${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`, at, h - 4);
    }
    g.textAlign = "left";
  }

  // A bar is as wide as the time between its sample and the one before.
  function bars(seen, x, y, floor) {
    for (let i = 1; i < seen.length; i++) {
      const s = seen[i],
        a = Math.floor(x(Math.max(seen[i - 1].t, s.t - 3000))),
        b = Math.floor(x(s.t));
      let sum = 0;
      series.forEach((one, k) => {
        const v = one.value(s);
        if (!v) return;
        const from = y(sum),
          to = y((sum += v));
        g.fillStyle = colours.series[k];
        g.fillRect(a, to, Math.max(1, b - a - (b - a > 4 ? 1 : 0)), Math.max(from - to, 0.75));
      });
    }
  }

  function lines(seen, x, y) {
    g.lineWidth = 2;
    g.lineJoin = "round";
    series.forEach((one, k) => {
      g.strokeStyle = g.fillStyle = colours.series[k];
      g.beginPath();
      let last = null;
      for (const s of seen) {
        const v = one.value(s);
        if (v === undefined || v === null) {
          last = null;
          continue;
        }
        if (last && s.t - last < 5000) g.lineTo(x(s.t), y(v));
        else {
          g.moveTo(x(s.t) - 1, y(v));
          g.lineTo(x(s.t), y(v));
        }
        last = s.t;
      }
      g.stroke();
    });
  }

  // The values under the pointer.
  function cross(seen, x, y, {h, w, bottom, head}) {
    const s = seen.reduce((best, one) => (Math.abs(x(one.t) - pointer) < Math.abs(x(best.t) - pointer) ? one : best));
    const texts = [
      new Date(s.t).toLocaleTimeString(document.documentElement.lang, {hourCycle: "h23"}),
      ...series
        .map(one => [one.name, one.value(s)])
        .filter(([, v]) => v)
        .map(([name, v]) => `${name} ${format(v)}`),
    ];
    const wide = Math.max(...texts.map(text => g.measureText(text).width)) + 12,
      at = Math.max(46, x(s.t)),
      side = at + wide + 10 > w ? at - wide - 8 : at + 8;
    g.strokeStyle = colours.ink;
    g.beginPath();
    g.moveTo(at, head);
    g.lineTo(at, h - bottom);
    g.stroke();
    g.fillStyle = colours.paper;
    g.fillRect(side, head, wide, texts.length * 15 + 6);
    g.strokeRect(side, head, wide, texts.length * 15 + 6);
    g.fillStyle = colours.ink;
    texts.forEach((text, i) => g.fillText(text, side + 6, head + 14 + i * 15));
  }

  const one = {draw};
  charts.add(one);
  signal.addEventListener("abort", () => {
    charts.delete(one);
    watch.disconnect();
  });
  wake();
}
