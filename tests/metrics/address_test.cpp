#include "src/metrics/address.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "cinch/error.h"

namespace cinch::metrics {
namespace {

std::string refusal(const std::string& text) {
  try {
    return "taken for " + to_string(parse_address(text));
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Address, IsHostAndPort) {
  EXPECT_EQ(to_string(parse_address("127.0.0.1:9464")), "127.0.0.1:9464");
  EXPECT_EQ(to_string(parse_address("0.0.0.0:0")), "0.0.0.0:0");
  EXPECT_EQ(to_string(parse_address("127.0.0.1:65535")), "127.0.0.1:65535");
  EXPECT_EQ(to_string(parse_address("[::1]:9464")), "[::1]:9464");
  EXPECT_TRUE(parse_address("[::1]:9464").ipv6);
}

TEST(Address, NamesAreLookedUp) {
  const std::string found = to_string(parse_address("localhost:9464"));
  EXPECT_TRUE(found == "127.0.0.1:9464" || found == "[::1]:9464") << found;  // IPv4 where the machine has it
}

TEST(Address, OfAnyOtherFormIsRefusedWithTheForm) {
  for (const char* text : {"", "9464", "127.0.0.1", ":9464", "::1:9464", "[::1]", "[]:1", "[127.0.0.1]:1", "a:b:1"})
    EXPECT_NE(refusal(text).find("HOST:PORT is expected"), std::string::npos) << text << ": " << refusal(text);
}

TEST(Address, PortsThatAreNoneAreRefused) {
  for (const char* text : {"127.0.0.1:", "127.0.0.1:http", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:1e3",
                           "127.0.0.1: 80", "127.0.0.1:99999999999999999999"})
    EXPECT_NE(refusal(text).find("number from 0 to 65535"), std::string::npos) << text << ": " << refusal(text);
}

TEST(Address, UnknownHostsAreNamed) {
  const std::string said = refusal("no such host:9464");
  EXPECT_NE(said.find("host 'no such host' is not known"), std::string::npos) << said;
}

TEST(Address, RefusalsAreOneLine) {
  for (const char* text : {"", "127.0.0.1:http", "no such host:1"})
    EXPECT_EQ(refusal(text).find('\n'), std::string::npos) << text;
}

TEST(Address, OfAnotherMachineIsRefused) {
  std::string said;
  try {
    close(listen_on(parse_address("192.0.2.1:9464")));  // kept for documents
  } catch (const Error& error) {
    said = error.what();
  }
  if (said.empty()) GTEST_SKIP() << "this machine listens on addresses that are not its own";
  EXPECT_NE(said.find("no such address"), std::string::npos) << said;
}

TEST(Address, OfASocketHasTheRealPort) {
  const int socket = listen_on(parse_address("127.0.0.1:0"));
  const Address address = address_of(socket);
  EXPECT_EQ(address.host, "127.0.0.1");
  EXPECT_GT(address.port, 0);
  EXPECT_FALSE(address.ipv6);
  EXPECT_THROW(listen_on(address), Error) << "it is taken";
  close(socket);
  close(listen_on(address));
}

}  // namespace
}  // namespace cinch::metrics
