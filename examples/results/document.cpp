#include "examples/results/document.h"

#include <ATen/Parallel.h>
#include <torch/version.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "cinch/error.h"
#include "cinch/version.h"
#include "cinch_commit.h"
#include "planner/file_io.h"

namespace cinch::results {
namespace {

namespace fs = std::filesystem;

#if defined(__clang__)
constexpr const char* kCompiler = __VERSION__;  // names itself
#else
constexpr const char* kCompiler = "GCC " __VERSION__;
#endif

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

const char* widest_isa() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "avx512";
  if (__builtin_cpu_supports("avx2")) return "avx2";
#endif
  return "base";
}

}  // namespace

nlohmann::json machine() {
  const int64_t memory = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
  return {{"cpu", processor()},
          {"cores", std::thread::hardware_concurrency()},
          {"memory_bytes", memory},
          {"isa", widest_isa()},
          {"torch_threads", at::get_num_threads()},
          {"torch", TORCH_VERSION},
          {"cinch", CINCH_VERSION},
          {"compiler", kCompiler}};
}

nlohmann::json make_document(const std::string& suite, const nlohmann::json& rows) {
  return {
      {"schema", "cinch.bench/1"}, {"suite", suite}, {"commit", CINCH_COMMIT}, {"machine", machine()}, {"rows", rows}};
}

void check_target(const std::string& target) {
  if (target != "-") planner::check_file_can_be_written(target);
}

void write_document(const nlohmann::json& document, const std::string& target) {
  const std::string text = document.dump(2) + "\n";
  if (target == "-") {
    std::cout << text << std::flush;
    return;
  }
  planner::write_file_atomically(target, text);
}

}  // namespace cinch::results
