// Inputs that reach each format's depths: payloads of every method and type, and calls that make them.
#include <cmath>
#include <cstring>

#include "cinch/error.h"
#include "tests/fuzz/values.h"

namespace cinch::fuzz {
namespace {

template <class T>
void append(std::vector<std::byte>& to, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  for (const std::byte b : bytes) to.push_back(b);
}

// What encode is called with; each kind of values, of few bytes.
std::vector<std::byte> call(uint8_t spec, DType dtype, uint32_t numel, ValueKind values, GridKind grid, PoolKind pool) {
  std::vector<std::byte> bytes;
  append(bytes, Head{spec, static_cast<uint8_t>(dtype), 40, 0, numel});
  const auto predicate = static_cast<uint8_t>(2 * (numel % 9));
  append(bytes, Shape{predicate, grid, pool, values, 130, 0.0, 2.0});
  if (grid == kFactors)
    for (const int factor : {0, 6, 10, 4, 2, 5}) append(bytes, static_cast<uint8_t>(factor));
  if (pool == kWindows)
    for (const int number : {0, 1, 2, 7, 7, 15, 15, 2, 2, 1, 1, 1, 1, 0, 0})
      append(bytes, static_cast<uint8_t>(number));
  for (int i = 0; i < 61; ++i) append(bytes, static_cast<uint8_t>(i % 3 == 0 ? 0 : i * 37));
  return bytes;
}

bool is_grid_method(const std::string& name) {
  return name == "lfc" || name == "pool" || name == "fixed_point" || name == "dither" || name == "error_bound";
}

// Values whose encoding is worth its bytes: normal ones, half of them zero; few integers; indices of windows.
void fill_sample(DType dtype, int64_t numel, const Guarded& data) {
  std::vector<std::byte> numbers;
  for (int i = 0; i < 251; ++i) append(numbers, static_cast<uint8_t>(i % 2 == 0 ? 0 : (i * i) % 97));
  Shape shape{};
  shape.values = is_integer(dtype) || dtype == DType::kBool ? kSmallNumbers : kNoisy;
  shape.seed = 130;
  fill_values(Input(numbers), shape, dtype, numel, data);
}

void add_payload(uint8_t spec, DType dtype, int64_t numel, SideInfo side, std::vector<Seed>& seeds) {
  const Codec& codec = codec_at(spec);
  if (is_grid_method(codec.spec().name) && numel % 70 == 0) side.grid = Grid{numel / 70, {1, 7, 5}, 2, 1};
  const Guarded data(numel * dtype_bytes(dtype));
  fill_sample(dtype, numel, data);
  const Extent in{data.data(), numel, dtype};
  try {
    const auto measured = codec.measure(in, side, {});
    if (!measured) return;
    const Guarded room(*measured);
    const auto bytes = codec.encode(in, side, room.span(), {});
    if (!bytes) return;
    Seed seed{codec.spec().name + "_" + std::to_string(spec) + "_" + std::string(to_string(dtype)) + "_" +
                  std::to_string(numel) + "_" + std::to_string(static_cast<int>(side.predicate.kind)),
              {}};
    append(seed.bytes, Head{spec, static_cast<uint8_t>(dtype), 0, 0, static_cast<uint32_t>(numel)});
    const auto payload = room.span().first(static_cast<size_t>(*bytes));
    seed.bytes.insert(seed.bytes.end(), payload.begin(), payload.end());
    seeds.push_back(std::move(seed));
  } catch (const CodecError&) {
    // A predicate of another dtype.
  }
}

}  // namespace

std::vector<Seed> decode_seeds() {
  std::vector<Seed> seeds;
  for (size_t s = 0; s < specs().size(); ++s) {
    const auto spec = static_cast<uint8_t>(s);
    const std::string& name = specs()[s].name;
    for (uint8_t d = 0; d < static_cast<uint8_t>(DType::kOther); ++d) {
      const auto dtype = static_cast<DType>(d);
      if (!codec_at(spec).supports(dtype, DeviceKind::kCpu)) continue;
      for (const int64_t numel : {0, 1, 257, 700, 4130}) {
        SideInfo side;
        if (name == "mask") {
          for (const PredicateKind kind : {PredicateKind::kGreater, PredicateKind::kSign, PredicateKind::kTwoValued}) {
            side.predicate.kind = kind;
            add_payload(spec, dtype, numel, side, seeds);
          }
          continue;
        }
        add_payload(spec, dtype, numel, side, seeds);
      }
      // Two chunks.
      if (name == "dither" || name == "error_bound") add_payload(spec, dtype, 33'600, {}, seeds);
    }
  }
  // A pool's indices, all zero: the first cell of each window without a stride.
  for (const DType dtype : {DType::kInt32, DType::kInt64, DType::kInt16}) {
    const int64_t numel = 8 * 25;
    SideInfo side;
    side.pool = PoolGeometry{8, 2, true, 9, 9, 5, 5, 3, 3, 2, 2, 1, 1, 1, 1};
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < numel; ++i) indices.push_back(i / 2 / 5 % 5 * 2 * 9 + i / 2 % 5 * 2);
    const int64_t width = dtype_bytes(dtype);
    const Guarded data(numel * width), room(codec_at(2).payload_bound(numel, dtype, side));
    for (int64_t i = 0; i < numel; ++i)
      std::memcpy(data.data() + i * width, &indices[static_cast<size_t>(i)], static_cast<size_t>(width));
    const auto bytes = codec_at(2).encode({data.data(), numel, dtype}, side, room.span(), {});
    if (!bytes) throw Defect("int declines indices of a pooling");
    Seed seed{"int_pool_" + std::string(to_string(dtype)), {}};
    append(seed.bytes, Head{2, static_cast<uint8_t>(dtype), 0, 0, static_cast<uint32_t>(numel)});
    const auto payload = room.span().first(static_cast<size_t>(*bytes));
    seed.bytes.insert(seed.bytes.end(), payload.begin(), payload.end());
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

std::vector<Seed> encode_seeds() {
  std::vector<Seed> seeds;
  for (size_t s = 0; s < specs().size(); ++s) {
    const std::string& name = specs()[s].name;
    for (uint8_t d = 0; d < static_cast<uint8_t>(DType::kOther); ++d) {
      const auto dtype = static_cast<DType>(d);
      if (!codec_at(static_cast<uint8_t>(s)).supports(dtype, DeviceKind::kCpu)) continue;
      for (uint8_t v = 0; v < kValueKinds; ++v) {
        for (const uint32_t numel : {7u, 500u, 4099u}) {
          const bool grid = is_grid_method(name) && numel == 500, pool = name == "int" && numel == 500;
          seeds.push_back({name + "_" + std::to_string(s) + "_" + std::string(to_string(dtype)) + "_" +
                               std::to_string(v) + "_" + std::to_string(numel),
                           call(static_cast<uint8_t>(s), dtype, numel, static_cast<ValueKind>(v),
                                grid ? kFactors : kNoGrid, pool ? kWindows : kNoPool)});
        }
      }
    }
  }
  return seeds;
}

}  // namespace cinch::fuzz
