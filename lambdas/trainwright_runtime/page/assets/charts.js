"use strict";
(() => {
  const sent = document.getElementById("chart-data");
  if (!sent) return;
  const { groups, charts: specs } = JSON.parse(sent.textContent);
  const root = document.documentElement;
  const PALETTE = ["--productive", "--lost_work", "--checkpoints", "--upload", "--start_up", "--download"];
  const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 4]];
  const drawn = new Map();
  const views = new Map();

  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const two = (number) => String(number).padStart(2, "0");
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

  const clock = (seconds, exact) => {
    const at = new Date(seconds * 1000);
    return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}${exact ? `:${two(at.getUTCSeconds())}` : ""}`;
  };
  const day = (seconds) => `${new Date(seconds * 1000).getUTCDate()} ${MONTHS[new Date(seconds * 1000).getUTCMonth()]}`;

  const figure = (value, digits) => value.toLocaleString("en", { maximumSignificantDigits: digits });
  const bytes = (value) => {
    const units = ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"];
    const step = value > 0 ? Math.min(Math.max(Math.floor(Math.log10(value) / 3), 0), 4) : 0;
    return `${figure(value / 1000 ** step, 3)} ${units[step]}`;
  };
  const amount = (value, unit) => {
    if (value === null || value === undefined) return "—";
    if (unit === "B/s") return bytes(value);
    if (unit === "%") return `${value.toLocaleString("en", { maximumFractionDigits: 1 })} %`;
    const small = value !== 0 && Math.abs(value) < 1e-4;
    return `${small ? value.toExponential(3) : figure(value, 6)}${unit ? ` ${unit}` : ""}`;
  };
  const place = (x, spec) => (spec.kind === "time" ? `${day(x)} ${clock(x, true)} UTC` : `step ${x.toLocaleString("en")}`);

  // Attempts follow each other with a gap between them; a mean may have a lowest and a highest value beside it.
  const columns = (spec) => {
    if (spec.x) return [spec.x, ...spec.series.map((each) => each.mean)];
    const xs = [];
    const lists = spec.series.flatMap((each) => [each.mean, each.max, each.min].filter(Boolean));
    const ys = lists.map(() => []);
    let from = 0;
    for (const [start, step, count] of groups[spec.group]) {
      if (xs.length) {
        xs.push(Math.max(start - step / 2, xs[xs.length - 1]));
        ys.forEach((column) => column.push(null));
      }
      for (let n = 0; n < count; n++) xs.push(start + n * step);
      ys.forEach((column, at) => {
        for (let n = from; n < from + count; n++) column.push(lists[at][n] ?? null);
      });
      from += count;
    }
    return [xs, ...ys];
  };

  const lines = (spec, few) => {
    const series = [{}];
    const bands = [];
    spec.series.forEach((each, at) => {
      const colour = () => css(PALETTE[at % PALETTE.length]);
      const dash = DASHES[at % DASHES.length];
      each.at = series.length;
      series.push({ stroke: colour, width: 1.6, dash, spanGaps: Boolean(spec.x), points: { show: few, size: 5, stroke: colour, fill: colour } });
      if (each.max) {
        const edge = { stroke: "transparent", width: 0, points: { show: false } };
        bands.push({ series: [series.length, series.length + 1], fill: () => `${colour()}38` });
        series.push(edge, { ...edge });
      }
    });
    return { series, bands };
  };

  const valueRange = (spec) => {
    if (Array.isArray(spec.range)) return () => spec.range;
    if (spec.range === "zero") return (u, low, high) => [0, (high ?? 0) > 0 ? high * 1.08 : 1];
    return (u, low, high) => {
      if (low === null || low === undefined) return [0, 1];
      const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
      return [low - room, high + room];
    };
  };

  const axes = (spec) => {
    const look = { stroke: () => css("--soft"), grid: { stroke: () => css("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const times = (u, splits, axis, space, gap) => splits.map((x) => (gap >= 86400 ? day(x) : clock(x, gap < 60)));
    const steps = (u, splits) => splits.map((x) => x.toLocaleString("en"));
    const measured = (u, splits) => splits.map((y) => amount(y, spec.unit));
    const width = (u, values) => 14 + 7 * Math.max(4, ...(values ?? []).map((text) => String(text).length));
    return [
      { ...look, space: 70, size: 30, values: spec.kind === "time" ? times : steps },
      { ...look, space: 34, values: measured, size: width },
    ];
  };

  const marks = (spec) => (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = css("--bad");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const mark of spec.marks) {
      if (mark.x < u.scales.x.min || mark.x > u.scales.x.max) continue;
      const left = u.valToPos(mark.x, "x", true);
      ctx.beginPath();
      ctx.moveTo(left, bbox.top);
      ctx.lineTo(left, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };

  const spoken = (spec, data, index) =>
    [place(data[0][index], spec), ...spec.series.map((each) => `${each.label} ${reading(spec, data, each, index)}`)].join(", ");

  // where a metric is not reported at every step, its last value holds
  const reading = (spec, data, each, index) => {
    const column = data[each.at];
    let at = index;
    while (spec.x && at > 0 && column[at] === null) at--;
    const value = amount(column[at], spec.unit);
    if (!each.max || column[at] === null) return value;
    return `${value} (${amount(data[each.at + 2][at], spec.unit)} to ${amount(data[each.at + 1][at], spec.unit)})`;
  };

  const readout = (spec, box) => (u) => {
    const index = u.cursor.idx;
    const there = index !== null && index !== undefined && u.cursor.left >= 0;
    box.querySelector(".at").textContent = there ? place(u.data[0][index], spec) : "";
    box.querySelectorAll(".now").forEach((out, n) => {
      out.textContent = there ? reading(spec, u.data, spec.series[n], index) : "";
    });
  };

  // a single value needs some room to its sides
  const stretch = (spec, xs) => {
    const [first, last] = [xs[0], xs[xs.length - 1]];
    const beside = spec.kind === "time" ? 60 : 1;
    return (u, min, max) => (first < last ? [min, max] : [first - beside, first + beside]);
  };
  const whole = (u) => {
    const xs = u.data[0];
    const [min, max] = u.scales.x.range(u, xs[0], xs[xs.length - 1], "x");
    return { min, max };
  };
  const isWhole = (u, view) => view.min <= whole(u).min && view.max >= whole(u).max;

  // all charts of a host look at the same stretch of time
  const follow = (spec, box) => (u, key) => {
    if (key !== "x") return;
    const view = { min: u.scales.x.min, max: u.scales.x.max };
    box.querySelector(".all").hidden = isWhole(u, view);
    if (!spec.group) return;
    const before = views.get(spec.group);
    if (before && before.min === view.min && before.max === view.max) return;
    views.set(spec.group, view);
    for (const [other, theirs] of drawn) {
      if (other !== spec && other.group === spec.group) theirs.setScale("x", view);
    }
  };

  const zoom = (u, factor) => {
    const { min, max } = u.scales.x;
    const full = whole(u);
    const middle = u.cursor.left >= 0 && u.cursor.idx != null ? u.data[0][u.cursor.idx] : (min + max) / 2;
    const from = Math.max(middle - (middle - min) * factor, full.min);
    const until = Math.min(middle + (max - middle) * factor, full.max);
    if (until > from) u.setScale("x", { min: from, max: until });
  };

  const move = (spec, u, box, to) => {
    const xs = u.data[0];
    const { min, max } = u.scales.x;
    const first = xs.findIndex((x) => x >= min);
    let last = xs.length - 1;
    while (last > first && xs[last] > max) last--;
    const index = Math.min(Math.max(to, first), last);
    const left = u.valToPos(xs[index], "x");
    u.setCursor({ left, top: u.over.clientHeight / 2 });
    for (const [other, theirs] of drawn) {
      if (spec.group && other !== spec && other.group === spec.group) theirs.setCursor({ left: theirs.valToPos(xs[index], "x"), top: theirs.over.clientHeight / 2 });
    }
    box.querySelector(".spoken").textContent = spoken(spec, u.data, index);
  };

  const keys = (spec, box) => (event) => {
    const u = drawn.get(spec);
    if (!u || event.ctrlKey || event.metaKey || event.altKey) return;
    const xs = u.data[0];
    const at = u.cursor.left >= 0 && u.cursor.idx != null ? u.cursor.idx : -1;
    const far = event.shiftKey ? 10 : 1;
    const work = {
      ArrowRight: () => move(spec, u, box, at + far),
      ArrowLeft: () => move(spec, u, box, at < 0 ? xs.length - 1 : at - far),
      Home: () => move(spec, u, box, 0),
      End: () => move(spec, u, box, xs.length - 1),
      "+": () => zoom(u, 0.5),
      "=": () => zoom(u, 0.5),
      "-": () => zoom(u, 2),
      Escape: () => u.setScale("x", whole(u)),
    }[event.key];
    if (!work) return;
    event.preventDefault();
    work();
  };

  const draw = (spec) => {
    if (drawn.has(spec)) return;
    const box = document.getElementById(spec.id);
    const plot = box.querySelector(".plot");
    const data = columns(spec);
    const few = data[0].length <= 60;
    const options = {
      width: plot.clientWidth,
      height: plot.clientHeight,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, dist: 4 },
        sync: spec.group ? { key: spec.group } : undefined,
        points: { size: 7 },
        focus: { prox: 0 },
      },
      scales: { x: { time: spec.kind === "time", range: stretch(spec, data[0]) }, y: { range: valueRange(spec) } },
      axes: axes(spec),
      ...lines(spec, few),
      hooks: { setCursor: [readout(spec, box)], setScale: [follow(spec, box)], draw: [marks(spec)] },
    };
    const view = views.get(spec.group);
    const u = new uPlot(options, data, plot);
    drawn.set(spec, u);
    if (view) u.setScale("x", view);
    plot.dataset.drawn = "yes";
  };

  const fit = new ResizeObserver((entries) => {
    requestAnimationFrame(() => {
      for (const entry of entries) {
        const u = drawn.get(byPlot.get(entry.target));
        const width = Math.floor(entry.target.clientWidth);
        if (u && width && width !== u.width) u.setSize({ width, height: u.height });
      }
    });
  });

  // a run of eight hosts has dozens of charts: each is drawn when it comes into view
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        seen.unobserve(entry.target);
        draw(byPlot.get(entry.target));
      }
    },
    { rootMargin: "300px" },
  );

  const byPlot = new Map();
  for (const spec of specs) {
    const box = document.getElementById(spec.id);
    const plot = box.querySelector(".plot");
    byPlot.set(plot, spec);
    plot.tabIndex = 0;
    plot.addEventListener("keydown", keys(spec, box));
    box.querySelector(".all").addEventListener("click", () => {
      const u = drawn.get(spec);
      u.setScale("x", whole(u));
      plot.focus();
    });
    seen.observe(plot);
    fit.observe(plot);
  }

  const again = () => drawn.forEach((u) => u.redraw(false, true));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  addEventListener("beforeprint", () => {
    root.classList.add("printing");
    specs.filter((spec) => document.getElementById(spec.id).querySelector(".plot").clientWidth).forEach(draw);
    again();
  });
  addEventListener("afterprint", () => {
    root.classList.remove("printing");
    again();
  });
})();
