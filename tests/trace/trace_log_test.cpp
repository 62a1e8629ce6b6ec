#include "src/trace/trace_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "cinch/error.h"
#include "tests/support/scratch_folder.h"

namespace cinch::trace {
namespace {

struct TraceLogTest : testing::Test {
  const test::ScratchFolder folder;
  const std::filesystem::path path = folder / "trace.json";
  std::string text() const {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  nlohmann::json events() const { return nlohmann::json::parse(text()); }
};

TEST_F(TraceLogTest, SpansCountersAndMomentsAreChromesEvents) {
  TraceLog log(path);
  const auto begin = Clock::now();
  log.span("pack", begin, begin + std::chrono::microseconds(1500), "model.conv/relu#0:result", {{"raw_bytes", 4096}});
  log.counters("bytes", {{"in_use", 10}, {"payloads", 3}});
  log.moment("plan", "a new one");
  log.close();
  const nlohmann::json found = events();
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0]["ph"], "M");
  EXPECT_EQ(found[1]["ph"], "X");
  EXPECT_EQ(found[1]["name"], "pack");
  EXPECT_DOUBLE_EQ(found[1]["dur"].get<double>(), 1500.0);
  EXPECT_GE(found[1]["ts"].get<double>(), 0.0);
  EXPECT_EQ(found[1]["args"]["site"], "model.conv/relu#0:result");
  EXPECT_EQ(found[1]["args"]["raw_bytes"], 4096);
  EXPECT_EQ(found[2]["ph"], "C");
  EXPECT_EQ(found[2]["args"], (nlohmann::json{{"in_use", 10}, {"payloads", 3}}));
  EXPECT_EQ(found[3]["ph"], "i");
  EXPECT_EQ(found[3]["args"]["message"], "a new one");
}

TEST_F(TraceLogTest, WhatWasFlushedIsThereWhenTheProcessEndsWithoutClosing) {
  TraceLog log(path);
  log.moment("plan", "kept");
  log.flush();
  log.moment("plan", "not yet in the file");
  // Chrome's format lets the closing bracket be missing.
  const nlohmann::json found = nlohmann::json::parse(text() + "]");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1]["args"]["message"], "kept");
}

TEST_F(TraceLogTest, ALoopThatNeverFlushesKeepsLittleInMemory) {
  TraceLog log(path);
  for (int i = 0; i < 20000; ++i) log.moment("plan", "a sentence of some length, again and again, without a step");
  EXPECT_GT(std::filesystem::file_size(path), 1u << 20);
  log.close();
  EXPECT_EQ(events().size(), 20001u);
}

TEST_F(TraceLogTest, NamesOfAnyBytesAreWritten) {
  TraceLog log(path);
  log.moment("plan", "a \"quoted\" name, \x01 and \xff");
  log.close();
  EXPECT_EQ(events()[1]["args"]["message"], "a \"quoted\" name, \x01 and \xef\xbf\xbd");
}

TEST_F(TraceLogTest, NothingIsWrittenAfterTheEnd) {
  TraceLog log(path);
  log.close();
  log.moment("plan", "too late");
  log.flush();
  log.close();
  EXPECT_EQ(events().size(), 1u);
}

TEST_F(TraceLogTest, ThreadsHaveNumbersOfTheirOwn) {
  TraceLog log(path);
  log.moment("plan", "here");
  std::thread([&] {
    for (int i = 0; i < 100; ++i) log.counters("bytes", {{"in_use", i}});
    log.moment("plan", "there");
  }).join();
  log.close();
  const nlohmann::json found = events();
  ASSERT_EQ(found.size(), 103u);
  EXPECT_NE(found[1]["tid"], found[102]["tid"]);
}

TEST(TraceLog, APathThatCannotBeWrittenIsNamed) {
  try {
    TraceLog log("/nowhere/trace.json");
    FAIL() << "a file in a folder that does not exist";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "cannot write the trace /nowhere/trace.json: No such file or directory");
  }
}

// Linux has a device on which every write fails.
TEST(TraceLog, AFullDiskIsAnError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full here";
  EXPECT_THROW(TraceLog("/dev/full"), Error);
}

}  // namespace
}  // namespace cinch::trace
