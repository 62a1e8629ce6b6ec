#include "src/cli/plot.h"

#include <algorithm>
#include <cmath>
#include <locale>
#include <sstream>

#include "cinch/error.h"
#include "planner/file_io.h"
#include "src/cli/child.h"

namespace cinch::cli {
namespace {

// A noise range wider than this is shown by its logarithm.
constexpr double kWideRange = 20;

struct Unit {
  const char* name;
  double bytes;
};

Unit unit_for(double bytes) {
  constexpr Unit kUnits[] = {{"GiB", 1073741824.0}, {"MiB", 1048576.0}, {"KiB", 1024.0}, {"B", 1.0}};
  return *std::ranges::find_if(kUnits, [&](const Unit& unit) { return bytes >= 2 * unit.bytes || unit.bytes == 1; });
}

std::string terminal_of(const std::string& path) {
  if (path.ends_with(".svg")) return "svg";
  if (path.ends_with(".png")) return "pngcairo";
  throw Error("'" + path + "' cannot be plotted: the name of a plot must end in .svg or .png");
}

}  // namespace

void check_plot_name(const std::string& path) { terminal_of(path); }

std::string plot_script(const Plot& plot, const std::string& terminal) {
  double noisiest = 0, quietest = INFINITY, most = static_cast<double>(plot.baseline_bytes);
  for (const FrontierPoint& point : plot.points) {
    most = std::max(most, static_cast<double>(point.limit_bytes));
    noisiest = std::max(noisiest, point.noise);
    if (point.noise > 0) quietest = std::min(quietest, point.noise);
  }
  const Unit unit = unit_for(most);
  const auto in_units = [&](int64_t bytes) { return static_cast<double>(bytes) / unit.bytes; };
  const bool logarithm = noisiest > kWideRange * quietest;

  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.precision(9);
  out << "set encoding utf8\nset terminal " << terminal << " size 860,560 font ',12'"
      << (terminal == "svg" ? " background 'white'" : "") << "\n$points << END\n";
  // Limit, noise (no number where it is nothing and would have no logarithm), time.
  for (const FrontierPoint& point : plot.points) {
    out << in_units(point.limit_bytes) << ' ';
    if (logarithm && point.noise == 0)
      out << "NaN";
    else
      out << 100 * point.noise;
    out << ' ' << 1000 * point.extra_seconds << '\n';
  }
  out << "END\nset border 3\nset tics nomirror out\nset grid lc rgb '#dddddd'\nset key off\n"
      << "set lmargin 11\nset rmargin 4\n";
  const auto mark = [&](int64_t bytes, const char* name, const char* colour, bool labelled) {
    if (bytes <= 0) return;
    out << "set arrow from first " << in_units(bytes) << ", graph 0 to first " << in_units(bytes)
        << ", graph 1 nohead dt 2 lc rgb '" << colour << "'\n";
    if (labelled)
      out << "set label '" << name << "' at first " << in_units(bytes) << ", graph 1.04 center tc rgb '" << colour
          << "'\n";
  };
  const auto marks = [&](bool labelled) {
    out << "unset arrow\nunset label\n";
    mark(plot.floor_bytes, "floor", "#666666", labelled);
    mark(plot.baseline_bytes, "baseline", "#666666", labelled);
    mark(plot.limit_bytes, "limit", "#D55E00", labelled);
  };
  // The plan of a point is made for every limit up to the next one's: steps.
  const auto panel = [&](const char* axis, int column, const char* colour) {
    out << "set ylabel '" << axis << "'\nplot $points using 1:" << column << " with steps lw 2 lc rgb '" << colour
        << "', '' using 1:" << column << " with points pt 7 ps 0.5 lc rgb '" << colour << "'\n";
  };
  const double low = std::min(in_units(plot.floor_bytes), in_units(plot.points.front().limit_bytes));
  const double high = in_units(static_cast<int64_t>(most)), margin = 0.03 * std::max(high - low, 1e-9);
  out << "set xrange [" << low - margin << ':' << high + margin << "]\nset multiplot layout 2,1\n";
  marks(true);
  out << "set tmargin 2.5\nset bmargin 1\nset format x ''\n";
  if (logarithm) out << "set logscale y\n";
  panel("gradient noise [%]", 2, "#0072B2");
  out << "unset logscale y\nset tmargin 1\nset bmargin 4\nset format x\nset xlabel 'limit [" << unit.name << "]'\n"
      << "set yrange [0:*]\n";
  marks(false);
  panel("added time a step [ms]", 3, "#009E73");
  out << "unset multiplot\n";
  return out.str();
}

void draw(const Plot& plot, const std::string& path) {
  const std::string terminal = terminal_of(path);
  if (plot.points.empty()) throw Error("'" + path + "' cannot be plotted: there is no point");
  // gnuplot sees no file name: it writes to its standard output.
  const Ended ended = run_child({"gnuplot", "-d"}, plot_script(plot, terminal));
  if (!ended.started)
    throw Error("'" + path + "' cannot be plotted: gnuplot is missing; install the Debian package gnuplot-nox");
  if (ended.code != 0 || ended.output.empty())
    throw Error("'" + path + "' cannot be plotted: gnuplot failed: " + ended.first_error_line());
  planner::write_file_atomically(path, ended.output);
}

}  // namespace cinch::cli
