/// The contract of a codec. Every codec joins one shared suite (tests/contract) that checks each point below.
/// No torch: the hooks hand over raw pointers, sizes and an execution context.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "cinch/codec_spec.h"
#include "cinch/dtype.h"
#include "cinch/need.h"
#include "cinch/profile.h"

namespace cinch {

/// Where data, payload and output of a call are, and what works on them.
enum class DeviceKind : uint8_t {
  kCpu,   ///< host memory; the caller's thread and those of CodecContext::executor, done on return
  kCuda,  ///< memory of a CUDA device; kernels on CodecContext::stream, queued on return
};

/// What decode gives back of a finite value.
enum class ErrorClass : uint8_t {
  kExact,     ///< the same bits (lossless), or for `mask` and `shape` the same answer to their need
  kBounded,   ///< within a bound that the method's README states; biased
  kUnbiased,  ///< within a bound, and the mean over seeds is the value
};

/// A tensor's values in memory order, dense. Not owned.
struct Extent {
  const void* data = nullptr;
  int64_t numel = 0;
  DType dtype = DType::kFloat32;
};

/// Where max-pool indices come from; lets `int` keep in-window offsets. All in elements.
struct PoolGeometry {
  int64_t planes = 0;          ///< N*C
  int64_t channels = 1;        ///< C; used when channels_last
  bool channels_last = false;  ///< memory order of the index tensor: N,H,W,C instead of N,C,H,W
  int64_t in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  int64_t kernel_h = 0, kernel_w = 0, stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1;
};

/// How a tensor's memory order is laid out: `outer` slabs of up to three sides, each position of which has `inner`
/// values. For methods that look at neighbours or at channels. All counts in elements; outer * sides * inner is the
/// tensor's numel, which codecs check.
///
///   N,C,H,W            outer N*C, sides {1, H, W}, inner 1, channels C
///   N,H,W,C in memory  outer N,   sides {1, H, W}, inner C, channels 1   (channels_last)
///   N,L,C (tokens)     outer N,   sides {1, 1, L}, inner C, channels 1
///
/// A *map* is the values of one slab at one inner index. There are channels * inner distinct channels; that of a map is
/// (slab % channels) * inner + inner index.
struct Grid {
  int64_t outer = 1;
  std::array<int64_t, 3> sides{1, 1, 1};  ///< depth, height, width; 1 where absent
  int64_t inner = 1;
  int64_t channels = 1;  ///< distinct channels along outer, which is a multiple of it
};

/// What a codec may be told about a tensor beside its values.
struct SideInfo {
  Predicate predicate;               ///< for `mask`
  std::optional<PoolGeometry> pool;  ///< for `int`
  /// For `lfc`, `pool`, `fixed_point`, `error_bound`, and `dither` where it predicts; without it a tensor is one row of
  /// values, of one channel. What decode needs of it is in the payload.
  std::optional<Grid> grid = {};
};

/// Runs loops for codecs; implemented by the backends.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Calls body(begin, end) over disjoint parts of [0, n), each a multiple of `grain` long but the last; returns when
  /// all are done.
  virtual void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) const = 0;
};

/// One thread, the caller's.
const Executor& serial_executor() noexcept;

/// What measure() found in a tensor, left for the encode() that follows, so that values are sampled once. Plain memory
/// of the caller's, for one call at a time; what it holds is the codec's own. encode() samples again where codec, data,
/// grid or draws are others; that the values are still the same is the caller's word.
struct Measured {
  const void* by = nullptr;  ///< the codec; null: nothing was left
  const void* data = nullptr;
  int64_t numel = 0;
  DType dtype = DType::kFloat32;
  uint64_t key = 0;  ///< of grid and draws
  alignas(8) std::array<std::byte, 448> found{};
};

/// Everything a call may depend on beside its data. The same (seed, step, site) gives the same bytes.
struct CodecContext {
  uint64_t seed = 0;
  uint64_t step = 0;
  uint64_t site = 0;
  const Executor* executor = &serial_executor();
  void* stream = nullptr;                ///< cudaStream_t for CUDA, on which work is queued; unused on CPU
  DeviceKind device = DeviceKind::kCpu;  ///< where the data, the payload and the output are
  /// CUDA: device or mapped memory that counts what could not be coded (groups, tiles, maps); may be null.
  /// docs/cuda.md says what those decode to. The CPU declines such tensors; a kernel cannot, since the host does not
  /// wait for its answer.
  uint32_t* poisoned = nullptr;
  /// Likewise; counts what did not fit into room that was taken before its size was known, and took a coarser form.
  uint32_t* coarsened = nullptr;
  /// CPU: where measure() leaves what it found for encode(); may be null.
  Measured* measured = nullptr;
};

/// What a codec would cost, from statistics alone.
struct Estimate {
  int64_t bytes = 0;               ///< payload bytes
  double mean_square_error = 0.0;  ///< expected, absolute, per value
  double encode_seconds = 0.0;     ///< one thread of this machine, rough
  double decode_seconds = 0.0;
  /// What errors of neighbouring values do together: the variance of sums over values, relative to that of independent
  /// errors of the same size. 1: independent.
  double error_correlation = 1.0;
};

/// A method with fixed parameters. Immutable and thread-safe. Allocates no memory in encode, decode and recode
/// (small stack buffers only). With CUDA, encode, decode and recode queue their work on the context's stream and return
/// at once: sizes are known before the data is, headers in device memory are not read by the host, and payloads have
/// the bytes that the CPU would write (of `dither` and `error_bound`, chunk by chunk, each in a slot of the room that
/// is given; the CPU decodes both). Throws CodecError for misuse and for damaged payloads; a tensor that it cannot code
/// well is *declined*, which is a value. Never reads or writes outside the given spans, whatever a payload holds.
class Codec {
 public:
  virtual ~Codec() = default;

  /// Normalised spec (all parameters present).
  virtual const CodecSpec& spec() const noexcept = 0;
  virtual ErrorClass error_class() const noexcept = 0;
  /// Whether this build codes such values there. Callers ask first: what follows checks the dtype, not the device.
  virtual bool supports(DType dtype, DeviceKind device) const noexcept = 0;
  /// Whether zeros decode to zeros, and nothing else does: then `x != 0` needs no mask beside the values.
  virtual bool keeps_zeros(DType dtype) const noexcept;

  /// Looks at no values, so that it does not know what will be declined. Like the next three it throws CodecError for
  /// an unsupported dtype, a numel below 0 or beyond what the format holds (2^56 at most), and a side that the method
  /// looks at and cannot use (a grid of another numel, a `mask` without a predicate of single values).
  virtual Estimate estimate(const TensorStats& stats, int64_t numel, DType dtype, const SideInfo& side) const = 0;

  /// Upper bound of encode's result for any data of this size; attained by fixed-rate formats. Formats whose size
  /// depends on the values decline what does not fit.
  virtual int64_t payload_bound(int64_t numel, DType dtype, const SideInfo& side) const = 0;

  /// Room for this very data (one pass at most), or nullopt: declined. Default: payload_bound. Formats whose size
  /// depends on the values take it from a sample, with a margin.
  virtual std::optional<int64_t> measure(const Extent& in, const SideInfo& side, const CodecContext& context) const;

  /// What encode will write of this very data, expected from a sample without a margin; CPU only. nullopt: declined.
  /// Default: measure(), which is the size itself of formats that depend on no values.
  virtual std::optional<int64_t> expected_bytes(const Extent& in, const SideInfo& side,
                                                const CodecContext& context) const;

  /// Writes the payload to the front of `out` (64-byte aligned, at least measure() bytes) and returns its length, or
  /// nullopt: declined (out is then undefined). Throws CodecError when dtype is unsupported or out is too small; where
  /// only the values tell that it is too small, they are declined.
  virtual std::optional<int64_t> encode(const Extent& in, const SideInfo& side, std::span<std::byte> out,
                                        const CodecContext& context) const = 0;

  /// Writes `numel` values of `dtype` to `out` (64-byte aligned). Checks the header against numel and dtype and the
  /// length against what the header needs before reading anything else; throws CodecError when they do not fit.
  virtual void decode(std::span<const std::byte> payload, void* out, int64_t numel, DType dtype,
                      const CodecContext& context) const = 0;

  /// Turns this codec's payload of `numel` values of `dtype` into `coarser`'s without a full-size buffer; returns the
  /// length, or nullopt where the pair is not supported.
  virtual std::optional<int64_t> recode(std::span<const std::byte> payload, int64_t numel, DType dtype,
                                        const Codec& coarser, std::span<std::byte> out,
                                        const CodecContext& context) const;
};

/// The codec for a spec (normalised here). Throws CodecError for an unknown method or parameter, and for `keep`,
/// `shape` and `offload` which store nothing that a codec could write.
std::shared_ptr<const Codec> make_codec(const CodecSpec& spec);

/// What coding a part of a tensor showed.
struct Trial {
  int64_t bytes = 0;               ///< expected payload bytes of the whole tensor (Codec::expected_bytes)
  double mean_square_error = 0.0;  ///< of the part's finite values, absolute
};

/// Codes, decodes and compares about `max_samples` values of an extent in host memory, eight times as many for methods
/// with a scale for each map or channel: groups of values, pieces of maps, or maps of many images and channels of the
/// side's grid, as the method looks at them. Statistics know neither neighbours nor channels; this does. nullopt:
/// declined. Allocates. Throws CodecError like encode; `max_samples` below 256 counts as 256.
std::optional<Trial> try_on_sample(const Codec& codec, const Extent& in, const SideInfo& side,
                                   const CodecContext& context, int64_t max_samples = 65536);

/// Values that statistics look at together: those of one group of `group_quant`.
constexpr int64_t kStatsGroup = 256;

/// The groups that compute_stats looks at: `count` of them, every `stride`-th from the first on.
struct SampledGroups {
  int64_t count = 0;
  int64_t stride = 1;
};
/// `numel` >= 1. At most `max_samples` values; all groups where that suffices.
SampledGroups sampled_groups(int64_t numel, int64_t max_samples = 65536) noexcept;

/// Statistics of an extent in host memory from at most `max_samples` values (sampled_groups; everything when smaller).
/// Integer and bool dtypes: min, max, zero_fraction only. Throws CodecError for dtype kOther, and for values without
/// data.
TensorStats compute_stats(const Extent& in, int64_t max_samples = 65536);

}  // namespace cinch
