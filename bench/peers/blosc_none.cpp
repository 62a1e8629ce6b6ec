#include "bench/peers/peer.h"

namespace cinch::bench {

std::unique_ptr<Peer> make_blosc(int64_t) { return nullptr; }

}  // namespace cinch::bench
