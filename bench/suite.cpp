#include "bench/suite.h"

#include <algorithm>

#include "cinch/error.h"

namespace cinch::bench {
namespace {

std::vector<Suite>& registered() {
  static std::vector<Suite> all;
  return all;
}

}  // namespace

const std::vector<Suite>& suites() {
  std::sort(registered().begin(), registered().end(), [](const Suite& a, const Suite& b) { return a.name < b.name; });
  return registered();
}

Registration::Registration(const char* name, const char* what, SuiteResult (*run)(const SuiteOptions&), Devices devices,
                           Network network, Extras extras) {
  registered().push_back({name, what, run, devices, network, extras});
}

void check_options(const Suite& suite, const SuiteOptions& options) {
  if (!options.device.is_cpu() && suite.devices != Devices::kCpuAndCuda)
    throw Error("suite '" + suite.name + "' measures on cpu only, not on " + options.device.str());
  if (suite.network == Network::kOwn && !(options.model.empty() && options.data.empty()))
    throw Error("suite '" + suite.name + "' has networks of its own: it takes neither --model nor --data");
  if (!suite.extras.text && !options.text.empty()) throw Error("suite '" + suite.name + "' takes no --text");
  if (!suite.extras.dump && !options.dump.empty()) throw Error("suite '" + suite.name + "' takes no --dump");
}

}  // namespace cinch::bench
