/// Codec specs as JSON: {"name": "group_quant", "bits": 2}, and needs: "linear".
#pragma once

#include "cinch/codec_spec.h"
#include "cinch/need.h"
#include "planner/json_reader.h"

namespace cinch::planner {

nlohmann::ordered_json spec_to_json(const CodecSpec& spec);
/// Shape and types only; whether the method exists is another question (checked_spec).
CodecSpec spec_from_json(const JsonNode& node);
/// spec_from_json for what people write: a method or parameter that is not in the table of methods is a JsonError.
CodecSpec checked_spec_from_json(const JsonNode& node);
/// The need that a text names; an unknown one is a JsonError.
Need need_from_json(const JsonNode& node);
/// Whether two specs mean the same. Methods that this version does not know compare as they are written.
bool same_spec(const CodecSpec& a, const CodecSpec& b);

}  // namespace cinch::planner
