// Codecs on activations of networks that are trained for it: ratio beside entropy, error and estimates, and speed
// beside memcpy of the same buffer; then compressors that others know. On a GPU: speed beside a copy within its memory
// (bench/device_suite.h).
#include <ATen/Parallel.h>
#include <torch/torch.h>

#include "bench/codec_cases.h"
#include "bench/codec_dump.h"
#include "bench/codec_promises.h"
#include "bench/codec_timing.h"
#include "bench/device_suite.h"
#include "bench/peers/peer.h"
#include "bench/quiet_core.h"
#include "bench/suite.h"
#include "cinch/torch/meter.h"
#include "src/backend/cpu/isa.h"
#include "src/backend/torch/executor.h"

namespace cinch::bench {
namespace {

constexpr int kThreads = 2;

nlohmann::json spec_json(const CodecSpec& spec) {
  nlohmann::json out = {{"name", spec.name}};
  for (const auto& [key, value] : spec.params) std::visit([&out, &key = key](const auto& v) { out[key] = v; }, value);
  return out;
}

// What torch's allocator takes for so many bytes.
int64_t charged_for(int64_t bytes) {
  const int64_t before = DeviceMeter::of(torch::kCPU).current_bytes();
  const torch::Tensor room = torch::empty({bytes}, torch::kUInt8);
  return DeviceMeter::of(torch::kCPU).current_bytes() - before;
}

// What rows of our codecs and of others' have.
nlohmann::json to_row(const CodecTiming& t, const Speed& speed, int threads) {
  nlohmann::json row = {{"dtype", t.dtype},   {"device", "cpu"},          {"isa", t.isa},
                        {"threads", threads}, {"raw_bytes", t.raw_bytes}, {"declined", t.declined}};
  if (t.declined) return row;
  const int64_t charged = charged_for(t.coded_bytes);
  row["coded_bytes"] = t.coded_bytes;
  row["charged_bytes"] = charged;
  row["ratio"] = static_cast<double>(t.raw_bytes) / static_cast<double>(charged);
  row["encode_gbps"] = speed.encode_gbps;
  row["decode_gbps"] = speed.decode_gbps;
  row["memcpy_gbps"] = t.memcpy_gbps;
  row["encode_of_memcpy"] = speed.encode_gbps / t.memcpy_gbps;
  row["decode_of_memcpy"] = speed.decode_gbps / t.memcpy_gbps;
  row["verified"] = t.verified;
  return row;
}

nlohmann::json grid_json(const Grid& grid) {
  return {{"outer", grid.outer}, {"sides", grid.sides}, {"inner", grid.inner}, {"channels", grid.channels}};
}

nlohmann::json to_row(const Case& c, const CodecTiming& t, const Speed& speed, int threads) {
  nlohmann::json row = to_row(t, speed, threads);
  row["codec"] = spec_json(c.spec);
  row["model"] = c.model;
  row["source"] = c.source;
  if (c.side.grid) row["grid"] = grid_json(*c.side.grid);
  if (c.bound_sigma > 0) row["bound_sigma"] = c.bound_sigma;
  if (t.declined || make_codec(c.spec)->error_class() == ErrorClass::kExact) return row;
  row["rmse_sigma"] = t.rms_error / c.sigma;
  row["max_error"] = t.max_error;
  const auto coded = static_cast<double>(t.coded_bytes);
  const double square = t.rms_error * t.rms_error;
  row["estimate_bytes_ratio"] = static_cast<double>(t.trial->bytes) / coded;
  row["statistics_bytes_ratio"] = static_cast<double>(t.estimate.bytes) / coded;
  if (square > 0) {
    row["estimate_error_ratio"] = t.trial->mean_square_error / square;
    row["statistics_error_ratio"] = t.estimate.mean_square_error / square;
  }
  if (t.entropy_bytes && *t.entropy_bytes > 0) {
    row["entropy_bytes"] = *t.entropy_bytes;
    row["coded_of_entropy"] = coded / *t.entropy_bytes;
  }
  return row;
}

void check(const std::string& name, const CodecTiming& t, SuiteResult& result) {
  if (t.declined || !t.verified)
    result.failures.push_back(name + (t.declined ? ": declined" : ": the decoded values are wrong"));
}

// Of one thread, and where they were measured, of several.
void add_rows(const Case& c, int rounds, SuiteResult& result) {
  TimingOptions options{.isas = {}, .rounds = rounds, .executor = nullptr};
  if (c.on_all_isas) options.isas = backend::instruction_sets();
  if (c.on_threads) options.executor = &backend::torch_executor();
  for (const CodecTiming& t :
       time_codec(c.spec, c.values.const_data_ptr(), c.values.numel(), c.dtype, c.side, options)) {
    check(to_string(c.spec) + " on " + c.model + ", " + c.source + ", " + t.dtype, t, result);
    result.rows.push_back(to_row(c, t, t.one_thread, 1));
    if (!t.threads) continue;
    nlohmann::json row = to_row(c, t, *t.threads, kThreads);
    const auto seconds = [](const Speed& s) { return 1 / s.encode_gbps + 1 / s.decode_gbps; };
    row["encode_speedup_of_one_thread"] = t.threads->encode_gbps / t.one_thread.encode_gbps;
    row["decode_speedup_of_one_thread"] = t.threads->decode_gbps / t.one_thread.decode_gbps;
    row["speedup_of_one_thread"] = seconds(t.one_thread) / seconds(*t.threads);
    result.rows.push_back(std::move(row));
  }
}

void add_peer(const Activation& a, double sigma, Peer* peer, double tolerance_sigma, int rounds, SuiteResult& result) {
  if (peer == nullptr) return;
  const std::span values(a.values.const_data_ptr<float>(), static_cast<size_t>(a.values.numel()));
  const CodecTiming t = time_peer(*peer, values, rounds);
  check(t.codec + " on " + a.model + ", " + a.source, t, result);
  nlohmann::json row = to_row(t, t.one_thread, 1);
  row["codec"] = peer->spec();
  row["model"] = a.model;
  row["source"] = a.source;
  if (!peer->lossless()) {
    if (a.grid) row["grid"] = grid_json(*a.grid);
    row["tolerance_sigma"] = tolerance_sigma;
    row["rmse_sigma"] = t.rms_error / sigma;
    row["max_error"] = t.max_error;
  }
  result.rows.push_back(std::move(row));
}

void add_peers(const std::vector<Activation>& activations, int rounds, SuiteResult& result) {
  for (const Activation& a : activations) {
    const std::span values(a.values.const_data_ptr<float>(), static_cast<size_t>(a.values.numel()));
    const double sigma = sigma_of(a.values);
    for (const double share : kBoundSigmas)
      add_peer(a, sigma, make_zfp(values, a.grid, share * sigma).get(), share, rounds, result);
    add_peer(a, sigma, make_blosc(a.values.numel()).get(), 0, rounds, result);
  }
  if (const std::string missing = missing_peers(); !missing.empty()) result.notes.push_back(missing);
}

// Torch's threads for the time of a suite.
struct Threads {
  explicit Threads(int count) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before); }
  const int before = at::get_num_threads();
};

SuiteResult run(const SuiteOptions& options) {
  if (options.device.is_cuda()) return run_codec_on_device(options.device.index(), options.quick);
  ActivationOptions wanted;
  if (options.quick) wanted.steps = 2, wanted.text_batch = 16;
  wanted.text = options.text;
  const std::vector<Activation> activations = dump_activations(wanted);
  if (!options.dump.empty()) return write_activations(activations, options.dump);
  const Threads threads(kThreads);
  const int rounds = options.quick ? 1 : 9;
  SuiteResult result;
  result.columns = {"codec",
                    "model",
                    "source",
                    "dtype",
                    "isa",
                    "threads",
                    "ratio",
                    "rmse_sigma",
                    "encode_gbps",
                    "decode_gbps",
                    "memcpy_gbps",
                    "coded_of_entropy",
                    "estimate_bytes_ratio",
                    "estimate_error_ratio"};
  for (const Case& c : make_cases(activations)) add_rows(c, rounds, result);
  add_peers(activations, rounds, result);
  if (const int64_t busy = quiet_core().given_up(); busy > 0)
    result.notes.push_back(std::to_string(busy) + " timed calls began on a core that was slower than at its fastest");
  check_promises(options.quick, result);
  return result;
}

const Registration registration("codec", "ratio, error and speed of codecs on activations of trained networks", run,
                                Devices::kCpuAndCuda, Network::kOwn, {.text = true, .dump = true});

}  // namespace
}  // namespace cinch::bench
