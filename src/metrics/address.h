// Where a server of metrics listens.
#pragma once

#include <cstdint>
#include <string>

namespace cinch::metrics {

struct Address {
  std::string host;  // as a number
  uint16_t port = 0;
  bool ipv6 = false;
};

// "HOST:PORT"; IPv6 in brackets; names are looked up. Throws Error.
Address parse_address(const std::string& text);

// "127.0.0.1:9464", "[::1]:9464".
std::string to_string(const Address& address);

// A socket that listens there, the caller's to close; port 0: any free one. Throws Error, one sentence with the reason.
int listen_on(const Address& address);

// Where a socket listens.
Address address_of(int socket);

}  // namespace cinch::metrics
