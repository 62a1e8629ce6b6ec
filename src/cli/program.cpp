#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

#include "cinch/error.h"
#include "cinch/version.h"
#include "src/cli/commands.h"

namespace cinch::cli {
namespace {

// One line, whatever the message holds.
int fail(std::string message) {
  std::ranges::replace(message, '\n', ' ');
  std::cerr << "cinch: " << message << "\n";
  return 2;
}

}  // namespace

int main_program(int argc, const char* const* argv) {
  CLI::App app("Questions about budgets, profiles, plans and codecs, without LibTorch.", "cinch");
  app.require_subcommand(1);
  app.set_version_flag("--version", CINCH_VERSION);
  app.footer("Exit codes: 0; 1: a plan does not keep what it promises; 2: bad input, with one line that says what.");
  Run run;
  add_plan(app, run);
  add_frontier(app, run);
  add_advise(app, run);
  add_explain(app, run);
  add_check(app, run);
  add_report(app, run);
  add_codecs(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return fail(error.what());
  }
  try {
    return run();
  } catch (const BudgetError& error) {
    // Floor and smallest limit stand in the message already.
    const std::string bytes = to_string(error.breakdown());
    return fail(error.what() + std::string("; at the peak: ") + bytes.substr(0, bytes.find(';')));
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

}  // namespace cinch::cli
