// <figure class="chart" data-chart="line|bar" data-zone="Europe/Paris"><h3>…</h3><p>summary</p>
//   <details><summary>Voir les données</summary><div class="table-wrap"><table>…</table></div></details></figure>
// The table is the data: first column the x (a <time datetime> makes a time axis), each further column a series named
// by its heading; a cell's number is its data-value, else its text; an empty cell is a gap.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./chart.css";

const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [4, 4]];
const HEIGHT = 280;
const NAME = 20;
const drawn = new Map();

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function number(cell) {
  const text = cell.dataset.value ?? cell.textContent.replace(/[^\d.,-]/g, "").replace(",", ".");
  return text === "" ? null : Number(text);
}

function read(table) {
  const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells]);
  const times = rows.map(([first]) => first.querySelector("time")?.dateTime);
  const timed = times.every(Boolean);
  const labels = rows.map(([first]) => first.textContent.trim());
  const x = timed ? times.map((time) => Date.parse(time) / 1000) : rows.map((_, index) => index);
  const series = names.slice(1).map((_, index) => rows.map((row) => number(row[index + 1])));
  return { names: names.slice(1), timed, labels, data: [x, ...series] };
}

// Each line's name stands at its end, in its colour: no legend to look up.
function nameAtEnd(names) {
  return (plot) => {
    const { ctx } = plot;
    ctx.save();
    ctx.font = `${14 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    const line = 18 * devicePixelRatio;
    const ends = names
      .map((name, index) => ({ name, index, last: plot.data[index + 1].findLastIndex((value) => value !== null) }))
      .filter(({ last }) => last >= 0)
      .map((end) => ({ ...end, y: plot.valToPos(plot.data[end.index + 1][end.last], "y", true) }))
      .sort((one, other) => one.y - other.y);
    // One under the other from the top, then up again from the foot: none stands on the axis.
    let free = -Infinity;
    for (const end of ends) free = end.y = Math.max(end.y, free + line);
    free = plot.bbox.top + plot.bbox.height + line / 2;
    for (const end of ends.toReversed()) free = end.y = Math.min(end.y, free - line);
    for (const { name, index, y } of ends) {
      ctx.fillStyle = colour(`series-${(index % 5) + 1}`);
      ctx.fillText(name, plot.bbox.left + plot.bbox.width + 6 * devicePixelRatio, y);
    }
    ctx.restore();
  };
}

// Where the names would take the room of the lines: above them, each after a piece of its line.
function nameAbove(names) {
  return (plot) => {
    const { ctx } = plot;
    ctx.save();
    ctx.font = `${14 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.lineWidth = 2 * devicePixelRatio;
    names.forEach((name, index) => {
      const y = (10 + NAME * index) * devicePixelRatio;
      ctx.strokeStyle = ctx.fillStyle = colour(`series-${(index % 5) + 1}`);
      ctx.setLineDash(DASHES[index % DASHES.length].map((length) => length * devicePixelRatio));
      ctx.beginPath();
      ctx.moveTo(plot.bbox.left, y);
      ctx.lineTo(plot.bbox.left + 24 * devicePixelRatio, y);
      ctx.stroke();
      ctx.fillText(name, plot.bbox.left + 32 * devicePixelRatio, y);
    });
    ctx.restore();
  };
}

// People and mails come in whole numbers: no mark of the scale at one and a half.
function steps(series) {
  if (!series.flat().every((value) => value === null || Number.isInteger(value))) return {};
  return { incrs: [1, 2, 5].flatMap((first) => Array.from({ length: 10 }, (_, power) => first * 10 ** power)).sort((one, other) => one - other) };
}

// One point alone stands in the middle of a span of two hours, not of two centuries; the outer bars have their room.
function around(xs, low, high, { room, bars }) {
  if (xs.length === 1) return [xs[0] - room, xs[0] + room];
  const half = bars ? (xs[1] - xs[0]) / 2 : 0;
  return [low - half, high + half];
}

function options(figure, { names, timed, labels, data }, width) {
  const bars = figure.dataset.chart === "bar";
  // plain "en" would say 01:00 PM
  const lang = { en: "en-GB" }[document.documentElement.lang] ?? document.documentElement.lang;
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
  const zone = figure.dataset.zone;
  const day = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", timeZone: zone });
  const hour = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", timeZone: zone });
  const midnight = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", timeZone: "UTC" }).format(0);
  const moment = (_, values, __, ___, step) =>
    values.map((value) => {
      const at = new Date(value * 1000);
      return step >= 86400 || hour.format(at) === midnight ? day.format(at) : hour.format(at);
    });
  const words = (_, values) => values.map((value) => labels[value] ?? "");
  const room = Math.min(160, 16 + 8 * Math.max(...names.map((name) => name.length)));
  const narrow = room > width / 4;
  return {
    width,
    height: HEIGHT,
    padding: narrow ? [12 + NAME * names.length, 16, 0, 0] : [12, room, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: timed, range: (plot, low, high) => around(plot.data[0], low, high, { room: timed ? 3600 : 0.5, bars }) }, y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
    ...(timed && zone ? { tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone) } : {}),
    axes: [
      { ...axis, values: timed ? moment : words, ...(timed ? {} : { incrs: [1] }) },
      { ...axis, ...steps(data.slice(1)), size: 64, values: (_, values) => values.map((value) => value.toLocaleString(lang)) },
    ],
    series: [
      {},
      ...names.map((name, index) => ({
        label: name,
        stroke: colour(`series-${(index % 5) + 1}`),
        width: 2,
        dash: DASHES[index % DASHES.length],
        points: { show: labels.length < 32 },
        ...(bars ? { paths: uPlot.paths.bars({ size: [0.6, 48] }), fill: colour(`series-${(index % 5) + 1}`) } : {}),
      })),
    ],
    hooks: { draw: [narrow ? nameAbove(names) : nameAtEnd(names)] },
  };
}

function draw(figure) {
  const table = figure.querySelector("table");
  const read_ = read(table);
  if (read_.data[0].length === 0) return;
  drawn.get(figure)?.destroy();
  let place = figure.querySelector(".chart-canvas");
  if (!place) {
    place = document.createElement("div");
    place.className = "chart-canvas";
    place.role = "img";
    place.ariaLabel = figure.querySelector("p")?.textContent.trim() ?? "";
    (figure.querySelector("details") ?? table).before(place);
    new ResizeObserver(() => drawn.get(figure)?.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  }
  drawn.set(figure, new uPlot(options(figure, read_, place.clientWidth), read_.data, place));
}

function drawAll() {
  for (const figure of [...drawn.keys()]) if (!figure.isConnected) drawn.delete(figure);
  document.querySelectorAll("figure[data-chart]").forEach(draw);
}

drawAll();
document.addEventListener("htmx:after:swap", drawAll);
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
