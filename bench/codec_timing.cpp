#include "bench/codec_timing.h"

#include <cmath>
#include <cstring>

#include "bench/aligned_buffer.h"
#include "bench/rounds.h"
#include "bench/symbol_entropy.h"
#include "bench/values.h"
#include "src/backend/cpu/isa.h"

namespace cinch::bench {
namespace {

// Payload and result of one way to run a codec, kept from the first call to the last.
class Runs {
 public:
  Runs(const Codec& codec, const Extent& in, const SideInfo& side, int64_t room_bytes, const Executor& executor)
      : codec_(codec),
        in_(in),
        side_(side),
        raw_bytes_(in.numel * dtype_bytes(in.dtype)),
        room_bytes_(room_bytes),
        room_(make_aligned(room_bytes)),
        decoded_(make_aligned(raw_bytes_)) {
    context_.executor = &executor;
  }
  std::optional<int64_t> encode() {
    return codec_.encode(in_, side_, {room_.get(), static_cast<size_t>(room_bytes_)}, context_);
  }
  void decode() {
    codec_.decode({room_.get(), static_cast<size_t>(room_bytes_)}, decoded_.get(), in_.numel, in_.dtype, context_);
  }
  const std::byte* payload() const { return room_.get(); }
  const std::byte* decoded() const { return decoded_.get(); }
  bool same_as(const Runs& other, int64_t coded_bytes) const {
    return std::memcmp(payload(), other.payload(), static_cast<size_t>(coded_bytes)) == 0 &&
           std::memcmp(decoded(), other.decoded(), static_cast<size_t>(raw_bytes_)) == 0;
  }

 private:
  const Codec& codec_;
  const Extent& in_;
  const SideInfo& side_;
  int64_t raw_bytes_, room_bytes_;
  CodecContext context_;
  AlignedBuffer room_, decoded_;
};

void time_rounds(Runs& one, Runs* threads, const Extent& in, int rounds, CodecTiming* row) {
  const AlignedBuffer copy = make_aligned(row->raw_bytes);
  std::vector<std::function<void()>> calls{
      [&] { std::memcpy(copy.get(), in.data, static_cast<size_t>(row->raw_bytes)); }, [&] { one.encode(); },
      [&] { one.decode(); }};
  if (threads != nullptr) {
    calls.emplace_back([&] { threads->encode(); });
    calls.emplace_back([&] { threads->decode(); });
  }
  const std::vector<double> best = best_seconds(rounds, calls);
  row->memcpy_gbps = gbps(row->raw_bytes, best[0]);
  row->one_thread = {gbps(row->raw_bytes, best[1]), gbps(row->raw_bytes, best[2])};
  if (threads != nullptr) row->threads = Speed{gbps(row->raw_bytes, best[3]), gbps(row->raw_bytes, best[4])};
}

// Of the result of the last round.
void measure(const Codec& codec, const Runs& runs, const Extent& in, CodecTiming* row) {
  const bool mask = codec.spec().name == "mask", exact = codec.error_class() == ErrorClass::kExact;
  if (exact && !mask)
    row->verified = row->verified && std::memcmp(in.data, runs.decoded(), static_cast<size_t>(row->raw_bytes)) == 0;
  if (!is_codable_float(in.dtype) || mask) return;
  const Distance error = distance(in.data, runs.decoded(), in.numel, in.dtype);
  row->max_error = error.max_error;
  row->rms_error = error.rms_error;
  // Three times the expected error is out of reach for a sound codec and near for a broken one.
  if (!exact)
    row->verified =
        row->verified && row->trial && row->rms_error <= 3 * std::sqrt(row->trial->mean_square_error) + 1e-30;
  const std::span payload(runs.payload(), static_cast<size_t>(row->coded_bytes));
  if (const auto symbols = symbols_of(payload, runs.decoded(), in.numel, in.dtype))
    row->entropy_bytes = empirical_entropy_bytes(*symbols);
}

CodecTiming time_one(const Codec& codec, const Extent& in, const SideInfo& side, const TimingOptions& options) {
  CodecTiming row;
  row.codec = to_string(codec.spec());
  row.dtype = std::string(to_string(in.dtype));
  row.isa = backend::active_instruction_set();
  row.raw_bytes = in.numel * dtype_bytes(in.dtype);
  row.estimate = codec.estimate(compute_stats(in), in.numel, in.dtype, side);
  if (codec.error_class() != ErrorClass::kExact) row.trial = try_on_sample(codec, in, side, CodecContext());
  const auto room = codec.measure(in, side, CodecContext());
  if (!room) {
    row.declined = true;
    return row;
  }
  Runs first(codec, in, side, *room, serial_executor()), one(codec, in, side, *room, serial_executor());
  const auto coded = first.encode();
  if (!coded) {
    row.declined = true;
    return row;
  }
  row.coded_bytes = *coded;
  first.decode();
  std::optional<Runs> threads;
  if (options.executor != nullptr) threads.emplace(codec, in, side, *room, *options.executor);
  time_rounds(one, threads ? &*threads : nullptr, in, options.rounds, &row);
  row.verified = one.same_as(first, *coded) && (!threads || threads->same_as(first, *coded));
  measure(codec, one, in, &row);
  return row;
}

}  // namespace

std::vector<CodecTiming> time_codec(const CodecSpec& spec, const void* data, int64_t numel, DType dtype,
                                    const SideInfo& side, const TimingOptions& options) {
  const auto codec = make_codec(spec);
  const Extent in{data, numel, dtype};
  if (options.isas.empty()) return {time_one(*codec, in, side, options)};
  struct Restore {
    std::string before = backend::active_instruction_set();
    ~Restore() { backend::force_instruction_set(before); }
  } restore;
  std::vector<CodecTiming> rows;
  for (const std::string& isa : options.isas) {
    backend::force_instruction_set(isa);
    rows.push_back(time_one(*codec, in, side, options));
  }
  return rows;
}

}  // namespace cinch::bench
