#include "cinch/dtype.h"

#include <array>

namespace cinch {
namespace {

struct Row {
  std::string_view name;
  int64_t bytes;
};

// Indexed by DType.
constexpr std::array<Row, 11> kRows{{{"float32", 4},
                                     {"bfloat16", 2},
                                     {"float16", 2},
                                     {"float64", 8},
                                     {"bool", 1},
                                     {"uint8", 1},
                                     {"int8", 1},
                                     {"int16", 2},
                                     {"int32", 4},
                                     {"int64", 8},
                                     {"other", 0}}};
static_assert(kRows.size() == static_cast<size_t>(DType::kOther) + 1);

const Row& row(DType dtype) noexcept {
  const auto i = static_cast<size_t>(dtype);
  return kRows[i < kRows.size() ? i : kRows.size() - 1];
}

}  // namespace

int64_t dtype_bytes(DType dtype) noexcept { return row(dtype).bytes; }

std::string_view to_string(DType dtype) noexcept { return row(dtype).name; }

DType dtype_from_string(std::string_view name) noexcept {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<DType>(i);
  }
  return DType::kOther;
}

}  // namespace cinch
