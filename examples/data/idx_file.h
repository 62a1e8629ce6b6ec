/// Reads gzipped IDX files of bytes, the format of MNIST and its relatives. No torch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cinch::data {

struct IdxArray {
  std::vector<int64_t> sizes;
  std::vector<uint8_t> values;  ///< in row-major order; exactly the product of `sizes`
};

/// Reads the whole file. Throws DataError when it cannot be opened or unzipped, holds no unsigned bytes, has not
/// `dimensions` dimensions, is shorter or longer than its header says, or claims more than 1 GiB.
IdxArray read_idx_gz(const std::string& path, int dimensions);

}  // namespace cinch::data
