#include <prometheus/text_serializer.h>

#include <sstream>

#include "cinch/metrics.h"
#include "planner/file_io.h"
#include "src/metrics/collectable.h"

namespace cinch {

void write_metrics_file(const std::string& path, MetricsOptions options) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, metrics::Collectable(options).Collect());
  planner::write_file_atomically(path, text.str());
}

}  // namespace cinch
