// The reclaimer keeps alive only what it is coding: what others let go of meanwhile ends at once, and is told.
#include "hooks/store/store.h"
#include "tests/hooks/renamed_device.h"
#include "tests/hooks/support.h"

namespace cinch::hooks {
namespace {

class Watch final : public StoreListener {
 public:
  void saved(Payload& payload, const Want&, const View&, bool) override { payload.record = {1, next_++}; }
  void exclusive(Payload&) override {}
  void unpacked(Payload&, const Want&) override {}
  void coded(Payload& payload, int64_t) override {
    if (on_coded) on_coded(payload);
  }
  void freed(const RecordId& record) override { ended.push_back(record.index); }

  std::function<void(Payload&)> on_coded;
  std::vector<int32_t> ended;

 private:
  int32_t next_ = 0;
};

struct ReclaimTest : testing::Test {
  test::RenamedDevice memory{c10::kCPU};
  std::shared_ptr<Sites> sites = std::make_shared<Sites>();
  std::shared_ptr<Store> store = std::make_shared<Store>(memory, sites, 1);
  std::shared_ptr<Watch> watch = std::make_shared<Watch>();
  std::vector<Store::Kept> kept;
  Want want;

  ReclaimTest() {
    const OpInfo& op = op_info("aten::conv2d");
    want.site = sites->intern(sites->intern_layer("net"), op, 0, 0);
    want.need = Need::kLinear;
    store->set_listener(watch);
    store->set_reclaim(
        true, 1e9, [](const std::string&) { return true; }, nullptr);
    memory.meter_.set_limit(1);  // so that making room codes whatever it can
  }
  void save_three() {
    for (int i = 0; i < 3; ++i) kept.push_back(store->save(torch::randn({64, 256}), want));
  }
  ~ReclaimTest() override { store->set_listener(nullptr); }
};

// Raw payloads are coded with 4 bits, then those again with 2: in either pass.
TEST_F(ReclaimTest, WhatOthersLetGoOfEndsAtOnce) {
  for (const int64_t bits : {4, 2}) {
    // One that is still to come, or one that the pass has found to have 2 bits already.
    const size_t other = bits == 4 ? 2 : 0;
    kept.clear();
    save_three();
    watch->ended.clear();
    watch->on_coded = [&](Payload& payload) {
      if (&payload == kept[other].payload.get() || !watch->ended.empty()) return;
      if (payload.values_codec()->spec().get_int("bits", 0) != bits) return;
      const int32_t index = kept[other].payload->record.index;
      kept[other] = {};
      EXPECT_EQ(watch->ended, std::vector<int32_t>{index}) << "somebody else keeps it alive, at " << bits << " bits";
    };
    store->make_room(1);
    EXPECT_EQ(kept[other].payload, nullptr) << bits;
  }
}

}  // namespace
}  // namespace cinch::hooks
