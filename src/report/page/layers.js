// Bytes and noise by layer.
const kLayersShown = 20, kLayersAtMost = 400;
const expanded = {layers: false, noise: false};

// No button for a handful more.
const few = (layers) => layers.length <= kLayersShown + 4;

// The largest layers have bars; what the others add up to stands below, since its bar would dwarf them.
function shownLayers(key, name) {
  const all = report.layers.filter((layer) => layer[key] > 0).sort((a, b) => b[key] - a[key]);
  const most = expanded[name] ? kLayersAtMost : few(all) ? all.length : kLayersShown;
  return {all, rows: all.slice(0, most), rest: all.slice(most)};
}

const total = (layers, key) => layers.reduce((sum, layer) => sum + layer[key], 0);

function showRest(name, key, rest, text) {
  const line = byId(name + '-rest');
  line.hidden = rest.length === 0;
  line.dataset.value = total(rest, key);
  line.textContent = `Not drawn: ${counted(rest.length, 'smaller layer')}, ${text}.`;
}

function layerBars(name, shown, datasets, show, label, perRow) {
  const box = byId(name + '-plot'), narrow = box.clientWidth < 420;
  box.style.height = `${perRow * shown.rows.length + 46}px`;
  const more = byId(name + '-more');
  more.hidden = few(shown.all);
  more.textContent = expanded[name] ? `Show the first ${kLayersShown}` :
                                      `Show all ${Math.min(shown.all.length, kLayersAtMost)} layers`;
  more.setAttribute('aria-expanded', String(expanded[name]));
  draw(name + '-chart', label, {
    type: 'bar',
    data: {labels: shown.rows.map((row) => layerName(row.layer)), datasets},
    options: {
      indexAxis: 'y',
      interaction: {mode: 'index', axis: 'y', intersect: false},
      scales: {
        x: axis('', {stacked: true, beginAtZero: true, ticks: {maxTicksLimit: narrow ? 4 : 6, callback: show.tick}}),
        y: axis('', {
          stacked: true,
          grid: {display: false, borderColor: colour('edge')},
          ticks: {
            autoSkip: false,
            color: colour('text'),
            font: {size: 11.5},
            callback: (value, index) => shortened(shortName(shown.rows[index].layer), narrow ? 17 : 28)
          }
        }),
      },
      plugins: plugins([], {
        filter: (item) => item.parsed.x > 0,
        callbacks: {label: (item) => `${item.dataset.label}: ${show.full(item.parsed.x)}`},
      }),
    },
  });
}

const methodsOf = (rows) => [...new Set(rows.flatMap((row) => row.methods.map((part) => part.method)))].sort();
const part = (row, method, key) => row.methods.find((one) => one.method === method)?.[key] ?? 0;
const kBar = {
  categoryPercentage: 0.78,
  barPercentage: 0.95
};

function drawLayers() {
  const shown = shownLayers('raw_bytes', 'layers');
  const {rows} = shown;
  const unit = unitOf(Math.max(0, ...rows.map((row) => row.raw_bytes))), scale = 1024 ** unit;
  const methods = report.planned ? methodsOf(rows) : [];
  const datasets = [{
    label: 'Raw',
    data: rows.map((row) => row.raw_bytes / scale),
    stack: 'raw',
    backgroundColor: colour('raw-fill'),
    borderColor: colour('raw-edge'),
    borderWidth: 1,
    ...kBar
  }];
  for (const method of methods)
    datasets.push({
      label: method,
      data: rows.map((row) => part(row, method, 'charged_bytes') / scale),
      stack: 'charged',
      backgroundColor: colour(method),
      ...kBar
    });
  layerBars(
      'layers', shown, datasets,
      {tick: (v) => digits(v) + ' ' + kUnits[unit], full: (v) => bytesText(v * scale)},
      `Bars: bytes of ${counted(rows.length, 'row')} of layers, raw` +
          (report.planned ? ' beside charged, by method' : ''),
      report.planned ? 27 : 20);
  const raw = total(shown.all, 'raw_bytes'), charged = total(shown.all, 'charged_bytes');
  showRest(
      'layers', 'raw_bytes', shown.rest,
      `together ${bytesText(total(shown.rest, 'raw_bytes'))} raw` +
          (report.planned ? `, ${bytesText(total(shown.rest, 'charged_bytes'))} charged` : ''));
  fillLegend(
      byId('layers-legend'),
      [['Raw', colour('raw-fill'), 'raw'], ...methods.map((method) => [method, colour(method)])]);
  byId('layers-summary').textContent = `${counted(shown.all.length, 'layer')} save ${bytesText(raw)} for the backward` +
      (report.planned ? `; the plan keeps them in ${bytesText(charged)}.` : '.') +
      (rows[0] ? ` Most of it: ${layerName(rows[0].layer)}, ${bytesText(rows[0].raw_bytes)}.` : '');
}

function drawNoise() {
  const shown = shownLayers('noise_share', 'noise');
  const {rows} = shown;
  byId('noise-plot').hidden = rows.length === 0;
  if (rows.length === 0) {
    byId('noise-more').hidden = byId('noise-rest').hidden = true;
    byId('noise-summary').textContent =
        report.planned ? 'None: every tensor comes back as it was.' : 'None: there is no plan.';
    return;
  }
  const loud = rows.map((row) => ({...row, methods: row.methods.filter((one) => one.noise_share > 0)}));
  const methods = methodsOf(loud);
  const datasets = methods.map((method) => ({
                                 label: method,
                                 data: rows.map((row) => 100 * part(row, method, 'noise_share')),
                                 stack: 'noise',
                                 backgroundColor: colour(method),
                                 ...kBar
                               }));
  const show = (v) => digits(v) + ' %';
  layerBars(
      'noise', shown, datasets, {tick: show, full: (v) => shareText(v / 100)},
      `Bars: share of the noise for ${counted(rows.length, 'row')} of layers`, 20);
  fillLegend(byId('noise-legend'), methods.map((method) => [method, colour(method)]));
  showRest('noise', 'noise_share', shown.rest, `together ${percentText(total(shown.rest, 'noise_share'))}`);
  byId('noise-summary').textContent =
      `Shares of the predicted variance; all together the noise is ${percentText(figures.noise)}. ` +
      `Most of it: ${layerName(rows[0].layer)}, ${percentText(rows[0].noise_share)}.`;
}
