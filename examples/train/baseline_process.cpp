#include "examples/train/baseline_process.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cinch/torch/meter.h"

namespace cinch::train {
namespace {

// One line each way; the socket must outlive neither side.
void send_line(int fd, const std::string& text) {
  const std::string line = text + "\n";
  size_t sent = 0;
  while (sent < line.size()) {
    const ssize_t n = send(fd, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error("the run without cinch ended early");
    sent += static_cast<size_t>(n);
  }
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// False when the other side closed.
bool receive_line(int fd, std::string& pending, std::string& line) {
  size_t end;
  while ((end = pending.find('\n')) == std::string::npos) {
    char buffer[4096];
    const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    pending.append(buffer, static_cast<size_t>(n));
  }
  line = pending.substr(0, end);
  pending.erase(0, end + 1);
  return true;
}

}  // namespace

BaselineProcess::BaselineProcess(const Options& options) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error("the run without cinch cannot be started");
  // Everything is prepared before the fork: between fork and exec nothing may allocate.
  std::vector<std::string> words = training_arguments(options);
  words.insert(words.begin(), "cinch-train");
  words.push_back("--baseline-fd=" + std::to_string(ends[1]));
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string program = options.program;
  pid_ = fork();
  if (pid_ == 0) {
    fcntl(ends[1], F_SETFD, 0);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  close(ends[1]);
  fd_ = ends[0];
  if (pid_ < 0) {
    close(fd_);
    throw Error("the run without cinch cannot be started");
  }
  try {
    ask("ready");
  } catch (...) {
    close(fd_);
    waitpid(pid_, nullptr, 0);
    throw;
  }
}

BaselineProcess::~BaselineProcess() {
  close(fd_);
  waitpid(pid_, nullptr, 0);
}

nlohmann::json BaselineProcess::ask(const std::string& request) {
  send_line(fd_, request);
  std::string line;
  if (!receive_line(fd_, pending_, line)) throw Error("the run without cinch ended early");
  const auto answer = nlohmann::json::parse(line);
  if (answer.contains("out_of_memory")) {
    throw BaselineOutOfMemory("the run without cinch ran out of memory: " + answer["out_of_memory"].get<std::string>());
  }
  if (answer.contains("error")) throw Error("the run without cinch failed: " + answer["error"].get<std::string>());
  return answer;
}

StepRecord BaselineProcess::step() {
  const auto answer = ask("step");
  return {answer.at("seconds"), answer.at("loss").is_null() ? NAN : answer.at("loss").get<double>(),
          answer.at("peak_bytes")};
}

Evaluation BaselineProcess::evaluate(int64_t samples) {
  const auto answer = ask("evaluate " + std::to_string(samples));
  return {answer.at("loss").is_null() ? NAN : answer.at("loss").get<double>(), answer.at("accuracy"),
          answer.at("samples")};
}

void BaselineProcess::set_limit(int64_t bytes) { ask("limit " + std::to_string(bytes)); }

int serve_baseline(const Options& options) {
  const int fd = options.baseline_fd;
  std::string pending, request;
  try {
    const auto data = load_data(options);
    Training training(options, *data);
    LocalRun run(training, nullptr);
    while (receive_line(fd, pending, request)) {
      nlohmann::json answer = nlohmann::json::object();
      if (request == "step") {
        const StepRecord record = run.step();
        answer = {{"seconds", record.seconds}, {"loss", record.loss}, {"peak_bytes", record.peak_bytes}};
      } else if (request.rfind("evaluate ", 0) == 0) {
        const Evaluation result = run.evaluate(std::stoll(request.substr(9)));
        answer = {{"loss", result.loss}, {"accuracy", result.accuracy}, {"samples", result.samples}};
      } else if (request.rfind("limit ", 0) == 0) {
        DeviceMeter::of(training.device()).set_limit(std::stoll(request.substr(6)));
      }
      send_line(fd, answer.dump());
    }
    return 0;
  } catch (const c10::OutOfMemoryError& error) {
    send_line(fd, nlohmann::json{{"out_of_memory", first_line(error.what_without_backtrace())}}.dump());
  } catch (const c10::Error& error) {
    send_line(fd, nlohmann::json{{"error", error.what_without_backtrace()}}.dump());
  } catch (const std::exception& error) {
    send_line(fd, nlohmann::json{{"error", error.what()}}.dump());
  }
  return 1;
}

}  // namespace cinch::train
