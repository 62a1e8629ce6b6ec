// Any bytes as a payload: refused with a CodecError, or values that depend on nothing but these bytes.
#include <cmath>
#include <map>
#include <optional>

#include "cinch/error.h"
#include "src/codec/lossless/pool_windows.h"
#include "src/codec/stage/grid.h"
#include "src/codec/stage/header.h"
#include "src/core/checksum.h"
#include "tests/fuzz/guarded.h"
#include "tests/fuzz/input.h"

namespace cinch::fuzz {
namespace {

using codec::Header;

// The magic of a spec's payloads, which its seeds begin with; of one that has none, of its method's.
uint32_t magic_of(const Codec& codec) {
  static const auto magics = [] {
    std::map<std::string, uint32_t> found;
    for (const Seed& seed : decode_seeds()) {
      Input input(seed.bytes);
      const CodecSpec& spec = codec_at(input.take<Head>().spec).spec();
      const auto magic = input.take<uint32_t>();
      found.emplace(to_string(spec), magic);
      found.emplace(spec.name, magic);
    }
    return found;
  }();
  const auto own = magics.find(to_string(codec.spec()));
  return own != magics.end() ? own->second : magics.at(codec.spec().name);
}

// The length that a header asks for, where it alone tells.
std::optional<int64_t> length_for(const Codec& codec, const Header& h, int64_t numel, DType dtype) {
  const std::string& name = codec.spec().name;
  if (name == "dither" || name == "error_bound") return std::nullopt;
  const int64_t words = (numel + 63) / 64;
  if (name == "int") return 64 + (h.kind == 1 ? 64 : 0) + words * int64_t{h.bits} * 8;
  SideInfo side;
  side.predicate.kind = h.bits == 2 ? PredicateKind::kSign : PredicateKind::kTwoValued;
  if (name == "mask" && h.bits == 2) return codec.payload_bound(numel, DType::kFloat32, side);
  try {
    if (name == "lfc" || name == "pool" || name == "fixed_point") side.grid = codec::get_grid(name, h);
    return codec.payload_bound(numel, dtype, side);
  } catch (const CodecError&) {
    return std::nullopt;
  }
}

// Makes the header fit its call, so that what lies behind its checks is reached. The length first: it says where the
// rest is.
std::vector<std::byte> sealed(std::span<const std::byte> bytes, const Codec& codec, const Head& head) {
  std::vector<std::byte> payload(bytes.begin(), bytes.end());
  if (payload.size() < sizeof(Header)) return payload;
  Header h;
  std::memcpy(&h, payload.data(), sizeof h);
  if ((head.flags & kKeepMagic) == 0) h.magic = magic_of(codec);
  if ((head.flags & kKeepCounts) == 0) {
    h.dtype = static_cast<uint8_t>(head.type());
    h.numel = head.values();
  }
  if ((head.flags & kKeepLength) == 0) {
    if (const auto length = length_for(codec, h, head.values(), head.type()); length && *length >= codec::kHeaderBytes)
      payload.resize(static_cast<size_t>(*length));
    h.payload_bytes = static_cast<int64_t>(payload.size());
  }
  if ((head.flags & kKeepChecksum) == 0) {
    h.checksum = checksum32(&h, offsetof(Header, checksum));
    codec::StoredPool pool;
    if (codec.spec().name == "int" && payload.size() >= sizeof h + sizeof pool) {
      std::memcpy(&pool, payload.data() + sizeof h, sizeof pool);
      pool.checksum = codec::pool_checksum(pool);
      if (h.kind == 1) std::memcpy(payload.data() + sizeof h, &pool, sizeof pool);
    }
  }
  std::memcpy(payload.data(), &h, sizeof h);
  return payload;
}

// False: refused.
bool decodes(const Codec& codec, const Guarded& payload, const Guarded& out, int64_t numel, DType dtype,
             const CodecContext& context) {
  bool accepted = true;
  try {
    codec.decode(payload.span(), out.data(), numel, dtype, context);
  } catch (const CodecError&) {
    accepted = false;
  }
  if (!out.intact()) throw Defect(to_string(codec.spec()) + ": decode wrote outside of its output");
  return accepted;
}

void recode_to(const Codec& codec, const Guarded& payload, int64_t numel, DType dtype, const Codec& coarser) {
  const Guarded room(coarser.payload_bound(numel, dtype, {}));
  std::optional<int64_t> bytes;
  try {
    bytes = codec.recode(payload.span(), numel, dtype, coarser, room.span(), {});
  } catch (const CodecError&) {
  }
  if (!room.intact()) throw Defect(to_string(codec.spec()) + ": recode wrote outside of its output");
  if (!bytes) return;
  const Guarded result(room.span().first(static_cast<size_t>(*bytes))), out(numel * dtype_bytes(dtype));
  if (!decodes(coarser, result, out, numel, dtype, {}))
    throw Defect(to_string(coarser.spec()) + ": refuses what recode made");
}

}  // namespace

void run_decode(std::span<const std::byte> bytes) {
  Input input(bytes);
  const auto head = input.take<Head>();
  const Codec& codec = codec_at(head.spec);
  const DType dtype = head.type();
  if (!codec.supports(dtype, DeviceKind::kCpu)) return;
  const int64_t numel = head.values(), size = numel * dtype_bytes(dtype);
  const Guarded payload(sealed(input.rest(), codec, head));
  const Guarded once(size, std::byte{0}), again(size, std::byte{0xff});
  const BackwardExecutor backward;
  CodecContext other;
  other.executor = &backward;
  bool accepted = false, accepted_again = false;
  on_instruction_set(head.way, [&] {
    accepted = decodes(codec, payload, once, numel, dtype, {});
    if (!accepted || codec.spec().name != "group_quant") return;
    for (size_t k = 0; k < specs().size(); ++k)
      if (specs()[k].name == "group_quant") recode_to(codec, payload, numel, dtype, codec_at(static_cast<uint8_t>(k)));
  });
  on_instruction_set(head.way + 1u + head.way / 16u,
                     [&] { accepted_again = decodes(codec, payload, again, numel, dtype, other); });
  if (accepted != accepted_again) throw Defect(to_string(codec.spec()) + ": whether it decodes depends on how");
  if (accepted && !std::ranges::equal(once.span(), again.span()))
    throw Defect(to_string(codec.spec()) + ": what it decodes depends on more than the payload");
}

}  // namespace cinch::fuzz
