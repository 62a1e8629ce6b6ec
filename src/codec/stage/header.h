// The first 64 bytes of every payload. Body sections that follow start at multiples of 64.
//
//   0      4       5      6      7       8       16              24 ..... 55    56       60
//   | magic | dtype | bits | kind | flags | numel | payload bytes | words[4]   | zero   | checksum |
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "cinch/dtype.h"

namespace cinch::codec {

struct Header {
  uint32_t magic = 0;  // names the format
  uint8_t dtype = 0;   // of the values
  uint8_t bits = 0;    // per value
  uint8_t kind = 0;    // what the format makes of these two
  uint8_t flags = 0;
  int64_t numel = 0;
  int64_t payload_bytes = 0;  // this header included
  int64_t words[4] = {};      // the format's own parameters
  uint32_t zero = 0;
  uint32_t checksum = 0;  // of the 60 bytes before
};
static_assert(sizeof(Header) == 64, "sections of the body rely on it");
constexpr int64_t kHeaderBytes = sizeof(Header);

constexpr uint32_t make_magic(char a, char b, char c, char d) noexcept {
  return static_cast<uint32_t>(static_cast<unsigned char>(a)) |
         static_cast<uint32_t>(static_cast<unsigned char>(b)) << 8 |
         static_cast<uint32_t>(static_cast<unsigned char>(c)) << 16 |
         static_cast<uint32_t>(static_cast<unsigned char>(d)) << 24;
}

constexpr int64_t align64(int64_t bytes) noexcept { return (bytes + 63) / 64 * 64; }

// Bytes between sections are part of the payload: the same data must give the same bytes.
inline void zero_bytes(std::span<std::byte> out, int64_t begin, int64_t end) noexcept {
  std::fill(out.begin() + begin, out.begin() + end, std::byte{0});
}

// Fills in the checksum and writes the header to the front of `out`, which has room for it.
void write_header(Header header, std::span<std::byte> out) noexcept;

// Reads and checks everything that does not depend on the format: length, checksum, magic, numel, dtype, payload bytes.
// Throws CodecError that names `method` and what is wrong.
Header read_header(std::span<const std::byte> payload, uint32_t magic, std::string_view method, int64_t numel,
                   DType dtype);

// Throws CodecError for a damaged payload of `method`.
[[noreturn]] void throw_damaged(std::string_view method, std::string_view what);

}  // namespace cinch::codec
