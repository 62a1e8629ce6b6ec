// One row a codec: how make_codec turns a normalised spec into a codec.
#pragma once

#include <memory>

#include "cinch/codec.h"

namespace cinch::codec {

std::shared_ptr<const Codec> make_bits(CodecSpec spec);
std::shared_ptr<const Codec> make_mask(CodecSpec spec);
std::shared_ptr<const Codec> make_int(CodecSpec spec);
std::shared_ptr<const Codec> make_group_quant(CodecSpec spec);
std::shared_ptr<const Codec> make_group_quant_average(CodecSpec spec);  // group_quant with average_bits
std::shared_ptr<const Codec> make_lfc(CodecSpec spec);
std::shared_ptr<const Codec> make_pool(CodecSpec spec);
std::shared_ptr<const Codec> make_fixed_point(CodecSpec spec);
std::shared_ptr<const Codec> make_cast(CodecSpec spec);
std::shared_ptr<const Codec> make_dither(CodecSpec spec);
std::shared_ptr<const Codec> make_dither_to_bits(CodecSpec spec);  // dither with average_bits
std::shared_ptr<const Codec> make_error_bound(CodecSpec spec);
std::shared_ptr<const Codec> make_predicted_dither(CodecSpec spec);  // dither with predict "lorenzo"

}  // namespace cinch::codec
