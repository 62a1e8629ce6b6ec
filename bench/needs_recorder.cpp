#include "bench/needs_recorder.h"

#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/saved_variable_hooks.h>

#include "hooks/node_ptr.h"

namespace cinch::bench {
namespace {

using torch::autograd::Engine;
using torch::autograd::SavedVariableHooks;

struct Frame {
  const hooks::OpInfo* op = nullptr;
  std::vector<c10::IValue> inputs;  // copies: torch destroys its own right after the start callback
  uint64_t id = 0;
  uint64_t taken = 0;

  c10::ArrayRef<const c10::IValue> arguments() const {
    return c10::ArrayRef<const c10::IValue>(inputs.data(), inputs.size());
  }
};

struct ThreadState {
  std::shared_ptr<Saves> saves;
  std::vector<Frame> frames;
  uint64_t next_frame = 1;
};

thread_local ThreadState state;

std::unique_ptr<at::ObserverContext> op_begins(const at::RecordFunction& function) {
  const auto inputs = function.inputs();
  state.frames.push_back(
      {&hooks::op_info(function), std::vector<c10::IValue>(inputs.begin(), inputs.end()), state.next_frame++});
  return nullptr;
}

void op_ends(const at::RecordFunction&, at::ObserverContext*) {
  if (!state.frames.empty()) state.frames.pop_back();
}

class Hook final : public SavedVariableHooks {
 public:
  void call_pack_hook(const at::Tensor& tensor) override {
    saves_ = state.saves;
    index_ = saves_->size();
    Save save;
    save.tensor = tensor.detach();
    if (state.frames.empty()) {
      save.op = &hooks::op_info(std::string());
    } else {
      Frame& frame = state.frames.back();
      const auto* const parent = state.frames.size() < 2 ? nullptr : state.frames[state.frames.size() - 2].op;
      save.op = frame.op;
      save.frame = frame.id;
      save.need =
          hooks::resolve_slot(*frame.op, frame.arguments(), tensor, frame.taken, parent, hooks::Trust::kEveryRow);
      if (is_joint(save.need.predicate.kind)) save.inputs = frame.inputs;
    }
    saves_->push_back(std::move(save));
  }

  at::Tensor call_unpack_hook() override {
    const Save& save = (*saves_)[index_];
    return save.replacement.defined() ? save.replacement : save.tensor;
  }

 private:
  std::shared_ptr<Saves> saves_;
  size_t index_ = 0;
};

// Forwards everything to the engine before it; its own hooks come only where a Recorder lives.
class RecordingEngine final : public Engine {
 public:
  torch::autograd::variable_list execute(const torch::autograd::edge_list& roots,
                                         const torch::autograd::variable_list& inputs, bool keep_graph,
                                         bool create_graph, bool accumulate_grad,
                                         const torch::autograd::edge_list& outputs) override {
    return upstream->execute(roots, inputs, keep_graph, create_graph, accumulate_grad, outputs);
  }
  c10::intrusive_ptr<at::ivalue::Future> execute_with_graph_task(
      const std::shared_ptr<torch::autograd::GraphTask>& task, hooks::NodePtr root,
      torch::autograd::InputBuffer&& buffer) override {
    return upstream->execute_with_graph_task(task, std::move(root), std::move(buffer));
  }
  std::unique_ptr<torch::autograd::AnomalyMetadata> make_anomaly_metadata() override {
    return upstream->make_anomaly_metadata();
  }
  std::unique_ptr<SavedVariableHooks> get_default_saved_variable_hooks() override {
    if (state.saves) return std::make_unique<Hook>();
    return upstream->get_default_saved_variable_hooks();
  }

  Engine* upstream = nullptr;
};

RecordingEngine& the_engine() {
  static RecordingEngine* const engine = new RecordingEngine;  // outlives every graph
  return *engine;
}

Engine& engine_stub() { return the_engine(); }

void install() {
  Engine& current = Engine::get_default_engine();
  if (&current == &the_engine()) return;
  the_engine().upstream = &current;
  torch::autograd::set_default_engine_stub(engine_stub);
}

}  // namespace

Recorder::Recorder() : saves_(std::make_shared<Saves>()) {
  install();
  state.frames.clear();
  state.saves = saves_;
  handle_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(op_begins, op_ends).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
}

Recorder::~Recorder() {
  at::removeCallback(handle_);
  state.saves.reset();
  state.frames.clear();
}

}  // namespace cinch::bench
