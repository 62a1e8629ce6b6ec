// Byte counts for people: what messages of core use, and what the planner's format_bytes may call.
#pragma once

#include <cstdint>
#include <string>

namespace cinch {

// 1536 -> "1.5 KiB", 1023 -> "1023 B". Powers of 1024, at most one decimal, none when it would be 0.
std::string bytes_text(int64_t bytes);

}  // namespace cinch
