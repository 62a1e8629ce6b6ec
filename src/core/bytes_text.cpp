#include "src/core/bytes_text.h"

#include <array>
#include <string_view>

namespace cinch {

std::string bytes_text(int64_t bytes) {
  constexpr std::array<std::string_view, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  const std::string sign = bytes < 0 ? "-" : "";
  const uint64_t n = bytes < 0 ? 0 - static_cast<uint64_t>(bytes) : static_cast<uint64_t>(bytes);
  size_t unit = 0;
  while (unit + 1 < kUnits.size() && (n >> (10 * (unit + 1))) != 0) ++unit;
  if (unit == 0) return sign + std::to_string(n) + " B";
  // Tenths, rounded to nearest in integers so that the text never depends on a locale or a rounding mode.
  const uint64_t whole = n >> (10 * unit), rest = (n >> (10 * (unit - 1))) & 1023u;
  uint64_t tenths = whole * 10 + (rest * 10 + 512) / 1024;
  if (tenths >= 10240 && unit + 1 < kUnits.size()) {
    tenths = 10;
    ++unit;
  }
  std::string text = sign + std::to_string(tenths / 10);
  if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
  return text + " " + std::string(kUnits[unit]);
}

}  // namespace cinch
