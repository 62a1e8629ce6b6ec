#include "examples/data/data_set.h"

namespace cinch::data {

models::Batch DataSet::train_batch(std::span<const int64_t> indices) const {
  models::Batch batch = empty(static_cast<int64_t>(indices.size()));
  for (size_t i = 0; i < indices.size(); ++i) fill(indices[i], batch, static_cast<int64_t>(i));
  return batch;
}

models::Batch DataSet::test_batch(int64_t begin, int64_t end) const {
  models::Batch batch = empty(end - begin);
  for (int64_t i = begin; i < end; ++i) fill(train_size() + i, batch, i - begin);
  return batch;
}

}  // namespace cinch::data
