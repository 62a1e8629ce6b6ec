// The head of the page: what the run is, what it comes to.
const figures = report.figures;

function lessText(before, after) {
  if (!(before > 0)) return '';
  const share = 1 - after / before;
  return percentText(Math.abs(share)) + (share >= 0 ? ' less' : ' more') + ' than the baseline';
}

function verdict() {
  const baseline = figures.baseline_peak_bytes, peak = figures.measured_peak_bytes ?? figures.predicted_peak_bytes;
  if (peak === undefined)
    return `Every saved tensor as it is, the peak is ${bytesText(baseline)}; no plan goes below ${
        bytesText(figures.floor_bytes)}.`;
  const measured = figures.measured_peak_bytes !== undefined;
  let text = `${measured ? 'The measured peak was' : 'The plan takes the peak to'} ${bytesText(peak)}, ` +
      lessText(measured ? figures.measured_baseline_peak_bytes ?? baseline : baseline, peak);
  if (figures.limit_bytes !== undefined)
    text += peak <= figures.limit_bytes ? `, within the limit of ${bytesText(figures.limit_bytes)}` :
                                          `, above the limit of ${bytesText(figures.limit_bytes)}`;
  if (figures.noise !== undefined)
    text += figures.noise > 0 ? `; gradients carry ${percentText(figures.noise)} of noise.` : '; gradients stay exact.';
  return text.endsWith('.') ? text : text + '.';
}

// Against the limit: what is left, or what is too much.
function roomText(peak) {
  if (figures.limit_bytes === undefined) return ['no limit', ''];
  const room = figures.limit_bytes - peak;
  return room >= 0 ? [bytesText(room) + ' below the limit', 'good'] : [bytesText(-room) + ' above the limit', 'bad'];
}

function fillFigures() {
  const list = byId('figures');
  const add = (key, label, text, about = '', kind = '', main = false) => {
    if (figures[key] === undefined) return;
    const value = element('dd', {class: 'value', 'data-figure': key, 'data-value': figures[key]}, text(figures[key]));
    const parts = [element('dt', {}, label), value];
    if (about) parts.push(element('dd', {class: 'about ' + kind}, about));
    list.append(element('div', {class: main ? 'figure main' : 'figure'}, ...parts));
  };
  const measured = figures.measured_peak_bytes, predicted = figures.predicted_peak_bytes;
  add('measured_peak_bytes', 'Measured peak', bytesText, ...roomText(measured), true);
  add('predicted_peak_bytes', 'Predicted peak', bytesText, ...roomText(predicted), measured === undefined);
  add('limit_bytes', 'Limit', bytesText,
      percentText(figures.limit_bytes / figures.baseline_peak_bytes) + ' of the baseline');
  add('baseline_peak_bytes', 'Baseline peak', bytesText, 'every tensor as it is, simulated');
  add('measured_baseline_peak_bytes', 'Baseline peak, measured', bytesText, 'the same training without cinch');
  add('floor_bytes', 'Floor', bytesText, 'no plan goes below it');
  add('raw_bytes', 'Payloads, raw', bytesText, 'saved tensors, at their highest instant');
  add('charged_bytes', 'Payloads, charged', bytesText, 'what they occupy under the plan');
  add('ratio', 'Raw / charged', (ratio) => digits(ratio) + '\u00d7', 'at their highest instants');
  add('noise', 'Gradient noise', percentText, 'relative RMS error, predicted');
  add('effective_batch', 'Effective batch', percentText, report.batch ? 'of a batch of ' + report.batch : '');
  add('extra_seconds', 'Added time a step', (seconds) => '+' + secondsText(seconds), 'predicted');
  add('step_seconds', 'Time of a step', secondsText, 'measured, median');
  add('steps', 'Steps', String,
      figures.steps_over_limit ? counted(figures.steps_over_limit, 'step') + ' above the limit' :
                                 counted(figures.reclaims, 'reclaim'),
      figures.steps_over_limit ? 'bad' : '');
}

// Rows of equal length, where there is room for seven.
function placeFigures() {
  const count = byId('figures').children.length;
  byId('figures').style.setProperty('--columns', Math.ceil(count / Math.ceil(count / 7)));
}

function fillHead() {
  byId('title').textContent = report.title || 'Memory of one training iteration';
  byId('verdict').textContent = verdict();
  const facts = [
    report.device, 'torch ' + report.torch_version, report.batch && 'batch ' + report.batch,
    counted(report.sites.length, 'site'), counted(report.timeline.instants, 'instant')
  ];
  byId('facts').append(...facts.filter(Boolean).map((fact) => element('li', {}, fact)));
  byId('notes').append(...report.notes.map((note) => element('li', {}, note)));
  byId('notes').hidden = report.notes.length === 0;
  byId('footer').textContent =
      `Made by cinch ${report.cinch_version}. Program ${report.fingerprint}. Bytes are binary: 1 MiB = 1048576 bytes.`;
}
