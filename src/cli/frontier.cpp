// `cinch frontier`: the memory-noise-time curve of a profile.
#include <CLI/CLI.hpp>

#include <memory>

#include "cinch/planner.h"
#include "src/cli/commands.h"
#include "src/cli/output.h"
#include "src/cli/plan_text.h"
#include "src/cli/plot.h"

namespace cinch::cli {
namespace {

constexpr size_t kScreen = 80;

struct Options {
  std::string profile, budget, json, plot;
  size_t rows = 20;
};

nlohmann::ordered_json document_of(const Profile& profile, const std::vector<FrontierPoint>& points) {
  nlohmann::ordered_json document{{"schema", "cinch.frontier/1"},
                                  {"device", profile.device},
                                  {"fingerprint", profile.fingerprint},
                                  {"floor_bytes", profile.floor_bytes()},
                                  {"baseline_peak_bytes", profile.baseline_peak_bytes()},
                                  {"reserve_bytes", profile.reserve_bytes}};
  document["points"] = nlohmann::ordered_json::array();
  for (const FrontierPoint& point : points)
    document["points"].push_back({{"limit_bytes", point.limit_bytes},
                                  {"predicted_peak_bytes", point.predicted_peak_bytes},
                                  {"charged_bytes", point.charged_bytes},
                                  {"noise", point.noise},
                                  {"effective_batch", point.effective_batch},
                                  {"extra_seconds", point.extra_seconds}});
  return document;
}

// At most `most` points, the ends among them, evenly by rank.
std::vector<FrontierPoint> thinned(const std::vector<FrontierPoint>& points, size_t most) {
  if (most == 0 || points.size() <= most) return points;
  std::vector<FrontierPoint> out;
  for (size_t i = 0; i < most; ++i) out.push_back(points[most == 1 ? 0 : i * (points.size() - 1) / (most - 1)]);
  return out;
}

std::string text_of(const Profile& profile, const std::vector<FrontierPoint>& points, size_t most) {
  const int64_t floor = profile.floor_bytes(), baseline = profile.baseline_peak_bytes();
  std::vector<std::vector<std::string>> rows;
  for (const FrontierPoint& point : thinned(points, most)) {
    const double above =
        baseline > floor ? static_cast<double>(point.limit_bytes - floor) / static_cast<double>(baseline - floor) : 0;
    rows.push_back({format_bytes(point.limit_bytes), percent(above), format_bytes(point.charged_bytes),
                    percent(point.noise), percent(point.effective_batch), "+" + duration(point.extra_seconds)});
  }
  const std::vector<Column> columns{{"limit", true}, {"above floor", true}, {"payloads", true},
                                    {"noise", true}, {"eff. batch", true},  {"time a step", true}};
  return "floor " + format_bytes(floor) + ", baseline " + format_bytes(baseline) + ", " +
         counted(points.size(), "point") + "\n" + table(columns, rows, kScreen);
}

int frontier_command(const Options& options) {
  if (!options.plot.empty()) {
    check_plot_name(options.plot);
    check_target(options.plot);
  }
  if (!options.json.empty()) check_target(options.json);
  const Profile profile = Profile::from_json_file(options.profile);
  Plot plot;
  if (options.budget.empty()) {
    plot.points = frontier(profile);
  } else {
    const Budget budget = Budget::parse(options.budget);
    plot.points = frontier(profile, budget);
    plot.limit_bytes = resolve_limit(profile, budget);
  }
  if (!options.plot.empty()) {
    plot.floor_bytes = profile.floor_bytes();
    plot.baseline_bytes = profile.baseline_peak_bytes();
    draw(plot, options.plot);
  }
  report(text_of(profile, plot.points, options.rows), document_of(profile, plot.points), options.json);
  return 0;
}

}  // namespace

void add_frontier(CLI::App& app, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command =
      app.add_subcommand("frontier", "what every limit costs: the memory-noise-time curve of a profile");
  command->add_option("profile", options->profile, "what BudgetGuard wrote with save_profile")->required();
  command->add_option(
      "--budget", options->budget,
      "objective, rules and noise bounds of the curve, and a limit to mark; without: least noise, no bounds");
  command->add_option("--plot", options->plot, "draw it into FILE.svg or FILE.png (needs gnuplot)");
  command->add_option("--rows", options->rows, "at most so many rows in the table; 0: all points")
      ->capture_default_str();
  command->add_option("--json", options->json, "all points as JSON, into a file or to standard output: -");
  command->callback([&run, options] { run = [options] { return frontier_command(*options); }; });
}

}  // namespace cinch::cli
