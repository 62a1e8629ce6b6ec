// Integers as letters of an alphabet, and back.
#pragma once

#include <cstdint>

#include "src/codec/entropy_coded/alphabet.h"

namespace cinch::codec {

// Of whole groups. What the alphabet does not hold becomes raw.
void integers_to_letters(const int16_t* in, int64_t groups, const Alphabet& alphabet, uint8_t* letters);

// Inverse. Raw symbols give integers of no meaning.
void letters_to_integers(const uint8_t* letters, int64_t groups, const Alphabet& alphabet, int16_t* out);

}  // namespace cinch::codec
