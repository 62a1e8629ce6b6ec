#include "examples/train/options.h"

#include <CLI/CLI.hpp>
#include <cmath>

namespace cinch::train {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

void declare(CLI::App& app, Options& o) {
  const auto finite = [](double low) {
    return CLI::Validator(
        [low](std::string& text) {
          double value = 0;
          const bool ok = CLI::detail::lexical_cast(text, value) && std::isfinite(value) && value >= low;
          return ok ? std::string() : "'" + text + "' is not a number from 0 up";
        },
        "");
  };
  // What a script's unset variable leaves must not pass for an option that was not given.
  const CLI::Validator named([](std::string& text) { return text.empty() ? "needs a value, not ''" : std::string(); },
                             "");
  app.add_option("--model", o.model, "resnet18, resnet50, vgg16, mobilenet_v2, unet, lstm, gpt, vit_b16, gpt2")
      ->capture_default_str();
  app.add_option("--data", o.data, "fashion-mnist, text, synthetic-images, synthetic-text (default: the model's own)")
      ->check(CLI::IsMember({"fashion-mnist", "text", "synthetic-images", "synthetic-text"}));
  app.add_option("--text", o.text, "text to learn from (default: LibTorch's own C++ headers)")->check(named);
  app.add_option("--budget", o.budget, "600MiB, 60%, floor+25%, device:90%, exact, or a budget file")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--batch",
         [&o](const std::string& text) {
           o.batch_auto = text == "auto";
           if (!o.batch_auto) o.batch = std::stoll(text);
         },
         "samples in a batch, or auto: as many as train under a budget in bytes")
      ->check(CLI::Range(1, 1 << 20) | CLI::IsMember({"auto"}))
      ->type_name("INT|auto")
      ->default_str(std::to_string(o.batch));
  app.add_option("--epochs", o.epochs, "times through the training part")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--steps", o.steps, "number of steps, instead of epochs")->check(CLI::Range(1, 1 << 30));
  app.add_option("--eval-samples", o.eval_samples, "test samples to evaluate on; 0: none")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of weights, batches, dropout and cinch's own generator")->capture_default_str();
  app.add_option("--lr", o.lr, "highest learning rate; it rises at first, then falls to zero (default: the model's)")
      ->check(finite(0.0));
  app.add_option("--momentum", o.momentum, "of SGD")->check(CLI::Range(0.0, 0.999))->capture_default_str();
  app.add_option("--weight-decay", o.weight_decay, "default: the model's")->check(finite(0.0));
  app.add_option("--device", o.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--amp", o.amp, "bf16: forward and loss in mixed precision, parameters stay float32")
      ->check(CLI::IsMember({"none", "bf16"}))
      ->capture_default_str();
  app.add_flag("--baseline", o.baseline, "train without cinch too, in turns with it, and compare");
  app.add_option("--json", o.json, "write the results to a file, or to standard output: -")->check(named);
  app.add_flag("--losses", o.losses, "results have the loss and the seconds of every step");
  app.add_option("--save-plan", o.save_plan, "write the plan to a file")->check(named);
  app.add_option("--load-plan", o.load_plan, "start with this plan instead of observing")->check(named);
  app.add_option("--save-profile", o.save_profile, "write the profile to a file")->check(named);
  app.add_option("--report", o.report, "write the run, its plan and its profile to an HTML file")->check(named);
  app.add_option("--trace", o.trace, "write what happens to payloads to a file, in Chrome's trace format")
      ->check(named);
  app.add_option("--trace-steps", o.trace_steps, "first steps that are traced in every detail")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  app.add_option("--metrics", o.metrics, "serve metrics for Prometheus at HOST:PORT, as in 127.0.0.1:9464; port 0: any")
      ->check(named);
  app.add_option("--metrics-file", o.metrics_file, "write these metrics to a text file, now and then and at the end")
      ->check(named);
  app.add_flag("--quiet", o.quiet, "no progress; warnings and the address of --metrics go to standard error");
  app.add_option("--baseline-fd", o.baseline_fd, "")->group("");
}

}  // namespace

ParseResult parse_options(int argc, char** argv) {
  ParseResult result;
  CLI::App app("Trains an example network under a memory budget.", "cinch-train");
  declare(app, result.options);
  // CLI11 would take the next argument for the value.
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      std::cerr << "cinch-train: " << argument << " needs a value" << std::endl;
      result.exit_code = 2;
      return result;
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    result.exit_code = app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::cerr << "cinch-train: " << first_line(error.what()) << std::endl;
    result.exit_code = 2;
  }
  return result;
}

std::vector<std::string> training_arguments(const Options& options) {
  std::vector<std::string> words;
  const auto add = [&words](const std::string& name, const std::string& value) { words.push_back(name + "=" + value); };
  // All digits, so that both runs train with the same numbers.
  const auto exactly = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", value);
    return std::string(text);
  };
  add("--model", options.model);
  if (!options.data.empty()) add("--data", options.data);
  if (!options.text.empty()) add("--text", options.text);
  add("--device", options.device);
  add("--amp", options.amp);
  add("--batch", std::to_string(options.batch));
  add("--epochs", std::to_string(options.epochs));
  if (options.steps > 0) add("--steps", std::to_string(options.steps));
  add("--seed", std::to_string(options.seed));
  if (options.lr) add("--lr", exactly(*options.lr));
  add("--momentum", exactly(options.momentum));
  if (options.weight_decay) add("--weight-decay", exactly(*options.weight_decay));
  return words;
}

}  // namespace cinch::train
