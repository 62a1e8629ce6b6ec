// What the sites of a payload want, and the form that a codec spec gives it then.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cinch/codec.h"
#include "hooks/catalogue/op_info.h"
#include "hooks/sites.h"

namespace cinch::hooks {

class JointPair;

// Families of ops that react to errors in a way of their own.
enum class OpClass : uint8_t { kOther, kNormalisation, kSoftmax };
OpClass op_class(const std::string& op_name);

// One site's demand on a payload.
struct Want {
  SiteId site = -1;
  Need need = Need::kExact;
  Predicate predicate;
  Reach reach = Reach::kNone;
  std::optional<PoolGeometry> pool;
  std::optional<Grid> grid;
  OpClass op_class = OpClass::kOther;
  bool nonnegative = false;         // the tensor holds no value below zero
  bool known_op = false;            // the op is in the catalogue: its backward does not write into what it saved
  std::shared_ptr<JointPair> pair;  // of a joint predicate
  int place = 0;                    // in the pair
};

// Several sites' demands as one.
struct NeedUnion {
  bool only_shape = true;     // nobody reads values
  bool wants_values = false;  // somebody reads values
  bool wants_exact = false;   // somebody needs every bit
  bool opaque = false;
  bool nonnegative = false;      // no value is below zero
  bool two_valued = false;       // the op says that the data has two values
  std::vector<Predicate> masks;  // distinct predicates, two-valued and joint ones left out
  std::vector<std::shared_ptr<JointPair>> pairs;
};
NeedUnion unite(std::span<const Want> wants);

// How a payload is kept: a codec for the values or none, exact masks beside it, and the planes of pairs, which are
// theirs.
struct Form {
  std::shared_ptr<const Codec> values;  // null: values are not kept
  SideInfo side;                        // for `values`
  std::vector<Predicate> masks;
  // Predicates that the magnitudes of the coded values answer, where zeros stay zeros: no plane is kept for them.
  std::vector<Predicate> by_magnitude;
  std::vector<std::shared_ptr<JointPair>> pairs;
  bool lossless = true;
  bool copy =
      false;  // the raw values as they are, in a storage of their own: beside a coded payload of the same storage
  bool offload = false;  // the raw values as they are, in host memory
};

// The form in which `codec` (null for keep, shape and offload) with `spec` serves all wants of a payload of `numel`
// values, or nullopt when it cannot, or when it is `keep`.
std::optional<Form> form_for(const CodecSpec& spec, const std::shared_ptr<const Codec>& codec,
                             std::span<const Want> wants, int64_t numel, DType dtype, DeviceKind device);

// The method of the smallest lossless form that the needs and the dtype allow without looking at values; "keep": none.
const char* lossless_method(std::span<const Want> wants, DType dtype);

// The codec of a spec, made once. Null for keep, shape and offload.
std::shared_ptr<const Codec> shared_codec(const CodecSpec& spec);

// Upper bound of the bytes of a payload in this form. A pair's plane counts for both of its payloads: either may be the
// only one that is coded.
int64_t form_bound(const Form& form, int64_t numel, DType dtype);

// Bytes that coding a raw payload may need at once while the raw form is still there: 4 bits, sides, a mask.
int64_t coding_reserve(int64_t numel, DType dtype);

// Parts of a payload start at multiples of this.
constexpr int64_t kPartAlignment = 64;
constexpr int64_t align_part(int64_t bytes) { return (bytes + kPartAlignment - 1) / kPartAlignment * kPartAlignment; }

}  // namespace cinch::hooks
