#include "src/backend/cuda/device_timer.h"

#include "src/backend/cuda/launch.cuh"

namespace cinch::backend {
namespace {

cudaEvent_t to_event(void* event) { return static_cast<cudaEvent_t>(event); }

void* make_event() {
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreate(&event), "an event");
  return event;
}

}  // namespace

DeviceTimer::DeviceTimer() : begin_(make_event()), end_(make_event()) {}

DeviceTimer::~DeviceTimer() {
  (void)cudaEventDestroy(to_event(begin_));
  (void)cudaEventDestroy(to_event(end_));
}

void DeviceTimer::start() { check_cuda(cudaEventRecord(to_event(begin_)), "the start of a timer"); }
void DeviceTimer::stop() { check_cuda(cudaEventRecord(to_event(end_)), "the end of a timer"); }

double DeviceTimer::seconds() const {
  check_cuda(cudaEventSynchronize(to_event(end_)), "timed work");
  float milliseconds = 0;
  check_cuda(cudaEventElapsedTime(&milliseconds, to_event(begin_), to_event(end_)), "the time between two events");
  return static_cast<double>(milliseconds) / 1e3;
}

}  // namespace cinch::backend
