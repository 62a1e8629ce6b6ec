// What measure() leaves for encode().
#pragma once

#include <cstring>
#include <optional>
#include <type_traits>

#include "cinch/codec.h"

namespace cinch::codec {

template <class Fit>
void leave_measured(const CodecContext& context, const Codec* by, const Extent& in, uint64_t key, const Fit& fit) {
  static_assert(std::is_trivially_copyable_v<Fit> && sizeof(Fit) <= sizeof(Measured::found));
  if (context.measured == nullptr) return;
  Measured& m = *context.measured;
  m.by = by;
  m.data = in.data;
  m.numel = in.numel;
  m.dtype = in.dtype;
  m.key = key;
  std::memcpy(m.found.data(), &fit, sizeof fit);
}

// nullopt: there is nothing of these values.
template <class Fit>
std::optional<Fit> take_measured(const CodecContext& context, const Codec* by, const Extent& in, uint64_t key) {
  const Measured* m = context.measured;
  if (m == nullptr || m->by != by || m->data != in.data || m->numel != in.numel || m->dtype != in.dtype ||
      m->key != key)
    return std::nullopt;
  Fit fit;
  std::memcpy(&fit, m->found.data(), sizeof fit);
  return fit;
}

}  // namespace cinch::codec
