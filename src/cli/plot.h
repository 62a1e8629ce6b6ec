// The frontier as a picture, drawn by gnuplot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cinch/planner.h"

namespace cinch::cli {

struct Plot {
  std::vector<FrontierPoint> points;
  int64_t floor_bytes = 0, baseline_bytes = 0;
  int64_t limit_bytes = 0;  // 0: none to show
};

// Throws Error unless the name ends in .svg or .png.
void check_plot_name(const std::string& path);
// Draws into `path` and replaces it at once: a failure leaves what was there. Throws Error, also where gnuplot is
// missing.
void draw(const Plot& plot, const std::string& path);

// What gnuplot is told, for the terminal "svg" or "pngcairo".
std::string plot_script(const Plot& plot, const std::string& terminal);

}  // namespace cinch::cli
