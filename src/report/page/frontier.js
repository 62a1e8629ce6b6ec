// What other limits would cost: noise and time of the best plan for each.
function curveChart(name, what, values, chosen, show, logarithm) {
  const {points} = report.frontier;
  const most = Math.max(figures.baseline_peak_bytes, figures.limit_bytes ?? 0, ...points.map((p) => p.limit_bytes));
  const unit = unitOf(most), scale = 1024 ** unit;
  const positive = values.concat(chosen === undefined ? [] : [chosen]).filter((v) => v > 0);
  const bottom = 10 ** (Math.floor(Math.log10(Math.min(...positive))) - 1),
        top = 10 ** Math.ceil(Math.log10(Math.max(...positive)));
  const place = (v) => (logarithm && !(v > 0) ? bottom : v);
  const datasets = [{
    label: what,
    data:
        points.map((p, i) => ({x: p.limit_bytes / scale, y: place(values[i]), real: values[i], limit: p.limit_bytes})),
    stepped: true,
    borderColor: colour('group_quant'),
    backgroundColor: colour('group_quant'),
    borderWidth: 2,
    pointRadius: 2.5,
    pointHoverRadius: 5,
  }];
  if (chosen !== undefined) {
    const limit = report.frontier.chosen.limit_bytes;
    datasets.unshift({
      label: 'This plan',
      data: [{x: limit / scale, y: place(chosen), real: chosen, limit}],
      showLine: false,
      pointRadius: 7,
      pointHoverRadius: 9,
      borderWidth: 2.5,
      pointBorderColor: colour('card'),
      backgroundColor: colour('payloads'),
    });
  }
  const low = Math.min(figures.floor_bytes, points[0]?.limit_bytes ?? most) / scale, high = most / scale,
        margin = 0.03 * (high - low || high);
  const lines = [
    {axis: 'x', value: figures.floor_bytes / scale, text: 'floor', paint: colour('floor'), dash: [2, 3]},
    {axis: 'x', value: figures.baseline_peak_bytes / scale, text: 'baseline', paint: colour('floor'), dash: [2, 3]}
  ];
  if (figures.limit_bytes !== undefined)
    lines.push({axis: 'x', value: figures.limit_bytes / scale, text: 'limit', paint: colour('limit'), row: 1});
  const decade = (v) => (v === bottom ? '0' : Math.abs(Math.log10(v) % 1) < 1e-9 ? show(v) : undefined);
  draw(
      name,
      `Line: ${what} of the best plan for each limit` + (chosen === undefined ? '' : `; this plan: ${show(chosen)}`), {
        type: 'line',
        data: {datasets},
        options: {
          interaction: {mode: 'nearest', axis: 'x', intersect: false},
          layout: {padding: {top: 34, right: 8}},
          scales: {
            x: axis(`limit, ${kUnits[unit]}`, {
              type: 'linear',
              min: low - margin,
              max: high + margin,
              ticks: {maxTicksLimit: 7, includeBounds: false, callback: digits},
              grid: {display: false, borderColor: colour('edge')}
            }),
            y: logarithm ?
                axis('', {type: 'logarithmic', min: bottom, max: top, ticks: {callback: decade, autoSkip: false}}) :
                axis('', {beginAtZero: true, ticks: {maxTicksLimit: 6, callback: show}}),
          },
          plugins: plugins(
              lines, {
                callbacks: {
                  title: (items) => (items[0] ? 'limit ' + bytesText(items[0].raw.limit) : ''),
                  label: (item) => `${item.dataset.label}: ${show(item.raw.real)}`,
                }
              },
              true),
        },
      });
}

function drawFrontier() {
  const {points, chosen} = report.frontier;
  const noise = points.map((p) => p.noise), loud = noise.filter((n) => n > 0);
  const wide = loud.length > 0 && Math.max(...loud) > 20 * Math.min(...loud);
  curveChart('frontier-noise', 'noise', noise, chosen?.noise, percentText, wide);
  curveChart(
      'frontier-time', 'added time', points.map((p) => p.extra_seconds), chosen?.extra_seconds, secondsText, false);
  const least = points[0];
  let text = least ?
      `The smallest limit with a plan is ${bytesText(least.limit_bytes)}, at ${percentText(least.noise)} of noise` :
      '';
  const exact = points.find((p) => p.noise === 0);
  if (exact) text += `; from ${bytesText(exact.limit_bytes)} on nothing is lost`;
  if (chosen)
    text += `. This plan, at ${bytesText(chosen.limit_bytes)}, has ${percentText(chosen.noise)} and adds ${
        secondsText(chosen.extra_seconds)} a step`;
  byId('frontier-summary').textContent = text + '. The curve knows no bound on noise.';
}
