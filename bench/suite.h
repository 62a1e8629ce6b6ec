/// What every suite of cinch-bench is: a name, a sentence, and a function that measures and returns rows. A suite joins
/// by adding a file to bench/suites/ that ends in one Registration.
#pragma once

#include <c10/core/Device.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cinch::bench {

struct SuiteOptions {
  bool quick = false;  ///< fewest rounds that exercise everything; figures are not to be quoted
  c10::Device device = c10::kCPU;
  std::string model, data;  ///< as for cinch-train; empty: the suite's own
  std::string text = {};    ///< text file for networks of characters; empty: LibTorch's headers
  std::string dump = {};    ///< folder for the suite's data, which is then all that it does; empty: none
};

struct SuiteResult {
  nlohmann::json rows = nlohmann::json::array();
  std::vector<std::string> columns;   ///< fields for the human table, in order
  std::vector<std::string> failures;  ///< promises that were not kept; the program then exits with 1
  std::vector<std::string> notes;     ///< what readers of the rows should know, and no failure
};

/// Where a suite can measure.
enum class Devices { kCpu, kCpuAndCuda };

/// Whether the user says which network is trained.
enum class Network { kOwn, kChosen };

/// Options that few suites take.
struct Extras {
  bool text = false, dump = false;
};

struct Suite {
  std::string name, what;
  SuiteResult (*run)(const SuiteOptions&);
  Devices devices = Devices::kCpu;
  Network network = Network::kOwn;
  Extras extras = {};
};

/// Throws Error, one sentence, where the suite cannot measure on the device or does not take a network, or an option.
void check_options(const Suite& suite, const SuiteOptions& options);

/// By name.
const std::vector<Suite>& suites();

/// One static object a suite.
class Registration {
 public:
  Registration(const char* name, const char* what, SuiteResult (*run)(const SuiteOptions&),
               Devices devices = Devices::kCpu, Network network = Network::kOwn, Extras extras = {});
};

}  // namespace cinch::bench
