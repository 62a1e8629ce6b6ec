#include "hooks/engine.h"

#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/engine.h>

#include <atomic>
#include <mutex>

#include "hooks/node_ptr.h"

namespace cinch::hooks {
namespace {

using torch::autograd::Engine;

class DelegatingEngine final : public Engine {
 public:
  torch::autograd::variable_list execute(const torch::autograd::edge_list& roots,
                                         const torch::autograd::variable_list& inputs, bool keep_graph,
                                         bool create_graph, bool accumulate_grad,
                                         const torch::autograd::edge_list& outputs) override {
    const std::shared_ptr<void> running = callbacks.backward_begins(roots, create_graph);
    return upstream()->execute(roots, inputs, keep_graph, create_graph, accumulate_grad, outputs);
  }

  c10::intrusive_ptr<at::ivalue::Future> execute_with_graph_task(
      const std::shared_ptr<torch::autograd::GraphTask>& task, NodePtr root,
      torch::autograd::InputBuffer&& buffer) override {
    return upstream()->execute_with_graph_task(task, std::move(root), std::move(buffer));
  }

  std::unique_ptr<torch::autograd::AnomalyMetadata> make_anomaly_metadata() override {
    return upstream()->make_anomaly_metadata();
  }

  std::unique_ptr<torch::autograd::SavedVariableHooks> get_default_saved_variable_hooks() override {
    // Python's saved_tensors_hooks and checkpoint keep their meaning: innermost wins.
    if (auto theirs = upstream()->get_default_saved_variable_hooks()) return theirs;
    return callbacks.make_hooks();
  }

  Engine* upstream() const { return upstream_.load(std::memory_order_acquire); }
  void set_upstream(Engine* engine) { upstream_.store(engine, std::memory_order_release); }

  EngineCallbacks callbacks;

 private:
  std::atomic<Engine*> upstream_{nullptr};
};

DelegatingEngine& the_engine() {
  static DelegatingEngine* const engine = new DelegatingEngine;  // outlives every graph
  return *engine;
}

Engine& engine_stub() { return the_engine(); }

}  // namespace

bool install_engine(const EngineCallbacks& callbacks) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  Engine& current = Engine::get_default_engine();
  if (&current == &the_engine()) return false;
  if (the_engine().upstream() == nullptr) the_engine().callbacks = callbacks;
  // Python that loads torch after us puts its engine in our place; it does not delegate, so ours goes in front again.
  the_engine().set_upstream(&current);
  torch::autograd::set_default_engine_stub(engine_stub);
  return true;
}

}  // namespace cinch::hooks
