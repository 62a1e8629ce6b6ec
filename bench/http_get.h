// One GET of an HTTP server on this machine, as a scraper makes it. No torch.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "cinch/error.h"

namespace cinch::bench {

struct HttpAnswer {
  int status = 0;
  std::string head, body;
};

// `address` is "127.0.0.1:PORT" or "[::1]:PORT". Throws Error where nobody answers.
inline HttpAnswer http_get(const std::string& address, const std::string& path, const std::string& method = "GET") {
  const auto refuse = [&] { throw Error(method + " " + path + " from " + address + ": " + std::strerror(errno)); };
  const size_t colon = address.rfind(':');
  const auto port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  sockaddr_in v4{};
  v4.sin_family = AF_INET, v4.sin_port = port, v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6, v6.sin6_port = port, v6.sin6_addr = in6addr_loopback;
  const bool ipv6 = address.front() == '[';
  const int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) refuse();
  std::string text;
  const auto* to = ipv6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
  bool ok = connect(fd, to, ipv6 ? sizeof v6 : sizeof v4) == 0;
  const std::string request = method + " " + path + " HTTP/1.0\r\n\r\n";  // the answer ends where the connection does
  ok = ok && send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
  char buffer[65536];
  for (ssize_t n = 1; ok && n != 0;) {
    n = recv(fd, buffer, sizeof buffer, 0);
    if (n > 0) text.append(buffer, static_cast<size_t>(n));
    ok = n >= 0 || errno == EINTR;
  }
  const int error = errno;
  close(fd);
  errno = error;
  if (!ok) refuse();
  HttpAnswer answer;
  const size_t end = text.find("\r\n\r\n");
  answer.head = text.substr(0, end);
  if (end != std::string::npos) answer.body = text.substr(end + 4);
  const size_t space = answer.head.find(' ');
  if (space != std::string::npos) answer.status = std::atoi(answer.head.c_str() + space + 1);
  return answer;
}

}  // namespace cinch::bench
