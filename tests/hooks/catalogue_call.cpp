#include "tests/hooks/catalogue_call.h"

#include <gtest/gtest.h>

namespace cinch::hooks::test {
namespace {

thread_local std::string wanted;
thread_local Call* wanted_call = nullptr;

std::unique_ptr<at::ObserverContext> op_begins(const at::RecordFunction& function) {
  if (wanted_call != nullptr && wanted_call->op == nullptr && wanted == function.name()) {
    wanted_call->op = &op_info(function);
    wanted_call->inputs.assign(function.inputs().begin(), function.inputs().end());
  }
  return nullptr;
}

}  // namespace

Call call_of(const std::string& op, const std::function<void()>& code) {
  Call call;
  wanted = op;
  wanted_call = &call;
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(op_begins).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  code();
  at::removeCallback(handle);
  wanted_call = nullptr;
  EXPECT_NE(call.op, nullptr) << op << " was not called";
  return call;
}

}  // namespace cinch::hooks::test
