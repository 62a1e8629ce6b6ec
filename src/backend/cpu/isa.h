// Which vector instruction sets this build can dispatch to on this machine. For benches and tests, which force one.
#pragma once

#include <string>
#include <vector>

namespace cinch::backend {

// Names of the usable instruction sets, best first ("AVX3", "AVX2", "SSE4", "SCALAR").
std::vector<std::string> instruction_sets();

// Uses the named one from now on, and older ones where code was not compiled for it; "" lifts it. Sets that are not in
// the list (AVX3_DL) belong to the next older one that is. Throws Error for a name not in instruction_sets().
// Not to be called while codecs run.
void force_instruction_set(const std::string& name);

// The one that codecs use now.
std::string active_instruction_set();

}  // namespace cinch::backend
