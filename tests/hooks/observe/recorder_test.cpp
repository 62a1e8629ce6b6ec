#include "hooks/observe/recorder.h"

#include "tests/hooks/support.h"

namespace cinch::hooks {
namespace {

struct RecorderTest : testing::Test {
  std::shared_ptr<Sites> sites = std::make_shared<Sites>();
  std::shared_ptr<Store> store = std::make_shared<Store>(backend::device_memory(c10::kCPU), sites, 1);
  std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>(store, sites);
  Want want;

  RecorderTest() {
    const OpInfo& op = op_info("aten::relu");
    want.site = sites->intern(sites->intern_layer("net"), op, 0, 0);
    want.need = Need::kLinear;
    store->set_listener(recorder);
  }
  ~RecorderTest() override { store->set_listener(nullptr); }
};

TEST_F(RecorderTest, APayloadIsRecordedOnceWithAllItsSites) {
  const at::Tensor x = torch::randn({100, 100});
  auto first = store->save(x, want);
  auto second = store->save(x, want);
  EXPECT_EQ(first.payload, second.payload);
  const Profile profile = recorder->finish();
  ASSERT_EQ(profile.payloads.size(), 1u);
  EXPECT_EQ(profile.payloads[0].raw_bytes, 40000);
  EXPECT_EQ(profile.payloads[0].sites.size(), 2u);
  EXPECT_EQ(profile.sites.size(), 2u);
}

// Another thread that took the recorder before it was put aside tells of its payloads after the profile has been made.
TEST_F(RecorderTest, WhatComesAfterTheEndIsNotWrittenDown) {
  auto kept = store->save(torch::randn({100, 100}), want);
  const Profile profile = recorder->finish();
  ASSERT_EQ(profile.payloads.size(), 1u);
  recorder->exclusive(*kept.payload);
  recorder->unpacked(*kept.payload, want);
  recorder->coded(*kept.payload, 1000);
  auto later = store->save(torch::randn({100, 100}), want);
  EXPECT_EQ(later.payload->record.recorder, 0u);
  recorder->freed(kept.payload->record);
  EXPECT_TRUE(recorder->finish().payloads.empty());
}

}  // namespace
}  // namespace cinch::hooks
