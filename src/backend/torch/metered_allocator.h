/// A c10::Allocator over the CPU allocator that was there: counts bytes, holds the limit, asks a handler to make room.
#pragma once

#include <c10/core/Allocator.h>

#include <cstdint>

#include "src/backend/torch/overrun.h"
#include "src/memory/meter.h"

namespace cinch::backend {

/// The meter of the CPU device. Exists from the first call on, never destroyed.
memory::Meter& cpu_meter();

/// Puts the metered allocator in front of the current CPU allocator. Idempotent, any thread; never undone.
void install_metered_allocator();

/// The handler that is asked, or nullptr; see HandlerSlot::set.
void set_overrun_handler(OverrunHandler* handler);

/// Blocks that were freed and are kept; see DeviceMeter.
int64_t kept_bytes() noexcept;
void release_kept() noexcept;
/// Gives back of them what has no place any more beside what is in use: after the limit was lowered.
void trim_kept() noexcept;

/// True when freeing this pointer gives bytes back to the meter (our deleter), so that dropping the storage helps.
bool is_metered(const c10::DataPtr& data) noexcept;

}  // namespace cinch::backend
