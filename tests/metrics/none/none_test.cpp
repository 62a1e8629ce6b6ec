// What stands in where prometheus-cpp is missing. A program of its own, from the same file as such a build.
#include <gtest/gtest.h>

#include <functional>

#include "cinch/error.h"
#include "cinch/metrics.h"

namespace cinch {
namespace {

TEST(NoMetrics, EverythingSaysWhatIsMissing) {
  const std::function<void()> calls[] = {[] { const MetricsExporter exporter("127.0.0.1:0"); },
                                         [] { metrics_collectable(); }, [] { write_metrics_file("metrics.prom"); }};
  for (const auto& call : calls) {
    try {
      call();
      ADD_FAILURE() << "did not throw";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("prometheus-cpp"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace cinch
