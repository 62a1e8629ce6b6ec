/// Metrics for Prometheus: what active guards use, in all and site by site. Comes with cinch::cinch.
///
///   cinch::MetricsExporter exporter("127.0.0.1:9464");   // GET /metrics, until it ends
///
/// docs/metrics.md lists the metrics. They are made when somebody asks, from snapshots of the guards that are active
/// then: training waits at most for a copy of figures, and counters begin at zero with each guard. No guard is kept
/// alive: what is made here may be made before guards and outlive them. Where cinch was built without metrics
/// (CINCH_WITH_METRICS) all of this throws Error. Functions from any thread; an exporter belongs to one thread at a
/// time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace prometheus {
class Collectable;
}

namespace cinch {

struct MetricsOptions {
  /// Sites of a guard that have series of their own: 1 or more, no upper bound; what takes options throws Error below
  /// that. Where there are more sites, each series is a layer's sum, and where there are more layers too, the last
  /// series is the sum of the rest.
  int64_t max_sites = 2000;
};

/// A small HTTP server on a thread of its own, for as long as it lives. One that was moved from serves nothing: it may
/// only be destroyed or assigned to. Assigning ends what served there before.
class MetricsExporter {
 public:
  /// `address` is "HOST:PORT", IPv6 in brackets; port 0 takes any free one. Throws Error, one sentence that names the
  /// reason, where nothing can listen there, and for options out of range.
  explicit MetricsExporter(const std::string& address, MetricsOptions options = {});
  MetricsExporter(MetricsExporter&&) noexcept;
  MetricsExporter& operator=(MetricsExporter&&) noexcept;
  /// Stops listening and waits for the thread. In a forked child, which has no such thread, it waits for nothing.
  ~MetricsExporter();

  /// "HOST:PORT" as numbers, with the port that is listened on. Any thread, while nobody moves or ends it.
  std::string address() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The same metrics for an exposer or a gateway that the program has already. Needs prometheus-cpp's own headers there.
/// The caller owns it (an exposer keeps a weak pointer only); any thread may collect. Throws Error.
std::shared_ptr<prometheus::Collectable> metrics_collectable(MetricsOptions options = {});

/// The same metrics as a file in Prometheus' text format, for batch systems whose node exporter collects such files
/// (give it a name that ends in .prom). Replaces the file at once: readers see the old content or the new. Throws
/// Error where it cannot be written, and for options out of range.
void write_metrics_file(const std::string& path, MetricsOptions options = {});

}  // namespace cinch
