// What the tests of codecs on a GPU share: rows, contexts, buffers. Skipped, and counted, without a GPU.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "src/backend/cuda/device_buffer.h"
#include "src/backend/cuda/runtime.h"
#include "tests/contract/rows.h"

namespace cinch::testing {

using backend::DeviceBuffer;

inline CodecContext on_gpu(uint32_t* poisoned = nullptr) {
  CodecContext context{7, 8, 9, &serial_executor(), nullptr};
  context.device = DeviceKind::kCuda;
  context.poisoned = poisoned;
  return context;
}
inline const CodecContext kOnCpu{7, 8, 9, &serial_executor(), nullptr};

inline Buffer fetched(const DeviceBuffer& from, int64_t bytes) {
  Buffer all(from.size());
  from.copy_to(all.data());
  return Buffer(all.data(), bytes);
}

class CodecCuda : public ::testing::TestWithParam<ContractRow> {
 protected:
  void SetUp() override {
    if (backend::cuda_device_count() == 0) GTEST_SKIP() << backend::cuda_problem();
    if (!codec_->supports(row_.dtype, DeviceKind::kCuda)) GTEST_SKIP() << row_.spec.name << " has no kernels for CUDA";
  }
  const ContractRow row_ = GetParam();
  const std::shared_ptr<const Codec> codec_ = make_codec(row_.spec);
};

// Rows of codecs that have kernels, whether or not they were built. Integers without a max-pool's geometry and a mask
// of two values found in the data are declined there.
inline std::vector<ContractRow> rows_on_gpu(const std::string& name) {
  std::vector<ContractRow> rows;
  for (const ContractRow& row : contract_rows()) {
    const SideInfo side = row.side(1);
    const bool declined = side.predicate.kind == PredicateKind::kTwoValued || (row.spec.name == "int" && !side.pool);
    const std::string& method = row.spec.name;
    static const std::set<std::string> kWithKernels{"group_quant", "cast", "fixed_point", "pool",
                                                    "lfc",         "mask", "bits",        "int"};
    if (!declined && kWithKernels.contains(method) && (name.empty() || row.spec.name == name)) rows.push_back(row);
  }
  return rows;
}

}  // namespace cinch::testing
