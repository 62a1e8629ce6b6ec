#include "src/codec/registry.h"

#include <array>
#include <string>
#include <string_view>

#include "cinch/error.h"

namespace cinch {
namespace {

struct Row {
  std::string_view name;
  std::shared_ptr<const Codec> (*make)(CodecSpec);
};

constexpr std::array<Row, 10> kRows{{
    {"mask", codec::make_mask},
    {"bits", codec::make_bits},
    {"int", codec::make_int},
    {"group_quant", codec::make_group_quant},
    {"lfc", codec::make_lfc},
    {"pool", codec::make_pool},
    {"fixed_point", codec::make_fixed_point},
    {"cast", codec::make_cast},
    {"dither", codec::make_dither},
    {"error_bound", codec::make_error_bound},
}};

}  // namespace

std::shared_ptr<const Codec> make_codec(const CodecSpec& spec) {
  CodecSpec full = normalise(spec);
  for (const Row& row : kRows) {
    if (row.name == full.name) return row.make(std::move(full));
  }
  throw CodecError(full.name +
                   ": it codes no values, so there is no codec for it; keep the tensor or its sizes instead");
}

}  // namespace cinch
