'use strict';
// Figures as texts, in the words of cinch's other programs, and small parts of pages.
const report = JSON.parse(document.getElementById('report-data').textContent);

const byId = (id) => document.getElementById(id);

// An element with attributes and children; texts stay texts.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Between a number and its unit no line ends.
const kSpace = '\u00a0';
const kUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function unitOf(bytes) {
  let unit = 0;
  while (unit + 1 < kUnits.length && Math.abs(bytes) >= 1024 ** (unit + 1)) ++unit;
  return unit;
}

function bytesText(bytes) {
  let unit = unitOf(bytes);
  if (unit === 0) return Math.round(bytes) + kSpace + 'B';
  let tenths = Math.round(bytes / 1024 ** unit * 10);
  if (Math.abs(tenths) >= 10240 && unit + 1 < kUnits.length) {
    tenths = 10 * Math.sign(tenths);
    ++unit;
  }
  return tenths / 10 + kSpace + kUnits[unit];
}

// Three digits.
const digits = (value) => (Math.abs(value) >= 99.95 ? value.toFixed(0) : String(Number(value.toPrecision(3))));
const percentText = (share) => digits(100 * share) + kSpace + '%';
// What is too little to matter is called so.
const shareText = (share) => (share > 0 && share < 1e-4 ? '<0.01' + kSpace + '%' : percentText(share));

function secondsText(seconds) {
  if (seconds >= 1) return digits(seconds) + kSpace + 's';
  if (seconds >= 1e-3 || seconds === 0) return digits(1e3 * seconds) + kSpace + 'ms';
  return digits(1e6 * seconds) + kSpace + '\u00b5s';
}

const counted = (number, noun) => number + ' ' + noun + (number === 1 ? '' : 's');

// Both ends of a name tell more than its middle.
function shortened(name, most) {
  if (name.length <= most) return name;
  const tail = Math.floor((most - 1) / 2);
  return name.slice(0, most - 1 - tail) + '\u2026' + name.slice(name.length - tail);
}

const layerName = (name) => name || '(no layer)';

// What the names of all layers begin with, up to a dot: charts have little room.
const commonPrefix = (() => {
  const names = report.layers.map((layer) => layer.layer).filter(Boolean);
  if (names.length < 2) return '';
  let prefix = names[0];
  for (const name of names)
    while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix.slice(0, prefix.lastIndexOf('.') + 1);
})();
const shortName = (name) => layerName(name.startsWith(commonPrefix) ? name.slice(commonPrefix.length) : name);

// A colour of the page's style, as light or dark has it.
function colour(name) {
  const style = getComputedStyle(document.documentElement);
  return style.getPropertyValue('--' + name).trim() || style.getPropertyValue('--other').trim();
}

// entries: [text, colour, kind]; kind "line" or "raw" are drawn as such.
function fillLegend(list, entries) {
  list.replaceChildren(...entries.map(([text, paint, kind]) => {
    const swatch = element('span', {class: kind === 'line' ? 'swatch line' : 'swatch', 'aria-hidden': 'true'});
    if (kind === 'line')
      swatch.style.borderTopColor = paint;
    else
      swatch.style.backgroundColor = paint;
    if (kind === 'raw') swatch.style.borderColor = colour('raw-edge');
    return element('li', {}, swatch, text);
  }));
}
