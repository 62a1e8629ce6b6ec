#include "hooks/store/form.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "hooks/store/joint_pair.h"

namespace cinch::hooks {
namespace {

const std::shared_ptr<const Codec>& mask_codec() {
  static const auto codec = make_codec(CodecSpec{"mask", {}});
  return codec;
}

Form masks_only(const NeedUnion& needs) {
  Form form;
  form.masks = needs.masks;
  form.pairs = needs.pairs;
  return form;
}

// False: nobody will ask for it any more.
bool add_pair(const std::shared_ptr<JointPair>& pair, NeedUnion& needs) {
  const JointPair::Wants wants = pair->wants();
  if (wants == JointPair::Wants::kValues) needs.wants_values = needs.wants_exact = true;
  if (wants == JointPair::Wants::kPlane && std::find(needs.pairs.begin(), needs.pairs.end(), pair) == needs.pairs.end())
    needs.pairs.push_back(pair);
  return wants != JointPair::Wants::kNothing;
}

int64_t values_in(const Grid& g) { return g.outer * g.sides[0] * g.sides[1] * g.sides[2] * g.inner; }

Form with_values(std::shared_ptr<const Codec> codec, std::span<const Want> wants, int64_t numel) {
  Form form;
  form.lossless = codec->error_class() == ErrorClass::kExact;
  form.values = std::move(codec);
  for (const Want& want : wants) {
    if (want.pool) form.side.pool = want.pool;
    // A site may have saved a part of what the payload holds.
    if (want.grid && !form.side.grid && values_in(*want.grid) == numel) form.side.grid = want.grid;
  }
  return form;
}

}  // namespace

OpClass op_class(const std::string& op_name) {
  if (op_name.find("softmax") != std::string::npos) return OpClass::kSoftmax;
  return op_name.find("_norm") != std::string::npos ? OpClass::kNormalisation : OpClass::kOther;
}

NeedUnion unite(std::span<const Want> wants) {
  NeedUnion result;
  for (const Want& want : wants) {
    result.nonnegative |= want.nonnegative;
    if (want.need == Need::kShape) continue;
    if (want.pair) {
      if (add_pair(want.pair, result)) result.only_shape = false;
      continue;
    }
    result.only_shape = false;
    if (want.need == Need::kMask && want.predicate.kind == PredicateKind::kTwoValued) {
      result.two_valued = true;
      result.wants_values = true;
    } else if (want.need == Need::kMask) {
      if (std::find(result.masks.begin(), result.masks.end(), want.predicate) == result.masks.end())
        result.masks.push_back(want.predicate);
    } else if (is_value(want.need)) {
      result.wants_values = true;
    } else {
      result.wants_values = result.wants_exact = true;
      result.opaque |= want.need == Need::kOpaque;
    }
  }
  return result;
}

std::optional<Form> form_for(const CodecSpec& spec, const std::shared_ptr<const Codec>& codec,
                             std::span<const Want> wants, int64_t numel, DType dtype, DeviceKind device) {
  const NeedUnion needs = unite(wants);
  if (spec.name == "keep" || needs.opaque) return std::nullopt;
  if (spec.name == "shape") return needs.only_shape ? std::optional<Form>(Form{}) : std::nullopt;
  if (spec.name == "offload") {
    Form form;
    form.offload = true;
    return form;
  }
  if (spec.name == "mask") {
    if (!needs.wants_values) return masks_only(needs);
    if (!needs.two_valued) return std::nullopt;
    Form form = with_values(codec, wants, numel);
    form.side.predicate.kind = PredicateKind::kTwoValued;
    return form;
  }
  if (codec == nullptr || !codec->supports(dtype, device)) return std::nullopt;
  Form form = with_values(codec, wants, numel);
  if (!form.lossless) {
    if (needs.wants_exact || needs.two_valued) return std::nullopt;
    for (const Predicate& predicate : needs.masks) {
      const bool of_zero = needs.nonnegative && predicate.kind == PredicateKind::kGreater && predicate.lo == 0.0;
      (of_zero && codec->keeps_zeros(dtype) ? form.by_magnitude : form.masks).push_back(predicate);
    }
    form.pairs = needs.pairs;
  }
  return form;
}

const char* lossless_method(std::span<const Want> wants, DType dtype) {
  const NeedUnion needs = unite(wants);
  if (needs.opaque) return "keep";
  if (needs.only_shape) return "shape";
  if (!needs.wants_values || needs.two_valued) return "mask";
  return dtype == DType::kBool ? "bits" : is_integer(dtype) ? "int" : "keep";
}

std::shared_ptr<const Codec> shared_codec(const CodecSpec& spec) {
  if (spec.name == "keep" || spec.name == "shape" || spec.name == "offload") return nullptr;
  static std::mutex mutex;
  static auto* const cache = new std::map<std::string, std::shared_ptr<const Codec>>;
  const std::lock_guard<std::mutex> lock(mutex);
  auto& codec = (*cache)[to_string(normalise(spec))];
  if (codec == nullptr) codec = make_codec(spec);
  return codec;
}

int64_t form_bound(const Form& form, int64_t numel, DType dtype) {
  int64_t bytes = form.values ? align_part(form.values->payload_bound(numel, dtype, form.side)) : 0;
  for (const Predicate& predicate : form.masks) {
    SideInfo side;
    side.predicate = predicate;
    bytes += align_part(mask_codec()->payload_bound(numel, dtype, side));
  }
  for (const auto& pair : form.pairs) bytes += pair->plane_bytes();
  return bytes;
}

int64_t coding_reserve(int64_t numel, DType dtype) {
  if (is_codable_float(dtype)) return numel / 2 + numel / 32 + numel / 8 + 4 * kPartAlignment;
  return numel / 8 + 2 * kPartAlignment;
}

}  // namespace cinch::hooks
