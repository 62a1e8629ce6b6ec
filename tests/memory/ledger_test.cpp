#include "src/memory/ledger.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "cinch/error.h"

namespace cinch::memory {
namespace {

TEST(Ledger, KeepsCurrentPeakAndTotalBySiteAndInAll) {
  Ledger ledger;
  const int32_t a = ledger.add_site("a");
  const int32_t b = ledger.add_site("b");
  ledger.charge(a, 100);
  ledger.charge(b, 30);
  ledger.release(a, 100);
  ledger.charge(b, 20);
  EXPECT_EQ(ledger.site(a).current, 0);
  EXPECT_EQ(ledger.site(a).peak, 100);
  EXPECT_EQ(ledger.site(a).total, 100);
  EXPECT_EQ(ledger.site(b).current, 50);
  EXPECT_EQ(ledger.site(b).peak, 50);
  EXPECT_EQ(ledger.totals().current, 50);
  EXPECT_EQ(ledger.totals().peak, 130);
  EXPECT_EQ(ledger.totals().total, 150);
}

TEST(Ledger, RechargeMovesFromOneSizeToTheOther) {
  Ledger ledger;
  const int32_t a = ledger.add_site("a");
  ledger.charge(a, 100);
  ledger.recharge(a, 100, 25);
  EXPECT_EQ(ledger.site(a).current, 25);
  EXPECT_EQ(ledger.site(a).peak, 100);
  EXPECT_EQ(ledger.site(a).total, 125);
  ledger.recharge(a, 25, 110);
  EXPECT_EQ(ledger.totals().peak, 110);
  ledger.release(a, 110);
  EXPECT_EQ(ledger.totals().current, 0);
}

TEST(Ledger, WhatIsReleasedCountsInItsLastForm) {
  Ledger ledger;
  const int32_t a = ledger.add_site("a");
  const int32_t b = ledger.add_site("b");
  ledger.charge(a, 100);
  ledger.charge(b, 7);
  ledger.recharge(a, 100, 25);
  EXPECT_EQ(ledger.site(a).released, 0);
  ledger.release(a, 20);
  ledger.release(a, 5);
  ledger.release(b, 7);
  EXPECT_EQ(ledger.site(a).released, 25);
  EXPECT_EQ(ledger.totals().released, 32);
  EXPECT_EQ(ledger.totals().current, 0);
}

TEST(Ledger, ResetPeaksStartsAgainAtTheCurrentValues) {
  Ledger ledger;
  const int32_t a = ledger.add_site("a");
  ledger.charge(a, 100);
  ledger.release(a, 60);
  ledger.reset_peaks();
  EXPECT_EQ(ledger.site(a).peak, 40);
  EXPECT_EQ(ledger.totals().peak, 40);
  EXPECT_EQ(ledger.totals().total, 100);
}

TEST(Ledger, SiteIdsAreDenseAndKeepTheirNames) {
  Ledger ledger;
  for (int i = 0; i < 5000; ++i) {
    EXPECT_EQ(ledger.add_site("site " + std::to_string(i)), i);
  }
  EXPECT_EQ(ledger.sites(), 5000);
  EXPECT_EQ(ledger.name(0), "site 0");
  EXPECT_EQ(ledger.name(4999), "site 4999");
  ledger.charge(4999, 7);
  EXPECT_EQ(ledger.site(4999).current, 7);
  EXPECT_EQ(ledger.site(4998).current, 0);
}

TEST(Ledger, RefusesUnknownSites) {
  Ledger ledger;
  ledger.add_site("a");
  EXPECT_THROW(ledger.charge(1, 1), Error);
  EXPECT_THROW(ledger.release(-1, 1), Error);
  EXPECT_THROW(ledger.site(1), Error);
  EXPECT_EQ(ledger.totals().total, 0);
}

TEST(Ledger, IsExactWhileThreadsChargeAndSitesAreAdded) {
  Ledger ledger;
  constexpr int kThreads = 4;
  constexpr int kRounds = 20000;
  const int32_t shared = ledger.add_site("shared");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      int32_t own = -1;
      for (int i = 0; i < kRounds; ++i) {
        if (i % 10 == 0) {
          own = ledger.add_site("own " + std::to_string(t));
        }
        ledger.charge(shared, 3);
        ledger.charge(own, 5);
        ledger.release(shared, 2);
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  constexpr int64_t kCalls = int64_t{kThreads} * kRounds;
  EXPECT_EQ(ledger.site(shared).current, kCalls);
  EXPECT_EQ(ledger.site(shared).total, 3 * kCalls);
  EXPECT_EQ(ledger.totals().current, 6 * kCalls);
  EXPECT_EQ(ledger.totals().total, 8 * kCalls);
  EXPECT_GE(ledger.totals().peak, ledger.totals().current);
  int64_t sum = 0;
  for (int32_t i = 1; i < ledger.sites(); ++i) {
    sum += ledger.site(i).current;
  }
  EXPECT_EQ(sum, 5 * kCalls);
}

}  // namespace
}  // namespace cinch::memory
