// Builds without the plotting library have page_none.cpp in place of the page.
#include <gtest/gtest.h>

#include "cinch/error.h"
#include "src/report/page.h"

namespace cinch::report {
namespace {

TEST(ReportWithoutPage, NamesThePackage) {
  try {
    page();
    FAIL() << "there is a page";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("install the Debian package libjs-chart.js"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace cinch::report
