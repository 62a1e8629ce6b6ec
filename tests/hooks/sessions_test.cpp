// Guards of several devices on one thread: each saved tensor goes to the session of its device. The second device is
// the CPU under another name.
#include <thread>

#include "hooks/session.h"
#include "hooks/trace.h"
#include "tests/hooks/renamed_device.h"
#include "tests/hooks/support.h"

namespace cinch::hooks {
namespace {

using test::RenamedDevice;

TEST(Sessions, ATensorGoesToTheSessionOfItsDevice) {
  const RenamedDevice other(c10::Device(c10::kCUDA, 1));
  const auto cpu = std::make_shared<Session>(backend::device_memory(c10::kCPU), 0);
  const auto cuda = std::make_shared<Session>(other, 0);
  switch_on(cpu);
  switch_on(cuda);
  EXPECT_EQ(current_session(), cuda);
  EXPECT_EQ(session_of(current_session(), c10::kCPU), cpu);
  EXPECT_EQ(session_of(current_session(), c10::Device(c10::kCUDA, 1)), cuda);
  EXPECT_EQ(session_of(current_session(), c10::Device(c10::kCUDA, 0)), nullptr);
  switch_off(cuda);
  EXPECT_EQ(current_session(), cpu);
  switch_off(cpu);
  EXPECT_EQ(current_session(), nullptr);
}

TEST(Sessions, EndInAnyOrder) {
  const RenamedDevice other(c10::Device(c10::kCUDA, 1));
  const auto first = std::make_shared<Session>(backend::device_memory(c10::kCPU), 0);
  const auto second = std::make_shared<Session>(other, 0);
  switch_on(first);
  switch_on(second);
  switch_off(first);
  EXPECT_EQ(current_session(), second);
  EXPECT_EQ(session_of(current_session(), c10::kCPU), nullptr) << "that guard is over";
  switch_off(second);
  EXPECT_EQ(current_session(), nullptr);
}

TEST(Sessions, OneGuardsEndDoesNotStopTheTracingOfAnother) {
  const auto traced = [] {
    RECORD_FUNCTION("some op", std::vector<c10::IValue>{});
    return current_frame() != nullptr;
  };
  {
    const TraceScope first;
    {
      const TraceScope second;
      EXPECT_TRUE(traced());
    }
    EXPECT_TRUE(traced());
  }
  EXPECT_FALSE(traced());
}

TEST(Sessions, AScopeThatEndedOnAnotherThreadKeepsNoTracing) {
  auto elsewhere = std::make_unique<TraceScope>();
  std::thread([&] { elsewhere.reset(); }).join();
  { const TraceScope here; }
  RECORD_FUNCTION("some op", std::vector<c10::IValue>{});
  EXPECT_EQ(current_frame(), nullptr);
}

TEST(Sessions, PassThroughWhileAGraphIsCaptured) {
  RenamedDevice device(c10::kCPU);
  const auto session = std::make_shared<Session>(device, 0);
  const auto kept = [&] {
    const auto x = torch::randn({64, 64}).requires_grad_();
    const auto y = x.exp();
    return session->store->charged_ledger().totals().current;
  };
  test::EngineInstalled engine;
  const TraceScope trace;
  switch_on(session);
  EXPECT_GT(kept(), 0);
  device.captured = true;
  EXPECT_EQ(kept(), 0);
  switch_off(session);
}

}  // namespace
}  // namespace cinch::hooks
