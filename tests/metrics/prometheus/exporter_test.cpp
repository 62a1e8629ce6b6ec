// The server as a scraper meets it, and addresses that it cannot have.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <thread>

#include "bench/http_get.h"
#include "cinch/error.h"
#include "cinch/metrics.h"
#include "tests/metrics/samples.h"

namespace cinch {
namespace {

using bench::http_get;

std::string refusal(const std::string& address) {
  try {
    const MetricsExporter exporter(address);
    return "listens on " + exporter.address();
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Exporter, AnswersScrapes) {
  const metrics::Source source("cpu", metrics::sample_reading);
  const MetricsExporter exporter("127.0.0.1:0");
  const auto answer = http_get(exporter.address(), "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.head.find("text/plain"), std::string::npos) << answer.head;
  EXPECT_NE(answer.body.find("\ncinch_charged_bytes{device=\"cpu\",rank=\"0\"} 1024\n"), std::string::npos)
      << answer.body;
  EXPECT_NE(answer.head.find("version=0.0.4"), std::string::npos) << answer.head;
  EXPECT_EQ(http_get(exporter.address(), "/other").status, 404);
  EXPECT_EQ(http_get(exporter.address(), "/metrics", "POST").status, 405);
  const auto head = http_get(exporter.address(), "/metrics", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
}

// The thread that serves is not the child's: ending the exporter there must not wait for it, nor end the parent's.
TEST(Exporter, AForkedChildMayEndIt) {
  auto exporter = std::make_unique<MetricsExporter>("127.0.0.1:0");
  const pid_t child = fork();
  if (child == 0) {
    exporter.reset();
    _exit(7);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(http_get(exporter->address(), "/metrics").status, 200);
}

TEST(Exporter, NamesThePortThatItFound) {
  const MetricsExporter first("127.0.0.1:0"), second("localhost:0");
  EXPECT_NE(first.address(), "127.0.0.1:0");
  EXPECT_NE(first.address(), second.address());
  EXPECT_EQ(http_get(second.address(), "/metrics").status, 200);
}

TEST(Exporter, ListensOnIpv6) {
  const std::string address = refusal("[::1]:0");
  if (address.find("listens on") != 0) GTEST_SKIP() << address;
  const MetricsExporter exporter("[::1]:0");
  EXPECT_EQ(exporter.address().rfind("[::1]:", 0), 0u) << exporter.address();
  EXPECT_EQ(http_get(exporter.address(), "/metrics").status, 200);
}

TEST(Exporter, GivesItsPortBackAtTheEnd) {
  std::string address;
  {
    const MetricsExporter exporter("127.0.0.1:0");
    address = exporter.address();
    EXPECT_EQ(http_get(address, "/metrics").status, 200);
  }
  EXPECT_THROW(http_get(address, "/metrics"), Error);
  EXPECT_EQ(refusal(address), "listens on " + address);
}

TEST(Exporter, CanBeMoved) {
  MetricsExporter first("127.0.0.1:0");
  const std::string address = first.address();
  const MetricsExporter second(std::move(first));
  EXPECT_EQ(second.address(), address);
  EXPECT_EQ(http_get(address, "/metrics").status, 200);
}

TEST(Exporter, AnAddressInUseIsRefused) {
  const MetricsExporter exporter("127.0.0.1:0");
  const std::string said = refusal(exporter.address());
  EXPECT_EQ(said.find("metrics cannot be served at " + exporter.address() + ": Address already in use"), 0u) << said;
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  EXPECT_EQ(http_get(exporter.address(), "/metrics").status, 200) << "the first one goes on";
}

TEST(Exporter, MalformedAddressesAreRefused) {
  for (const char* text : {"9464", "127.0.0.1:port", "127.0.0.1:70000", ""})
    EXPECT_EQ(refusal(text).find("metrics cannot be served at '"), 0u) << refusal(text);
}

TEST(Exporter, OptionsOutOfRangeAreRefused) { EXPECT_THROW(MetricsExporter("127.0.0.1:0", {0}), Error); }

// In a process of its own, which gives up its rights first.
TEST(Exporter, APortWithoutPermissionIsRefused) {
  int first_free_port = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first_free_port;
  if (first_free_port <= 80) GTEST_SKIP() << "on this machine any user may listen on port 80";
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    std::string said = "the rights could not be given up";
    if (getuid() != 0 || (setgid(kNobody) == 0 && setuid(kNobody) == 0)) said = refusal("127.0.0.1:80");
    _exit(write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  close(ends[1]);
  char text[1024];
  const ssize_t size = read(ends[0], text, sizeof text);
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  ASSERT_GT(size, 0);
  const std::string said(text, static_cast<size_t>(size));
  EXPECT_EQ(said,
            "metrics cannot be served at 127.0.0.1:80: Permission denied; this user may not listen on port 80: take "
            "one from 1024 up");
}

// A reader that goes away in the midst of an answer is nobody's loss.
TEST(Exporter, OutlivesScrapersThatHangUp) {
  metrics::Reading many;
  for (int i = 0; i < 2000; ++i) many.sites.push_back(metrics::sample_site("layer", i, i));
  const metrics::Source source("cpu", [&many] { return many; });
  const MetricsExporter exporter("127.0.0.1:0");
  const auto port = htons(static_cast<uint16_t>(std::stoi(exporter.address().substr(10))));
  for (int i = 0; i < 20; ++i) {
    sockaddr_in to{};
    to.sin_family = AF_INET, to.sin_port = port, to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const linger at_once{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    ASSERT_GT(send(fd, request.data(), request.size(), MSG_NOSIGNAL), 0);
    close(fd);
  }
  const auto answer = http_get(exporter.address(), "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_GT(answer.body.size(), 500'000u);
}

TEST(Exporter, IsScrapedWhileGuardsComeAndGo) {
  const MetricsExporter exporter("127.0.0.1:0");
  std::atomic<bool> done{false};
  std::atomic<int> scrapes{0}, with_guard{0};
  std::thread scraper([&] {
    while (!done) {
      const auto answer = http_get(exporter.address(), "/metrics");
      scrapes += answer.status == 200 ? 1 : 0;
      with_guard += answer.body.find("cinch_site_charged_bytes") != std::string::npos ? 1 : 0;
    }
  });
  for (int i = 0; i < 200 || with_guard < 5; ++i) {
    const metrics::Source source("cpu", metrics::sample_reading);
    std::this_thread::yield();
  }
  done = true;
  scraper.join();
  EXPECT_GE(scrapes, with_guard);
}

}  // namespace
}  // namespace cinch
