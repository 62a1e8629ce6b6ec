#include <torch/version.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>

#include "hooks/catalogue/op_info.h"

// Of LibTorch's C interface (torch/csrc/inductor/aoti_torch/c/shim.h), the one place that tells its version at run
// time.
extern "C" uint64_t aoti_torch_abi_version();

namespace cinch::hooks {
namespace {

using Numbers = std::tuple<int, int, int>;

Numbers numbers_of(const char* version) {
  int major = 0, minor = 0, patch = 0;
  std::sscanf(version, "%d.%d.%d", &major, &minor, &patch);  // what is missing is 0
  return {major, minor, patch};
}

int newest_before(const std::string& version) {
  const auto versions = catalogue_versions();
  int found = 0;  // older than all: as the oldest
  for (size_t i = 0; i < versions.size(); ++i)
    if (numbers_of(versions[i].name) <= numbers_of(version.c_str())) found = static_cast<int>(i);
  return found;
}

}  // namespace

CatalogueTrust catalogue_trust(const std::string& torch_version) {
  // "2.11.0+cu130" is 2.11.0: the suffix names the build, not the source.
  const std::string plain = torch_version.substr(0, torch_version.find('+'));
  // Whoever ran the catalogue with another version or device (cinch-bench needs) may vouch for it.
  const char* const vouched = std::getenv("CINCH_TRUST_TORCH");
  if (vouched != nullptr && !plain.empty() && plain == vouched)
    return {newest_before(plain), {.cpu = true, .cuda = true}};
  const auto versions = catalogue_versions();
  for (size_t i = 0; i < versions.size(); ++i)
    if (plain == versions[i].name) return {static_cast<int>(i), versions[i].devices};
  return {};
}

const CatalogueTrust& running_torch() {
  static const CatalogueTrust trust =
      aoti_torch_abi_version() == TORCH_ABI_VERSION ? catalogue_trust(TORCH_VERSION) : CatalogueTrust{};
  return trust;
}

}  // namespace cinch::hooks
