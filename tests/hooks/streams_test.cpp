// Payloads that are saved, coded and read on different streams: each step runs after the one before, and memory is not
// given out again while another stream uses it. The device is the CPU with streams in name.
#include "hooks/store/store.h"
#include "tests/hooks/renamed_device.h"
#include "tests/hooks/support.h"

namespace cinch::hooks {
namespace {

struct Note {
  int64_t here;           // the current stream
  int64_t followed = -1;  // waited for this one
  const void* used = nullptr;
};

class NamedStreams final : public test::RenamedDevice {
 public:
  NamedStreams() : RenamedDevice(c10::kCPU) {}

  c10::Stream current_stream() const override { return c10::Stream(c10::Stream::UNSAFE, device(), current); }
  void follow(const c10::Stream& earlier) const override {
    if (earlier.id() != current) notes.push_back({current, earlier.id(), nullptr});
  }
  void used_here(const c10::DataPtr& data) const override { notes.push_back({current, -1, data.get()}); }

  bool followed(int64_t earlier) const {
    for (const Note& note : notes)
      if (note.here == current && note.followed == earlier) return true;
    return false;
  }
  bool used(const void* memory) const {
    for (const Note& note : notes)
      if (note.here == current && note.used == memory) return true;
    return false;
  }

  int64_t current = 0;
  mutable std::vector<Note> notes;
};

struct StreamsTest : testing::Test {
  NamedStreams memory;
  std::shared_ptr<Sites> sites = std::make_shared<Sites>();
  std::shared_ptr<Store> store = std::make_shared<Store>(memory, sites, 1);
  Want want;

  StreamsTest() {
    const OpInfo& op = op_info("aten::conv2d");
    want.site = sites->intern(sites->intern_layer("net"), op, 0, 0);
    want.need = Need::kLinear;
    want.known_op = true;
    const auto all = [](const std::string&) { return true; };
    store->set_reclaim(true, 1e9, all, nullptr);
    memory.meter_.set_limit(1);  // so that making room codes whatever it can
  }
  // Whatever can be coded, on this stream; the notes are those of the coding.
  void code_on(int64_t stream) {
    memory.current = stream;
    memory.notes.clear();
    ASSERT_TRUE(store->make_room(1));
  }
};

TEST_F(StreamsTest, EachStepFollowsTheStreamOfTheOneBefore) {
  memory.current = 1;
  at::Tensor x = torch::randn({64, 256});
  const at::Tensor copy = x.clone();
  const void* raw = x.storage().data();
  const auto kept = store->save(x, want);
  x.reset();

  code_on(2);
  EXPECT_FALSE(kept.payload->is_raw());
  EXPECT_TRUE(memory.followed(1)) << "the values may not be there yet";
  EXPECT_TRUE(memory.used(raw)) << "the raw memory goes back while the coding may still be queued";

  memory.current = 3;
  memory.notes.clear();
  const at::Tensor first = store->unpack(kept, want);
  EXPECT_TRUE(memory.followed(2)) << "the payload may not be coded yet";
  ASSERT_FALSE(memory.notes.empty());

  memory.current = 4;
  memory.notes.clear();
  const at::Tensor second = store->unpack(kept, want);
  EXPECT_EQ(first.data_ptr(), second.data_ptr());
  EXPECT_TRUE(memory.followed(3)) << "the shared buffer may not be decoded yet";
  EXPECT_TRUE(memory.used(second.storage().data())) << "its maker may drop it first";
  EXPECT_LT((second - copy).norm().item<double>(), 2 * copy.norm().item<double>());
}

TEST_F(StreamsTest, CodingFurtherFollowsTheFirstCoding) {
  memory.current = 1;
  auto kept = store->save(torch::randn({64, 256}), want);
  memory.current = 2;
  memory.notes.clear();
  ASSERT_TRUE(store->make_room(1));  // 4 bits, then 2, on one stream
  EXPECT_FALSE(memory.followed(2)) << "a stream need not wait for itself";
  memory.current = 5;
  memory.notes.clear();
  store->unpack(kept, want);
  EXPECT_TRUE(memory.followed(2));
  EXPECT_FALSE(memory.followed(1)) << "that was waited for when it was coded";
}

TEST_F(StreamsTest, NothingIsWaitedForOnOneStream) {
  const auto kept = store->save(torch::randn({64, 256}), want);
  code_on(0);
  const at::Tensor tensor = store->unpack(kept, want);
  for (const Note& note : memory.notes) EXPECT_EQ(note.followed, -1);
}

}  // namespace
}  // namespace cinch::hooks
