// Without the plotting library there is no page.
#include "cinch/error.h"
#include "src/report/page.h"

namespace cinch::report {

const Page& page() {
  throw Error("this build makes no reports: the plotting library was missing; install the Debian package " +
              std::string("libjs-chart.js and build again"));
}

}  // namespace cinch::report
