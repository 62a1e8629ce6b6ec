// cinch-bench SUITE [--device cpu|cuda] [--json FILE|-]. Exit codes: 0; 1 a promise was not kept; 2 bad input.
#include <c10/util/Exception.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "bench/device.h"
#include "bench/suite.h"
#include "bench/table.h"
#include "cinch/error.h"
#include "cinch/torch/meter.h"
#include "examples/results/document.h"

namespace {

int fail(const std::string& message, int code) {
  std::cerr << "cinch-bench: " << message.substr(0, message.find('\n')) << std::endl;
  return code;
}

const cinch::bench::Suite& find(const std::string& name) {
  std::string names;
  for (const auto& suite : cinch::bench::suites()) {
    if (suite.name == name) return suite;
    names += (names.empty() ? "" : ", ") + suite.name;
  }
  throw cinch::Error("unknown suite '" + name + "'; known are " + names);
}

int run(const std::string& name, const std::string& json, const cinch::bench::SuiteOptions& options) {
  const auto& suite = find(name);
  cinch::bench::check_options(suite, options);
  if (!json.empty()) cinch::results::check_target(json);
  const auto result = suite.run(options);
  // Standard output belongs to the JSON alone when it goes there.
  (json == "-" ? std::cerr : std::cout) << cinch::bench::to_table(result) << std::flush;
  if (!json.empty()) cinch::results::write_document(cinch::results::make_document(name, result.rows), json);
  for (const std::string& note : result.notes) std::cerr << "cinch-bench: note: " << note << std::endl;
  for (const std::string& failure : result.failures) std::cerr << "cinch-bench: " << failure << std::endl;
  return result.failures.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  cinch::DeviceMeter::of(torch::kCPU);  // first of all: tensors made earlier would not be counted
  CLI::App app("Measures cinch beside its reference, in the same run.", "cinch-bench");
  std::string name, json, device = "cpu";
  cinch::bench::SuiteOptions options;
  app.add_option("suite", name, "what to measure")->required();
  app.add_option("--json", json, "write the results to a file, or to standard output: -");
  app.add_option("--device", device, "cpu, cuda or cuda:N");
  app.add_option("--model", options.model, "network to train, for suites that take one");
  app.add_option("--data", options.data, "what it is trained on; default: the model's own");
  app.add_option("--text", options.text, "text file for networks of characters; default: LibTorch's headers");
  app.add_option("--dump", options.dump, "write the activations of suite codec to a folder, and measure nothing");
  app.add_flag("--quick", options.quick, "fewest rounds; figures are not to be quoted");
  std::string footer = "Suites:\n";
  for (const auto& suite : cinch::bench::suites())
    footer += "  " + suite.name + std::string(10 - std::min<size_t>(9, suite.name.size()), ' ') + suite.what + "\n";
  app.footer(footer);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return fail(error.what(), 2);
  }
  try {
    options.device = cinch::bench::parse_device(device);
    return run(name, json, options);
  } catch (const cinch::Error& error) {
    return fail(error.what(), 2);
  } catch (const c10::Error& error) {
    return fail(error.what_without_backtrace(), 1);
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}
