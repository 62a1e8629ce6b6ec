#include "src/codec/entropy_coded/chunk.h"

#include <algorithm>
#include <cstring>

namespace cinch::codec {
namespace {

// Groups of each stream but the last ones.
int64_t groups_of_stream(int64_t groups) noexcept { return ceil_div(groups, int64_t{kStreams}); }

struct Part {
  int64_t begin, count;  // groups
};
Part part_of(int64_t groups, int64_t stream) noexcept {
  const int64_t each = groups_of_stream(groups), begin = std::min(groups, stream * each);
  return {begin, std::min(groups, begin + each) - begin};
}

// Values that a letter of a part says are raw: none, one or two, in the order in which they are stored.
class Raws {
 public:
  Raws(const Alphabet& a, uint8_t letter, const Part& part, int64_t place) noexcept {
    const int64_t letters = a.letters_of_group(),
                  at = (part.begin + place / letters) * kLetterGroup + a.value_of(place % letters);
    if (a.paired ? (letter & 15) == a.raw_symbol() : letter == a.raw_symbol()) values_[count_++] = at;
    if (a.paired && letter >> 4 == a.raw_symbol()) values_[count_++] = at + Alphabet::kToOther;
  }
  const int64_t* begin() const noexcept { return values_; }
  const int64_t* end() const noexcept { return values_ + count_; }

 private:
  int64_t values_[2];
  int count_ = 0;
};

int64_t verbatim(std::span<const std::byte> values, std::byte* out) noexcept {
  ChunkHeader header;
  header.raws = kVerbatim;
  std::memcpy(out, &header, sizeof header);
  std::memcpy(out + sizeof header, values.data(), values.size());
  const auto used = static_cast<int64_t>(sizeof header + values.size()),
             total = ceil_div(used, kChunkAlignment) * kChunkAlignment;
  std::memset(out + used, 0, static_cast<size_t>(total - used));
  return total;
}

}  // namespace

int64_t encode_chunk(ChunkSource& source, std::span<const std::byte> values, int64_t numel, const Alphabet& alphabet,
                     const CodeTable& table, std::byte* out) noexcept {
  const int64_t groups = ceil_div(numel, kLetterGroup);
  alignas(64) uint8_t letters[kGroupsOfStream * kLetterGroup];
  uint16_t places[kGroupsOfStream * kLetterGroup];
  std::byte *const literals = out + kLiteralsWait, *const raws = out + kRawsWait;
  int64_t literal_count = 0, raw_bytes = 0;
  ChunkHeader header;
  std::byte* at = out + sizeof header;
  for (int64_t s = 0; s < kStreams; ++s) {
    const Part part = part_of(groups, s);
    if (part.count == 0) break;
    source.letters(part.begin, part.count, letters);
    uint16_t* end = places;
    const auto ahead = source.ahead(part.begin, part.count);
    const int64_t bytes = encode_letters(letters, part.count * alphabet.letters_of_group(), table, ahead.data(),
                                         static_cast<int64_t>(ahead.size()), at, &end);
    for (const uint16_t* place = places; place < end; ++place) {
      const uint8_t letter = letters[*place];
      literals[literal_count++] = std::byte{letter};
      for (const int64_t i : Raws(alphabet, letter, part, *place)) {
        if (raw_bytes + alphabet.raw_bytes > kMostRawBytes) return verbatim(values, out);
        source.raw(i, raws + raw_bytes);
        raw_bytes += alphabet.raw_bytes;
      }
    }
    header.stream_bytes[s] = static_cast<uint16_t>(bytes);
    at += bytes;
  }
  header.literals = static_cast<uint16_t>(literal_count);
  header.raws = static_cast<uint16_t>(raw_bytes / alphabet.raw_bytes);
  std::memmove(at, literals, header.literals);
  at += header.literals;
  std::memmove(at, raws, static_cast<size_t>(raw_bytes));
  at += raw_bytes;
  const int64_t most = static_cast<int64_t>(sizeof header + values.size());
  int64_t used = at - out;
  if (used > most) return verbatim(values, out);
  const int64_t more = source.finish(at, most - used);
  if (more < 0) return verbatim(values, out);
  used += more;
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

bool decode_chunk(std::span<const std::byte> chunk, const std::byte* limit, std::span<std::byte> values, int64_t numel,
                  const Alphabet& alphabet, const DecodeTable& table, ChunkSink& sink) noexcept {
  const int64_t groups = ceil_div(numel, kLetterGroup);
  ChunkHeader header;
  if (chunk.size() < sizeof header) return false;
  std::memcpy(&header, chunk.data(), sizeof header);
  const std::byte *at = chunk.data() + sizeof header, *end = chunk.data() + chunk.size();
  if (header.raws == kVerbatim) {
    if (end - at < static_cast<int64_t>(values.size())) return false;
    std::memcpy(values.data(), at, values.size());
    return true;
  }
  constexpr int64_t kRoom = kGroupsOfStream * kLetterGroup + kLettersBeyond;
  alignas(64) uint8_t letters[kStreams][kRoom];
  std::array<StreamIn, kStreams> streams;
  for (int64_t s = 0; s < kStreams; ++s) {
    const int64_t bytes = header.stream_bytes[s];
    if (end - at < bytes) return false;
    streams[static_cast<size_t>(s)] = {at, bytes, letters[s], part_of(groups, s).count * alphabet.letters_of_group()};
    at += bytes;
  }
  const std::byte *literal = at, *literals_end = at + header.literals;
  if (end - at < int64_t{header.literals} + int64_t{header.raws} * alphabet.raw_bytes) return false;
  const std::byte *raw = literals_end, *raws_end = literals_end + header.raws * alphabet.raw_bytes;
  if (!decode_letters(streams, limit, table, values)) return false;
  uint16_t places[kGroupsOfStream * kLetterGroup];
  for (int64_t s = 0; s < kStreams; ++s) {
    const Part part = part_of(groups, s);
    if (part.count == 0) break;
    uint16_t* end_of_places = places;
    if (header.literals > 0 && !fill_literals(letters[s], part.count * alphabet.letters_of_group(), alphabet.literal(),
                                              &literal, literals_end, &end_of_places))
      return false;
    sink.letters(part.begin, part.count, letters[s]);
    for (const uint16_t* place = places; place < end_of_places; ++place) {
      for (const int64_t i : Raws(alphabet, letters[s][*place], part, *place)) {
        if (raw == raws_end || i >= numel) return false;
        sink.raw(i, raw);
        raw += alphabet.raw_bytes;
      }
    }
    sink.complete(part.begin, part.count);
  }
  return literal == literals_end && raw == raws_end && sink.finish({raws_end, static_cast<size_t>(end - raws_end)});
}

}  // namespace cinch::codec
