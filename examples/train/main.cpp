// cinch-train: trains an example network under a memory budget. Exit codes: 0; 1 a promise was not kept; 2 bad input.
#include <c10/util/Exception.h>
#include <unistd.h>

#include <iostream>

#include "cinch/torch/meter.h"
#include "examples/results/document.h"
#include "examples/train/baseline_process.h"
#include "examples/train/options.h"
#include "examples/train/outputs.h"
#include "examples/train/progress.h"
#include "examples/train/report_page.h"
#include "examples/train/session.h"

namespace {

int fail(const std::string& message, int code) {
  std::cerr << "cinch-train: " << message.substr(0, message.find('\n')) << std::endl;
  return code;
}

int report(const cinch::train::Outcome& outcome) {
  const bool to_stdout = outcome.options.json == "-";
  // Standard output then belongs to the JSON alone.
  std::ostream& table = to_stdout ? std::cerr : std::cout;
  table << cinch::train::to_table(outcome, cinch::train::wants_colour(to_stdout ? STDERR_FILENO : STDOUT_FILENO))
        << std::flush;
  if (!outcome.options.json.empty()) {
    const auto rows = nlohmann::json::array({cinch::train::to_row(outcome)});
    cinch::results::write_document(cinch::results::make_document("train", rows), outcome.options.json);
  }
  cinch::train::write_report(outcome);
  for (const std::string& sentence : cinch::train::unwritten(outcome))
    std::cerr << "cinch-train: " << sentence << std::endl;
  return outcome.limit_held() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  cinch::DeviceMeter::of(torch::kCPU);  // first of all: tensors made earlier would not be counted
  const cinch::train::ParseResult parsed = cinch::train::parse_options(argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  try {
    if (parsed.options.baseline_fd >= 0) return cinch::train::serve_baseline(parsed.options);
    return report(cinch::train::train(parsed.options));
  } catch (const cinch::Error& error) {
    return fail(error.what(), 2);
  } catch (const c10::OutOfMemoryError& error) {  // cinch's own among them
    return fail(error.what_without_backtrace(), 2);
  } catch (const c10::Error& error) {
    return fail(error.what_without_backtrace(), 1);
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}
