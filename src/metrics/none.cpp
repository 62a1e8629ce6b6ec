// In place of the files that need prometheus-cpp or libmicrohttpd, where one of these is not there.
#include "cinch/error.h"
#include "cinch/metrics.h"

namespace cinch {
namespace {

[[noreturn]] void refuse() {
  throw Error(
      "this build of cinch has no metrics: prometheus-cpp or libmicrohttpd was not there when it was built "
      "(Debian: prometheus-cpp-dev, libmicrohttpd-dev)");
}

}  // namespace

struct MetricsExporter::Impl {};

MetricsExporter::MetricsExporter(const std::string&, MetricsOptions) { refuse(); }
MetricsExporter::MetricsExporter(MetricsExporter&&) noexcept = default;
MetricsExporter& MetricsExporter::operator=(MetricsExporter&&) noexcept = default;
MetricsExporter::~MetricsExporter() = default;
std::string MetricsExporter::address() const { return ""; }

std::shared_ptr<prometheus::Collectable> metrics_collectable(MetricsOptions) { refuse(); }

void write_metrics_file(const std::string&, MetricsOptions) { refuse(); }

}  // namespace cinch
