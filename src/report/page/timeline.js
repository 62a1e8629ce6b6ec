// Bytes in use at each instant, before and after.
const kCategories = [
  ['parameters', 'Parameters'],
  ['optimizer', 'Optimizer'],
  ['gradients', 'Gradients'],
  ['payloads', 'Saved tensors, decode buffers included'],
  ['transients', 'Transients'],
];

function timelineChart(name, curve, other, most, unit) {
  const {at, instants, backward_at: backward} = report.timeline;
  const scale = 1024 ** unit;
  const points = (bytes) => at.map((instant, i) => ({x: instant, y: bytes[i] / scale}));
  const datasets = kCategories.map(([key, label]) => ({
                                     // To the origin: the first area is drawn last, over those above it.
                                     label,
                                     data: points(curve[key + '_bytes']),
                                     stack: 'bytes',
                                     fill: 'origin',
                                     stepped: true,
                                     borderWidth: 0,
                                     backgroundColor: colour(key),
                                     pointRadius: 0,
                                     pointHitRadius: 0,
                                   }));
  if (other) {
    const sums = at.map((_, i) => kCategories.reduce((sum, [key]) => sum + other[key + '_bytes'][i], 0));
    datasets.push({
      label: 'Before, in all',
      data: points(sums),
      stack: 'before',
      fill: false,
      stepped: true,
      borderWidth: 1.5,
      borderColor: colour('outline'),
      backgroundColor: colour('outline'),
      pointRadius: 0,
      pointHitRadius: 0
    });
  }
  const lines = [{
    axis: 'y',
    value: figures.floor_bytes / scale,
    text: 'floor ' + bytesText(figures.floor_bytes),
    paint: colour('floor'),
    below: true,
    dash: [2, 3]
  }];
  if (figures.limit_bytes !== undefined)
    lines.push({
      axis: 'y',
      value: figures.limit_bytes / scale,
      text: 'limit ' + bytesText(figures.limit_bytes),
      paint: colour('limit')
    });
  if (backward >= 0)
    lines.push({axis: 'x', value: backward, text: 'backward begins', paint: colour('soft'), dash: [1, 3]});
  draw(
      name,
      `Stacked areas: bytes in use over ${counted(instants, 'instant')}, highest ${
          bytesText(curve.peak_bytes)} at instant ${curve.peak_instant}`,
      {
        type: 'line',
        data: {datasets},
        options: {
          interaction: {mode: 'nearest', axis: 'x', intersect: false},
          layout: {padding: {top: 18}},
          scales: {
            x: axis('instant', {
              type: 'linear',
              min: 0,
              max: Math.max(1, instants - 1),
              ticks: {maxTicksLimit: 8, precision: 0},
              grid: {display: false, borderColor: colour('edge')}
            }),
            y: axis(kUnits[unit], {
              stacked: true,
              min: 0,
              max: most / scale,
              ticks: {maxTicksLimit: 7, callback: (v) => (v === most / scale ? '' : digits(v))}
            }),
          },
          plugins: plugins(lines, {
            callbacks: {
              title: (items) => 'instant ' + items[0]?.parsed.x,
              label: (item) => `${item.dataset.label}: ${bytesText(item.parsed.y * scale)}`,
            }
          }),
        },
      });
}

function drawTimeline() {
  const {before, after} = report.timeline;
  const highest = Math.max(before.peak_bytes, after?.peak_bytes ?? 0, figures.limit_bytes ?? 0);
  timelineChart('timeline-before', before, null, 1.06 * highest, unitOf(highest));
  if (after) timelineChart('timeline-after', after, before, 1.06 * highest, unitOf(highest));
  byId('timeline-after-figure').hidden = !after;
  byId('timeline-after-figure').parentElement.classList.toggle('single', !after);
  const entries = kCategories.map(([key, label]) => [label, colour(key)]);
  if (after) entries.push(['Before, in all', colour('outline'), 'line']);
  fillLegend(byId('timeline-legend'), entries);
  byId('timeline-summary').textContent =
      `Before, the highest instant is ${before.peak_instant} with ${bytesText(before.peak_bytes)}` +
      (after ? `; under the plan it is ${after.peak_instant} with ${bytesText(after.peak_bytes)}.` : '.');
}
