// What users may say after --device, on machines with and without a GPU.
#include "bench/device.h"

#include <gtest/gtest.h>
#include <torch/cuda.h>

#include "bench/suite.h"
#include "cinch/error.h"
#include "src/backend/cuda/runtime.h"

namespace cinch::bench {
namespace {

std::string error_of(const std::string& text) {
  try {
    parse_device(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(BenchDevice, IsTheCpuOrAGpu) {
  EXPECT_EQ(parse_device("cpu"), c10::Device(c10::kCPU));
  for (const char* wrong : {"", "gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:99999999999", "cpu:0"})
    EXPECT_EQ(error_of(wrong), "--device is cpu, cuda or cuda:N, not '" + std::string(wrong) + "'");
}

TEST(BenchDevice, SaysWhyThereIsNoGpu) {
  const std::string problem = backend::cuda_problem();
  if (problem.empty()) GTEST_SKIP() << "there is a GPU";
  EXPECT_EQ(error_of("cuda"), "--device cuda: " + problem);
  EXPECT_EQ(error_of("cuda:7"), "--device cuda:7: " + problem);
}

TEST(BenchDeviceCuda, HasAnIndex) {
  if (!backend::cuda_problem().empty() || !torch::cuda::is_available()) GTEST_SKIP() << backend::cuda_problem();
  EXPECT_EQ(parse_device("cuda"), c10::Device(c10::kCUDA, 0));
  EXPECT_EQ(parse_device("cuda:0"), c10::Device(c10::kCUDA, 0));
  EXPECT_NE(error_of("cuda:127"), "");
}

TEST(BenchDevice, IndexBeyondTheLastIsRefused) {
  EXPECT_NO_THROW(check_cuda_index(1, 2));
  EXPECT_THROW(check_cuda_index(2, 2), Error);
}

TEST(BenchDevice, IsRefusedBySuitesThatMeasureOnTheCpuOnly) {
  const Suite here{"one", "", nullptr}, both{"two", "", nullptr, Devices::kCpuAndCuda};
  const c10::Device gpu(c10::kCUDA, 1);
  EXPECT_NO_THROW(check_options(here, SuiteOptions{}));
  EXPECT_NO_THROW(check_options(both, SuiteOptions{false, gpu, "", ""}));
  try {
    check_options(here, SuiteOptions{false, gpu, "", ""});
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "suite 'one' measures on cpu only, not on cuda:1");
  }
}

TEST(BenchNetwork, IsRefusedBySuitesThatHaveTheirOwn) {
  const Suite own{"one", "", nullptr}, chosen{"two", "", nullptr, Devices::kCpu, Network::kChosen};
  const SuiteOptions model{false, c10::kCPU, "gpt", ""}, data{false, c10::kCPU, "", "text"};
  EXPECT_NO_THROW(check_options(chosen, model));
  EXPECT_NO_THROW(check_options(chosen, data));
  for (const SuiteOptions& options : {model, data}) {
    try {
      check_options(own, options);
      FAIL() << "not refused";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "suite 'one' has networks of its own: it takes neither --model nor --data");
    }
  }
}

TEST(BenchOptions, AreRefusedBySuitesThatHaveNoUseForThem) {
  const Suite plain{"one", "", nullptr};
  const Suite both{"two", "", nullptr, Devices::kCpu, Network::kOwn, {.text = true, .dump = true}};
  SuiteOptions text, dump;
  text.text = "a.txt";
  dump.dump = "folder";
  EXPECT_NO_THROW(check_options(both, text));
  EXPECT_NO_THROW(check_options(both, dump));
  EXPECT_THROW(check_options(plain, text), Error);
  EXPECT_THROW(check_options(plain, dump), Error);
}

}  // namespace
}  // namespace cinch::bench
