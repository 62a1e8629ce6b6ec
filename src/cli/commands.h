// The commands of `cinch`. Each adds itself to the program and sets `run` when it was asked for; what it returns is the
// exit code: 0, or 1 where a promise is not kept. Bad input is an Error, for which the program ends with 2.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace cinch::cli {

using Run = std::function<int()>;

void add_codecs(CLI::App& app, Run& run);
void add_plan(CLI::App& app, Run& run);
void add_frontier(CLI::App& app, Run& run);
void add_advise(CLI::App& app, Run& run);
void add_explain(CLI::App& app, Run& run);
void add_check(CLI::App& app, Run& run);
void add_report(CLI::App& app, Run& run);

// The program: parses, runs, and turns errors into one line on standard error and exit code 2.
int main_program(int argc, const char* const* argv);

}  // namespace cinch::cli
