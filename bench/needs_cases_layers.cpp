#include "bench/needs_cases.h"

namespace cinch::bench {
namespace {

using Call = std::function<Graph(int64_t)>;

// `size` scales the shapes: 1 is a handful of values, 4 several thousands.
NeedsCase layer(const char* op, const char* saves, Call call) {
  return {op, saves, [call](int64_t size, at::ScalarType) { return call(size); }, {1, 4}};
}

Tensor channels_last(const Tensor& x) { return x.detach().contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(); }

// x, weight and bias of a 3x3 convolution; each trains or not.
Graph convolve(int64_t n, bool x_trains, bool weight_trains, bool bias_trains) {
  const Tensor x = data({n, 4, 8 * n, 8}), w = data({6, 4, 3, 3}), b = data({6});
  Graph g;
  for (const auto& [tensor, trains] : {std::pair{x, x_trains}, {w, weight_trains}, {b, bias_trains}})
    if (trains) g.inputs.push_back(tensor.requires_grad_());
  g.outputs = {at::conv2d(x, w, b, 1, 1)};
  return g;
}

std::vector<NeedsCase> products() {
  return {
      layer("aten::addmm", "mat1; mat2",
            [](int64_t n) {
              const Tensor x = leaf({16 * n, 32}), w = leaf({24, 32}), b = leaf({24});
              return Graph{{at::linear(x, w, b)}, {x, w, b}};
            }),
      layer("aten::addmm", "mat1; mat2[not a parameter]",
            [](int64_t n) {
              const Tensor x = leaf({16 * n, 32}), w = leaf({24, 32}), b = leaf({24});
              return Graph{{at::linear(x, w * 1.0, b)}, {x, w, b}};
            }),
      layer("aten::mm", "mat2; self",
            [](int64_t n) {
              const Tensor x = leaf({16 * n, 32}), w = leaf({32, 24});
              return Graph{{at::mm(x, w)}, {x, w}};
            }),
      layer("aten::mm", "mat2[not a parameter]; self",
            [](int64_t n) {
              const Tensor x = leaf({16 * n, 32}), w = leaf({32, 24});
              return Graph{{at::mm(x, w * 1.0)}, {x, w}};
            }),
      layer("aten::bmm", "mat2; self",
            [](int64_t n) {
              const Tensor a = leaf({2, 8 * n, 16}), b = leaf({2, 16, 8 * n});
              return Graph{{at::bmm(a, b)}, {a, b}};
            }),
      layer("aten::mv", "self; vec",
            [](int64_t n) {
              const Tensor a = leaf({32 * n, 40}), b = leaf({40});
              return Graph{{at::mv(a, b)}, {a, b}};
            }),
      layer("aten::baddbmm", "batch1; batch2",
            [](int64_t n) {
              const Tensor c = leaf({2, 8 * n, 8 * n}), a = leaf({2, 8 * n, 16}), b = leaf({2, 16, 8 * n});
              return Graph{{at::baddbmm(c, a, b)}, {a, b, c}};
            }),
      layer("aten::_trilinear", "i1; i2; i3",
            [](int64_t n) {
              const Tensor a = leaf({8 * n, 12}), b = leaf({8 * n, 10}), w = leaf({5, 12, 10});
              return Graph{{at::bilinear(a, b, w)}, {a, b, w}};
            }),
      layer("aten::convolution", "input; weight", [](int64_t n) { return convolve(n, true, true, true); }),
      layer("aten::convolution", "input[frozen weight]; weight[not a parameter]",
            [](int64_t n) { return convolve(n, true, false, true); }),
      layer("aten::convolution", "input; weight[input needs no grad]",
            [](int64_t n) { return convolve(n, false, true, false); }),
      layer("aten::convolution", "input[frozen weight]; weight[input needs no grad]",
            [](int64_t n) { return convolve(n, false, false, true); }),
      layer("aten::convolution", "input; weight[not a parameter]",
            [](int64_t n) {
              const Tensor x = channels_last(data({n, 4, 8 * n, 8})), w = leaf({6, 4, 3, 3});
              return Graph{{at::conv2d(x, w * 1.0)}, {x, w}};
            }),
      layer("aten::convolution", "input[frozen weight]; weight[not a parameter]",
            [](int64_t n) {
              const Tensor x = leaf({2, 4, 64 * n}), w = data({4, 2, 5});
              return Graph{{at::conv1d(x, w, std::optional<Tensor>(), 2, 1, 1, 2)}, {x}};
            }),
      layer("aten::convolution", "input[frozen weight]; weight[not a parameter]",
            [](int64_t n) {
              const Tensor x = leaf({n, 4, 6 * n, 6}), w = data({4, 6, 3, 3}), b = leaf({6});
              return Graph{{at::conv_transpose2d(x, w, b, 2)}, {x, b}};
            }),
      layer("aten::_cdist_forward", "x1; x2; result",
            [](int64_t n) {
              const Tensor a = leaf({12 * n, 5}), b = leaf({16 * n, 5});
              return Graph{{at::_cdist_forward(a, b, 2.0, 2)}, {a, b}};
            }),
  };
}

// How the affine of a batch norm behaves.
enum class Affine { kTrains, kFrozen, kBiasTrains };

Graph batch_norm(int64_t n, bool training, Affine affine) {
  const Tensor x = leaf({2 * n, 5, 8, 8}), w = data({5}), b = data({5});
  Graph g{{}, {x}};
  if (affine == Affine::kTrains) g.inputs.push_back(w.requires_grad_());
  if (affine != Affine::kFrozen) g.inputs.push_back(b.requires_grad_());
  // Not at::batch_norm, which takes cuDNN's where it can.
  g.outputs = {std::get<0>(at::native_batch_norm(x, w, b, data({5}), data({5}).abs() + 0.5, training, 0.1, 1e-5))};
  return g;
}

std::vector<NeedsCase> norms() {
  return {
      layer("aten::native_batch_norm",
            "input[train]; running_mean[train]; running_var[train]; weight; result1[train]; result2[train]",
            [](int64_t n) { return batch_norm(n, true, Affine::kTrains); }),
      layer("aten::native_batch_norm",
            "input[eval]; running_mean[eval]; running_var[eval]; weight; result1[eval]; result2[eval]",
            [](int64_t n) { return batch_norm(n, false, Affine::kTrains); }),
      layer("aten::native_batch_norm",
            "input[eval, frozen affine]; running_mean[eval, frozen affine]; running_var[eval]; weight; result1[eval]; "
            "result2[eval]",
            [](int64_t n) { return batch_norm(n, false, Affine::kFrozen); }),
      layer("aten::native_batch_norm",
            "input[eval, frozen affine]; running_mean[eval, frozen affine]; running_var[eval]; weight; result1[eval]; "
            "result2[eval]",
            [](int64_t n) { return batch_norm(n, false, Affine::kBiasTrains); }),
      layer("aten::_batch_norm_with_update", "input; running_mean; running_var; weight; result1; result2; result3",
            [](int64_t n) {
              const Tensor x = leaf({2 * n, 5, 8, 8}), w = leaf({5}), b = leaf({5});
              Tensor mean = data({5}), variance = data({5}).abs() + 0.5;
              return Graph{{std::get<0>(at::_batch_norm_with_update(x, w, b, mean, variance, 0.1, 1e-5))}, {x, w, b}};
            }),
      layer("aten::native_layer_norm", "bias; input; weight; result1; result2",
            [](int64_t n) {
              const Tensor x = leaf({16 * n, 20}), w = leaf({20}), b = leaf({20});
              return Graph{{at::layer_norm(x, {20}, w, b)}, {x, w, b}};
            }),
      layer("aten::native_group_norm", "input; weight; result1; result2",
            [](int64_t n) {
              const Tensor x = leaf({2 * n, 6, 8, 8}), w = leaf({6}), b = leaf({6});
              return Graph{{at::group_norm(x, 3, w, b)}, {x, w, b}};
            }),
      layer("aten::_weight_norm_interface", "g; v; result1",
            [](int64_t n) {
              const Tensor v = leaf({16 * n, 20}), g = leaf({16 * n, 1});
              return Graph{{std::get<0>(at::_weight_norm_interface(v, g, 0))}, {v, g}};
            }),
      layer("aten::_softmax", "result",
            [](int64_t n) {
              const Tensor x = leaf({16 * n, 20});
              return Graph{{at::softmax(x, 1)}, {x}};
            }),
      layer("aten::_log_softmax", "result",
            [](int64_t n) {
              const Tensor x = leaf({16 * n, 20});
              return Graph{{at::log_softmax(x, 1)}, {x}};
            }),
      layer("aten::_safe_softmax", "result",
            [](int64_t n) {
              const Tensor x = leaf({16 * n, 20});
              return Graph{{at::_safe_softmax(x, 1)}, {x}};
            }),
  };
}

NeedsCase attention(const char* saves, bool masked) {
  return only_on(c10::kCPU, layer("aten::_scaled_dot_product_flash_attention_for_cpu", saves, [masked](int64_t n) {
                   const Tensor q = leaf({2, 2, 8 * n, 16}), k = leaf({2, 2, 8 * n, 16}), v = leaf({2, 2, 8 * n, 16});
                   std::optional<Tensor> mask;
                   if (masked) mask = data({2, 2, 8 * n, 8 * n});
                   const auto out = at::_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, !masked, mask);
                   return Graph{{std::get<0>(out)}, {q, k, v}};
                 }));
}

std::vector<NeedsCase> sequences() {
  return {
      attention("attn_mask; key; query; value; logsumexp; output", true),
      attention("key; query; value; logsumexp; output", false),
      only_on(c10::kCPU,
              layer("aten::mkldnn_rnn_layer",
                    "cx; hx; input; weight0; weight1; weight2; weight3; result0; result1; result2; result3",
                    [](int64_t n) {
                      const Tensor x = leaf({5 * n, 3, 8}), h = leaf({1, 3, 16}), c = leaf({1, 3, 16});
                      const Tensors weights = {leaf({64, 8}), leaf({64, 16}), leaf({64}), leaf({64})};
                      const auto [out, hn, cn] = at::lstm(x, {h, c}, weights, true, 1, 0.0, true, false, false);
                      return Graph{{out, hn, cn}, {x, h, c, weights[0], weights[1], weights[2], weights[3]}};
                    })),
      layer("aten::native_dropout", "result1",
            [](int64_t n) {
              const Tensor x = leaf({1000 * n + 3});
              return Graph{{std::get<0>(at::native_dropout(x, 0.3, true))}, {x}};
            }),
  };
}

// A pool over images, for NCHW and for channels_last.
std::vector<NeedsCase> pool(const char* op, const char* saves, std::function<Tensor(const Tensor&)> f) {
  const auto call = [f](const Tensor& x) { return Graph{{f(x)}, {x}}; };
  return {layer(op, saves,
                [call](int64_t n) {
                  return call(leaf({n, 4, 10 * n, 11}));
                }),
          layer(op, saves, [call](int64_t n) {
            return call(channels_last(data({n, 4, 10 * n, 11})));
          })};
}

NeedsCase pool3d(const char* op, const char* saves, std::function<Tensor(const Tensor&)> f) {
  return layer(op, saves, [f](int64_t n) {
    const Tensor x = leaf({n, 2, 6, 7 * n, 8});
    return Graph{{f(x)}, {x}};
  });
}

std::vector<NeedsCase> pools() {
  std::vector<NeedsCase> all;
  for (const auto& cases : {
           pool("aten::avg_pool2d", "self", [](const Tensor& x) { return at::avg_pool2d(x, 3, 2, 1); }),
           pool("aten::_adaptive_avg_pool2d", "self",
                [](const Tensor& x) {
                  return at::adaptive_avg_pool2d(x, {3, 4});
                }),
           pool("aten::max_pool2d_with_indices", "self; result1",
                [](const Tensor& x) { return at::max_pool2d(x, 3, 2, 1); }),
           pool("aten::adaptive_max_pool2d", "self; result1",
                [](const Tensor& x) {
                  return std::get<0>(at::adaptive_max_pool2d(x, {3, 4}));
                }),
           pool("aten::fractional_max_pool2d", "self; result1",
                [](const Tensor& x) {
                  return std::get<0>(at::fractional_max_pool2d(x, {2, 2}, {4, 5}, uniform({x.size(0), x.size(1), 2})));
                }),
           pool("aten::reflection_pad2d", "self",
                [](const Tensor& x) {
                  return at::reflection_pad2d(x, {1, 2, 3, 1});
                }),
           pool("aten::replication_pad2d", "self",
                [](const Tensor& x) {
                  return at::replication_pad2d(x, {1, 2, 3, 1});
                }),
       })
    all.insert(all.end(), cases.begin(), cases.end());
  all.push_back(pool3d("aten::avg_pool3d", "self", [](const Tensor& x) { return at::avg_pool3d(x, 2); }));
  all.push_back(
      pool3d("aten::max_pool3d_with_indices", "self; result1", [](const Tensor& x) { return at::max_pool3d(x, 2); }));
  all.push_back(pool3d("aten::_adaptive_avg_pool3d", "self", [](const Tensor& x) {
    return at::adaptive_avg_pool3d(x, {2, 3, 4});
  }));
  all.push_back(layer("aten::max_unpool2d", "indices", [](int64_t n) {
    const auto [values, where] = at::max_pool2d_with_indices(data({n, 2, 8 * n, 8}), 2);
    const Tensor x = values.detach().requires_grad_();
    return Graph{{at::max_unpool2d(x, where, {8 * n, 8})}, {x}};
  }));
  for (const bool grid_trains : {true, false})
    all.push_back(layer("aten::grid_sampler_2d", grid_trains ? "grid; input" : "grid; input[grid needs no grad]",
                        [grid_trains](int64_t n) {
                          const Tensor x = leaf({n, 2, 8 * n, 8});
                          const Tensor grid = (uniform({n, 6 * n, 6, 2}) * 1.8 - 0.9).requires_grad_(grid_trains);
                          Graph g{{at::grid_sampler_2d(x, grid, 0, 0, false)}, {x}};
                          if (grid_trains) g.inputs.push_back(grid);
                          return g;
                        }));
  return all;
}

}  // namespace

std::vector<NeedsCase> layer_cases() {
  std::vector<NeedsCase> all = products();
  for (auto& more : {norms(), sequences(), pools()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace cinch::bench
