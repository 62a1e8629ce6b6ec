// A program that serves metrics already, with prometheus-cpp's own server, registers those of cinch there.
#include <gtest/gtest.h>
#include <prometheus/exposer.h>

#include <string>

#include "bench/http_get.h"
#include "cinch/metrics.h"
#include "tests/metrics/samples.h"

namespace cinch {
namespace {

TEST(Exposer, ServesACollectableThatIsRegisteredThere) {
  const metrics::Source source("cpu", metrics::sample_reading);
  prometheus::Exposer exposer("127.0.0.1:0", 1);
  const std::string address = "127.0.0.1:" + std::to_string(exposer.GetListeningPorts().at(0));
  const std::string line = "\ncinch_charged_bytes{device=\"cpu\",rank=\"0\"} 1024\n";
  {
    const auto collectable = metrics_collectable();
    exposer.RegisterCollectable(collectable);
    const auto answer = bench::http_get(address, "/metrics");
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.body.find(line), std::string::npos) << answer.body;
  }
  // The exposer keeps a weak pointer only.
  EXPECT_EQ(bench::http_get(address, "/metrics").body.find(line), std::string::npos);
}

}  // namespace
}  // namespace cinch
