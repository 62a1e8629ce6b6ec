// `cinch`: what can be asked without LibTorch.
#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>

#include "src/cli/codecs.h"

namespace {

int fail(const std::string& message) {
  std::cerr << "cinch: " << message << "\n";
  return 2;
}

int codecs(const std::string& json) {
  if (json.empty()) {
    std::cout << cinch::cli::codecs_text();
    return 0;
  }
  const std::string text = cinch::cli::codecs_document().dump(2) + "\n";
  if (json == "-") {
    std::cout << text;
    return 0;
  }
  std::ofstream file(json);
  file << text << std::flush;
  return file ? 0 : fail(json + ": cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Questions about budgets and codecs, without LibTorch.", "cinch");
  app.require_subcommand(1);
  std::string json;
  CLI::App* const codecs_command = app.add_subcommand("codecs", "the table of methods: parameters, errors, devices");
  codecs_command->add_option("--json", json, "as JSON, into a file or to standard output: -");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return fail(error.what());
  }
  return codecs(json);
}
