#include "bench/needs_cases.h"

namespace cinch::bench {
namespace {

using Call = std::function<Graph(int64_t)>;

NeedsCase cuda(const char* op, const char* saves, Call call) {
  return only_on(c10::kCUDA, {op, saves, [call](int64_t size, at::ScalarType) { return call(size); }, {1, 4}});
}

// Attention kernels but one know half types alone.
NeedsCase in_half(NeedsCase c) {
  c.dtypes = {at::kHalf};
  return c;
}

Graph batch_norm(int64_t n, bool training, bool affine_trains) {
  const Tensor x = leaf({2 * n, 5, 8, 8}), w = data({5}), b = data({5});
  Graph g{{}, {x}};
  if (affine_trains) g.inputs = {x, w.requires_grad_(), b.requires_grad_()};
  g.outputs = {std::get<0>(at::cudnn_batch_norm(x, w, b, data({5}), data({5}).abs() + 0.5, training, 0.1, 1e-5))};
  return g;
}

Graph convolve(int64_t n, bool x_trains, bool weight_trains, bool transposed) {
  const Tensor x = data({n, 4, 8 * n, 8}), w = transposed ? data({4, 6, 3, 3}) : data({6, 4, 3, 3});
  Graph g;
  for (const auto& [tensor, trains] : {std::pair{x, x_trains}, {w, weight_trains}})
    if (trains) g.inputs.push_back(tensor.requires_grad_());
  const std::vector<int64_t> none = {0, 0}, one = {1, 1};
  g.outputs = {transposed ? at::cudnn_convolution_transpose(x, w, none, none, one, one, 1, false, true, false)
                          : at::cudnn_convolution(x, w, none, one, one, 1, false, true, false)};
  return g;
}

std::vector<NeedsCase> cudnn_cases() {
  std::vector<NeedsCase> cases = {
      cuda("aten::cudnn_batch_norm",
           "input[train]; running_mean[train]; running_var[train]; weight; result1[train]; result2[train]; result3",
           [](int64_t n) { return batch_norm(n, true, true); }),
      cuda("aten::cudnn_batch_norm",
           "input[eval]; running_mean[eval]; running_var[eval]; weight; result1[eval]; result2[eval]; result3",
           [](int64_t n) { return batch_norm(n, false, true); }),
      cuda("aten::cudnn_batch_norm",
           "input[eval, frozen affine]; running_mean[eval, frozen affine]; running_var[eval]; weight; result1[eval]; "
           "result2[eval]; result3",
           [](int64_t n) { return batch_norm(n, false, false); }),
      cuda("aten::cudnn_grid_sampler", "grid; self",
           [](int64_t n) {
             const Tensor x = leaf({n, 2, 8 * n, 8});
             const Tensor grid = (uniform({n, 6 * n, 6, 2}) * 1.8 - 0.9).requires_grad_();
             return Graph{{at::grid_sampler(x, grid, 0, 0, /*align_corners=*/true)}, {x, grid}};
           }),
      cuda("aten::cudnn_grid_sampler", "grid; self[grid needs no grad]",
           [](int64_t n) {
             const Tensor x = leaf({n, 2, 8 * n, 8});
             return Graph{{at::grid_sampler(x, uniform({n, 6 * n, 6, 2}) * 1.8 - 0.9, 0, 0, true)}, {x}};
           }),
  };
  for (const bool transposed : {false, true}) {
    const char* const op = transposed ? "aten::cudnn_convolution_transpose" : "aten::cudnn_convolution";
    cases.push_back(cuda(op, "self; weight", [transposed](int64_t n) { return convolve(n, true, true, transposed); }));
    cases.push_back(cuda(op, "self[frozen weight]; weight[not a parameter]",
                         [transposed](int64_t n) { return convolve(n, true, false, transposed); }));
    cases.push_back(cuda(op, "self; weight[input needs no grad]",
                         [transposed](int64_t n) { return convolve(n, false, true, transposed); }));
  }
  for (const bool zero_infinity : {false, true})
    cases.push_back(cuda("aten::_cudnn_ctc_loss",
                         zero_infinity ? "result0[zero_infinity]; result1" : "result0; result1",
                         [zero_infinity](int64_t n) {
                           const Tensor x = leaf({20, 2 * n, 12});
                           const std::vector<int64_t> inputs(2 * n, 20), lengths(2 * n, 5);
                           // cuDNN wants the labels in one row, as int32, in the host's memory.
                           const Tensor labels = (at::randint(11, {10 * n}, at::kInt) + 1).to(at::kInt);
                           return Graph{{std::get<0>(at::_cudnn_ctc_loss(at::log_softmax(x, 2), labels, inputs, lengths,
                                                                         0, true, zero_infinity))},
                                        {x}};
                         }));
  return cases;
}

std::vector<NeedsCase> fused_cells() {
  return {
      cuda("aten::_cudnn_rnn", "cx; hx; input; weight; weight; weight; weight; result0; result3; result4",
           [](int64_t n) {
             const Tensor x = leaf({5 * n, 3, 8}), h = leaf({1, 3, 16}), c = leaf({1, 3, 16});
             const Tensors weights = {leaf({64, 8}), leaf({64, 16}), leaf({64}), leaf({64})};
             const auto [out, hn, cn] = at::lstm(x, {h, c}, weights, true, 1, 0.0, true, false, false);
             return Graph{{out, hn, cn}, {x, h, c, weights[0], weights[1], weights[2], weights[3]}};
           }),
      cuda("aten::_thnn_fused_lstm_cell", "cx; hidden_bias; hidden_gates; input_bias; input_gates; result1; result2",
           [](int64_t n) {
             const Tensor gates = leaf({4 * n, 64}), hidden = leaf({4 * n, 64}), c = leaf({4 * n, 16});
             const Tensor b = leaf({64}), d = leaf({64});
             const auto out = at::_thnn_fused_lstm_cell(gates, hidden, c, b, d);
             return Graph{{std::get<0>(out), std::get<1>(out)}, {gates, hidden, c, b, d}};
           }),
      cuda("aten::_thnn_fused_gru_cell", "hidden_bias; hidden_gates; hx; input_bias; input_gates; result1",
           [](int64_t n) {
             const Tensor gates = leaf({4 * n, 48}), hidden = leaf({4 * n, 48}), h = leaf({4 * n, 16});
             const Tensor b = leaf({48}), d = leaf({48});
             return Graph{{std::get<0>(at::_thnn_fused_gru_cell(gates, hidden, h, b, d))}, {gates, hidden, h, b, d}};
           }),
      cuda("aten::_fused_rms_norm", "input; weight; result1",
           [](int64_t n) {
             const Tensor x = leaf({16 * n, 32}), w = leaf({32});
             return Graph{{std::get<0>(at::_fused_rms_norm(x, {32}, w, 1e-5))}, {x, w}};
           }),
  };
}

// q, k, v and a gradient of each; with dropout, so that the random state is read.
struct Heads {
  explicit Heads(at::IntArrayRef sizes, at::ScalarType dtype)
      : q(leaf(sizes, dtype)), k(leaf(sizes, dtype)), v(leaf(sizes, dtype)) {}
  Graph graph(const Tensor& out) const { return {{out}, {q, k, v}}; }
  Tensor q, k, v;
};

constexpr double kDropout = 0.2;

std::vector<NeedsCase> attention() {
  return {
      in_half(cuda("aten::_scaled_dot_product_flash_attention",
                   "key; query; value; logsumexp; output; rng_state; unused",
                   [](int64_t n) {
                     const Heads h({2, 2, 16 * n, 32}, at::kHalf);
                     return h.graph(std::get<0>(
                         at::_scaled_dot_product_flash_attention(h.q, h.k, h.v, kDropout, /*is_causal=*/true, false)));
                   })),
      in_half(cuda("aten::_flash_attention_forward", "key; query; value; output; rng_state; softmax_logsumexp; unused",
                   [](int64_t n) {
                     const Heads h({2, 16 * n, 2, 32}, at::kHalf);
                     return h.graph(std::get<0>(at::_flash_attention_forward(h.q, h.k, h.v, {}, {}, 16 * n, 16 * n,
                                                                             kDropout, /*is_causal=*/true, false)));
                   })),
      cuda("aten::_scaled_dot_product_efficient_attention",
           "key; query; value; log_sumexp; output; philox_offset; philox_seed",
           [](int64_t n) {
             const Heads h({2, 2, 16 * n, 32}, at::kFloat);
             return h.graph(std::get<0>(at::_scaled_dot_product_efficient_attention(
                 h.q, h.k, h.v, {}, /*compute_log_sumexp=*/true, kDropout, /*is_causal=*/true)));
           }),
      cuda("aten::_scaled_dot_product_efficient_attention",
           "attn_bias; key; query; value; log_sumexp; output; philox_offset; philox_seed",
           [](int64_t n) {
             const Heads h({2, 2, 16 * n, 32}, at::kFloat);
             return h.graph(std::get<0>(at::_scaled_dot_product_efficient_attention(
                 h.q, h.k, h.v, data({2, 2, 16 * n, 16 * n}), /*compute_log_sumexp=*/true, kDropout)));
           }),
      cuda("aten::_efficient_attention_forward",
           "bias; key; query; value; logsumexp; output; philox_offset; philox_seed",
           [](int64_t n) {
             const Heads h({2, 16 * n, 2, 32}, at::kFloat);
             return h.graph(std::get<0>(at::_efficient_attention_forward(
                 h.q, h.k, h.v, data({2, 2, 16 * n, 16 * n}), {}, {}, {}, {}, kDropout, /*custom_mask_type=*/0,
                 /*compute_log_sumexp=*/true)));
           }),
      in_half(cuda("aten::_scaled_dot_product_cudnn_attention",
                   "key; query; value; logsumexp; output; philox_offset; philox_seed",
                   [](int64_t n) {
                     const Heads h({2, 2, 64 * n, 64}, at::kHalf);
                     return h.graph(std::get<0>(at::_scaled_dot_product_cudnn_attention(
                         h.q, h.k, h.v, {}, /*compute_log_sumexp=*/true, kDropout, /*is_causal=*/true)));
                   })),
      in_half(cuda("aten::_scaled_dot_product_cudnn_attention",
                   "attn_bias; key; query; value; logsumexp; output; philox_offset; philox_seed",
                   [](int64_t n) {
                     const Heads h({2, 2, 64 * n, 64}, at::kHalf);
                     return h.graph(std::get<0>(at::_scaled_dot_product_cudnn_attention(
                         h.q, h.k, h.v, data({2, 2, 64 * n, 64 * n}, at::kHalf), true, kDropout)));
                   })),
  };
}

}  // namespace

std::vector<NeedsCase> cuda_cases() {
  std::vector<NeedsCase> all = cudnn_cases();
  for (auto& more : {fused_cells(), attention()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace cinch::bench
