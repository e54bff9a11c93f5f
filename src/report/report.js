// Draws the charts of a report from the numbers in #report-data, in the page's colours, light or dark.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const seriesColour = (i) => style("--series-" + (i % 6));
  const exitColour = (k, n) => `hsl(${165 + 115 * (n < 2 ? 1 : k / (n - 1))}, 55%, ${style("--exit-light")})`;
  const percent = (value, digits) => value === null ? "–" : (100 * value).toFixed(digits) + " %";
  const plain = (value, digits) => value === null ? "–" : value.toFixed(digits);
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;
  const shapes = ["circle", "rect", "triangle", "rectRot", "cross", "star"];

  const axis = (title, ticks, extra) => Object.assign({
    title: { display: true, text: title, color: style("--soft") },
    grid: { color: style("--line"), borderColor: style("--line") },
    ticks: Object.assign({ color: style("--soft") }, ticks),
  }, extra);
  const options = (x, y, label, extra) => Object.assign({
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "nearest", intersect: false },
    scales: { x, y },
    plugins: {
      legend: {
        position: "bottom",
        labels: {
          color: style("--text"), usePointStyle: true, boxHeight: 9,
          filter: (item, chart) => !chart.datasets[item.datasetIndex].faint,
        },
      },
      tooltip: { callbacks: { label } },
    },
  }, extra);

  // The line about shares that a tooltip shows below a point.
  const sharesLine = (point, exits) =>
    point.shares.map((share, k) => `${exits[k] ?? "exit " + k} ${percent(share, 1)}`).join(", ");

  const builders = {
    curve() {
      const datasets = [];
      data.curve.series.forEach((series, i) => {
        const colour = seriesColour(i);
        const common = { borderColor: colour, backgroundColor: colour, exits: series.exits };
        const add = (points, extra) => {
          if (points.length) {
            datasets.push(Object.assign({ label: series.name, data: points, pointStyle: shapes[i % shapes.length] },
                                        common, extra));
          }
        };
        add(series.points.filter((point) => point.front), { showLine: true, borderWidth: 2, pointRadius: 3.5 });
        add(series.points.filter((point) => !point.front),
            { pointRadius: 2.5, borderWidth: 1, borderColor: colour + "90", backgroundColor: "transparent", faint: true });
        if (series.operating_point) {
          datasets.push(Object.assign({}, common, {
            label: series.name + ", operating point", data: [series.operating_point], pointRadius: 9,
            pointStyle: "star", borderWidth: 2, backgroundColor: "transparent",
          }));
        }
      });
      data.curve.references.forEach((reference) => {
        datasets.push({
          label: reference.label, data: [reference], exits: [], pointRadius: 7, pointStyle: "rectRot",
          borderColor: style("--text"), backgroundColor: style("--text"),
        });
      });
      const label = (item) => {
        const point = item.raw;
        const lines = [`${item.dataset.label}: ${percent(point.y, 2)} at ${plain(point.x, 3)}`];
        if (point.label && point.label !== item.dataset.label) lines.push(point.label);
        if (point.shares.length) lines.push(sharesLine(point, item.dataset.exits));
        return lines;
      };
      const dearest = Math.max(data.least_axis, ...datasets.flatMap((set) => set.data.map((point) => point.x ?? 0)));
      return {
        type: "scatter",
        data: { datasets },
        options: options(axis("mean cost, " + data.cost_unit, { includeBounds: false },
                              { min: 0, max: 1.03 * dearest }),
                         axis("accuracy", { callback: (v) => (100 * v).toFixed(1) + " %" }), label),
      };
    },

    anytime() {
      const datasets = data.anytime.series.map((series, i) => ({
        label: series.name, data: series.points, showLine: true, stepped: "before", borderWidth: 2, pointRadius: 4,
        borderColor: seriesColour(i), backgroundColor: seriesColour(i), pointStyle: shapes[i % shapes.length],
      }));
      const label = (item) => `${item.dataset.label}, ${item.raw.label}: ${percent(item.raw.y, 2)} at ${plain(item.raw.x, 3)}`;
      return {
        type: "scatter",
        data: { datasets },
        options: options(axis("cost spent when interrupted, " + data.cost_unit, {}, { min: 0 }),
                         axis("accuracy", { callback: (v) => (100 * v).toFixed(1) + " %" }), label),
      };
    },

    timed() {
      const datasets = data.timed.series.map((series, i) => ({
        label: series.name, data: series.points, showLine: true, borderWidth: 2, pointRadius: 4,
        borderColor: seriesColour(i), backgroundColor: seriesColour(i), pointStyle: shapes[i % shapes.length],
      }));
      const label = (item) => `${item.dataset.label}, ${item.raw.label}: ${percent(item.raw.y, 2)} in ${plain(item.raw.x, 1)} us`;
      return {
        type: "scatter",
        data: { datasets },
        options: options(axis("measured microseconds per image, batch 1, one thread", {}, { min: 0 }),
                         axis("accuracy", { callback: (v) => (100 * v).toFixed(1) + " %" }), label),
      };
    },

    shares() {
      const bars = data.shares.bars;
      const most = Math.max(...bars.map((bar) => bar.shares.length));
      const longest = bars.find((bar) => bar.shares.length === most);
      const datasets = longest.shares.map((unused, k) => ({
        label: longest.exits[k] ?? "exit " + k,
        data: bars.map((bar) => bar.shares[k] ?? null),
        backgroundColor: exitColour(k, most),
        borderColor: style("--card"),
        borderWidth: 1,
        maxBarThickness: 56,
      }));
      const label = (item) => `${bars[item.dataIndex].exits[item.datasetIndex]}: ${percent(item.raw, 1)}`;
      return {
        type: "bar",
        data: { labels: bars.map((bar) => bar.name), datasets },
        options: options(
          axis("share of the samples", { callback: (v) => Math.round(100 * v) + " %", maxRotation: 0 }, { stacked: true, min: 0, max: 1 }),
          axis("", {}, { stacked: true, title: { display: false } }), label,
          { indexAxis: "y", interaction: { mode: "nearest", intersect: true } }),
      };
    },

    exit_accuracy() {
      const series = data.exit_accuracy.series;
      const longest = series.reduce((a, b) => (b.exits.length > a.exits.length ? b : a));
      const datasets = [];
      series.forEach((one, i) => {
        const colour = seriesColour(i);
        const prefix = series.length > 1 ? one.name + ", " : "";
        datasets.push({
          label: prefix + "answering everything", data: one.everything, borderColor: colour, backgroundColor: colour,
          pointRadius: 5, borderWidth: 1.5,
        });
        if (one.here.some((value) => value !== null)) {
          datasets.push({
            label: prefix + "those that leave there", data: one.here, borderColor: colour,
            backgroundColor: "transparent", pointStyle: "triangle", pointRadius: 7, borderDash: [4, 4], borderWidth: 1.5,
          });
        }
      });
      const label = (item) => `${item.dataset.label}: ${percent(item.raw, 2)}`;
      return {
        type: "line",
        data: { labels: longest.exits, datasets },
        options: options(axis("exit", {}, { offset: true }),
                         axis("accuracy", { callback: (v) => (100 * v).toFixed(1) + " %" }, { grace: "10%" }), label),
      };
    },

    training(canvas) {
      const chart = data.training[Number(canvas.dataset.model)][Number(canvas.dataset.index)];
      const datasets = chart.series.map((series, i) => ({
        label: series.name,
        data: series.points,
        showLine: true,
        borderColor: seriesColour(i),
        backgroundColor: seriesColour(i),
        borderDash: i < 6 ? [] : [5, 4],
        borderWidth: 2,
        pointRadius: series.points.length > 40 ? 0 : 2.5,
        pointStyle: shapes[i % shapes.length],
      }));
      const label = (item) => `${item.dataset.label}, epoch ${item.raw.x}: ${item.raw.y}`;
      return { type: "scatter", data: { datasets }, options: options(axis("epoch"), axis(chart.title), label) };
    },
  };

  const charts = new Map();
  const draw = () => {
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      charts.get(canvas)?.destroy();
      charts.set(canvas, new Chart(canvas, builders[canvas.dataset.chart](canvas)));
    }
  };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  // Paper is white, and cannot unfold a table.
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details.numbers:not([open])")) {
      details.open = true;
      opened.push(details);
    }
    document.documentElement.classList.add("paper");
    draw();
  });
  addEventListener("afterprint", () => {
    while (opened.length) opened.pop().open = false;
    document.documentElement.classList.remove("paper");
    draw();
  });
})();
