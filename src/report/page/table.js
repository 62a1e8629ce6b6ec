// The table of all sites: sorted by its headings, searched by words.
const kColumns = [
  {key: 'site', label: 'Site'},
  {key: 'layer', label: 'Layer'},
  {key: 'op', label: 'Op'},
  {key: 'need', label: 'Need'},
  {key: 'spec', label: 'Method'},
  {key: 'raw_bytes', label: 'Raw', show: bytesText},
  {key: 'charged_bytes', label: 'Charged', show: bytesText},
  {key: 'ratio', label: 'Ratio', show: (ratio) => digits(ratio) + '\u00d7'},
  {key: 'noise_share', label: 'Noise', show: shareText},
  {key: 'seconds', label: 'Time', show: secondsText},
];
const table = {
  rows: [],
  key: '',
  ascending: true
};

// Long names may go on in the next line after these letters.
function breakable(name) {
  return name.split(/(?<=[/:_(])|(?<=\.)(?=\D)/).flatMap((part, i) => (i === 0 ? [part] : [element('wbr'), part]));
}

function cellOf(site, column) {
  const cell = element('td', {class: column.show ? 'number' : column.key});
  const value = site[column.key];
  if (!column.show) {
    if (column.key === 'spec') {
      const swatch = element('span', {class: 'swatch', 'aria-hidden': 'true'});
      swatch.style.backgroundColor = `var(--${site.method}, var(--other))`;
      cell.append(element('span', {class: 'method'}, swatch, element('span', {}, value)));
    } else {
      cell.append(...breakable(value));
    }
    return cell;
  }
  if (site.shared || value === undefined) {
    cell.textContent = column.key === 'raw_bytes' ? 'shared' : '';
    cell.classList.add('dim');
    if (site.shared) cell.title = 'kept once, by an earlier site that saved the same tensor';
  } else {
    cell.dataset.value = value;
    cell.textContent = column.show(value);
  }
  return cell;
}

// What is not there comes last, in both directions.
function compare(a, b, column, ascending) {
  const x = a.shared && column.show ? undefined : a[column.key],
        y = b.shared && column.show ? undefined : b[column.key];
  if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
  const order = column.show ? x - y : x.localeCompare(y, 'en', {numeric: true});
  return ascending ? order : -order;
}

function sortBy(column) {
  // Texts from the start, numbers from the largest.
  table.ascending = table.key === column.key ? !table.ascending : !column.show;
  table.key = column.key;
  table.rows.sort((a, b) => compare(a.site, b.site, column, table.ascending) || a.index - b.index);
  byId('sites-body').append(...table.rows.map((row) => row.line));
  for (const heading of byId('sites-head').children)
    heading.setAttribute(
        'aria-sort',
        heading.dataset.key !== table.key ? 'none' :
            table.ascending               ? 'ascending' :
                                            'descending');
}

// Sums of the rows that the search left.
function showSums(shown) {
  const sum = (key) => shown.reduce((all, row) => all + row.site[key], 0);
  const raw = sum('raw_bytes'), charged = sum('charged_bytes');
  const values = {
    raw_bytes: raw,
    charged_bytes: charged,
    ratio: charged > 0 ? raw / charged : undefined,
    noise_share: sum('noise_share'),
    seconds: sum('seconds')
  };
  byId('sites-foot').replaceChildren(...kColumns.map((column, i) => {
    if (!column.show) return element('td', {}, i === 0 ? 'Sum' : '');
    const value = values[column.key];
    return element(
        'td', {class: 'number', 'data-sum': column.key, 'data-value': value},
        value === undefined ? '' : column.show(value));
  }));
}

function search() {
  const words = byId('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = [];
  for (const row of table.rows) {
    row.line.hidden = !words.every((word) => row.words.includes(word));
    if (!row.line.hidden) shown.push(row);
  }
  byId('count').textContent =
      words.length === 0 ? counted(shown.length, 'site') : `${shown.length} of ${counted(table.rows.length, 'site')}`;
  showSums(shown);
}

function fillTable() {
  byId('sites-head').append(...kColumns.map((column) => {
    const button = element('button', {type: 'button'}, column.label);
    button.addEventListener('click', () => sortBy(column));
    const heading =
        element('th', {scope: 'col', class: column.show ? 'number' : undefined, 'aria-sort': 'none'}, button);
    heading.dataset.key = column.key;
    return heading;
  }));
  table.rows = report.sites.map((site, index) => ({
                                  site,
                                  index,
                                  line: element('tr', {}, ...kColumns.map((column) => cellOf(site, column))),
                                  words: [site.site, site.layer, site.op, site.need, site.spec].join(' ').toLowerCase(),
                                }));
  byId('sites-body').append(...table.rows.map((row) => row.line));
  byId('search').addEventListener('input', search);
  search();
}

// The page ----------------------------------------------------------------------------------------------------------

fillHead();
fillFigures();
placeFigures();
Chart.register(marksPlugin);
drawAll();
fillTable();
for (const [name, redraw] of [['layers', drawLayers], ['noise', drawNoise]])
  byId(name + '-more').addEventListener('click', () => {
    expanded[name] = !expanded[name];
    redraw();
  });
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
document.documentElement.dataset.ready = 'yes';
