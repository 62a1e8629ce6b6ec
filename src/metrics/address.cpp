#include "src/metrics/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "cinch/error.h"

namespace cinch::metrics {
namespace {

using Resolved = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// Null with a reason where the host is not known.
Resolved resolve(const std::string& host, const std::string& port, std::string& reason) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
  const int status = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (status != 0) reason = gai_strerror(status);
  return {status == 0 ? found : nullptr, &freeaddrinfo};
}

bool is_port(const std::string& text) {
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && !text.empty() && text.size() <= 5 && std::stoi(text) <= 65535;
}

std::string advice(int error, uint16_t port) {
  switch (error) {
    case EADDRINUSE:
      return "; another program listens there: take another port, or 0 for any free one";
    case EACCES:
      return "; this user may not listen on port " + std::to_string(port) + ": take one from 1024 up";
    case EADDRNOTAVAIL:
      return "; this machine has no such address";
    default:
      return "";
  }
}

}  // namespace

Address parse_address(const std::string& text) {
  const auto refuse = [&text](const std::string& why) {
    throw Error("metrics cannot be served at '" + text + "': " + why);
  };
  const char* form = "HOST:PORT is expected, as in 127.0.0.1:9464 or [::1]:9464";
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) refuse(form);
  std::string host = text.substr(0, colon);
  const std::string port = text.substr(colon + 1);
  const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  // A colon in the host: IPv6, which without brackets cannot be told from its port.
  if (host.empty() || brackets != (host.find(':') != std::string::npos)) refuse(form);
  if (!is_port(port)) refuse("the port is to be a number from 0 to 65535, not '" + port + "'");
  std::string reason;
  const Resolved found = resolve(host, port, reason);
  if (!found) refuse("host '" + host + "' is not known (" + reason + ")");
  // Where a name has both, IPv4: it is what scrapers are told most often.
  const addrinfo* chosen = found.get();
  while (chosen != nullptr && chosen->ai_family != AF_INET) chosen = chosen->ai_next;
  if (chosen == nullptr) chosen = found.get();
  char number[NI_MAXHOST];
  if (getnameinfo(chosen->ai_addr, chosen->ai_addrlen, number, sizeof number, nullptr, 0, NI_NUMERICHOST) != 0)
    refuse("host '" + host + "' has no number");
  return {number, static_cast<uint16_t>(std::stoi(port)), chosen->ai_family == AF_INET6};
}

std::string to_string(const Address& address) {
  const std::string port = std::to_string(address.port);
  return address.ipv6 ? "[" + address.host + "]:" + port : address.host + ":" + port;
}

int listen_on(const Address& address) {
  const auto refuse = [&address](const std::string& why) {
    throw Error("metrics cannot be served at " + to_string(address) + ": " + why);
  };
  std::string reason;
  const Resolved found = resolve(address.host, std::to_string(address.port), reason);
  if (!found) refuse(reason);
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) refuse(std::strerror(errno));
  // Connections of an earlier server that are still closing are in nobody's way.
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
    const int error = errno;
    close(fd);
    refuse(std::strerror(error) + advice(error, address.port));
  }
  return fd;
}

Address address_of(int socket) {
  sockaddr_storage at{};
  socklen_t size = sizeof at;
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size) != 0 ||
      getnameinfo(reinterpret_cast<sockaddr*>(&at), size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  return {host, static_cast<uint16_t>(std::stoi(port)), at.ss_family == AF_INET6};
}

}  // namespace cinch::metrics
