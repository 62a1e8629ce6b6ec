#include "bench/needs_cases.h"

namespace cinch::bench {
namespace {

constexpr int64_t kColumns = 20;

// x is [16 * size, 20]: 320 or 5120 values.
NeedsCase on_matrix(const char* op, const char* saves, std::function<Tensor(const Tensor&)> f) {
  const auto call = [f](int64_t size, at::ScalarType) {
    const Tensor x = leaf({16 * size, kColumns});
    return Graph{{f(x)}, {x}};
  };
  return {op, saves, call, {1, 16}};
}

// The same with a second operand of x's shape that needs a gradient too.
NeedsCase with_source(const char* op, const char* saves, std::function<Tensor(const Tensor&, const Tensor&)> f) {
  const auto call = [f](int64_t size, at::ScalarType) {
    const Tensor x = leaf({16 * size, kColumns}), source = leaf({16 * size, kColumns});
    return Graph{{f(x, source)}, {x, source}};
  };
  return {op, saves, call, {1, 16}};
}

Tensor rows_of(const Tensor& x) { return indices({x.size(0)}, x.size(0)); }
Tensor like(const Tensor& x) { return indices(x.sizes(), x.size(0)); }
Tensor some(const Tensor& x) { return data(x.sizes()) > 0.2; }

std::vector<NeedsCase> reads() {
  return {
      on_matrix("aten::index", "indices", [](const Tensor& x) { return at::index(x, {rows_of(x) - x.size(0) / 2}); }),
      on_matrix("aten::index", "indices; indices",
                [](const Tensor& x) {
                  return at::index(x, {rows_of(x), indices({x.size(0)}, kColumns)});
                }),
      on_matrix("aten::index", "indices[mask]", [](const Tensor& x) { return at::index(x, {some(x)}); }),
      on_matrix("aten::index_select", "index", [](const Tensor& x) { return at::index_select(x, 0, rows_of(x)); }),
      on_matrix("aten::gather", "index; self", [](const Tensor& x) { return at::gather(x, 0, like(x)); }),
      on_matrix("aten::take", "index; self", [](const Tensor& x) { return at::take(x, indices({50}, x.numel())); }),
      on_matrix("aten::masked_select", "mask; self", [](const Tensor& x) { return at::masked_select(x, some(x)); }),
      on_matrix("aten::masked_fill", "mask", [](const Tensor& x) { return at::masked_fill(x, some(x), 3.0); }),
      on_matrix("aten::masked_fill", "mask",
                [](const Tensor& x) { return at::masked_fill(x, some(x), at::scalar_tensor(3.0)); }),
      on_matrix("aten::masked_fill", "mask",
                [](const Tensor& x) { return at::masked_fill(x, data({kColumns}) > 0, 3.0); }),
      on_matrix("aten::masked_fill_", "mask", [](const Tensor& x) { return x.clone().masked_fill_(some(x), 3.0); }),
      on_matrix("aten::masked_fill_", "mask",
                [](const Tensor& x) { return x.clone().masked_fill_(some(x), at::scalar_tensor(3.0)); }),
      on_matrix("aten::topk", "indices", [](const Tensor& x) { return std::get<0>(at::topk(x, 5)); }),
      on_matrix("aten::sort", "indices", [](const Tensor& x) { return std::get<0>(at::sort(x)); }),
      on_matrix("aten::sort", "indices", [](const Tensor& x) { return std::get<0>(at::sort(x, /*stable=*/true, 0)); }),
      on_matrix("aten::median", "indices", [](const Tensor& x) { return std::get<0>(at::median(x, 1)); }),
      on_matrix("aten::max", "indices", [](const Tensor& x) { return std::get<0>(at::max(x, 1)); }),
      on_matrix("aten::min", "indices", [](const Tensor& x) { return std::get<0>(at::min(x, 1)); }),
      on_matrix("aten::cummax", "self; indices", [](const Tensor& x) { return std::get<0>(at::cummax(x, 1)); }),
  };
}

std::vector<NeedsCase> writes() {
  return {
      with_source("aten::scatter", "index",
                  [](const Tensor& x, const Tensor& s) { return at::scatter(x, 0, like(x), s); }),
      with_source("aten::scatter", "index",
                  [](const Tensor& x, const Tensor& s) { return at::scatter(x, 0, like(x), 2.0) * s; }),
      with_source("aten::scatter_add", "index",
                  [](const Tensor& x, const Tensor& s) { return at::scatter_add(x, 0, like(x), s); }),
      with_source("aten::scatter_reduce", "index; self[sum]; src[sum]; result[sum]",
                  [](const Tensor& x, const Tensor& s) { return at::scatter_reduce(x, 0, like(x), s, "sum"); }),
      with_source("aten::scatter_reduce", "index; self[mean]; src[mean]; result[mean]",
                  [](const Tensor& x, const Tensor& s) { return at::scatter_reduce(x, 0, like(x), s, "mean"); }),
      with_source("aten::scatter_reduce", "index; self[amax]; src[amax]; result[amax]",
                  [](const Tensor& x, const Tensor& s) { return at::scatter_reduce(x, 0, like(x), s, "amax"); }),
      with_source("aten::scatter_reduce", "index; self[prod]; src[prod]; result[prod]",
                  [](const Tensor& x, const Tensor& s) { return at::scatter_reduce(x, 0, like(x), s, "prod"); }),
      with_source("aten::index_add", "index; source",
                  [](const Tensor& x, const Tensor& s) { return at::index_add(x, 0, rows_of(x), s); }),
      with_source("aten::index_put", "indices",
                  [](const Tensor& x, const Tensor& s) { return at::index_put(x, {permutation(x.size(0))}, s); }),
      with_source("aten::index_reduce", "index[mean]; self[mean]; source[mean]; result[mean]",
                  [](const Tensor& x, const Tensor& s) { return at::index_reduce(x, 0, rows_of(x), s, "mean"); }),
      with_source("aten::where", "condition",
                  [](const Tensor& x, const Tensor& s) { return at::where(some(x), x, s); }),
      with_source("aten::masked_scatter", "mask",
                  [](const Tensor& x, const Tensor& s) { return at::masked_scatter(x, some(x), s); }),
  };
}

NeedsCase bag(const char* saves, int64_t mode) {
  return {"aten::_embedding_bag",
          saves,
          [mode](int64_t size, at::ScalarType) {
            const Tensor weight = leaf({50, 8});
            const Tensor starts = at::arange(0, 10 * size, 10, at::TensorOptions(at::kLong).device(case_device()));
            const auto out = at::_embedding_bag(weight, indices({10 * size + 3}, 50), starts, false, mode, false);
            return Graph{{std::get<0>(out)}, {weight}};
          },
          {4, 500}};
}

std::vector<NeedsCase> embeddings() {
  return {
      {"aten::embedding",
       "indices",
       [](int64_t size, at::ScalarType) {
         const Tensor weight = leaf({50, 8});
         return Graph{{at::embedding(weight, indices({size, 3}, 50))}, {weight}};
       },
       {4, 2000}},
      bag("indices[sum]; offsets[sum]; result1[sum]; result2[sum]; result3[sum]", 0),
      bag("indices[mean]; offsets[mean]; result1[mean]; result2[mean]; result3[mean]", 1),
      bag("indices[max]; offsets[max]; result1[max]; result2[max]; result3[max]", 2),
  };
}

}  // namespace

std::vector<NeedsCase> index_cases() {
  std::vector<NeedsCase> all = reads();
  for (auto& more : {writes(), embeddings()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace cinch::bench
