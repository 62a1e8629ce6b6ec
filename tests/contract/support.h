// What the contract suite and the tests of single codecs share.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cinch/codec.h"

namespace cinch::testing {

// 64-byte aligned memory with `offset` bytes skipped and a guard behind, whose damage is noticed.
class Buffer {
 public:
  explicit Buffer(int64_t bytes, int64_t offset = 0);
  Buffer(const void* from, int64_t bytes, int64_t offset = 0) : Buffer(bytes, offset) {
    if (bytes > 0) std::memcpy(data(), from, static_cast<size_t>(bytes));
  }
  Buffer(const Buffer& other) : Buffer(other.start_, other.bytes_) {}
  Buffer(Buffer&&) = default;  // a moved vector keeps its memory, and start_ points there
  Buffer& operator=(Buffer other) {
    memory_.swap(other.memory_);
    std::swap(start_, other.start_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Buffer() = default;
  std::byte* data() const { return start_; }
  int64_t size() const { return bytes_; }
  std::span<std::byte> span() const { return {start_, static_cast<size_t>(bytes_)}; }
  // True while nothing wrote in front of or behind the buffer.
  bool intact() const;
  bool operator==(const Buffer& other) const {
    return bytes_ == other.bytes_ &&
           (bytes_ == 0 || std::memcmp(start_, other.start_, static_cast<size_t>(bytes_)) == 0);
  }

 private:
  std::vector<std::byte> memory_;
  std::byte* start_;
  int64_t bytes_;
};

// Splits every loop over `threads` new threads, in parts of one grain, handed out in turn.
class ThreadedExecutor final : public Executor {
 public:
  explicit ThreadedExecutor(int threads) : threads_(threads) {}
  void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) const override;

 private:
  int threads_;
};

// Number of operator new calls of this thread so far.
int64_t allocations_of_this_thread();

// Float values (rounded to the dtype) and integers (cut to the dtype) as bytes.
Buffer floats(const std::vector<double>& values, DType dtype);
Buffer integers(const std::vector<int64_t>& values, DType dtype);
double float_at(const void* data, int64_t i, DType dtype);
int64_t integer_at(const void* data, int64_t i, DType dtype);

// Encodes into a buffer of measure() bytes; nullopt when declined. Fails the test when a bound is broken.
std::optional<Buffer> encode(const Codec& codec, const Extent& in, const SideInfo& side,
                             const CodecContext& context = {});
Buffer decode(const Codec& codec, const Buffer& payload, int64_t numel, DType dtype, const CodecContext& context = {});

// Runs a body once on every instruction set of this machine; restores the best one.
void on_every_instruction_set(const std::function<void(const std::string&)>& body);

}  // namespace cinch::testing
