#include "src/codec/stage/header.h"

#include <cstring>
#include <string>

#include "cinch/error.h"
#include "src/core/checksum.h"

namespace cinch::codec {

void write_header(Header header, std::span<std::byte> out) noexcept {
  header.zero = 0;
  header.checksum = checksum32(&header, offsetof(Header, checksum));
  std::memcpy(out.data(), &header, sizeof header);
}

void throw_damaged(std::string_view method, std::string_view what) {
  throw CodecError(std::string(method) + ": damaged payload: " + std::string(what));
}

Header read_header(std::span<const std::byte> payload, uint32_t magic, std::string_view method, int64_t numel,
                   DType dtype) {
  if (payload.size() < sizeof(Header)) {
    throw_damaged(method, std::to_string(payload.size()) + " bytes are less than its header of " +
                              std::to_string(sizeof(Header)));
  }
  Header header;
  std::memcpy(&header, payload.data(), sizeof header);
  if (header.magic != magic) throw_damaged(method, "it is of another format");
  if (header.checksum != checksum32(&header, offsetof(Header, checksum)))
    throw_damaged(method, "the checksum of its header is wrong");
  if (header.numel < 0 || header.dtype >= static_cast<uint8_t>(DType::kOther))
    throw_damaged(method, "its header makes no sense");
  if (header.payload_bytes < kHeaderBytes || static_cast<uint64_t>(header.payload_bytes) > payload.size()) {
    throw_damaged(method, "its header needs " + std::to_string(header.payload_bytes) + " bytes, there are " +
                              std::to_string(payload.size()));
  }
  if (header.numel != numel || header.dtype != static_cast<uint8_t>(dtype)) {
    throw CodecError(std::string(method) + ": the payload holds " + std::to_string(header.numel) + " values of " +
                     std::string(to_string(static_cast<DType>(header.dtype))) + ", " + std::to_string(numel) + " of " +
                     std::string(to_string(dtype)) + " were asked for");
  }
  return header;
}

}  // namespace cinch::codec
