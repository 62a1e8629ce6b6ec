// The server: GNU libmicrohttpd on a socket of ours, so that what is wrong with an address is known by its own error.
// One thread serves all connections and waits for none of them.
#include <microhttpd.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <exception>
#include <sstream>

#include "cinch/error.h"
#include "cinch/metrics.h"
#include "src/metrics/address.h"
#include "src/metrics/collectable.h"

namespace cinch {
namespace {

constexpr unsigned kMostConnections = 32, kPatienceSeconds = 30;

struct Answer {
  unsigned status = MHD_HTTP_OK;
  std::string body;
  const char* type = "text/plain; charset=utf-8";
};

Answer answer_to(const metrics::Collectable& collectable, const std::string& url, const std::string& method) {
  if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD)
    return {MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD are understood\n"};
  if (url != "/metrics") return {MHD_HTTP_NOT_FOUND, "metrics are at /metrics\n"};
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, collectable.Collect());
  return {MHD_HTTP_OK, text.str(), "text/plain; version=0.0.4; charset=utf-8"};
}

MHD_Result send(MHD_Connection* connection, const Answer& answer) {
  // The copy is the library's: it sends when this function is long over.
  MHD_Response* response =
      MHD_create_response_from_buffer(answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.type);
  if (answer.status == MHD_HTTP_METHOD_NOT_ALLOWED)
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  const MHD_Result queued = MHD_queue_response(connection, answer.status, response);
  MHD_destroy_response(response);
  return queued;
}

MHD_Result handle(void* collectable, MHD_Connection* connection, const char* url, const char* method, const char*,
                  const char*, size_t*, void**) {
  try {
    return send(connection, answer_to(*static_cast<const metrics::Collectable*>(collectable), url, method));
  } catch (const std::exception&) {
    return MHD_NO;  // no memory: closed without an answer, and the next scrape may find some
  }
}

}  // namespace

struct MetricsExporter::Impl {
  Impl(const std::string& text, const MetricsOptions& options) : collectable(options) {
    const int socket = metrics::listen_on(metrics::parse_address(text));
    address = metrics::address_of(socket);
    daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, nullptr, nullptr, &handle, &collectable,
                              MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_CONNECTION_LIMIT, kMostConnections,
                              MHD_OPTION_CONNECTION_TIMEOUT, kPatienceSeconds, MHD_OPTION_END);
    if (daemon == nullptr)  // it does not say whether it closed the socket then
      throw Error("metrics cannot be served at " + to_string(address) + ": the HTTP server did not start");
  }
  ~Impl() {
    if (getpid() == owner) MHD_stop_daemon(daemon);  // a forked child has not its thread, for which this would wait
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  metrics::Collectable collectable;
  metrics::Address address;
  MHD_Daemon* daemon = nullptr;
  const pid_t owner = getpid();
};

MetricsExporter::MetricsExporter(const std::string& address, MetricsOptions options)
    : impl_(std::make_unique<Impl>(address, options)) {}

MetricsExporter::MetricsExporter(MetricsExporter&&) noexcept = default;
MetricsExporter& MetricsExporter::operator=(MetricsExporter&&) noexcept = default;
MetricsExporter::~MetricsExporter() = default;

std::string MetricsExporter::address() const { return to_string(impl_->address); }

}  // namespace cinch
