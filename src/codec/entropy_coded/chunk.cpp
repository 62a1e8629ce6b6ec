#include "src/codec/entropy_coded/chunk.h"

#include <algorithm>
#include <cstring>

#include "src/core/float16.h"

namespace cinch::codec {
namespace {

float value_at(const std::byte* in, int64_t i, DType dtype) noexcept {
  if (dtype == DType::kFloat32) {
    float value;
    std::memcpy(&value, in + i * 4, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, in + i * 2, 2);
  return dtype == DType::kBFloat16 ? bf16_to_float(bits) : fp16_to_float(bits);
}

// A raw value came from this dtype, so that the conversion is exact.
void put_value(std::byte* out, int64_t i, DType dtype, float value) noexcept {
  if (dtype == DType::kFloat32) {
    std::memcpy(out + i * 4, &value, 4);
    return;
  }
  const uint16_t bits = dtype == DType::kBFloat16 ? float_to_bf16(value) : float_to_fp16(value);
  std::memcpy(out + i * 2, &bits, 2);
}

// Groups of each stream but the last ones.
int64_t groups_of_stream(int64_t groups) noexcept { return ceil_div(groups, int64_t{kStreams}); }

struct Part {
  int64_t begin, count;  // groups
};
Part part_of(int64_t groups, int64_t stream) noexcept {
  const int64_t each = groups_of_stream(groups), begin = std::min(groups, stream * each);
  return {begin, std::min(groups, begin + each) - begin};
}

constexpr int64_t kGroupsOfStream = kChunkGroups / kStreams;

// The values of a part that may end in a short group, which is filled up with zeros.
const std::byte* whole_groups(const std::byte* in, int64_t count, int64_t width, std::byte* padded) noexcept {
  const int64_t whole = ceil_div(count, kLetterGroup) * kLetterGroup;
  if (whole == count) return in;
  std::memcpy(padded, in, static_cast<size_t>(count * width));
  std::memset(padded + count * width, 0, static_cast<size_t>((whole - count) * width));
  return padded;
}

// Values of a part that a letter says are raw: none, one or two, in the order in which they are stored.
class Raws {
 public:
  Raws(const Quantiser& q, uint8_t letter, int64_t place) noexcept {
    const int64_t letters = q.letters_of_group(), at = place / letters * kLetterGroup + q.value_of(place % letters);
    if (q.paired ? (letter & 15) == q.raw_symbol() : letter == q.raw_symbol()) values_[count_++] = at;
    if (q.paired && letter >> 4 == q.raw_symbol()) values_[count_++] = at + Quantiser::kToOther;
  }
  const int64_t* begin() const noexcept { return values_; }
  const int64_t* end() const noexcept { return values_ + count_; }

 private:
  int64_t values_[2];
  int count_ = 0;
};

int64_t verbatim(const std::byte* in, int64_t bytes, std::byte* out) noexcept {
  ChunkHeader header;
  header.raws = kVerbatim;
  std::memcpy(out, &header, sizeof header);
  std::memcpy(out + sizeof header, in, static_cast<size_t>(bytes));
  const auto used = static_cast<int64_t>(sizeof header) + bytes,
             total = ceil_div(used, kChunkAlignment) * kChunkAlignment;
  std::memset(out + used, 0, static_cast<size_t>(total - used));
  return total;
}

}  // namespace

int64_t encode_chunk(const void* data, DType dtype, int64_t numel, int64_t first, const Quantiser& quantiser,
                     const CodeTable& table, std::byte* out) noexcept {
  const auto* in = static_cast<const std::byte*>(data);
  const int64_t groups = ceil_div(numel, kLetterGroup), width = dtype_bytes(dtype);
  alignas(64) uint8_t letters[kGroupsOfStream * kLetterGroup];
  alignas(64) std::byte padded[kGroupsOfStream * kLetterGroup * 4];
  uint16_t places[kGroupsOfStream * kLetterGroup];
  std::byte *const literals = out + kLiteralsWait, *const raws = out + kRawsWait;
  int64_t literal_count = 0, raw_count = 0;
  ChunkHeader header;
  std::byte* at = out + sizeof header;
  for (int64_t s = 0; s < kStreams; ++s) {
    const Part part = part_of(groups, s);
    if (part.count == 0) break;
    const int64_t begin = part.begin * kLetterGroup, count = std::min(part.count * kLetterGroup, numel - begin);
    const std::byte* values = whole_groups(in + begin * width, count, width, padded);
    values_to_letters(values, dtype, part.count, first + part.begin, quantiser, letters);
    uint16_t* end = places;
    const int64_t left = numel - begin - count, ahead = std::min(left, count) * width;
    const int64_t bytes = encode_letters(letters, part.count * quantiser.letters_of_group(), table,
                                         in + (begin + count) * width, ahead, at, &end);
    for (const uint16_t* place = places; place < end; ++place) {
      const uint8_t letter = letters[*place];
      literals[literal_count++] = std::byte{letter};
      for (const int64_t i : Raws(quantiser, letter, *place)) {
        if (raw_count == kMostRaws) return verbatim(in, numel * width, out);
        const float value = value_at(values, i, dtype);
        std::memcpy(raws + raw_count++ * static_cast<int64_t>(sizeof value), &value, sizeof value);
      }
    }
    header.stream_bytes[s] = static_cast<uint16_t>(bytes);
    at += bytes;
  }
  header.literals = static_cast<uint16_t>(literal_count);
  header.raws = static_cast<uint16_t>(raw_count);
  std::memmove(at, literals, header.literals);
  at += header.literals;
  std::memmove(at, raws, header.raws * sizeof(float));
  at += header.raws * sizeof(float);
  int64_t used = at - out;
  if (used > static_cast<int64_t>(sizeof header) + numel * width) return verbatim(in, numel * width, out);
  std::memcpy(out, &header, sizeof header);
  while (used % kChunkAlignment != 0) out[used++] = std::byte{0};
  return used;
}

namespace {

// Puts literals where their marks are and notes the places. False: their number does not fit.
bool fill_literals(uint8_t* letters, int64_t count, uint8_t mark, const std::byte** next, const std::byte* end,
                   uint16_t** places) noexcept {
  uint8_t *at = letters, *const stop = letters + count;
  while (at < stop) {
    at = static_cast<uint8_t*>(std::memchr(at, mark, static_cast<size_t>(stop - at)));
    if (at == nullptr) return true;
    if (*next == end) return false;
    *(*places)++ = static_cast<uint16_t>(at - letters);
    *at++ = std::to_integer<uint8_t>(*(*next)++);
  }
  return true;
}

}  // namespace

bool decode_chunk(std::span<const std::byte> chunk, const std::byte* limit, int64_t numel, int64_t first,
                  const Quantiser& quantiser, const DecodeTable& table, DType dtype, void* data, bool stream) noexcept {
  const int64_t groups = ceil_div(numel, kLetterGroup), width = dtype_bytes(dtype);
  auto* out = static_cast<std::byte*>(data);
  ChunkHeader header;
  if (chunk.size() < sizeof header) return false;
  std::memcpy(&header, chunk.data(), sizeof header);
  const std::byte *at = chunk.data() + sizeof header, *end = chunk.data() + chunk.size();
  if (header.raws == kVerbatim) {
    if (end - at < numel * width) return false;
    std::memcpy(out, at, static_cast<size_t>(numel * width));
    return true;
  }
  constexpr int64_t kRoom = kGroupsOfStream * kLetterGroup + 64;
  alignas(64) uint8_t letters[kStreams][kRoom];
  std::array<StreamIn, kStreams> streams;
  for (int64_t s = 0; s < kStreams; ++s) {
    const int64_t bytes = header.stream_bytes[s];
    if (end - at < bytes) return false;
    streams[static_cast<size_t>(s)] = {at, bytes, letters[s], part_of(groups, s).count * quantiser.letters_of_group()};
    at += bytes;
  }
  const std::byte *literal = at, *literals_end = at + header.literals;
  if (end - at < int64_t{header.literals} + int64_t{header.raws} * 4) return false;
  const std::byte *raw = literals_end, *raws_end = literals_end + header.raws * sizeof(float);
  if (!decode_letters(streams, limit, table)) return false;
  alignas(64) std::byte padded[kLetterGroup * 4];
  uint16_t places[kGroupsOfStream * kLetterGroup];
  for (int64_t s = 0; s < kStreams; ++s) {
    const Part part = part_of(groups, s);
    if (part.count == 0) break;
    const int64_t count = part.count * quantiser.letters_of_group();
    uint16_t* end_of_places = places;
    if (header.literals > 0 &&
        !fill_literals(letters[s], count, quantiser.literal(), &literal, literals_end, &end_of_places))
      return false;
    const int64_t begin = part.begin * kLetterGroup, whole = std::min(part.count, (numel - begin) / kLetterGroup);
    letters_to_values(letters[s], whole, first + part.begin, quantiser, dtype, out + begin * width, stream);
    const int64_t rest = numel - begin - whole * kLetterGroup;
    if (whole < part.count) {
      letters_to_values(letters[s] + whole * quantiser.letters_of_group(), 1, first + part.begin + whole, quantiser,
                        dtype, padded, false);
      std::memcpy(out + (begin + whole * kLetterGroup) * width, padded, static_cast<size_t>(rest * width));
    }
    for (const uint16_t* place = places; place < end_of_places; ++place) {
      for (const int64_t i : Raws(quantiser, letters[s][*place], *place)) {
        if (raw == raws_end || begin + i >= numel) return false;
        float value;
        std::memcpy(&value, raw, sizeof value);
        raw += sizeof value;
        put_value(out, begin + i, dtype, value);
      }
    }
  }
  return literal == literals_end && raw == raws_end;
}

}  // namespace cinch::codec
