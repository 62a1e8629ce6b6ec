// What a fuzzer calls: one function a target. Each takes any bytes at all, and throws Defect where cinch breaks its
// contract. The same functions run under libFuzzer (decode_fuzz.cpp, encode_fuzz.cpp) and over the corpus (replay.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "cinch/codec.h"

namespace cinch::fuzz {

struct Defect : std::logic_error {
  using std::logic_error::logic_error;
};

// Every method, with each choice that changes its code. Inputs mean a row by its number: append, never insert.
std::span<const CodecSpec> specs();
// The codec of row `number` of them, of all numbers.
const Codec& codec_at(uint8_t number);

// A head (Head in input.h) and a payload: decode, and recode to each coarser spec.
void run_decode(std::span<const std::byte> input);
// A head, a grid, a predicate and values: encode, decode, and what the method promises.
void run_encode(std::span<const std::byte> input);

// Inputs that reach each format's depths, the same on every machine.
struct Seed {
  std::string name;
  std::vector<std::byte> bytes;
};
std::vector<Seed> decode_seeds();
std::vector<Seed> encode_seeds();

}  // namespace cinch::fuzz
