// The charts. Each is made anew when the scheme changes between light and dark.
const charts = {};

// Lines with a name across a chart: options.plugins.marks = [{axis, value, text, paint, below}].
const marksPlugin = {
  id: 'marks',
  beforeDatasetsDraw(chart, args, options) {
    if (options.behind) this.draw(chart, options);
  },
  afterDatasetsDraw(chart, args, options) {
    if (!options.behind) this.draw(chart, options);
  },
  draw(chart, options) {
    const {ctx, chartArea: area, scales} = chart;
    ctx.save();
    ctx.font = `600 11.5px ${Chart.defaults.font.family}`;
    ctx.lineWidth = 1.5;
    for (const mark of options.lines ?? []) {
      const at = scales[mark.axis].getPixelForValue(mark.value);
      const horizontal = mark.axis === 'y';
      if (at < (horizontal ? area.top : area.left) - 1 || at > (horizontal ? area.bottom : area.right) + 1) continue;
      ctx.strokeStyle = ctx.fillStyle = mark.paint;
      ctx.setLineDash(mark.dash ?? [6, 4]);
      ctx.beginPath();
      ctx.moveTo(horizontal ? area.left : at, horizontal ? at : area.top);
      ctx.lineTo(horizontal ? area.right : at, horizontal ? at : area.bottom);
      ctx.stroke();
      ctx.setLineDash([]);
      const width = ctx.measureText(mark.text).width;
      const x = horizontal ? area.left + 6 : Math.max(area.left, Math.min(at - width / 2, area.right - width));
      const y = horizontal ? at + (mark.below ? 13 : -5) : area.top - 5 - 13 * (mark.row ?? 0);
      ctx.lineWidth = 4;
      ctx.lineJoin = 'round';
      ctx.strokeStyle = colour('card');
      ctx.strokeText(mark.text, x, y);
      ctx.fillText(mark.text, x, y);
      ctx.lineWidth = 1.5;
    }
    ctx.restore();
  },
};

function draw(name, label, config) {
  charts[name]?.destroy();
  const canvas = byId(name);
  canvas.setAttribute('aria-label', label);
  charts[name] = new Chart(canvas, config);
}

const axis = (title, more = {}) => ({
  grid: {color: colour('grid'), borderColor: colour('edge'), tickColor: colour('grid')},
  title: {display: Boolean(title), text: title, color: colour('soft')},
  ...more,
  ticks: {color: colour('soft'), ...more.ticks},
});

const plugins = (lines, tooltip = {}, behind = false) => ({legend: {display: false}, marks: {lines, behind}, tooltip});

function drawAll() {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.plugins.filler.propagate = false;
  drawTimeline();
  drawFrontier();
  drawLayers();
  drawNoise();
}
